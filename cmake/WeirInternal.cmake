# SPDX-License-Identifier: Apache-2.0
#
# The one place for warnings and sanitizers: weir_internal, linked by every target of this project and
# by nothing that is installed.

add_library(weir_internal INTERFACE)

target_compile_options(weir_internal INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wextra-semi
  -Wcast-qual -Wimplicit-fallthrough -Wunused
  # GCC 12 warns of its own std::string concatenation (GCC bug 105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
  $<$<BOOL:${WEIR_WARNINGS_AS_ERRORS}>:-Werror>)

if(WEIR_SANITIZERS)
  list(JOIN WEIR_SANITIZERS "," names)
  set(flags -fsanitize=${names} -fno-omit-frame-pointer)
  if("undefined" IN_LIST WEIR_SANITIZERS)
    if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
      message(FATAL_ERROR
        "WEIR_SANITIZERS=undefined needs clang: g++ cannot leave out the one report that CAF's headers "
        "cause (cmake/ubsan.ignore). Use the preset ubsan.")
    endif()
    # CAF's queues cast their own head to an element and look only at its links. Clang 14 cannot assemble some
    # coroutines with the check of calls through pointers.
    list(APPEND flags -fno-sanitize=vptr,function -fno-sanitize-recover=all
      -fsanitize-ignorelist=${WEIR_CMAKE_DIR}/ubsan.ignore)
  endif()
  target_compile_options(weir_internal INTERFACE ${flags}
    # GCC 12 sees members that are not initialized and copies beyond an object once a sanitizer's calls
    # stand between, where there are none; the builds without sanitizers keep these warnings.
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized -Wno-array-bounds -Wno-stringop-overflow>)
  target_link_options(weir_internal INTERFACE ${flags})
endif()

if(WEIR_FUZZERS)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "WEIR_FUZZERS needs clang, which has libFuzzer. Use the preset fuzz.")
  endif()
  # So that libFuzzer sees which code its inputs reach.
  target_compile_options(weir_internal INTERFACE -fsanitize=fuzzer-no-link)
endif()
