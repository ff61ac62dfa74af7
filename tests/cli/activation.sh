#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: activation.sh PYRITE. A daemon that systemd's own tool starts at the first connection.
set -eu
pyrite=$1
work=$(mktemp -d)
activator=
trap '[ -z "$activator" ] || kill "$activator" 2> /dev/null || :; rm -rf "$work"' EXIT

fail()
{
	echo "$(basename "$0"): $*" >&2
	exit 1
}

mkfifo "$work/said" "$work/log"
systemd-socket-activate -l "$work/socket" --fdname=rpc \
	"$pyrite" echo --listen systemd:rpc > "$work/said" 2> "$work/log" &
activator=$! # becomes the daemon
exec 3< "$work/said" 4< "$work/log"
read -r line <&4 || fail "it has not started"
case $line in
*Listening*"$work/socket"*) ;;
*) fail "$line" ;;
esac
"$pyrite" ping "pyr:echo@unix:$work/socket" --count 3 --interval 0 || fail "it does not answer"
read -r line <&3 || fail "the daemon says nothing"
case $line in
*"unix:$work/socket"*) ;;
*) fail "the daemon says: $line" ;;
esac
kill "$activator"
status=0
wait "$activator" || status=$?
activator=
[ $status = 0 ] || fail "it ended with $status"
[ -S "$work/socket" ] || fail "the socket's file was systemd's to remove"
