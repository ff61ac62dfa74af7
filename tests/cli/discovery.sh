#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: discovery.sh PYRITE CERTIFICATES.SH
# Name servers that are discovered, as processes of one machine: on loopback, where it takes
# another address than 127.0.0.1 to tell whether the answer is what the asker can reach.
set -eu
pyrite=$1
certificates=$2
. "${0%/*}/lib.sh"

N10_is_off_unless_told_and_never_on_loopback_by_itself()
{
	expect 0 "$pyrite" ns --help
	says '--discoverable'
	expect 0 "$pyrite" --help
	says 'discover\[:'
	expect 1 "$pyrite" ns --listen 127.0.0.1:0 --discoverable
	complains '^pyrite: FAILED_PRECONDITION: .*127.0.0.1:9790'
	expect 2 "$pyrite" ns --listen 127.0.0.1:0 --group blue
	complains 'goes with --discoverable'
	start off "$pyrite" ns --listen 127.0.0.1:0
	! grep -q discoverable "$work/off" || fail "it is discoverable though nobody said so"
	ends "$pid"
}

N10_is_found_at_the_address_that_was_asked()
{
	start wide "$pyrite" ns --listen 0.0.0.0:0 --insecure --discoverable-at '*:0'
	udp=$(port_of wide discoverable)
	tcp=$(port_of wide pyr:)
	for address in 127.0.0.1 127.20.30.40; do
		expect 0 "$pyrite" names discover "discover:$address:$udp"
		says "^pyr:pyrite.nameserver@$address:$tcp\$"
		expect 0 env PYRITE_NS="discover:$address:$udp" "$pyrite" names list
		says '^pyrite.nameserver '
	done
	ends "$pid"
	expect 1 "$pyrite" names discover "discover:127.0.0.1:$udp" --wait 0.2
	complains "UNAVAILABLE: no name server was discovered in 200 ms: asked by UDP at 127.0.0.1:$udp"
	expect 2 "$pyrite" names discover --wait 0
	expect 1 "$pyrite" names discover 127.0.0.1:9790
	complains 'INVALID_ARGUMENT'
	expect 2 env PYRITE_NS=discover:blue "$pyrite" names list
	complains 'PYRITE_NS.*discover\['
}

N10_groups_are_told_apart()
{
	start blue "$pyrite" ns --listen 127.0.0.1:0 --discoverable-at 127.0.0.1:0 --group blue
	udp=$(port_of blue discoverable)
	for group in '' red@; do
		expect 1 env PYRITE_NS="discover:${group}127.0.0.1:$udp" "$pyrite" names list
		complains 'UNAVAILABLE: no name server'
	done
	expect 0 env PYRITE_NS="discover:blue@127.0.0.1:$udp" "$pyrite" names status
	expect 0 env PYRITE_NS="discover:blue@127.0.0.1:$udp" "$pyrite" names discover --json
	says '^{"reference":"pyr:pyrite.nameserver@127.0.0.1:[0-9]*","group":"blue"}$'
	expect 0 "$pyrite" names discover "discover:127.0.0.1:$udp" # every group
	says ' blue$'
	ends "$pid"
}

N10_a_daemon_publishes_to_what_it_discovers()
{
	start names "$pyrite" ns --listen 127.0.0.1:0 --discoverable-at 127.0.0.1:0 --json
	PYRITE_NS=discover:127.0.0.1:$(sed -n 's/.*"discoverable":"[^"]*:\([0-9]*\)".*/\1/p' "$work/names")
	export PYRITE_NS
	server=$pid
	start echo "$pyrite" echo --listen 127.0.0.1:0 --name test.echo
	expect 0 "$pyrite" ping test.echo
	ends "$pid"
	expect 1 "$pyrite" names lookup test.echo
	complains NOT_FOUND
	ends "$server"
	unset PYRITE_NS
}

N10_a_token_is_shown_over_tls_alone()
{
	sh "$certificates" "$work"
	printf 'alice a1\n' > "$work/tokens"
	chmod 600 "$work/tokens"
	export PYRITE_TOKEN=a1
	start clear "$pyrite" ns --listen 127.0.0.1:0 --discoverable-at 127.0.0.1:0 --tokens "$work/tokens"
	expect 1 env PYRITE_NS="discover:127.0.0.1:$(port_of clear discoverable)" "$pyrite" names list
	complains 'UNAVAILABLE: .*in cleartext'
	ends "$pid"
	start tls "$pyrite" ns --listen 127.0.0.1:0 --discoverable-at 127.0.0.1:0 --tokens "$work/tokens" \
		--tls-certificate "$work/server.pem" --tls-key "$work/server.key"
	export PYRITE_NS="pyrs:discover:127.0.0.1:$(port_of tls discoverable)"
	expect 1 "$pyrite" names register x pyr:calc@127.0.0.1:1 # it cannot prove who it is
	export SSL_CERT_FILE="$work/ca.pem"
	expect 0 "$pyrite" names register x pyr:calc@127.0.0.1:1
	unset PYRITE_TOKEN
	expect 1 "$pyrite" names remove x
	complains UNAUTHENTICATED
	ends "$pid"
	unset PYRITE_NS SSL_CERT_FILE
}

N10_is_off_unless_told_and_never_on_loopback_by_itself
N10_is_found_at_the_address_that_was_asked
N10_groups_are_told_apart
N10_a_daemon_publishes_to_what_it_discovers
N10_a_token_is_shown_over_tls_alone
echo "discovery: all as expected"
