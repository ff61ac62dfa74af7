# SPDX-License-Identifier: Apache-2.0
# For the scripts of this folder: a scratch folder, Python's stubs, servers that are ended.
here=$(cd "$(dirname "$0")" && pwd)
python=/usr/bin/python3 # the one that Debian's modules are for
work=$(mktemp -d)
server=
trap 'stop; rm -rf "$work"' EXIT

fail()
{
	echo "$(basename "$0"): $*" >&2
	exit 1
}

stubs()
{
	protoc "-I$here" "--python_out=$work" "$here/story.proto"
}

# serve COMMAND...: starts it, and sets `endpoint` to the line that it prints once it listens
serve()
{
	mkfifo "$work/ready"
	"$@" > "$work/ready" &
	server=$!
	exec 9< "$work/ready"
	read -r endpoint <&9 || fail "$1 has not started"
	rm "$work/ready"
}

# stop: ends the server, which must end well
stop()
{
	[ -n "$server" ] || return 0
	kill "$server" || fail "the server has ended by itself"
	status=0
	wait "$server" || status=$?
	server=
	[ $status = 0 ] || fail "the server ended with $status"
}
