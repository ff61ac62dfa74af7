#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: opening.sh SOURCE_DIR. Every file opens with its licence, every C file then says in a
# comment what it is for, and none has more than 800 lines.
set -eu
. "$(dirname "$0")/sources.sh"
cd "$1"
wrong=0

complain()
{
	echo "$1: $2"
	wrong=1
}

files=$(sources '*.c' '*.h' '*.in' '*.proto' '*.sh' '*.cmake' CMakeLists.txt)
[ -n "$files" ] || { echo "no source file was found"; exit 1; }
for file in $files; do
	head -n 2 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' ||
		complain "$file" "no SPDX line at the top"
	[ "$(wc -l < "$file")" -le 800 ] || complain "$file" "longer than 800 lines"
done
for file in $(sources '*.c' '*.h'); do
	sed -n 2p "$file" | grep -q '^/\*' || complain "$file" "does not say what it is for"
done
exit $wrong
