# Choose how NNG is used: common/nng/README.md. Sets MEWS_NNG_WAY, tuned or plain; NNG_LINKED, the
# libraries; NNG_SOURCES and NNG_OPTIONS, the additions of both ways; NNG_TUNED_SOURCES and
# NNG_TUNED_OPTIONS, those of the tuned way.
set(MEWS_NNG auto CACHE STRING "NNG: tuned (the known version only), plain (any version), auto")
set_property(CACHE MEWS_NNG PROPERTY STRINGS auto tuned plain)

# NNG's TLS is tls.c, on OpenSSL: it is linked first (-u) in place of the archive's, which would need mbed TLS.
set(NNG_LINKED ${NNG_ARCHIVE} PkgConfig::SSL PkgConfig::CRYPTO Threads::Threads)
set(NNG_SOURCES tls.c join.c reset.c)
set(NNG_OPTIONS -Wl,-u,nng_tls_engine_init_mbed -Wl,--wrap=sendmsg,-u,__wrap_sendmsg)
set(NNG_TUNED_SOURCES close.c nng_task.c)
# Pull the replacements in first (-u): otherwise the archive's own versions would be linked.
set(NNG_TUNED_OPTIONS
  -Wl,--wrap=nni_aio_begin,--wrap=nni_aio_finish_error
  -Wl,--wrap=nng_stream_recv,--wrap=nng_stream_send,--wrap=nng_stream_close
  -Wl,-u,__wrap_nni_aio_begin,-u,nni_task_init)

# Link layout.c with the replacements and run it: is the library the known version?
function(nng_is_known ret)
  set(dir ${CMAKE_SOURCE_DIR}/common/nng)
  set(sources ${NNG_SOURCES} ${NNG_TUNED_SOURCES})
  list(TRANSFORM sources PREPEND ${dir}/)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${NNG_ARCHIVE} ${dir}/layout.c ${dir}/known.h)
  try_run(status compiled
    SOURCES ${dir}/layout.c ${sources} ${CMAKE_SOURCE_DIR}/common/cond.c
    NO_CACHE
    CMAKE_FLAGS -DINCLUDE_DIRECTORIES=${CMAKE_SOURCE_DIR}
    COMPILE_DEFINITIONS -D_GNU_SOURCE
    LINK_OPTIONS ${NNG_OPTIONS} ${NNG_TUNED_OPTIONS} -Wl,--wrap=nni_task_init
    LINK_LIBRARIES ${NNG_LINKED}
    RUN_OUTPUT_VARIABLE said)
  if(NOT compiled)
    set(said "the replacements cannot be linked with ${NNG_ARCHIVE}")
  endif()
  if(compiled AND status STREQUAL "0")
    set(${ret} TRUE PARENT_SCOPE)
  else()
    set(${ret} FALSE PARENT_SCOPE)
    string(STRIP "${said}" said)
    message(STATUS "NNG is not the known version: ${said}")
  endif()
endfunction()

if(MEWS_NNG STREQUAL "plain")
  set(MEWS_NNG_WAY plain)
elseif(MEWS_NNG MATCHES "^(auto|tuned)$")
  nng_is_known(known)
  if(known)
    set(MEWS_NNG_WAY tuned)
  elseif(MEWS_NNG STREQUAL "auto")
    set(MEWS_NNG_WAY plain)
  else()
    message(FATAL_ERROR "MEWS_NNG=tuned supports one version of NNG only, and ${NNG_ARCHIVE} is another: use auto or plain")
  endif()
else()
  message(FATAL_ERROR "MEWS_NNG is '${MEWS_NNG}': use auto, tuned or plain")
endif()
message(STATUS "NNG: ${MEWS_NNG_WAY}")
