# SPDX-License-Identifier: Apache-2.0
#
# "weir/version.hpp", made from the project's version; every module links it.

configure_file(${WEIR_CMAKE_DIR}/version.hpp.in
  ${CMAKE_CURRENT_BINARY_DIR}/include/weir/version.hpp @ONLY)

add_library(weir_version INTERFACE)
add_library(weir::version ALIAS weir_version)
target_sources(weir_version INTERFACE
  FILE_SET HEADERS
  BASE_DIRS ${CMAKE_CURRENT_BINARY_DIR}/include
  FILES ${CMAKE_CURRENT_BINARY_DIR}/include/weir/version.hpp)
set_target_properties(weir_version PROPERTIES
  EXPORT_NAME version
  VERIFY_INTERFACE_HEADER_SETS ${PROJECT_IS_TOP_LEVEL})
_weir_install_module(weir_version)
