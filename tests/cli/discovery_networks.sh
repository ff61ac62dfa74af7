#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: discovery_networks.sh PYRITE
# Name servers that are discovered from other machines: three network namespaces, a server in the
# middle that is in two networks, and an asker in each of them.
#
#     left 10.77.1.2 ---- 10.77.1.1 middle 10.77.2.1 ---- 10.77.2.2 right
#
# It fails where namespaces cannot be made, unless a sandbox forbids that (Docker does so, by a
# filter of system calls): then what discovery.sh tries on loopback has to do.
set -eu
pyrite=$1

if [ "${PYRITE_TEST_INSIDE-}" = "" ]; then
	if unshare --map-root-user --net true; then
		exec env PYRITE_TEST_INSIDE=1 unshare --map-root-user --net sh "$0" "$@"
	fi
	if grep -q '^Seccomp:[[:space:]]*2' /proc/self/status; then
		echo "discovery: no namespaces in this sandbox; README.md says what that leaves out"
		exit 0
	fi
	echo "discovery: namespaces are needed: run it as root, or allow user namespaces" >&2
	exit 1
fi

. "${0%/*}/lib.sh"
PATH=$PATH:/usr/sbin:/sbin

# connect NAME NUMBER: a namespace with a cable to this one; its process is $pid
connect() {
	start "$1" unshare --net sh -c 'echo ready; exec sleep 600'
	ip link add name "to-$1" type veth peer name cable netns "$pid"
	ip address add "10.77.$2.1/24" broadcast + dev "to-$1"
	ip link set "to-$1" up
	nsenter --target "$pid" --net sh -ec "ip link set lo up; ip link set cable up
		ip address add 10.77.$2.2/24 broadcast + dev cable"
}
ip link set lo up
connect left 1; left=$pid
connect right 2; right=$pid
at() { namespace=$1; shift; expect "$1" nsenter --target "$namespace" --net "$pyrite" "$2" "$3" $4; }

N10_each_asker_gets_an_address_that_it_can_reach()
{
	start wide "$pyrite" ns --listen 0.0.0.0:0 --insecure --discoverable
	tcp=$(port_of wide pyr:)
	for side in 1 2; do
		[ $side = 1 ] && asker=$left || asker=$right
		at "$asker" 0 names discover ""
		[ "$(cat "$work/out")" = "pyr:pyrite.nameserver@10.77.$side.1:$tcp" ] ||
			fail "10.77.$side.2 was told: $(cat "$work/out")"
		PYRITE_NS=discover
		export PYRITE_NS
		at "$asker" 0 names list "" # that is TCP to that address
		says '^pyrite.nameserver '
		unset PYRITE_NS
	done
}

N10_what_a_daemon_publishes_is_reached_from_there()
{
	export PYRITE_NS=discover
	start echo nsenter --target "$left" --net "$pyrite" echo --listen 0.0.0.0:0 --name test.echo
	expect 0 "$pyrite" ping test.echo
	expect 0 "$pyrite" names lookup test.echo
	says '@10.77.1.2:'
	ends "$pid"
	unset PYRITE_NS
}

N10_several_in_one_network_are_told_apart_by_groups()
{
	start red nsenter --target "$left" --net "$pyrite" ns --listen 0.0.0.0:0 --insecure --discoverable
	red=$pid
	export PYRITE_NS=discover
	for try in 1 2 3 4 5; do # the second to answer may be late on a busy machine
		! nsenter --target "$left" --net "$pyrite" names list > "$work/out" 2> "$work/err" || continue
		break
	done
	complains 'FAILED_PRECONDITION: 2 name servers'
	ends "$red"
	start red nsenter --target "$left" --net "$pyrite" ns --listen 0.0.0.0:0 --insecure --discoverable \
		--group red
	at "$left" 0 names list "--json"
	says '@10.77.1.1\|@0.0.0.0'
	PYRITE_NS=discover:red@
	at "$left" 0 names status ""
	at "$right" 1 names status ""
	complains "UNAVAILABLE: no name server of the group 'red'.*10.77.2.255:9790"
	ends "$pid"
	unset PYRITE_NS
}

N10_one_network_only_or_this_machine_only()
{
	ends "$wide"
	start one "$pyrite" ns --listen 0.0.0.0:0 --insecure --discoverable-at 10.77.1.1:9790
	at "$left" 0 names discover ""
	at "$right" 1 names discover ""
	ends "$pid"
	start alone "$pyrite" ns --listen 127.0.0.1:0 --listen 10.77.2.1:0 --insecure --discoverable
	at "$right" 0 names discover ""
	says '@10.77.2.1:'
	ends "$pid"
	start loopback "$pyrite" ns --listen 127.0.0.1:0 --discoverable-at 127.0.0.1:9790
	at "$left" 1 names discover ""
	expect 0 "$pyrite" names discover
	ends "$pid"
}

N10_each_asker_gets_an_address_that_it_can_reach
wide=$pid
N10_what_a_daemon_publishes_is_reached_from_there
N10_several_in_one_network_are_told_apart_by_groups
N10_one_network_only_or_this_machine_only
echo "discovery: all as expected, in three namespaces"
