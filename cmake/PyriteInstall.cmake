# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts where: libraries, headers, .proto files, programs, and the files by
# which CMake and pkg-config find them.
include(CMakePackageConfigHelpers)

set(PYRITE_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/Pyrite)
set(PYRITE_PC_DIR ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig)

install(TARGETS pyrite_shared pyrite_static EXPORT PyriteTargets)
foreach(program protoc-gen-pyrite pyrite)
	if(TARGET ${program})
		install(TARGETS ${program} EXPORT PyriteTargets)
	endif()
endforeach()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/pyrite DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
	FILES_MATCHING PATTERN *.h)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/proto/pyrite ${PROJECT_SOURCE_DIR}/proto/grpc DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
	FILES_MATCHING PATTERN *.proto)

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/PyriteConfig.cmake.in
	${PROJECT_BINARY_DIR}/PyriteConfig.cmake INSTALL_DESTINATION ${PYRITE_CMAKE_DIR}
	PATH_VARS CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/PyriteConfigVersion.cmake
	COMPATIBILITY SameMinorVersion)
install(EXPORT PyriteTargets NAMESPACE Pyrite:: DESTINATION ${PYRITE_CMAKE_DIR})
install(FILES ${PROJECT_BINARY_DIR}/PyriteConfig.cmake ${PROJECT_BINARY_DIR}/PyriteConfigVersion.cmake
	${CMAKE_CURRENT_LIST_DIR}/PyriteGenerate.cmake ${CMAKE_CURRENT_LIST_DIR}/PyriteDepfile.cmake
	DESTINATION ${PYRITE_CMAKE_DIR})

# relative to the .pc file itself, so that a prefix given to `cmake --install` is right as well
file(RELATIVE_PATH PYRITE_PC_PREFIX ${PYRITE_PC_DIR} ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" PYRITE_PC_PREFIX ${PYRITE_PC_PREFIX})
file(RELATIVE_PATH PYRITE_PC_LIBDIR ${CMAKE_INSTALL_PREFIX} ${CMAKE_INSTALL_FULL_LIBDIR})
file(RELATIVE_PATH PYRITE_PC_INCLUDEDIR ${CMAKE_INSTALL_PREFIX} ${CMAKE_INSTALL_FULL_INCLUDEDIR})
file(RELATIVE_PATH PYRITE_PC_BINDIR ${CMAKE_INSTALL_PREFIX} ${CMAKE_INSTALL_FULL_BINDIR})
configure_file(${CMAKE_CURRENT_LIST_DIR}/pyrite.pc.in ${PROJECT_BINARY_DIR}/pyrite.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/pyrite.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
