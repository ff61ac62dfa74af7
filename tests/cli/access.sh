#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: access.sh PYRITE CERTIFICATES.SH
# Who may change names, as processes: tokens, TLS, and the users of one machine.
set -eu
pyrite=$1
certificates=$2
. "${0%/*}/lib.sh"

# What is refused at the start

expect 0 "$pyrite" ns --help
says '--tokens'
says '--tls-certificate'
says 'PYRITE_TOKEN'
expect 0 "$pyrite" --help
says 'PYRITE_TOKEN'
printf '# who is who\nalice a1\nbob   b1\nanna  root1 admin\n' > "$work/tokens"
chmod 644 "$work/tokens"
expect 1 "$pyrite" ns --listen 127.0.0.1:0 --tokens "$work/tokens"
complains '^pyrite: FAILED_PRECONDITION: .*chmod 600'
chmod 600 "$work/tokens"
expect 1 "$pyrite" ns --listen 127.0.0.1:0 --tokens "$work/none"
printf 'alice\n' > "$work/wrong"; chmod 600 "$work/wrong"
expect 1 "$pyrite" ns --listen 127.0.0.1:0 --tokens "$work/wrong"
complains '^pyrite: INVALID_ARGUMENT: .*line 1'
expect 2 "$pyrite" ns --tls-certificate "$work/x.pem"
expect 2 "$pyrite" ns --tls-key "$work/x.key"
expect 2 "$pyrite" ns --tls-authorities "$work/ca.pem"
expect 1 "$pyrite" ns --listen 0.0.0.0:0
complains '--tokens'

# Tokens

start guarded "$pyrite" ns --listen 0.0.0.0:0 --listen "unix:$work/socket" --tokens "$work/tokens"
server=$pid
tcp=127.0.0.1:$(sed -n 's/^pyr:pyrite.nameserver@0.0.0.0://p' "$work/guarded")
export PYRITE_NS="$tcp"
as() { PYRITE_TOKEN=$1; export PYRITE_TOKEN; shift; expect "$@"; unset PYRITE_TOKEN; }
as a1 0 "$pyrite" names register calc pyr:calc@127.0.0.1:1
as a1 0 "$pyrite" names register mine pyr:calc@127.0.0.1:1 --at "localhost:${tcp#*:}"
expect 0 "$pyrite" names lookup calc --json
says '"owner":"alice"'
as b1 1 "$pyrite" names register calc pyr:calc@127.0.0.1:2 --replace
complains '^pyrite: PERMISSION_DENIED: .*"alice"'
as b1 1 "$pyrite" names remove calc
complains '^pyrite: PERMISSION_DENIED: .*"alice"'
expect 1 "$pyrite" names register other pyr:calc@127.0.0.1:2
complains '^pyrite: UNAUTHENTICATED: .*PYRITE_TOKEN'
as '' 1 "$pyrite" names remove calc
complains '^pyrite: UNAUTHENTICATED: '
as wrong 1 "$pyrite" names lookup calc
complains '^pyrite: UNAUTHENTICATED: '
as 'a b' 2 "$pyrite" names lookup calc
complains '^pyrite: INVALID_ARGUMENT: PYRITE_TOKEN '
as root1 0 "$pyrite" names remove calc
expect 0 "$pyrite" names remove mine --at "unix:$work/socket" # the server's own user

# Users: root can be somebody else

# is_another: we can be, and the program can be run from where it lies
other='setpriv --reuid 65534 --clear-groups'
is_another() { [ "$(id -u)" = 0 ] && $other "$pyrite" version > /dev/null 2>&1; }

if is_another; then
	chmod 711 "$work"; chmod 666 "$work/socket"
	export PYRITE_NS="unix:$work/socket"
	expect 0 $other "$pyrite" names register theirs pyr:x@127.0.0.1:1
	expect 0 "$pyrite" names register ours pyr:x@127.0.0.1:1
	expect 1 $other "$pyrite" names remove ours
	complains '^pyrite: PERMISSION_DENIED: .*"uid:0"'
	expect 0 "$pyrite" names lookup theirs --json
	says '"owner":"uid:65534"'
	expect 0 "$pyrite" names remove theirs
else
	echo "access: NOT TRIED: another user on a Unix socket; that needs root, and a build that all may read" >&2
fi
ends $server

# TLS

sh "$certificates" "$work"
start tls "$pyrite" ns --listen 127.0.0.1:0 --listen "unix:$work/socket" --tokens "$work/tokens" \
	--tls-certificate "$work/server.pem" --tls-key "$work/server.key"
server=$pid
endpoint=$(sed -n 's/^pyrs:pyrite.nameserver@//p' "$work/tls")
grep -q "^pyr:pyrite.nameserver@unix:$work/socket$" "$work/tls" || fail "a Unix socket is in the clear"
export PYRITE_NS="pyrs:$endpoint"
expect 1 "$pyrite" names lookup calc
complains '^pyrite: UNAVAILABLE: '
export SSL_CERT_FILE="$work/ca.pem"
as a1 0 "$pyrite" names register calc pyr:calc@127.0.0.1:1
as a1 0 "$pyrite" names register more pyr:calc@127.0.0.1:1 --at "pyrs:localhost:${endpoint#*:}"
expect 0 "$pyrite" names lookup calc --json
says '"owner":"alice"'
expect 1 "$pyrite" names register other pyr:calc@127.0.0.1:2
complains '^pyrite: UNAUTHENTICATED: '
export PYRITE_TOKEN=b1
start echo "$pyrite" echo --name test.echo
unset PYRITE_TOKEN
echo=$pid
expect 0 "$pyrite" ping test.echo # found over TLS
expect 0 "$pyrite" names lookup test.echo --json
says '"owner":"bob"'
ends $echo
expect 1 "$pyrite" names lookup test.echo
complains '^pyrite: NOT_FOUND: '
ends $server

# With certificates instead of tokens

start mutual "$pyrite" ns --listen 0.0.0.0:0 --advertise 127.0.0.1:1 --tls-certificate "$work/server.pem" \
	--tls-key "$work/server.key" --tls-authorities "$work/ca.pem"
ends $pid
expect 1 "$pyrite" ns --listen 0.0.0.0:0 --tls-certificate "$work/server.pem" --tls-key "$work/server.key"
complains '--tls-authorities'
echo "access: all as expected"
