#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: compress.sh STORY_CLIENT STORY_SERVER
# C13: messages above a size are compressed, seen on the wire, both ways and with Python at the other
# end; without the option they are not; what comes compressed is unpacked, but never past the limit.
set -eu
. "$(dirname "$0")/lib.sh"
stubs
relay=
trap 'kill $relay 2> /dev/null || :; stop; rm -rf "$work"' EXIT

# through COMMAND...: runs it with the endpoint of a relay to the server; `there` and `back` are the bytes
through()
{
	mkfifo "$work/relay"
	"$python" "$here/relay.py" "$endpoint" "$work/counts" > "$work/relay" &
	relay=$!
	read -r by < "$work/relay"
	rm "$work/relay"
	for word; do
		shift
		[ "$word" != BY ] || word=$by
		[ "$word" != REFERENCE ] || word=grpc:@$by
		set -- "$@" "$word"
	done
	"$@" || fail "$* has failed"
	kill "$relay"
	wait "$relay"
	relay=
	read -r there back < "$work/counts"
	echo "$there bytes there, $back back"
}

# two megabytes of answers that say nothing
serve "$2"
through "$python" "$here/compress.py" "$work" BY $server answers
[ $back -gt 2000000 ] || fail "compressed unasked"
stop
STORY_COMPRESS=1024
export STORY_COMPRESS
serve "$2"
through "$python" "$here/compress.py" "$work" BY $server answers
[ $back -lt 100000 ] || fail "the answers are not compressed"
"$python" "$here/compress.py" "$work" "$endpoint" $server bombs
STORY_CHECK=long_messages
export STORY_CHECK
through "$1" REFERENCE
[ $there -lt 50000 ] && [ $back -lt 50000 ] || fail "a conversation in C is not compressed"
STORY_COMPRESS=1000000 through "$1" REFERENCE
[ $there -gt 900000 ] || fail "messages below the size are compressed"
stop

# a Python server, which knows nothing of it
serve "$python" "$here/server.py" "$work"
through "$1" REFERENCE
[ $there -lt 50000 ] || fail "requests to a Python server are not compressed"
stop
