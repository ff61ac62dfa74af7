#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: opening.sh SOURCE_DIR. Every file opens with its licence, every C file then says in a
# comment what it is for, and none has more than 800 lines.
set -eu
. "$(dirname "$0")/sources.sh"
cd "$1"
files=$(sources '*.c' '*.h' '*.in' '*.proto' '*.sh' '*.cmake' CMakeLists.txt)
[ -n "$files" ] || { echo "no source file was found"; exit 1; }
# one awk for all files: a process for each takes a minute
# shellcheck disable=SC2086
awk '
function complain(what) { print file ": " what; wrong = 1 }
function finish() {
	if (file == "")
		return
	if (!licensed)
		complain("no SPDX line at the top")
	if (lines > 800)
		complain("longer than 800 lines")
	if (file ~ /\.[ch]$/ && !told)
		complain("does not say what it is for")
}
FNR == 1 { finish(); file = FILENAME; licensed = told = 0 }
FNR <= 2 && /SPDX-License-Identifier: Apache-2.0/ { licensed = 1 }
FNR == 2 && /^\/\*/ { told = 1 }
{ lines = FNR }
END { finish(); exit wrong }
' $files
