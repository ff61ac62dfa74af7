#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: man.sh PYRITE PROTOC_GEN_PYRITE VERSION FOLDER
# Writes FOLDER/pyrite.1, pyrite-ns.1 and so on: a manual page for each command, from its --help.
set -eu
pyrite=$1 plugin=$2 version=$3 folder=$4
script=$(dirname "$0")/man.awk
new=$folder.new
rm -rf "$new"
mkdir -p "$new"

# page NAME ALSO SUMMARY COMMAND...
page()
{
	name=$1 also=$2 summary=$3
	shift 3
	"$@" --help > "$new/help"
	awk -v name="$name" -v version="$version" -v also="$also" -v summary="$summary" -f "$script" \
		"$new/help" > "$new/$name.1"
	rm "$new/help"
}

page pyrite "protoc-gen-pyrite(1)" "" "$pyrite"
page protoc-gen-pyrite "protoc(1), pyrite(1)" "makes C from .proto files, for protoc" "$plugin"
"$pyrite" --help | sed -n "/^'pyrite/q"'; s/^  \([a-z]\{1,\}\( [a-z]*\)\{0,1\}\)  .*/\1/p' > "$new/commands"
[ -s "$new/commands" ] || { echo "man.sh: pyrite --help names no commands" >&2; exit 1; }
while read -r command; do
	# a command may have two words
	# shellcheck disable=SC2086
	page "pyrite-$(echo "$command" | tr ' ' -)" "pyrite(1)" "" "$pyrite" $command
done < "$new/commands"
rm "$new/commands"
rm -rf "$folder"
mv "$new" "$folder"
