# Compiler flags for our own C. They belong to own_flags, so that generated code gets no warnings.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

option(MEWS_WERROR "Warnings are errors" OFF)
option(MEWS_COVERAGE "Count lines" OFF)
option(MEWS_FUZZ "Build the fuzzers (clang)" OFF)
set(MEWS_SANITIZE "" CACHE STRING "-fsanitize=...")

# With link-time optimization, objects serve both ways of linking: mews_unoptimized_link().
foreach(language C CXX)
  string(REPLACE -fno-fat-lto-objects -ffat-lto-objects CMAKE_${language}_COMPILE_OPTIONS_IPO
         "${CMAKE_${language}_COMPILE_OPTIONS_IPO}")
endforeach()

include(CheckCCompilerFlag)
include(CheckPIESupported)
check_pie_supported()

# base_flags: every target of the tree, generated code too.
add_library(base_flags INTERFACE)
target_compile_definitions(base_flags INTERFACE _GNU_SOURCE MEWS_VERSION="${PROJECT_VERSION}")
target_include_directories(base_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_include_directories(base_flags SYSTEM INTERFACE ${CMAKE_BINARY_DIR}) # generated: no warnings
target_compile_options(base_flags INTERFACE
  -fno-omit-frame-pointer -fno-common -fno-strict-aliasing -fstack-protector-strong)
foreach(f -fstack-clash-protection -fcf-protection -ftrivial-auto-var-init=zero)
  string(MAKE_C_IDENTIFIER "HAS${f}" v)
  check_c_compiler_flag(${f} ${v})
  if(${v})
    target_compile_options(base_flags INTERFACE ${f})
  endif()
endforeach()
target_link_options(base_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
if(MEWS_SANITIZE)
  target_compile_options(base_flags INTERFACE -fsanitize=${MEWS_SANITIZE} -fno-sanitize-recover=all -g)
  target_link_options(base_flags INTERFACE -fsanitize=${MEWS_SANITIZE})
elseif(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  target_compile_definitions(base_flags INTERFACE _FORTIFY_SOURCE=2)
endif()
if(MEWS_COVERAGE)
  target_compile_options(base_flags INTERFACE --coverage -O0)
  target_link_options(base_flags INTERFACE --coverage)
endif()
if(MEWS_FUZZ)
  target_compile_options(base_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

add_library(own_flags INTERFACE)
target_link_libraries(own_flags INTERFACE base_flags)
target_compile_options(own_flags INTERFACE $<$<COMPILE_LANGUAGE:C>:-include${CMAKE_SOURCE_DIR}/common/banned.h>)
foreach(f
    -Wall -Wextra -Wshadow -Wundef -Wvla -Wformat=2 -Wwrite-strings -Wpointer-arith
    -Wstrict-prototypes -Wmissing-prototypes -Wmissing-declarations -Wold-style-definition
    -Wimplicit-fallthrough -Wcast-align -Wnull-dereference -Wdouble-promotion -Wconversion
    -Wno-sign-conversion -Wno-format-truncation -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Wjump-misses-init
    -Wunreachable-code-aggressive -Wassign-enum -Wcomma)
  string(MAKE_C_IDENTIFIER "HAS${f}" v)
  check_c_compiler_flag("-Werror ${f}" ${v})
  if(${v})
    target_compile_options(own_flags INTERFACE $<$<COMPILE_LANGUAGE:C>:${f}>)
  endif()
endforeach()
if(MEWS_WERROR)
  target_compile_options(own_flags INTERFACE -Werror)
endif()
