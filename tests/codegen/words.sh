#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: see lib.sh. Every keyword of C and C++ and every macro that the generator knows, and some
# more words that mean something, as the name of everything that can have a name. The code compiles
# behind the headers that define them, or the name is refused.
. "$(dirname "$0")/lib.sh"

# the words of a table of reserved.c
words_of()
{
	sed -n "/^static const char \*const $1\[\]/,/;/p" "$source/codegen/reserved.c" |
		grep -o '"[^"]*"' | tr -d '"'
}

{
	words_of protobuf_c_keywords
	words_of keywords
	words_of macros
	words_of types
	words_of parameters
	echo NULL EOF assert offsetof FILE BUFSIZ INT_MAX TRUE FALSE main major minor alloca base \
		init pack unpack descriptor index value key data len out buffer allocator message \
		method service string bytes _ __ _a a_ A aB __LINE__ __FILE__ _Bool \
		__alignof _Alignof__ __volatile__ __linux__ __typename __ __x_ | tr ' ' '\n'
} | grep -vx 'base\|ops' | sort -u > "$work/words"
[ "$(wc -l < "$work/words")" -gt 200 ] || fail "reserved.c's tables were not found"

mkdir "$work/in"
awk -v dir="$work/in" '
	FNR == NR { template = template $0 "\n"; next }
	{
		text = template
		gsub(/WORD/, $0, text)
		gsub(/NUMBER/, FNR, text)
		printf "%s", text > (dir "/" $0 ".proto")
		close(dir "/" $0 ".proto")
	}' "$tests/words.in" "$work/words"
cd "$work/in"
generate "$work/out" -I. *.proto || fail "a word in a package is refused"

# each as a name without a package: where the generator says no, the line is taken away
while read -r word; do
	echo "message $word {}"
	echo "message ${word}Message { oneof $word { int32 a = 1; } }"
	echo "enum ${word}_ { Z_${word}_ = 0; }"
	echo "service S_$word { rpc Do(M) returns (M); }"
	echo "service $word$word { rpc _(M) returns (M); }"
done < "$work/words" > "$work/lines"
sed 's/^/service /; s/$/ { rpc Do(M) returns (M); }/' "$work/words" > "$work/services"
sed 's/.*/enum & { Z_& = 0; }/' "$work/words" > "$work/enums"
mkdir "$work/bare"
cd "$work/bare"
for kind in lines services enums; do
	{
		echo 'syntax = "proto3"; message M {}'
		cat "$work/$kind"
	} > $kind.proto
	# what depends on a name that is refused comes to light when that is gone
	for round in 1 2 3 last; do
		generate "$work/$kind.out" -I. $kind.proto > errors && break
		sed -n "s/^\(--pyrite_out: \)\?$kind.proto:\([0-9]*\):.*/\2d/p" errors > refused
		[ -s refused ] && [ $round != last ] || { cat errors; fail "$kind"; break; }
		sed -f refused -i $kind.proto
	done
	[ "$(wc -l < $kind.proto)" -gt 20 ] || fail "$kind: nearly everything is refused"
	together "$work/$kind.out" -std=gnu11 -std=gnu++17 -include "$tests/headers.h"
done
together "$work/out" -std=gnu11 -std=gnu++17 -include "$tests/headers.h"
finish "$(wc -l < "$work/words") words"
