# SPDX-License-Identifier: Apache-2.0
#
# cmake -D EXPECTED=FILE -P compare_output.cmake -- PROGRAM ARGS...
# Runs the program; fails unless it exits with 0 and prints exactly what FILE holds.

set(command)
set(after_dashes FALSE)
math(EXPR last "${CMAKE_ARGC} - 1")
foreach(i RANGE ${last})
  if(after_dashes)
    list(APPEND command "${CMAKE_ARGV${i}}")
  elseif("${CMAKE_ARGV${i}}" STREQUAL "--")
    set(after_dashes TRUE)
  endif()
endforeach()

execute_process(COMMAND ${command} OUTPUT_VARIABLE printed ERROR_VARIABLE said RESULT_VARIABLE code)
if(NOT code EQUAL 0)
  message(FATAL_ERROR "${command} ended with ${code}\n${printed}\n${said}")
endif()

file(READ "${EXPECTED}" expected)
if(NOT printed STREQUAL expected)
  message(FATAL_ERROR
    "${command} does not print what ${EXPECTED} holds\n"
    "--- expected\n${expected}\n--- printed\n${printed}\n--- standard error\n${said}")
endif()
