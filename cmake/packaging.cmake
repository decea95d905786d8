# What is installed where, and the Debian package (deploy/debian/build.sh makes it).
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)  # the package holds one binary: tests need not be built
install(TARGETS latchkey DESTINATION bin)
install(FILES deploy/systemd/latchkey@.service DESTINATION lib/systemd/system)
install(FILES deploy/systemd/sysusers.conf DESTINATION lib/sysusers.d RENAME latchkey.conf)
install(FILES deploy/systemd/latchkey.env DESTINATION /etc/latchkey)
install(FILES README.md DESTINATION share/doc/latchkey)
install(FILES LICENSE DESTINATION share/doc/latchkey RENAME copyright)
file(GLOB LATCHKEY_GUIDES CONFIGURE_DEPENDS docs/*.md)
install(FILES ${LATCHKEY_GUIDES} DESTINATION share/doc/latchkey)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME latchkey)
set(CPACK_PACKAGE_CONTACT "The latchkey authors <latchkey@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "short-lived two-factor codes for apps on Azure")
set(CPACK_PACKAGE_DESCRIPTION "Issues and checks two-factor codes over Azure's Key Vault and
Queue Storage with a managed identity, and brings along a local cloud
that speaks the same protocols. The services latchkey@serve and
latchkey@watch start when they are enabled.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# The authorities by which Azure's certificates are checked; the user that the services run as.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "ca-certificates")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "systemd")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${CMAKE_SOURCE_DIR}/deploy/debian/conffiles
  ${CMAKE_SOURCE_DIR}/deploy/debian/postinst
  ${CMAKE_SOURCE_DIR}/deploy/debian/prerm
  ${CMAKE_SOURCE_DIR}/deploy/debian/postrm)
include(CPack)
