# SPDX-License-Identifier: Apache-2.0
#
# Finds hiredis, whose own CMake config, where there is one, gives no target.
#
#   find_package(Hiredis REQUIRED)
#
# gives the target Hiredis::Hiredis.

include(FindPackageHandleStandardArgs)

find_path(Hiredis_INCLUDE_DIR hiredis/hiredis.h DOC "The folder that holds hiredis/hiredis.h")
find_library(Hiredis_LIBRARY hiredis DOC "The library hiredis")
mark_as_advanced(Hiredis_INCLUDE_DIR Hiredis_LIBRARY)
find_package_handle_standard_args(Hiredis
  REQUIRED_VARS Hiredis_LIBRARY Hiredis_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "weir asks Redis with hiredis (Debian 12: apt-get install libhiredis-dev).")
if(Hiredis_FOUND AND NOT TARGET Hiredis::Hiredis)
  add_library(Hiredis::Hiredis UNKNOWN IMPORTED)
  set_target_properties(Hiredis::Hiredis PROPERTIES
    IMPORTED_LOCATION "${Hiredis_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${Hiredis_INCLUDE_DIR}")
endif()
