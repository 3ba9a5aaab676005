# What Weir ships: the program, the library (static and shared), and for those who only want the planner the
# topology library. Each is made of the folders' object libraries; a folder without sources yet takes no part.

# weir_exports(FILE header_dir...): a linker script that exports exactly the functions which the public headers
# declare. The headers are the ABI; nothing else that happens to be called weir_ leaks out.
function(weir_exports file)
  set(names)
  foreach(dir ${ARGN})
    file(GLOB headers CONFIGURE_DEPENDS ${dir}/weir/*.h)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${headers})
    foreach(header ${headers})
      file(READ ${header} text)
      string(REGEX MATCHALL "[^A-Za-z0-9_]weir_[a-z0-9_]+\\(" calls "${text}")
      foreach(call ${calls})
        string(REGEX MATCH "weir_[a-z0-9_]+" name "${call}")
        list(APPEND names ${name})
      endforeach()
    endforeach()
  endforeach()
  list(REMOVE_DUPLICATES names)
  list(SORT names)
  set(body)
  if(names)
    set(body "global:")
    foreach(name ${names})
      string(APPEND body "\n    ${name};")
    endforeach()
  endif()
  configure_file(${PROJECT_SOURCE_DIR}/cmake/exports.map.in ${file} @ONLY)
endfunction()

# weir_library(NAME HEADERS dir... OBJECTS target... LIBS name...): libNAME.a and libNAME.so with their headers, a
# pkg-config file and a CMake package. In this build the targets are NAME_static and NAME_shared, outside
# NAME::NAME_static and NAME::NAME. LIBS: what a program that links the static library must link too.
function(weir_library name)
  cmake_parse_arguments(arg "" "DESCRIPTION" "HEADERS;OBJECTS;LIBS" ${ARGN})
  string(REPLACE "-" "_" target ${name})
  set(script ${PROJECT_BINARY_DIR}/${name}.map)
  weir_exports(${script} ${arg_HEADERS})
  foreach(kind static shared)
    string(TOUPPER ${kind} type)
    add_library(${target}_${kind} ${type})
    foreach(objects ${arg_OBJECTS})
      target_link_libraries(${target}_${kind} PRIVATE $<BUILD_INTERFACE:${objects}>)
    endforeach()
    target_include_directories(${target}_${kind} INTERFACE
      "$<BUILD_INTERFACE:${arg_HEADERS}>" $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    if(WEIR_SANITIZE) # the sanitizers' run time must be the program's
      target_link_options(${target}_${kind} INTERFACE $<BUILD_INTERFACE:-fsanitize=${WEIR_SANITIZE}>)
    endif()
    set_target_properties(${target}_${kind} PROPERTIES OUTPUT_NAME ${name} LINKER_LANGUAGE CXX
      ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR} LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
  endforeach()
  target_link_libraries(${target}_static INTERFACE "$<INSTALL_INTERFACE:${arg_LIBS}>")
  set_target_properties(${target}_shared PROPERTIES EXPORT_NAME ${target} VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR} LINK_DEPENDS ${script})
  target_link_options(${target}_shared PRIVATE -Wl,--version-script=${script} -Wl,--no-undefined)

  set(package ${CMAKE_INSTALL_LIBDIR}/cmake/${name})
  install(TARGETS ${target}_static ${target}_shared EXPORT ${name}-targets)
  foreach(dir ${arg_HEADERS})
    install(DIRECTORY ${dir}/weir DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
  endforeach()
  install(EXPORT ${name}-targets NAMESPACE ${target}:: FILE ${name}-config.cmake DESTINATION ${package})
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/${name}-config-version.cmake
    COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/${name}-config-version.cmake DESTINATION ${package})
  # Relative to the .pc file itself, so that a tree which is moved or installed with --prefix still works.
  file(RELATIVE_PATH up /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
  string(REGEX REPLACE "/$" "" up ${up})
  list(TRANSFORM arg_LIBS PREPEND -l)
  list(JOIN arg_LIBS " " private_libs)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/weir.pc.in ${PROJECT_BINARY_DIR}/${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()

include(CMakePackageConfigHelpers)
set(topology_libs hwloc numa m pthread)
set(engine_libs ${topology_libs} simdjson zstd z stdc++ dl)
if(WEIR_OPENCL)
  list(APPEND engine_libs OpenCL)
endif()

if(TARGET weir_topology_objects)
  weir_library(weir-topology
    DESCRIPTION "Maps stream partitions to the cores, memory and devices of a machine"
    HEADERS ${PROJECT_SOURCE_DIR}/topology/include
    OBJECTS weir_topology_objects LIBS ${topology_libs})
endif()

if(TARGET weir_host_objects)
  set(engine weir_runtime_objects weir_host_objects)
  if(TARGET weir_topology_objects)
    list(APPEND engine weir_topology_objects)
  endif()
  weir_library(weir
    DESCRIPTION "${PROJECT_DESCRIPTION}"
    HEADERS ${PROJECT_SOURCE_DIR}/host/include ${PROJECT_SOURCE_DIR}/runtime/include
            ${PROJECT_SOURCE_DIR}/topology/include
    OBJECTS ${engine} LIBS ${engine_libs})
  if(EXISTS ${PROJECT_SOURCE_DIR}/host/cli/main.c)
    add_executable(weir ${PROJECT_SOURCE_DIR}/host/cli/main.c)
    target_link_libraries(weir PRIVATE ${engine})
    set_target_properties(weir PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
    install(TARGETS weir)
  endif()
endif()
