#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: sh examples/run.sh NAME [BIN_DIR [PYRITE]]
#
# Runs an example: a name server, the example's servers and its client. All that was started is
# ended; the servers have to end well, and take their names back. NAME is a folder's, BIN_DIR
# build/bin if it is not given, PYRITE the program of that name.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
name=${1:-} bin=${2:-$here/../build/bin}
pyrite=${3:-$bin/pyrite}
[ -n "$name" ] && [ -d "$here/$name" ] || {
	echo "usage: sh examples/run.sh NAME [BIN_DIR [PYRITE]]; NAME is one of" >&2
	(cd "$here" && echo */) >&2
	exit 2
}
[ -x "$pyrite" ] || { echo "run: there is no $pyrite: build first, or say where it is" >&2; exit 2; }
work=$(mktemp -d)
servers=
ns=
trap 'for p in $servers $ns; do kill $p 2> /dev/null || :; done; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() { echo "run: $name: $*" >&2; exit 1; }

# Many examples may run at once: each has a name server of its own.
export PYRITE_NS="unix:$work/ns"
mkfifo "$work/ready"
"$pyrite" ns --listen "$PYRITE_NS" > "$work/ready" &
ns=$!
exec 3< "$work/ready"
while read -r line <&3 && [ "$line" != ready ]; do :; done
[ "$line" = ready ] || fail "the name server did not start"

# published NAME: waits until it is
published() { "$pyrite" names lookup "$1" --wait 20 > "$work/out" || fail "no name $1"; }

# serve PUBLISHED ARGUMENT...: a server of this example, until its name is there
serve()
{
	published=$1
	shift
	"$bin/$name-server" "$@" &
	servers="$! $servers"
	published "$published"
}

# supervise PUBLISHED ARGUMENT...: the same, and another server whenever one crashes
supervise()
{
	published=$1
	shift
	(
		trap 'kill -TERM $child' TERM
		status=3
		while [ $status = 3 ]; do
			"$bin/$name-server" "$@" &
			child=$!
			status=0
			wait $child || status=$?
		done
		[ $status != 143 ] || { status=0; wait $child || status=$?; } # woken by our signal
		exit $status
	) &
	servers="$! $servers"
	published "$published"
}

client() { "$bin/$name-client" "$@" || fail "the client ended with $?"; }

# refused COMMAND...: fails, and shows why
refused() { ! "$@" 2>&1 || fail "$* has not failed"; }

# Three workers; the last one crashes in its second call, with status 3.
draw()
{
	serve example.mandelbrot.one one
	serve example.mandelbrot.two two
	serve example.mandelbrot.three three 2
	crashes=3
	client mandelbrot.pgm
}

# There and back; then what is no file here, a name that is none, and a file that comes damaged.
transfer()
{
	mkdir "$work/files"
	head -c 20000000 /dev/urandom > "$work/report"
	serve example.files "$work/files"
	client put "$work/report" report
	client get report "$work/back"
	cmp "$work/report" "$work/back"
	refused "$bin/$name-client" get minutes "$work/minutes"
	refused "$bin/$name-client" put "$work/report" ../report
	printf '%s\n' '{"head": {"name": "damaged", "size": 3}}' '{"data": "YWJj"}' '{"checksum": 1}' > "$work/pieces"
	refused "$pyrite" call example.files Put - < "$work/pieces"
	echo "files there: $(ls -A "$work/files")"
}

case $name in
calculator) serve example.calculator && client ;;
warehouse) serve example.warehouse && client ;;
fanout) serve example.primes && client ;;
oneway) serve example.journal && client ;;
stream) serve example.ticker && client ;;
upload) serve example.archive && client ;;
chat) serve example.room && client ;;
exceptions) serve example.sums && client ;;
banks) serve example.bank.harbour harbour 10000 && serve example.bank.meadow meadow 0 && client ;;
stockquotes) serve example.exchange && client ;;
mandelbrot) draw ;;
usersession) serve example.shop && client ;;
disconnects) supervise example.counter "$work/counter" && client ;;
messagebus) serve example.bus && client ;;
batchedcalls) serve example.purse && client ;;
callback) serve example.kitchen && client ;;
autoproxy) serve example.factory && client ;;
filetransfer) transfer ;;
*) fail "has needs of its own: see the README" ;;
esac

for p in $servers; do
	kill -TERM "$p" 2> /dev/null || :
	status=0
	wait "$p" || status=$?
	[ $status = 0 ] || [ $status = "${crashes:-0}" ] || fail "a server ended with $status"
done
servers=
[ -z "${crashes:-}" ] || exit 0 # who crashes leaves its name behind, for some seconds
left=$("$pyrite" names list --prefix example. 2> "$work/list") || fail "the name server is gone"
[ -z "$left" ] || fail "a name is still there: $left"
