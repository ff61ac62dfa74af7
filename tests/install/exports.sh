#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: exports.sh INCLUDE_DIR LIBRARY whole|partial
# The library exports every function that a public header declares with PYR_API, the messages of the
# .proto files that it ships, and nothing else.
set -eu
include=$1 library=$2 what=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# comments away, declarations on one line each, the name is the word before the first parenthesis
# that is no attribute's
cat "$include"/pyrite/*.h | grep -v '^#' | tr '\n\t' '  ' | sed 's|/\*[^*]*\*\+\([^/*][^*]*\*\+\)*/| |g' |
	tr ';' '\n' | sed -n 's/.*PYR_API\( *PYR_MUST_USE\)\? *\([^(]*\)(.*/\2/p' |
	sed 's/ *$//; s/.*[ *]//' | sort > "$work/declared"
nm -D --defined-only "$library" | sed 's/.* //; s/@.*//' | sort > "$work/exported"

[ -s "$work/declared" ] || { echo "no declaration was found"; exit 1; }
grep -Ev '^(PYRITE_[0-9]+|pyr_file__.*|google__protobuf__.*|grpc__.*|grpc_(health|reflection)_v1.*|pyrite__.*|pyrite_(batch|daemon|leases|names)_.*)$' "$work/exported" > "$work/functions"
# while the runtime is being written, some functions are only declared
[ "$what" = whole ] || comm -12 "$work/declared" "$work/functions" > "$work/both"
[ "$what" = whole ] || mv "$work/both" "$work/declared"
if ! diff "$work/declared" "$work/functions" > "$work/diff"; then
	sed -n 's/^< /declared, not exported: /p; s/^> /exported, not declared: /p' "$work/diff"
	exit 1
fi
echo "$(wc -l < "$work/declared") functions are declared and exported"
