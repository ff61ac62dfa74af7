#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: see lib.sh. The code for golden/*.proto is byte by byte what golden/ holds.
#
# After a change that is meant, look at the difference and renew the files:
#
#     RENEW=1 ctest --test-dir build -R codegen.golden
#     git diff tests/codegen/golden
. "$(dirname "$0")/lib.sh"

cd "$tests/golden"
generate "$work/out" -I. *.proto
if [ "${RENEW-}" = 1 ]; then
	cp "$work/out"/*.pyr.[ch] .
fi
for file in "$work/out"/*.pyr.[ch]; do
	diff -u "$(basename "$file")" "$file" || fail "$(basename "$file") differs: see golden.sh"
done
[ "$(ls *.pyr.* | wc -l)" = "$(ls "$work/out"/*.pyr.* | wc -l)" ] ||
	fail "golden/ has files that are not generated any more"
compiles "$work/out"
formatted "$work/out"

# the same bytes from another folder, one file at a time, in another order, in another locale
rm -f "$work/out"/*.list "$work/out"/*.quoted "$work/out/all.cc" "$work/out/.clang-format"
cd /
for proto in streams optional calculator; do
	LC_ALL=C.UTF-8 TZ=Asia/Tokyo generate "$work/again" "-I$tests/golden" \
		"$tests/golden/$proto.proto"
done
diff -r "$work/out" "$work/again" || fail "the output depends on more than the input"
finish "$(ls "$tests/golden"/*.proto | wc -l) golden files"
