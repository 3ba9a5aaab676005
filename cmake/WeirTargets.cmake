# How every folder of Weir declares what it builds: one call, the same flags everywhere.

add_library(weir_flags INTERFACE)
target_include_directories(weir_flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/topology/include
  ${PROJECT_SOURCE_DIR}/runtime/include ${PROJECT_SOURCE_DIR}/host/include)
target_compile_definitions(weir_flags INTERFACE _GNU_SOURCE WEIR_VERSION="${PROJECT_VERSION}")
# -ffp-contract=off: a fused multiply-add rounds once where the OpenCL kernels round twice (promise "one answer").
target_compile_options(weir_flags INTERFACE -Wall -Wextra -Wshadow -ffp-contract=off -fno-math-errno
  $<$<COMPILE_LANGUAGE:C>:-Wconversion -Wstrict-prototypes -Wno-sign-conversion>)
if(WEIR_WERROR)
  target_compile_options(weir_flags INTERFACE -Werror)
endif()
if(WEIR_SANITIZE)
  target_compile_options(weir_flags INTERFACE -fsanitize=${WEIR_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  target_link_options(weir_flags INTERFACE -fsanitize=${WEIR_SANITIZE})
endif()
if(WEIR_OPENCL)
  target_compile_definitions(weir_flags INTERFACE WEIR_OPENCL=1 CL_TARGET_OPENCL_VERSION=120)
endif()

if(WEIR_CCACHE AND NOT CMAKE_C_COMPILER_LAUNCHER)
  find_program(CCACHE ccache)
  mark_as_advanced(CCACHE)
  if(CCACHE)
    set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
  endif()
endif()

# weir_objects(NAME sources...): an object library with the house flags; weir_sources(VAR dir...) globs *.c *.cpp.
function(weir_objects name)
  add_library(${name} OBJECT ${ARGN})
  target_link_libraries(${name} PUBLIC weir_flags)
endfunction()

macro(weir_sources var)
  set(${var})
  foreach(dir ${ARGN})
    file(GLOB found CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${dir}/*.c ${CMAKE_CURRENT_SOURCE_DIR}/${dir}/*.cpp)
    list(APPEND ${var} ${found})
  endforeach()
endmacro()
