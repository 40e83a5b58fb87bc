# SPDX-License-Identifier: Apache-2.0
#
# Finds libcsv 3, which reads comma-separated values and ships no CMake config.
#
#   find_package(CSV REQUIRED)
#
# gives the target CSV::CSV.

include(FindPackageHandleStandardArgs)

find_path(CSV_INCLUDE_DIR csv.h DOC "The folder that holds csv.h")
find_library(CSV_LIBRARY csv DOC "The library csv")
mark_as_advanced(CSV_INCLUDE_DIR CSV_LIBRARY)
find_package_handle_standard_args(CSV
  REQUIRED_VARS CSV_LIBRARY CSV_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "weir reads tables with libcsv (Debian 12: apt-get install libcsv-dev).")
if(CSV_FOUND AND NOT TARGET CSV::CSV)
  add_library(CSV::CSV UNKNOWN IMPORTED)
  set_target_properties(CSV::CSV PROPERTIES
    IMPORTED_LOCATION "${CSV_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${CSV_INCLUDE_DIR}")
endif()
