#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: format.sh SOURCE_DIR. Every C file is as clang-format would write it.
set -eu
. "$(dirname "$0")/sources.sh"
cd "$1"

command -v clang-format > /dev/null || { echo "clang-format is missing"; exit 1; }
files=$(sources '*.c' '*.h')
[ -n "$files" ] || { echo "no source file was found"; exit 1; }
# file names have no spaces here
clang-format --dry-run --Werror $files
echo "$(echo "$files" | wc -l) files are well formatted"
