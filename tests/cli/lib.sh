# SPDX-License-Identifier: Apache-2.0
# What tests of the command line's processes share. Sets $work, a folder, and $pids, what to kill in
# the end; both are cleaned up.
work=$(mktemp -d)
pids=
trap 'for p in $pids; do kill -9 "$p" 2>/dev/null || :; done; rm -rf "$work"' EXIT
unset PYRITE_NS PYRITE_TOKEN

fail() { echo "${0##*/}: $*" >&2; exit 1; }

# expect STATUS COMMAND...: the command's output is in $work/out and $work/err afterwards
expect() {
	wanted=$1; shift
	status=0; timeout 60 "$@" > "$work/out" 2> "$work/err" < /dev/null || status=$?
	[ "$status" = "$wanted" ] || { cat "$work/out" "$work/err" >&2; fail "$*: exit $status, not $wanted"; }
}
says() { grep -q -- "$1" "$work/out" || { cat "$work/out" >&2; fail "no '$1' in the output"; }; }
complains() { grep -q -- "$1" "$work/err" || { cat "$work/err" >&2; fail "no '$1' among the errors"; }; }

# start NAME COMMAND...: in the background, with its output in $work/NAME; returns when it says
# 'ready', or that as JSON
start() {
	name=$1; shift
	mkfifo "$work/$name.pipe"
	"$@" > "$work/$name.pipe" 2> "$work/$name.err" < /dev/null &
	pid=$!
	pids="$pids $pid"
	: > "$work/$name"
	while read -r line; do
		echo "$line" >> "$work/$name"
		case $line in ready | *'"ready"'*) break ;; esac
	done < "$work/$name.pipe"
	rm "$work/$name.pipe"
	grep -q -e '^ready$' -e '"ready"' "$work/$name" || { cat "$work/$name.err" >&2; fail "$name did not start"; }
}
# ends PID: with SIGTERM, which must end it with status 0
ends() {
	kill -TERM "$1"
	status=0; wait "$1" || status=$?
	[ "$status" = 0 ] || fail "SIGTERM: exit $status"
}
# port_of NAME WORD: at the end of the line that begins with it, of what NAME has printed
port_of() { sed -n "s/^$2.*:\([0-9]*\)\$/\1/p" "$work/$1"; }
