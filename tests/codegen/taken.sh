#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: see lib.sh. What the C library's headers declare is refused as a name without a package:
# every identifier in them that would be a type's name in C or C++ and cannot be redeclared. A
# library that is newer than reserved.c's table fails here, with what to add.
. "$(dirname "$0")/lib.sh"
cd "$work"

# candidates: what can come out of the generator, a service's name or a message's
{
	$cc -std=gnu11 -D_GNU_SOURCE -dM -E "$tests/headers.h"
	$cc -std=gnu11 -D_GNU_SOURCE -E "$tests/headers.h"
	$cxx -std=gnu++17 -x c++ -E "$tests/headers.h"
} | grep -v '^# ' | grep -oE '[A-Za-z_][A-Za-z_0-9]*' |
	grep -E '^([a-z][a-z0-9_]*|_[a-z0-9][a-z0-9_]*|[A-Z][A-Za-z0-9]*)$' | sort -u > names
[ "$(wc -l < names)" -gt 1000 ] || fail "the headers were not read"

# each in a line that is an error if the name is taken
{
	echo 'struct some;'
	sed 's/.*/typedef struct some &;/' names
} > try.c
{
	$cc -std=gnu11 -D_GNU_SOURCE -include "$tests/headers.h" -fmax-errors=0 -fsyntax-only \
		try.c 2>&1 || true
	$cxx -std=gnu++17 -x c++ -include "$tests/headers.h" -fmax-errors=0 -fsyntax-only try.c \
		2>&1 || true
} | sed -n 's/^try\.c:\([0-9]*\):[0-9]*: error: .*/\1p/p' | sort -u > errors
sed -nf errors try.c | sed 's/.* \(.*\);/\1/' | sort -u > taken
[ "$(wc -l < taken)" -gt 1000 ] || fail "nothing is taken"

{
	echo 'syntax = "proto3"; message M {}'
	sed 's/^[A-Z].*/message & {}/; t; s/.*/service & {}/' taken
} > taken.proto
generate out -I. taken.proto > refused && fail "all are taken"
sed -n 's/^\(--pyrite_out: \)\?taken.proto:\([0-9]*\):.*/\2d/p' refused > lines
sed -f lines taken.proto | sed 1d > missing
[ ! -s missing ] || { cat missing; fail "these names are not refused"; }
finish "$(wc -l < taken) names"
