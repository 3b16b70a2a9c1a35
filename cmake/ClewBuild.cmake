# SPDX-License-Identifier: Apache-2.0
#
# How every target of Clew is built: language, warnings, sanitizers, and clew_library(), the one way to declare a module.

option(CLEW_TESTS "Build the tests" ON)
option(CLEW_FUZZ "Build the fuzzers (clang)" OFF)
option(CLEW_BENCH "Build the benchmarks" OFF)
set(CLEW_SANITIZE "" CACHE STRING "Sanitizers for everything, as for -fsanitize=")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

add_library(clew_warnings INTERFACE)
target_compile_options(clew_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Werror -Wshadow -Wnon-virtual-dtor -Wcast-qual -Wunused-result
  -Wno-gnu-statement-expression-from-macro-expansion)

# x86-64-v2 (2009 and later: SSE4.2, popcnt) is what the release runs on; crc32c uses its instruction.
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  add_compile_options(-march=x86-64-v2)
endif()
add_compile_options(-fno-omit-frame-pointer)
if(CLEW_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(CLEW_SANITIZE)
  add_compile_options(-fsanitize=${CLEW_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${CLEW_SANITIZE})
endif()

find_program(CLEW_MOLD mold)
if(CLEW_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# The floor of each module: a module may depend only on strictly lower floors.
set(clew_floors
  base:0 codec:1 platform:1 model:2 net:2 query:2 decode:3 journal:3 block:3 object:3 rollup:3 eval:3 render:4 store:5 scan:7 demo:9 file:9 transfer:9 receive:9 serve:9 app:10)

function(clew_floor module result)
  foreach(entry IN LISTS clew_floors)
    if(entry MATCHES "^${module}:([0-9]+)$")
      set(${result} ${CMAKE_MATCH_1} PARENT_SCOPE)
      return()
    endif()
  endforeach()
  message(FATAL_ERROR "module ${module} has no floor in cmake/ClewBuild.cmake")
endfunction()

# clew_library(<module>
#   SOURCES  <.cc files>
#   TESTS    <_test.cc files>        one executable clew_<module>_test
#   DEPS     <modules on lower floors>
#   PARTS    <third-party targets of ClewParts>      private: their headers stay out of ours
#   TESTING  <.cc files in testing/> a library clew::<module>_testing for the tests of this floor and those above
#   TEST_DEPS / TEST_PARTS           for the tests and the testing library alone
# )
function(clew_library module)
  cmake_parse_arguments(arg "" "" "SOURCES;TESTS;TESTING;DEPS;PARTS;TEST_DEPS;TEST_PARTS" ${ARGN})
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "clew_library(${module}): what is ${arg_UNPARSED_ARGUMENTS}?")
  endif()
  clew_floor(${module} floor)
  foreach(dep IN LISTS arg_DEPS)
    clew_floor(${dep} dep_floor)
    if(NOT dep_floor LESS floor)
      message(FATAL_ERROR "${module} (floor ${floor}) may not depend on ${dep} (floor ${dep_floor})")
    endif()
  endforeach()

  add_library(clew_${module} STATIC ${arg_SOURCES})
  add_library(clew::${module} ALIAS clew_${module})
  target_include_directories(clew_${module} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  list(TRANSFORM arg_DEPS PREPEND clew::)
  target_link_libraries(clew_${module} PUBLIC ${arg_DEPS} PRIVATE clew_warnings ${arg_PARTS})
  set_property(GLOBAL APPEND PROPERTY clew_modules ${module})

  list(TRANSFORM arg_TEST_DEPS PREPEND clew::)
  if(arg_TESTING)
    add_library(clew_${module}_testing STATIC EXCLUDE_FROM_ALL ${arg_TESTING})
    add_library(clew::${module}_testing ALIAS clew_${module}_testing)
    target_link_libraries(clew_${module}_testing PUBLIC clew_${module} PRIVATE clew_warnings ${arg_TEST_PARTS})
    list(APPEND arg_TEST_DEPS clew::${module}_testing)
  endif()
  if(CLEW_TESTS AND arg_TESTS)
    add_executable(clew_${module}_test ${arg_TESTS})
    target_link_libraries(clew_${module}_test PRIVATE clew_${module} ${arg_TEST_DEPS} ${arg_TEST_PARTS}
      clew_warnings GTest::gtest GTest::gmock GTest::gtest_main)
    add_test(NAME ${module} COMMAND clew_${module}_test)
  endif()
endfunction()
