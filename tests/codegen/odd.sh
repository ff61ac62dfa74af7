#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: see lib.sh. Odd names of files and folders, and files of an odd size.
. "$(dirname "$0")/lib.sh"

# write FILE LINE...: a file below in/
write()
{
	file=$work/in/$1
	shift
	mkdir -p "$(dirname "$file")"
	printf '%s\n' 'syntax = "proto3";' "$@" > "$file"
}

write "with-dash.proto" 'package dash; message M {} service S { rpc Do(M) returns (M); }'
write "with.dots.in.it.proto" 'package dots; message M {}'
write "with space.proto" 'package space; message M {} service S { rpc Do(M) returns (M); }'
write "folder with space/x.proto" 'package one; message M { optional int32 n = 1; }'
write "folder.with.dots/x.proto" 'package two; message M {}'
write "a/b/c/x.proto" 'package three; message M {}'
write "a_b/c/x.proto" 'package four; message M {}'
write "a_2fb/c/x.proto" 'package five; message M {}'
write "1digit.proto" 'package digit; message M {}'
write "_.proto" 'package underscore; message M {}'
write "Zoë.proto" 'package zoe; message M {}'
write "quote'.proto" 'package quote; message M {}'
write "dollar\$name.proto" 'package dollar; message M {}'
write "percent%s%n.proto" 'package percent; message M {}'
write "slash//slash.proto" 'package slash; message M {}'
write "no_suffix" 'package no_suffix; message M {}'
write "old.protodevel" 'package old; message M {}'
write ".proto" 'package dot; message M {}'
write "stdio.proto" 'package stdio; message M {}'
write "protobuf-c/protobuf.proto" 'package shadow; message M {}'
write "empty.proto"
write "only/enum.proto" 'package only; enum E { Z = 0; }'
write "imports.proto" 'package imports;' 'import "with-dash.proto";' \
	'import "folder with space/x.proto";' 'import "folder.with.dots/x.proto";' \
	'import "a/b/c/x.proto";' 'import "a_b/c/x.proto";' 'import "Zoë.proto";' \
	"import \"quote'.proto\";" 'import "percent%s%n.proto";' 'import "empty.proto";' \
	'import "no_suffix";' 'import "old.protodevel";' 'import "1digit.proto";' \
	'message All { dash.M a = 1; one.M b = 2; two.M c = 3; three.M d = 4; four.M e = 5; }' \
	'service S { rpc Do(stream zoe.M) returns (stream percent.M); }'

# a thousand fields, three hundred methods, a thousand values, a thousand members of a oneof
{
	printf '%s\n' 'syntax = "proto2"; package big;' 'message Fields {'
	seq 1000 | sed 's/.*/  optional double field_& = & [default = 0.&1];/'
	printf '%s\n' '}' 'message Oneof { oneof which {'
	seq 1000 | sed 's/.*/  string case_& = &;/'
	printf '%s\n' '} }' 'enum Values {'
	seq 1000 | sed 's/.*/  VALUE_& = &;/'
	printf '%s\n' '}' 'message Defaults {'
	printf '  optional string text = 1 [default = "%s"];\n' \
		"$(seq 2000 | sed 's/.*/\\"&?\\?\\\\/' | tr -d '\n')"
	printf '  optional bytes data = 2 [default = "%s"];\n' \
		"$(seq 2000 | sed 's/.*/\\377\\000&/' | tr -d '\n')"
	printf '%s\n' '}'
} > "$work/in/big.proto"
{
	printf '%s\n' 'syntax = "proto3"; package big;' 'message M {}' 'service Methods {'
	seq 300 | sed 's/.*/  rpc Method&(M) returns (M);/; 2~7s/(M) returns/(stream M) returns/'
	printf '%s\n' '}'
} > "$work/in/methods.proto"

cd "$work/in"
find . -type f | sed 's|^\./||' | sort > "$work/names"
while read -r name; do
	generate "$work/out" -I. "$name" || fail "$name is refused"
done < "$work/names"
compiles "$work/out"
formatted "$work/out"
[ "$(find "$work/out" -name '*.pyr.c' | wc -l)" = "$(wc -l < "$work/names")" ] ||
	fail "not as many outputs as inputs"

# a string that is an array has the same characters
cat > "$work/out/main.c" <<'END'
#include <stdio.h>
#include "big.pb-c.h"
int main(void)
{
	Big__Defaults m = BIG__DEFAULTS__INIT;

	fputs(m.text, stdout);
	fwrite(m.data.data, 1, m.data.len, stdout);
	return 0;
}
END
{
	seq 2000 | sed 's/.*/"&??\\/' | tr -d '\n'
	seq 2000 | sed 's/.*/\\377\\000&/' | tr -d '\n' | sed 's/%/%%/g' > "$work/format"
	printf "$(cat "$work/format")"
} > "$work/expected"
cd "$work/out"
$cc -I. $cflags -o main main.c big.pb-c.c $(pkg-config --libs libprotobuf-c)
./main | cmp - "$work/expected" || fail "long default values have changed"
finish "$(wc -l < "$work/names") odd files"
