# SPDX-License-Identifier: Apache-2.0
#
# What find_package(weir) and pkg-config read after `cmake --install`. Both are written from the links
# that the folders declare: weir.pc holds what weir::weir needs, and each module outside of that (the
# drivers) has a .pc file of its own.

include(CMakePackageConfigHelpers)

# How a package that a module links is spelled for CMake's config file and for pkg-config: either a .pc
# file that it has (Requires), or flags (Libs).
set(weir_package_CAF::core -lcaf_core -pthread)
set(weir_package_CAF::io -lcaf_io -lcaf_core -pthread)
set(weir_package_Threads::Threads -pthread)
# Headers in the system's include path.
set(weir_package_cereal::cereal -pthread)
set(weir_find_cereal::cereal "find_dependency(cereal 1.3)")
set(weir_package_simdjson::simdjson simdjson)
set(weir_find_simdjson::simdjson "find_dependency(simdjson 3.0)")
set(weir_package_SQLite::SQLite3 sqlite3)
set(weir_package_CSV::CSV -lcsv)
set(weir_package_Hiredis::Hiredis hiredis)

# Appends what the module links, directly or through others, dependents last.
function(_weir_collect module modules_variable packages_variable)
  set(modules ${${modules_variable}})
  set(packages ${${packages_variable}})
  if(module IN_LIST modules)
    return()
  endif()
  get_target_property(type ${module} TYPE)
  get_target_property(links ${module} INTERFACE_LINK_LIBRARIES)
  if(NOT type STREQUAL "INTERFACE_LIBRARY")
    get_target_property(own_links ${module} LINK_LIBRARIES)
    list(APPEND links ${own_links})
  endif()
  foreach(link IN LISTS links)
    if(link MATCHES "^\\$<LINK_ONLY:(.*)>$")
      set(link ${CMAKE_MATCH_1})
    endif()
    if(link MATCHES "^\\$<BUILD_INTERFACE:" OR link MATCHES "-NOTFOUND$")
      continue()
    endif()
    if(link MATCHES "^weir(::|_)(.*)$")
      _weir_collect(weir_${CMAKE_MATCH_2} modules packages)
    elseif(DEFINED weir_package_${link})
      list(APPEND packages ${link})
    else()
      message(FATAL_ERROR "${module} links ${link}: name it in cmake/WeirInstall.cmake")
    endif()
  endforeach()
  list(REMOVE_DUPLICATES packages)
  list(APPEND modules ${module})
  set(${modules_variable} ${modules} PARENT_SCOPE)
  set(${packages_variable} ${packages} PARENT_SCOPE)
endfunction()

# Writes ${name}.pc for the modules (dependents last) and packages.
function(_weir_write_pc name description requires modules packages)
  set(libs)
  foreach(module IN LISTS modules)
    get_target_property(type ${module} TYPE)
    if(NOT type STREQUAL "INTERFACE_LIBRARY")
      list(PREPEND libs -l${module})
    endif()
  endforeach()
  set(package_libs)
  set(package_requires)
  foreach(package IN LISTS packages)
    if(weir_package_${package} MATCHES "^-")
      list(APPEND package_libs ${weir_package_${package}})
    else()
      list(APPEND package_requires ${weir_package_${package}})
    endif()
  endforeach()
  # A static archive says nothing of what it needs, so those who link it must name all of it.
  if(BUILD_SHARED_LIBS)
    list(JOIN package_libs " " WEIR_PC_LIBS_PRIVATE)
    list(JOIN package_requires ", " WEIR_PC_REQUIRES_PRIVATE)
  else()
    list(APPEND libs ${package_libs})
    list(APPEND requires ${package_requires})
  endif()
  list(JOIN libs " " WEIR_PC_LIBS)
  list(JOIN requires ", " WEIR_PC_REQUIRES)
  set(WEIR_PC_NAME ${name})
  set(WEIR_PC_DESCRIPTION ${description})
  configure_file(${WEIR_CMAKE_DIR}/weir.pc.in ${CMAKE_CURRENT_BINARY_DIR}/${name}.pc @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${name}.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT weir_development)
endfunction()

if(TARGET weir_command)
  install(TARGETS weir_command RUNTIME COMPONENT weir_tools)
endif()

# -- pkg-config --

# The prefix follows from where the file lies, so that an installation can be moved.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" OR IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
  set(WEIR_PC_PREFIX ${CMAKE_INSTALL_PREFIX})
  set(WEIR_PC_LIBDIR ${CMAKE_INSTALL_FULL_LIBDIR})
  set(WEIR_PC_INCLUDEDIR ${CMAKE_INSTALL_FULL_INCLUDEDIR})
else()
  file(RELATIVE_PATH up /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
  string(REGEX REPLACE "/$" "" up "${up}")
  set(WEIR_PC_PREFIX "\${pcfiledir}/${up}")
  set(WEIR_PC_LIBDIR "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
  set(WEIR_PC_INCLUDEDIR "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()

set(core_modules)
set(core_packages)
_weir_collect(weir_streams core_modules core_packages)
_weir_write_pc(weir "${PROJECT_DESCRIPTION}" "" "${core_modules}" "${core_packages}")

set(all_packages ${core_packages})
get_property(every_module GLOBAL PROPERTY WEIR_MODULES)
foreach(module IN LISTS every_module)
  if(module IN_LIST core_modules)
    continue()
  endif()
  set(modules ${core_modules})
  set(packages)
  _weir_collect(${module} modules packages)
  list(APPEND all_packages ${packages})
  list(REMOVE_ITEM modules ${core_modules})
  _weir_write_pc(${module} "A part of weir beside its core" weir "${modules}" "${packages}")
endforeach()

# -- CMake's config file --

list(REMOVE_DUPLICATES all_packages)
set(WEIR_FIND_DEPENDENCIES)
foreach(package IN LISTS all_packages)
  if(DEFINED weir_find_${package})
    list(APPEND WEIR_FIND_DEPENDENCIES "${weir_find_${package}}")
  endif()
endforeach()
list(JOIN WEIR_FIND_DEPENDENCIES "\n" WEIR_FIND_DEPENDENCIES)

set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/weir)
configure_package_config_file(${WEIR_CMAKE_DIR}/weir-config.cmake.in
  ${CMAKE_CURRENT_BINARY_DIR}/weir-config.cmake
  INSTALL_DESTINATION ${config_dir}
  NO_SET_AND_CHECK_MACRO
  NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/weir-config-version.cmake
  COMPATIBILITY SameMinorVersion)

install(EXPORT weir-targets NAMESPACE weir:: DESTINATION ${config_dir} COMPONENT weir_development)
install(FILES
  ${CMAKE_CURRENT_BINARY_DIR}/weir-config.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/weir-config-version.cmake
  ${WEIR_CMAKE_DIR}/FindCAF.cmake
  ${WEIR_CMAKE_DIR}/FindCSV.cmake
  ${WEIR_CMAKE_DIR}/FindHiredis.cmake
  DESTINATION ${config_dir} COMPONENT weir_development)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT weir_development)
