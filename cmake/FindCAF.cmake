# SPDX-License-Identifier: Apache-2.0
#
# Finds the actor framework CAF 0.17, for which neither Debian nor CAF itself ships a CMake config.
#
#   find_package(CAF 0.17 REQUIRED COMPONENTS core [io])
#
# gives the targets CAF::core and CAF::io and the variables CAF_FOUND, CAF_VERSION, CAF_INCLUDE_DIR.
# Any version but 0.17.x is refused: message types, error categories and actor interfaces are written
# differently in each minor version of CAF, so a mix would not compile, or not link.

include(FindPackageHandleStandardArgs)

find_path(CAF_INCLUDE_DIR caf/config.hpp DOC "The folder that holds caf/config.hpp")
find_library(CAF_core_LIBRARY caf_core DOC "The library caf_core")
find_library(CAF_io_LIBRARY caf_io DOC "The library caf_io")
mark_as_advanced(CAF_INCLUDE_DIR CAF_core_LIBRARY CAF_io_LIBRARY)

# Another part of the program may have brought CAF already; then its headers are the ones that count.
set(_caf_include_dir "${CAF_INCLUDE_DIR}")
if(TARGET CAF::core)
  get_target_property(_caf_dirs CAF::core INTERFACE_INCLUDE_DIRECTORIES)
  foreach(_caf_dir IN LISTS _caf_dirs)
    if(EXISTS "${_caf_dir}/caf/config.hpp")
      set(_caf_include_dir "${_caf_dir}")
      break()
    endif()
  endforeach()
endif()

set(CAF_VERSION)
if(_caf_include_dir)
  file(STRINGS "${_caf_include_dir}/caf/config.hpp" _caf_line
    REGEX "^#define CAF_VERSION[ \t]+[0-9]+" LIMIT_COUNT 1)
  if(_caf_line MATCHES "([0-9]+)$")
    math(EXPR _caf_major "${CMAKE_MATCH_1} / 10000")
    math(EXPR _caf_minor "${CMAKE_MATCH_1} / 100 % 100")
    math(EXPR _caf_patch "${CMAKE_MATCH_1} % 100")
    set(CAF_VERSION "${_caf_major}.${_caf_minor}.${_caf_patch}")
  endif()
endif()

set(_caf_advice)
set(_caf_right_version FALSE)
if(CAF_VERSION MATCHES "^0\\.17\\.")
  set(_caf_right_version TRUE)
elseif(_caf_include_dir)
  if(NOT CAF_VERSION)
    set(CAF_VERSION unknown)
  endif()
  set(_caf_advice "weir needs CAF 0.17, but ${_caf_include_dir}/caf/config.hpp is version \
${CAF_VERSION}. Point CAF_INCLUDE_DIR, CAF_core_LIBRARY and CAF_io_LIBRARY to an installation of CAF \
0.17 (Debian 12: package libcaf-dev). One program cannot link two versions of CAF.")
else()
  set(_caf_advice "weir needs CAF 0.17 (Debian 12: apt-get install libcaf-dev).")
endif()

foreach(_caf_component IN ITEMS core io)
  if(CAF_${_caf_component}_LIBRARY)
    set(CAF_${_caf_component}_FOUND TRUE)
  endif()
endforeach()

find_package_handle_standard_args(CAF
  REQUIRED_VARS CAF_core_LIBRARY _caf_include_dir _caf_right_version
  VERSION_VAR CAF_VERSION
  HANDLE_COMPONENTS
  REASON_FAILURE_MESSAGE "${_caf_advice}")

if(CAF_FOUND)
  find_package(Threads QUIET REQUIRED)
  if(NOT TARGET CAF::core)
    add_library(CAF::core UNKNOWN IMPORTED)
    set_target_properties(CAF::core PROPERTIES
      IMPORTED_LOCATION "${CAF_core_LIBRARY}"
      INTERFACE_INCLUDE_DIRECTORIES "${CAF_INCLUDE_DIR}"
      INTERFACE_LINK_LIBRARIES Threads::Threads)
  endif()
  if(CAF_io_LIBRARY AND NOT TARGET CAF::io)
    add_library(CAF::io UNKNOWN IMPORTED)
    set_target_properties(CAF::io PROPERTIES
      IMPORTED_LOCATION "${CAF_io_LIBRARY}"
      INTERFACE_LINK_LIBRARIES CAF::core)
  endif()
endif()

unset(_caf_include_dir)
unset(_caf_dirs)
unset(_caf_dir)
unset(_caf_line)
unset(_caf_major)
unset(_caf_minor)
unset(_caf_patch)
unset(_caf_advice)
unset(_caf_right_version)
unset(_caf_component)
