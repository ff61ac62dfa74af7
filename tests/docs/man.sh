#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: man.sh PREFIX
# Every command has a manual page where it was installed, which has all of the command's options and
# all that `pyrite` says of itself, and which man reads without a warning.
set -eu
bin=$1/bin pages=$1/share/man/man1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LC_ALL=C.UTF-8 MANWIDTH=200 MAN_KEEP_FORMATTING=
wrong=0
complain() { echo "$*"; wrong=1; }

# words FILE: one a line, as man may have put them on other lines
words() { tr -s ' \t' '\n' < "$1" | sort -u; }

# compare PAGE COMMAND...: man shows each word of what the command's --help says
compare()
{
	page=$pages/$1.1
	shift
	[ -f "$page" ] || { complain "there is no ${page##*/} for '$*'"; return; }
	man --warnings -E UTF-8 -l "$page" > "$work/shown" 2> "$work/warnings"
	[ ! -s "$work/warnings" ] || complain "${page##*/}: $(cat "$work/warnings")"
	# without headings, and commands, which are named as pages there
	"$@" --help | sed 's/^usage: //; s/^[a-z][a-z ]*$//; s/^  [a-z]\{1,\}\( [a-z]\{1,\}\)\{0,1\}   *//' > "$work/help"
	words "$work/help" > "$work/wanted"
	words "$work/shown" > "$work/there"
	missing=$(comm -23 "$work/wanted" "$work/there")
	[ -z "$missing" ] || complain "${page##*/} lacks $(echo "$missing" | tr '\n' ' ')"
	count=$((count + 1))
}

count=0
compare pyrite "$bin/pyrite"
compare protoc-gen-pyrite "$bin/protoc-gen-pyrite"
"$bin/pyrite" --help | sed -n "/^'pyrite/q; s/^  //p" | sed 's/  .*//' > "$work/commands"
while read -r command; do
	# shellcheck disable=SC2086
	compare "pyrite-$(echo "$command" | tr ' ' -)" "$bin/pyrite" $command
done < "$work/commands"
[ $count -gt 10 ] || complain "only $count commands were found"
[ $count = "$(find "$pages" -name '*.1' | wc -l)" ] || complain "there are other pages as well: $(ls "$pages")"
echo "$count manual pages"
exit $wrong
