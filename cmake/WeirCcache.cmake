# SPDX-License-Identifier: Apache-2.0
#
# Compiles through ccache where it is installed. Precompiled headers need the sloppiness named here;
# without the folders in the key, copies of the tree on this machine share what was compiled.

find_program(WEIR_CCACHE ccache DOC "ccache, used when found")
mark_as_advanced(WEIR_CCACHE)
if(WEIR_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
    CCACHE_NOHASHDIR=1
    CCACHE_BASEDIR=${CMAKE_CURRENT_SOURCE_DIR}
    ${WEIR_CCACHE})
endif()
