# SPDX-License-Identifier: Apache-2.0
#
# What is installed, and the Debian package of it: `cpack -G DEB` in the release's build folder makes clew_*.deb. The
# package's scripts and settings are in deploy/debian, its unit in deploy/systemd.
install(TARGETS clew RUNTIME DESTINATION bin)
install(FILES deploy/systemd/clew.service DESTINATION lib/systemd/system)
install(FILES deploy/debian/clew.yaml DESTINATION /etc/clew)
install(FILES docs/reference/configuration.md deploy/prometheus/clew-alerts.yaml deploy/grafana/clew-dashboard.json
  DESTINATION share/doc/clew)
install(FILES deploy/debian/copyright DESTINATION share/doc/clew)
install(FILES docs/reference/clew.1 DESTINATION share/man/man1)
# A shell's completion is what the installed program prints.
foreach(shell IN ITEMS bash zsh fish)
  set(bash_file share/bash-completion/completions/clew)
  set(zsh_file share/zsh/vendor-completions/_clew)
  set(fish_file share/fish/vendor_completions.d/clew.fish)
  get_filename_component(folder ${${shell}_file} DIRECTORY)
  install(CODE "
    file(MAKE_DIRECTORY \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${folder}\")
    execute_process(COMMAND $<TARGET_FILE:clew> completion ${shell} COMMAND_ERROR_IS_FATAL ANY
      OUTPUT_FILE \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${${shell}_file}\")")
endforeach()

set(CPACK_PACKAGE_NAME clew)
set(CPACK_PACKAGE_VENDOR Clew)
set(CPACK_PACKAGE_CONTACT "The Clew authors <clew@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "distributed tracing: receives, keeps, finds and shows spans")
set(CPACK_PACKAGE_DESCRIPTION "Clew receives spans from OpenTelemetry SDKs and collectors, keeps them on disk, finds them
again with TraceQL, and shows them. One program, nothing to set up.")
set(CPACK_PACKAGE_INSTALL_DIRECTORY clew)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_GENERATOR DEB)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS passwd)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${CMAKE_SOURCE_DIR}/deploy/debian/postinst ${CMAKE_SOURCE_DIR}/deploy/debian/prerm
  ${CMAKE_SOURCE_DIR}/deploy/debian/postrm ${CMAKE_SOURCE_DIR}/deploy/debian/conffiles)
include(CPack)
