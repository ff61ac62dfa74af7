#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: headers.sh SOURCE_DIR CC CXX CFLAGS...
# Every public header compiles alone, as C11 and as C++17, without a warning.
set -eu
cd "$1"
cc=$2 cxx=$3
shift 3
count=0
warnings="-Wall -Wextra -Wpedantic -Werror"

for header in include/pyrite/*.h; do
	name=${header#include/}
	program="#include <$name>
int unused;"
	echo "$program" | $cc -std=c11 $warnings -Iinclude "$@" -x c -fsyntax-only -
	echo "$program" | $cxx -std=c++17 $warnings -Iinclude "$@" -x c++ -fsyntax-only -
	count=$((count + 1))
done
[ $count -gt 0 ] || { echo "no header was found"; exit 1; }
echo "$count headers compile alone"
