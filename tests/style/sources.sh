# SPDX-License-Identifier: Apache-2.0
# sources PATTERN...: the project's own files with such names, one a line, from the current folder.
# What a test compares output with, and what a fuzzer found, is no source.

sources()
{
	for pattern; do
		find CMakeLists.txt cmake codegen examples include nameserver proto src tests \
			-name "$pattern" -type f \
			! -path '*/golden/*' ! -path '*/fixtures/*' ! -path '*/corpus/*' 2>/dev/null
	done | sort
}
