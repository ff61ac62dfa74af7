# SPDX-License-Identifier: Apache-2.0
# pyrite_generate(TARGET x.proto... [IMPORT_DIRS dir...]): compiles .proto files into TARGET.
#
# Each x.proto becomes x.pb-c.h, x.pb-c.c, x.pyr.h and x.pyr.c, in the place that it has below the
# import directory that holds it; so `#include "x.pyr.h"` works in TARGET and, for a library, in
# what links it. IMPORT_DIRS are protoc's -I, in order; the current source directory if none is
# given. protoc's own directory and Pyrite's need not be named. What an x.proto imports counts as
# its dependency, and must be generated too, here or in a library that TARGET links; what ships with
# Pyrite is in its library. TARGET itself has to link Pyrite::pyrite.

find_program(PROTOC protoc DOC "The compiler of .proto files")
if(NOT PYRITE_PROTO_DIR)
	# In the source tree it is beside cmake/; installed it is among the headers, which the
	# package names.
	find_path(PYRITE_PROTO_DIR pyrite/options.proto REQUIRED NO_CMAKE_FIND_ROOT_PATH
		HINTS ${CMAKE_CURRENT_LIST_DIR}/../proto ${PYRITE_INCLUDE_DIR}
		DOC "The directory with pyrite/options.proto")
	mark_as_advanced(PYRITE_PROTO_DIR)
endif()

set(PYRITE_DEPFILE_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/PyriteDepfile.cmake)

# Only who generates needs protoc.
function(pyrite_need_protoc)
	if(NOT PROTOC)
		message(FATAL_ERROR "pyrite_generate: protoc was not found. Install it (Debian: "
			"apt install protobuf-compiler), or say where it is: -DPROTOC=/path/to/protoc")
	endif()
endfunction()

# The plugin: a target of this build or of the package, else a program in PATH.
function(pyrite_find_plugin ret_command ret_dependency)
	if(TARGET Pyrite::protoc-gen-pyrite)
		set(${ret_command} $<TARGET_FILE:Pyrite::protoc-gen-pyrite> PARENT_SCOPE)
		set(${ret_dependency} Pyrite::protoc-gen-pyrite PARENT_SCOPE)
	else()
		find_program(PYRITE_PLUGIN protoc-gen-pyrite)
		if(NOT PYRITE_PLUGIN)
			message(FATAL_ERROR "pyrite_generate: protoc-gen-pyrite, which comes with "
				"Pyrite, was not found. Add its folder to PATH, or say where it is: "
				"-DPYRITE_PLUGIN=/path/to/protoc-gen-pyrite")
		endif()
		set(${ret_command} ${PYRITE_PLUGIN} PARENT_SCOPE)
		set(${ret_dependency} ${PYRITE_PLUGIN} PARENT_SCOPE)
	endif()
endfunction()

# The name of a .proto file below the first import directory that holds it.
function(pyrite_name_below proto dirs ret_name)
	foreach(dir ${dirs})
		cmake_path(IS_PREFIX dir "${proto}" NORMALIZE below)
		if(below)
			file(RELATIVE_PATH name ${dir} ${proto})
			set(${ret_name} ${name} PARENT_SCOPE)
			return()
		endif()
	endforeach()
	list(JOIN dirs " " dirs)
	message(FATAL_ERROR "pyrite_generate: ${proto} is below none of the IMPORT_DIRS: ${dirs}")
endfunction()

# What is missing now is an error now, unless another command of the build makes it.
function(pyrite_need_file proto)
	get_source_file_property(generated ${proto} GENERATED)
	if(NOT EXISTS ${proto} AND NOT generated)
		message(FATAL_ERROR "pyrite_generate: ${proto} does not exist")
	endif()
endfunction()

function(pyrite_generate target)
	cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" IMPORT_DIRS)
	if(NOT TARGET ${target})
		message(FATAL_ERROR "pyrite_generate: ${target} is no target")
	endif()
	if(NOT ARG_UNPARSED_ARGUMENTS)
		message(FATAL_ERROR "pyrite_generate: no .proto file given for ${target}")
	endif()
	pyrite_need_protoc()
	if(NOT ARG_IMPORT_DIRS)
		set(ARG_IMPORT_DIRS ${CMAKE_CURRENT_SOURCE_DIR})
	endif()
	set(dirs)
	foreach(dir ${ARG_IMPORT_DIRS})
		get_filename_component(dir ${dir} ABSOLUTE)
		list(APPEND dirs ${dir})
	endforeach()

	pyrite_find_plugin(plugin plugin_dependency)
	set(includes ${dirs} ${PYRITE_PROTO_DIR})
	list(TRANSFORM includes PREPEND -I)
	set(out ${CMAKE_CURRENT_BINARY_DIR}/${target}.pyrite)
	file(MAKE_DIRECTORY ${out})
	set(all)
	foreach(proto ${ARG_UNPARSED_ARGUMENTS})
		get_filename_component(proto ${proto} ABSOLUTE)
		pyrite_need_file(${proto})
		pyrite_name_below(${proto} "${dirs}" name)
		string(REGEX REPLACE "\\.proto(devel)?$" "" base ${out}/${name})
		set(outputs ${base}.pb-c.h ${base}.pb-c.c ${base}.pyr.h ${base}.pyr.c)
		set(repair)
		if("${includes}${out}" MATCHES " ")
			set(repair COMMAND ${CMAKE_COMMAND} -DDEPFILE=${base}.d
				-P ${PYRITE_DEPFILE_SCRIPT})
		endif()
		add_custom_command(
			OUTPUT ${outputs}
			COMMAND ${PROTOC} --plugin=protoc-gen-pyrite=${plugin} --pyrite_out=${out}
				--dependency_out=${base}.d ${includes} ${proto} ${repair}
			DEPENDS ${proto} ${plugin_dependency}
			DEPFILE ${base}.d
			COMMENT "Generating C from ${name}"
			VERBATIM)
		list(APPEND all ${outputs})
	endforeach()

	# A target in another directory knows nothing of these files but by way of a target of this
	# one.
	string(MD5 id "${all}")
	string(SUBSTRING ${id} 0 8 id)
	add_custom_target(${target}_pyrite_${id} DEPENDS ${all})
	add_dependencies(${target} ${target}_pyrite_${id})
	set_source_files_properties(${all} TARGET_DIRECTORY ${target} PROPERTIES GENERATED TRUE)
	target_sources(${target} PRIVATE ${all})
	target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${out}>)
endfunction()
