# mews_library(NAME SOURCES... LIBS...): define a static library of ours.
function(mews_library name)
  cmake_parse_arguments(A "" "" "SOURCES;LIBS" ${ARGN})
  add_library(${name} STATIC ${A_SOURCES})
  target_link_libraries(${name} PRIVATE own_flags PUBLIC base_flags ${A_LIBS})
  mews_links(${name})
endfunction()

# Link a test without link-time optimization, which takes longer than its compilation.
function(mews_unoptimized_link name)
  set_target_properties(${name} PROPERTIES INTERPROCEDURAL_OPTIMIZATION OFF)
  if(CMAKE_C_COMPILER_ID STREQUAL GNU)
    target_link_options(${name} PRIVATE -fno-lto)
  endif()
endfunction()

# mews_testkit(NAME SOURCES... LIBS...): what several tests share, beside the code that they test.
function(mews_testkit name)
  cmake_parse_arguments(A "" "" "SOURCES;LIBS" ${ARGN})
  add_library(${name} STATIC EXCLUDE_FROM_ALL ${A_SOURCES})
  target_link_libraries(${name} PRIVATE own_flags PUBLIC base_flags ${A_LIBS} PkgConfig::CMOCKA)
endfunction()

# Target 'links' (test lint.links): each library whole, in a program of its own with no more than what it
# declares.
add_custom_target(links)
function(mews_links name)
  add_executable(links_${name} EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/tests/lint/links.c)
  mews_unoptimized_link(links_${name})
  target_link_libraries(links_${name} PRIVATE own_flags $<LINK_LIBRARY:WHOLE_ARCHIVE,${name}>)
  add_dependencies(links links_${name})
endfunction()

# mews_program(NAME SOURCES... LIBS... [DAEMON]): define an installed program, a daemon's in sbin.
function(mews_program name)
  cmake_parse_arguments(A "DAEMON" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${A_SOURCES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  target_link_libraries(${name} PRIVATE own_flags ${A_LIBS})
  install(TARGETS ${name} RUNTIME DESTINATION $<IF:$<BOOL:${A_DAEMON}>,sbin,bin>)
endfunction()

set(UNIT_TIMEOUT 120)
if(MEWS_SANITIZE OR MEWS_COVERAGE)
  set(UNIT_TIMEOUT 400)
endif()

# mews_wrap(TARGET FUNCTION...): calls of FUNCTION reach __wrap_FUNCTION, which TARGET defines. It is
# linked first (-u): with LTO it is otherwise dropped, if only Mews's own code calls it.
function(mews_wrap target)
  foreach(f ${ARGN})
    target_link_options(${target} PRIVATE -Wl,--wrap=${f},-u,__wrap_${f})
  endforeach()
endfunction()

# mews_test(NAME SOURCES... LIBS... [ARGS...]): define a cmocka unit test, ctest name unit.NAME.
# Allocation failures can be injected (tests/support/fault.h).
function(mews_test name)
  cmake_parse_arguments(A "" "" "SOURCES;LIBS;ARGS" ${ARGN})
  add_executable(test_${name} EXCLUDE_FROM_ALL ${A_SOURCES})
  set_target_properties(test_${name} PROPERTIES EXCLUDE_FROM_ALL FALSE)
  mews_unoptimized_link(test_${name})
  target_link_libraries(test_${name} PRIVATE own_flags ${A_LIBS} test_support PkgConfig::CMOCKA)
  mews_wrap(test_${name} malloc calloc realloc)
  add_test(NAME unit.${name} COMMAND test_${name} ${A_ARGS} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(unit.${name} PROPERTIES LABELS unit TIMEOUT ${UNIT_TIMEOUT})
endfunction()

# fuzz_target(NAME SOURCES... LIBS...): run tests/fuzz/fuzz_NAME.c on the corpus
# tests/fuzz/corpus/NAME: a fuzzer with the fuzz preset, otherwise a replay of the corpus, ctest
# name fuzz.NAME.
add_custom_target(fuzzers)
function(fuzz_target name)
  cmake_parse_arguments(A "" "" "SOURCES;LIBS" ${ARGN})
  if(MEWS_FUZZ)
    add_executable(fuzz_${name} ${A_SOURCES})
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    add_dependencies(fuzzers fuzz_${name})
  else()
    add_executable(fuzz_${name} ${A_SOURCES} ${CMAKE_SOURCE_DIR}/tests/fuzz/replay_main.c)
  endif()
  target_link_libraries(fuzz_${name} PRIVATE own_flags ${A_LIBS})
  mews_unoptimized_link(fuzz_${name})
  if(NOT MEWS_FUZZ)
    add_test(NAME fuzz.${name} COMMAND fuzz_${name} ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name})
    set_tests_properties(fuzz.${name} PROPERTIES LABELS fuzz TIMEOUT 120)
  endif()
endfunction()

# mews_e2e(NAME COMMAND... [ROOT] [TIMEOUT s]): define an end-to-end test of the real programs,
# ctest e2e.NAME. With the labels asan and tsan, tests/run.sh also runs it with those builds.
function(mews_e2e name)
  cmake_parse_arguments(A "ROOT" "TIMEOUT" "COMMAND" ${ARGN})
  add_test(NAME e2e.${name} COMMAND ${A_COMMAND} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set(labels e2e slow)
  if(A_ROOT)
    list(APPEND labels root)
  endif()
  if(NOT A_TIMEOUT)
    set(A_TIMEOUT 300)
  endif()
  set_tests_properties(e2e.${name} PROPERTIES LABELS "${labels}" TIMEOUT ${A_TIMEOUT}
    SKIP_RETURN_CODE 77 RUN_SERIAL ON ENVIRONMENT "MEWS_BUILD=${CMAKE_BINARY_DIR}")
endfunction()

if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  set(BPF_ARCH arm64)
else()
  set(BPF_ARCH x86)
endif()

# mews_bpf(NAME FILE.bpf.c [DEPENDS...]): compile a BPF program to <FILE.skel.h>. Targets that link
# NAME also need add_dependencies(... NAME_skeleton).
function(mews_bpf name source)
  cmake_parse_arguments(A "" "" "DEPENDS" ${ARGN})
  get_filename_component(base ${source} NAME_WE)
  set(object ${CMAKE_CURRENT_BINARY_DIR}/${base}.bpf.o)
  set(skeleton ${CMAKE_CURRENT_BINARY_DIR}/${base}.skel.h)
  add_custom_command(
    OUTPUT ${object}
    COMMAND ${BPF_CLANG} -target bpf -D__TARGET_ARCH_${BPF_ARCH} -O2 -g -mcpu=v3
            -Wall -Wextra -Werror -Wno-unused-parameter -I${CMAKE_SOURCE_DIR}
            -ffile-prefix-map=${CMAKE_BINARY_DIR}=build -ffile-prefix-map=${CMAKE_SOURCE_DIR}=. # the same bytes anywhere
            -idirafter /usr/include/${CMAKE_C_LIBRARY_ARCHITECTURE}
            -c ${CMAKE_CURRENT_SOURCE_DIR}/${source} -o ${object}
    DEPENDS ${source} ${A_DEPENDS}
    COMMENT "BPF ${base}.bpf.o")
  add_custom_command(
    OUTPUT ${skeleton}
    COMMAND ${BPFTOOL} gen skeleton ${object} name ${base}_bpf > ${skeleton}
    DEPENDS ${object}
    COMMENT "BPF ${base}.skel.h")
  add_custom_target(${name}_skeleton DEPENDS ${skeleton})
  add_library(${name} INTERFACE)
  add_dependencies(${name} ${name}_skeleton)
  target_include_directories(${name} SYSTEM INTERFACE ${CMAKE_CURRENT_BINARY_DIR})
  target_link_libraries(${name} INTERFACE PkgConfig::LIBBPF)
endfunction()
