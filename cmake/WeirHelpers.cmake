# SPDX-License-Identifier: Apache-2.0
#
# The helpers every folder's CMakeLists.txt uses. One call names a target's files and what it may use,
# so a wrong arrow between folders does not compile.
#
#   weir_add_module(operators                  # target weir_operators, used as weir::operators
#     [INTERFACE]                              # headers only, no SOURCES, no PRIVATE
#     HEADERS weir/retry.hpp weir/deadlines.hpp    # public: installed, and each must compile alone
#     SOURCES src/retry.cpp src/deadlines.cpp      # private headers in src/ need not be listed
#     PUBLIC  weir::messages                   # what the public headers need
#     PRIVATE simdjson::simdjson)              # what only the sources need
#   The calling folder is the include root: weir/retry.hpp is included as "weir/retry.hpp". A folder may
#   call it more than once (messages has weir::messages and weir::protocol). Targets of packages that
#   Weir finds: CAF::core, Threads::Threads, simdjson::simdjson, SQLite::SQLite3, CSV::CSV, Hiredis::Hiredis,
#   cereal::cereal, tomlplusplus::tomlplusplus, CLI11::CLI11, nlohmann_json::nlohmann_json (tools and tests).
#   "weir/version.hpp" is there for every module without asking.
#
#   weir_add_tests(operators                   # executable weir_operators_tests, CTest name operators
#     SOURCES retry_test.cpp deadlines_test.cpp
#     LIBRARIES weir::operators                # Boost.Test is linked without asking
#     LABEL machine                            # one or more of machine actor threads fault whole
#     [PRECOMPILE <caf/actor_system.hpp>]      # beside <boost/test/unit_test.hpp>
#     [SOURCE_DIR_IN flights_test.cpp]         # sources that are told WEIR_SOURCE_DIR
#     [TIMEOUT 300])                           # seconds, 300 when not given
#   Boost.Test's main comes from here: test files only include <boost/test/unit_test.hpp> and define
#   neither BOOST_TEST_MODULE nor BOOST_TEST_DYN_LINK. Tests start in their own source folder;
#   WEIR_SOURCE_DIR (a string literal: the project's top folder) is defined for few sources, since
#   ccache must compile those again in each copy of the tree. The target weir_tests builds all of them.
#
#   weir_add_refused_test(streams refused.cpp  # CTest name streams_refused: see tests/support/refused_test.sh
#     LIBRARIES weir::streams LABEL machine)
#
#   weir_add_program(weir_command              # an executable with the project's warnings and sanitizers
#     [OUTPUT_NAME weir] SOURCES main.cpp LIBRARIES weir::streams)
#
#   weir_add_example(01_ordered_lookup         # executable 01_ordered_lookup, CTest name example_01_...
#     SOURCES main.cpp
#     LIBRARIES weir::weir
#     EXPECTED expected.txt                    # what it prints to standard output, compared byte by byte
#     [ARGS --some value])

include_guard(GLOBAL)

function(weir_add_module name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "INTERFACE" "" "HEADERS;SOURCES;PUBLIC;PRIVATE")
  _weir_refuse_unknown(weir_add_module)
  set(target weir_${name})

  if(arg_INTERFACE)
    if(arg_SOURCES OR arg_PRIVATE)
      message(FATAL_ERROR "weir_add_module(${name} INTERFACE): SOURCES and PRIVATE need a library")
    endif()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  else()
    add_library(${target} ${arg_SOURCES})
    set(scope PUBLIC)
    target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:weir_internal> ${arg_PRIVATE})
    set_target_properties(${target} PROPERTIES
      CXX_EXTENSIONS OFF
      POSITION_INDEPENDENT_CODE ON
      VERSION ${PROJECT_VERSION}
      SOVERSION ${PROJECT_VERSION_MAJOR})
    # Hidden symbols let the compiler inline although the code is position independent. A shared
    # library needs its symbols seen.
    if(NOT BUILD_SHARED_LIBS)
      set_target_properties(${target} PROPERTIES
        CXX_VISIBILITY_PRESET hidden
        VISIBILITY_INLINES_HIDDEN ON)
    endif()
  endif()
  add_library(weir::${name} ALIAS ${target})

  target_sources(${target} ${scope}
    FILE_SET HEADERS BASE_DIRS ${CMAKE_CURRENT_SOURCE_DIR} FILES ${arg_HEADERS})
  target_compile_features(${target} ${scope} cxx_std_20)
  target_link_libraries(${target} ${scope} weir_version ${arg_PUBLIC})
  set_target_properties(${target} PROPERTIES
    EXPORT_NAME ${name}
    VERIFY_INTERFACE_HEADER_SETS ${PROJECT_IS_TOP_LEVEL})
  _weir_install_module(${target})
endfunction()

function(weir_add_tests folder)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT"
    "SOURCES;LIBRARIES;LABEL;PRECOMPILE;SOURCE_DIR_IN")
  _weir_refuse_unknown(weir_add_tests)
  if(NOT arg_LABEL)
    message(FATAL_ERROR "weir_add_tests(${folder}): LABEL is missing")
  endif()
  if(NOT DEFINED arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  _weir_wanted_label(wanted ${arg_LABEL})
  if(NOT wanted)
    return()
  endif()

  set(target weir_${folder}_tests)
  set(WEIR_TEST_MODULE ${folder})
  set(main ${CMAKE_CURRENT_BINARY_DIR}/${target}_main.cpp)
  configure_file(${WEIR_CMAKE_DIR}/test_main.cpp.in ${main} @ONLY)

  add_executable(${target} ${arg_SOURCES} ${main})
  target_link_libraries(${target} PRIVATE
    weir_internal ${arg_LIBRARIES} Boost::unit_test_framework)
  target_compile_definitions(${target} PRIVATE
    BOOST_TEST_DYN_LINK
    $<$<BOOL:${WEIR_SANITIZERS}>:WEIR_SANITIZED>)
  foreach(source IN LISTS arg_SOURCE_DIR_IN)
    set_property(SOURCE ${source}
      APPEND PROPERTY COMPILE_DEFINITIONS WEIR_SOURCE_DIR="${WEIR_SOURCE_DIR}")
  endforeach()
  target_precompile_headers(${target} PRIVATE <boost/test/unit_test.hpp> ${arg_PRECOMPILE})
  # The module's name must be defined before Boost.Test is read.
  set_source_files_properties(${main} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
  # Without these, ccache cannot tell whether a precompiled header is the same as before.
  target_compile_options(${target} PRIVATE
    $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>
    $<$<CXX_COMPILER_ID:Clang>:-Xclang -fno-pch-timestamp>)

  if(NOT TARGET weir_tests)
    add_custom_target(weir_tests)
  endif()
  add_dependencies(weir_tests ${target})
  add_test(NAME ${folder}
    COMMAND ${target} --log_level=test_suite --report_level=short --catch_system_errors=no
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
  set_tests_properties(${folder} PROPERTIES LABELS "${arg_LABEL}" TIMEOUT ${arg_TIMEOUT})
endfunction()

function(weir_add_refused_test folder source)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "LABEL" "LIBRARIES")
  _weir_refuse_unknown(weir_add_refused_test)
  _weir_wanted_label(wanted ${arg_LABEL})
  if(NOT wanted)
    return()
  endif()
  set(target weir_${folder}_refused)
  add_library(${target} OBJECT EXCLUDE_FROM_ALL ${source})
  target_link_libraries(${target} PRIVATE ${arg_LIBRARIES})
  # g++ has no limit.
  set(all_errors)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    set(all_errors -ferror-limit=0)
  endif()
  set(include_dirs "$<TARGET_PROPERTY:${target},INCLUDE_DIRECTORIES>")
  add_test(NAME ${folder}_refused
    COMMAND ${WEIR_SOURCE_DIR}/tests/support/refused_test.sh ${source}
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
  set_tests_properties(${folder}_refused PROPERTIES
    LABELS "${arg_LABEL}"
    TIMEOUT 120
    ENVIRONMENT
      "CXX=${CMAKE_CXX_COMPILER};ALL_ERRORS=${all_errors};INCLUDES=-I$<JOIN:${include_dirs}, -I>")
endfunction()

function(weir_add_program target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "OUTPUT_NAME" "SOURCES;LIBRARIES")
  _weir_refuse_unknown(weir_add_program)
  add_executable(${target} ${arg_SOURCES})
  target_link_libraries(${target} PRIVATE weir_internal ${arg_LIBRARIES})
  if(arg_OUTPUT_NAME)
    set_target_properties(${target} PROPERTIES OUTPUT_NAME ${arg_OUTPUT_NAME})
  endif()
endfunction()

function(weir_add_example name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "EXPECTED" "SOURCES;LIBRARIES;ARGS")
  _weir_refuse_unknown(weir_add_example)
  weir_add_program(${name} SOURCES ${arg_SOURCES} LIBRARIES ${arg_LIBRARIES})
  if(NOT WEIR_BUILD_TESTS)
    return()
  endif()
  add_test(NAME example_${name}
    COMMAND ${CMAKE_COMMAND}
      -D "EXPECTED=${CMAKE_CURRENT_SOURCE_DIR}/${arg_EXPECTED}"
      -P ${WEIR_CMAKE_DIR}/compare_output.cmake
      -- $<TARGET_FILE:${name}> ${arg_ARGS}
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
  set_tests_properties(example_${name} PROPERTIES LABELS whole TIMEOUT 60)
endfunction()

# -- parts of the above --

macro(_weir_refuse_unknown function)
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "${function}(${ARGV0}): unknown arguments: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(arg_KEYWORDS_MISSING_VALUES)
    message(FATAL_ERROR "${function}(${ARGV0}): nothing follows ${arg_KEYWORDS_MISSING_VALUES}")
  endif()
endmacro()

# WEIR_TEST_LABELS, when not empty, narrows what is built to tests that bear one of its labels.
function(_weir_wanted_label result)
  if(NOT WEIR_TEST_LABELS)
    set(${result} TRUE PARENT_SCOPE)
    return()
  endif()
  set(${result} FALSE PARENT_SCOPE)
  foreach(label IN LISTS ARGN)
    if(label IN_LIST WEIR_TEST_LABELS)
      set(${result} TRUE PARENT_SCOPE)
    endif()
  endforeach()
endfunction()

function(_weir_install_module target)
  set_property(GLOBAL APPEND PROPERTY WEIR_MODULES ${target})
  if(NOT WEIR_INSTALL)
    return()
  endif()
  install(TARGETS ${target} EXPORT weir-targets
    ARCHIVE COMPONENT weir_development
    LIBRARY COMPONENT weir_runtime NAMELINK_COMPONENT weir_development
    FILE_SET HEADERS COMPONENT weir_development)
endfunction()
