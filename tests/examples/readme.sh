#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: readme.sh SOURCE_DIR
# What the README shows of an example is what is there; every file that it links to exists.
set -eu
cd "$1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# block LANGUAGE NUMBER: that code block of the README
block()
{
	awk -v open="\`\`\`$1" -v wanted="$2" '
		inside && $0 == "```" { inside = 0 }
		inside && seen == wanted
		$0 == open { inside = 1; seen++ }' README.md
}

# same FILE LANGUAGE NUMBER: the block is the file without its opening comments
same()
{
	sed '1,/^[^/]/{/^\/[*\/]/d}' "$1" > "$work/file"
	block "$2" "$3" > "$work/block"
	[ -s "$work/block" ] || { echo "README.md shows nothing of $1"; exit 1; }
	diff -u "$work/file" "$work/block" || { echo "README.md differs from $1"; exit 1; }
}

same examples/calculator/calculator.proto proto 1
same examples/calculator/server.c c 1
same examples/calculator/client.c c 2
for file in $(grep -o "](\([^):#]*\))" README.md | tr -d "]()"); do
	[ -e "$file" ] || { echo "README.md links to $file, which does not exist"; exit 1; }
done
for folder in examples/*/; do
	grep -q "(${folder%/})" README.md || { echo "README.md does not mention $folder"; exit 1; }
done
