#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: see lib.sh, and CMAKE in the environment. pyrite_generate() in a project outside the tree:
# imports, several targets and folders, parallel builds, changed files, and what it says when
# something is missing.
. "$(dirname "$0")/lib.sh"
prefix=$work/prefix
project="$work/a project" # a folder with a space
out="$work/a build"

"$CMAKE" --install "$build" --prefix "$prefix" > "$work/install.log"
cp -r "$tests/project" "$project"

configure()
{
	"$CMAKE" -S "$project" -B "$out" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$cc" "$@" \
		> "$work/configure.log" 2>&1
}

make()
{
	"$CMAKE" --build "$out" --parallel 4 > "$work/build.log" 2>&1
}

# prints EXPECTED: by both programs
prints()
{
	for program in with_both app/app; do
		actual=$("$out/$program") || true
		[ "$actual" = "$1" ] || fail "$program prints \"$actual\", not \"$1\""
	done
}

generated()
{
	grep -c 'Generating C from' "$work/build.log" || true
}

configure || { cat "$work/configure.log"; fail "configure"; finish; }
make || { cat "$work/build.log"; fail "build"; finish; }
prints "app.Shop 1 2 1 3"
[ "$(generated)" = 5 ] || fail "$(generated) files were generated, not 5"

make
[ "$(generated)" = 0 ] || { cat "$work/build.log"; fail "generated again with nothing changed"; }

# make(1) compares times: what is changed now has to be newer than what was built
later()
{
	touch -d "$(date -d '+2 seconds' '+%F %T')" "$1"
}

# a message changes: the files that import it are generated again, the other ones are not
sed -i 's/optional string name = 1;/& int32 price = 2;/' "$project/proto/common/types.proto"
later "$project/proto/common/types.proto"
make || { cat "$work/build.log"; fail "build after a change"; }
prints "app.Shop 2 2 1 3"
[ "$(generated)" = 4 ] || fail "$(generated) files were generated again, not 4"

sed -i 's/int32 n = 1;/& int32 m = 2;/' "$project/made.proto.txt"
later "$project/made.proto.txt"
make || { cat "$work/build.log"; fail "build after a change of what is made"; }
prints "app.Shop 2 2 2 3"

# an error in a .proto file fails the build with its line
sed -i 's/service Shop {/& rpc BUY(Order) returns (Order);/' "$project/proto/app/shop.proto"
later "$project/proto/app/shop.proto"
if make; then
	fail "names that collide are built"
fi
grep -q 'app/shop.proto:[0-9]*:[0-9]*: method Buy and method BUY' "$work/build.log" || {
	cat "$work/build.log"
	fail "the error is not shown"
}

# refused EXPECTED COMMAND...: configuring a project with these lines fails, and says so
refused()
{
	expected=$1
	shift
	mkdir -p "$project/wrong"
	{
		echo 'cmake_minimum_required(VERSION 3.25)'
		echo 'project(Wrong LANGUAGES C)'
		echo 'find_package(Pyrite REQUIRED)'
		echo 'add_library(target STATIC)'
		printf '%s\n' "$@"
	} > "$project/wrong/CMakeLists.txt"
	if "$CMAKE" -S "$project/wrong" -B "$work/wrong" -DCMAKE_PREFIX_PATH="$prefix" \
		-DCMAKE_C_COMPILER="$cc" > "$work/configure.log" 2>&1; then
		fail "taken: $*"
	# CMake breaks lines
	elif ! tr -s ' \n' ' ' < "$work/configure.log" | grep -qF "$expected"; then
		fail "$*: not \"$expected\", but:"
		cat "$work/configure.log"
	fi
}

types=../proto/common/types.proto
refused 'pyrite_generate: nobody is no target' "pyrite_generate(nobody $types)"
refused 'pyrite_generate: no .proto file given for target' 'pyrite_generate(target)'
refused 'nothing.proto does not exist' 'pyrite_generate(target nothing.proto)'
refused 'types.proto is below none of the IMPORT_DIRS' "pyrite_generate(target $types)"
refused 'protoc was not found. Install it (Debian: apt install protobuf-compiler)' \
	'set(PROTOC "")' "pyrite_generate(target $types IMPORT_DIRS ../proto)"
finish "pyrite_generate()"
