# SPDX-License-Identifier: Apache-2.0
# What the generator's tests share. They are called with:
# SOURCE_DIR BUILD_DIR WORK_DIR CC CXX CFLAGS...; WORK_DIR is emptied.
set -eu
source=$1 build=$2 work=$3 cc=$4 cxx=$5
shift 5
cflags="$* -I$source/include -I$build/proto/pyrite_objects.pyrite"
tests=$source/tests/codegen
generator=$build/bin/protoc-gen-pyrite
imports="-I$source/proto -I/usr/include"
warnings="-Wall -Wextra -Wpedantic -Werror"
rm -rf "$work"
mkdir -p "$work"
failures=0

# with a sanitizer the generator is what is tested; the code that it writes is the plain build's
sanitized=no
grep -q '^PYRITE_SANITIZE:STRING=.' "$build/CMakeCache.txt" && sanitized=yes

for tool in protoc protoc-gen-c clang-format; do
	command -v $tool > /dev/null || { echo "$tool is missing"; exit 1; }
done

fail()
{
	echo "FAILED: $*"
	failures=$((failures + 1))
}

# The end of every test.
finish()
{
	[ $failures -eq 0 ] || { echo "$failures failures"; exit 1; }
	echo "passed: $*"
}

# generate OUT ARGUMENT...: protoc's warnings about unused imports are not of interest
generate()
{
	out=$1
	shift
	mkdir -p "$out"
	# $imports is many words
	protoc "--plugin=protoc-gen-pyrite=$generator" "--pyrite_out=$out" "$@" $imports \
		> "$work/protoc.log" 2>&1 || { cat "$work/protoc.log"; return 1; }
}

# compiles OUT: every generated file of a folder, each alone as C11, all together as C++17; and
# every initializer.
compiles()
{
	[ $sanitized = no ] || return 0
	(
		cd "$1"
		find . -name '*.c' | sed 's|^\./||' | sort > c.list
		find . -name '*.h' | sed 's|^\./||' | sort > h.list
		[ -s c.list ] || { echo "nothing was generated"; exit 1; }
		initializers > all.cc
		quote < c.list > c.quoted
		# -x c++: the same .c files, for those who compile everything as C++
		$cc -std=c11 $warnings -I. $cflags -fsyntax-only @c.quoted &&
			$cxx -std=c++17 -x c++ $warnings -I. $cflags -fsyntax-only all.cc @c.quoted
	) || { fail "$1 does not compile"; return 1; }
}

# names of files, one a line, for a compiler's @file
quote()
{
	sed 's/[ \\'\''"]/\\&/g'
}

# A C++ program with every header twice, and a variable of every message with its initializer.
initializers()
{
	sed 's/.*/#include "&"/' h.list h.list
	tr '\n' '\0' < h.list | xargs -0 awk '
		/^struct  / { type = $2 }
		/^#define .*__INIT / { printf "%s init_%d = %s;\n", type, ++count, $2 }'
}

# formatted OUT: what the generator itself wrote is as clang-format would write it.
formatted()
{
	[ $sanitized = no ] || return 0
	cp "$source/.clang-format" "$1"
	(
		cd "$1"
		find . \( -name '*.pyr.h' -o -name '*.pyr.c' \) -print0 |
			xargs -0 clang-format --dry-run --Werror
	) || { fail "$1 is not well formatted"; return 1; }
}

# together OUT C_STANDARD CXX_STANDARD ARGUMENT...: all generated files as one program in C, their
# headers and initializers in C++; quicker than one by one.
together()
{
	[ $sanitized = no ] || return 0
	(
		cd "$1"
		cstd=$2 cxxstd=$3
		shift 3
		find . -name '*.c' | sed 's|^\./||' | sort > c.list
		find . -name '*.h' | sed 's|^\./||' | sort > h.list
		[ -s c.list ] || { echo "nothing was generated"; exit 1; }
		sed 's/.*/#include "&"/' c.list > all.c
		initializers > all.cc
		$cc $cstd $warnings -I. $cflags "$@" -fsyntax-only all.c &&
			$cxx $cxxstd -x c++ $warnings -I. $cflags "$@" -fsyntax-only all.cc
	) || { fail "$1 does not compile"; return 1; }
}
