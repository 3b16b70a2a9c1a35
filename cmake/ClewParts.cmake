# SPDX-License-Identifier: Apache-2.0
#
# The parts that others have made, as imported targets. All are Debian 12 packages (tools/install lists them).

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(simdjson REQUIRED)
find_package(spdlog REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(fmt REQUIRED)
find_package(ZLIB REQUIRED)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(deflate REQUIRED IMPORTED_TARGET libdeflate)
pkg_check_modules(re2 REQUIRED IMPORTED_TARGET re2)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(grpcpp REQUIRED IMPORTED_TARGET grpc++)

if(CLEW_TESTS)
  find_package(GTest REQUIRED)
endif()
if(CLEW_BENCH)
  find_package(benchmark REQUIRED)
endif()
