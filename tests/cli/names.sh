#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: names.sh PYRITE
# N12: the name server and its command line as processes: what they print, for people and as JSON,
# and how they end. N7: what becomes of names when processes die.
set -eu
pyrite=$1
. "${0%/*}/lib.sh"

silent() { [ ! -s "$work/err" ] || { cat "$work/err" >&2; fail "something on stderr"; }; }

# until_status LINE: asks the server again and again, for 20 s, until its status has this line
until_status() {
	over=$(($(date +%s) + 20))
	until "$pyrite" names status | grep -q "^$1\$"; do
		[ "$(date +%s)" -lt $over ] || fail "not in time: $1"
	done
}

# The server

expect 0 "$pyrite" ns --help
says '--store'
says 'PYRITE_NS'
expect 2 "$pyrite" ns --nonsense
expect 2 "$pyrite" ns extra
expect 2 "$pyrite" ns --store ''
for endpoint in 0.0.0.0:0 '[::]:0' 10.1.2.3:9790 example.org:9790; do
	expect 1 "$pyrite" ns --listen "$endpoint"
	complains '^pyrite: FAILED_PRECONDITION: '
	complains '--insecure'
done
expect 1 "$pyrite" ns --listen 127.0.0.1
complains '^pyrite: INVALID_ARGUMENT: '
expect 1 "$pyrite" ns --listen 127.0.0.1:0 --store /nowhere/names.db

start open "$pyrite" ns --listen 0.0.0.0:0 --insecure
ends $pid
start json "$pyrite" ns --listen "unix:$work/json.socket" --json
grep -q '"ready":true,"references":."pyr:pyrite.nameserver@unix:' "$work/json" || fail "ready as JSON"
ends $pid
[ ! -e "$work/json.socket" ] || fail "the socket was left behind"

start ns "$pyrite" ns --listen "unix:$work/ns.socket" --listen 127.0.0.1:0 --store "$work/names.db"
ns=$pid
grep -q "^pyr:pyrite.nameserver@unix:$work/ns.socket$" "$work/ns" || fail "it does not say where it listens"
tcp=$(sed -n 's/^pyr:pyrite.nameserver@\(127.*\)/\1/p' "$work/ns")
export PYRITE_NS="unix:$work/ns.socket"
# one store, one server
expect 1 "$pyrite" ns --listen 127.0.0.1:0 --store "$work/names.db"
complains '^pyrite: FAILED_PRECONDITION: '

# register and lookup

expect 0 "$pyrite" names register example.calc pyr:calc@127.0.0.1:4711 --tag blue --tag big
silent
expect 1 "$pyrite" names register example.calc pyr:other@127.0.0.1:4711
complains '^pyrite: ALREADY_EXISTS: .*example.calc'
expect 0 "$pyrite" names register example.calc pyr:other@127.0.0.1:4711 --replace --tag big --tag blue
expect 0 "$pyrite" names lookup example.calc
says '^example.calc  *pyr:other@127.0.0.1:4711  big,blue$'
expect 0 "$pyrite" names lookup example.calc --json --at "$tcp"
revision=$(python3 -c '
import json, os, sys
name = json.load(open(sys.argv[1]))
owner = "uid:%d" % os.getuid()
assert name["name"] == "example.calc", name
assert name["holders"] == [{"references": ["pyr:other@127.0.0.1:4711"], "owner": owner, "ttl_ms": 0}], name
assert name["tags"] == ["big", "blue"], name
print(name["mod_revision"])
' "$work/out") || fail "the JSON of lookup"
expect 1 "$pyrite" names register example.calc pyr:calc@127.0.0.1:1 --expect $((revision + 1))
complains '^pyrite: ABORTED: '
expect 1 "$pyrite" names register example.calc pyr:calc@127.0.0.1:1 --expect 0
complains '^pyrite: ALREADY_EXISTS: '
expect 0 "$pyrite" names register example.calc pyr:calc@127.0.0.1:1 pyr:calc@unix:/x --expect "$revision" --json
says '"revision":'
expect 0 "$pyrite" names lookup example.calc
[ "$(wc -l < "$work/out")" = 2 ] || fail "two references are two lines"
expect 1 "$pyrite" names lookup nobody.home
complains '^pyrite: NOT_FOUND: .*nobody.home'
expect 1 "$pyrite" names lookup nobody.home --wait 0.05
complains '^pyrite: NOT_FOUND: .*nobody.home'
expect 1 "$pyrite" names register 'a	b' pyr:calc@127.0.0.1:1
complains '^pyrite: INVALID_ARGUMENT: .*byte 2'
expect 1 "$pyrite" names register a pyr:calc@127.0.0.1:x
complains '^pyrite: INVALID_ARGUMENT: .*byte'
expect 1 "$pyrite" names register a tag:b
complains '^pyrite: INVALID_ARGUMENT: '
expect 2 "$pyrite" names register a
expect 2 "$pyrite" names lookup
expect 2 "$pyrite" names lookup a b
expect 2 "$pyrite" names lookup a --wait x
expect 0 "$pyrite" names register farm pyr:w@127.0.0.1:1 --replica
expect 0 "$pyrite" names register farm pyr:w@127.0.0.1:2 --replica
expect 0 "$pyrite" names lookup farm
[ "$(wc -l < "$work/out")" = 2 ] || fail "two replicas are two lines"

# N11: a name that comes while somebody waits
"$pyrite" names lookup late --wait 20 > "$work/late" 2>&1 < /dev/null &
waiter=$!
until_status 'waiting lookups 1'
"$pyrite" names register late pyr:late@127.0.0.1:1
wait "$waiter" || fail "the name that came late was not found"
grep -q 'pyr:late@127.0.0.1:1' "$work/late" || fail "the name that came late leads elsewhere"

# list

expect 0 "$pyrite" names list
says '^pyrite.nameserver '
expect 0 "$pyrite" names list --prefix example. --json
python3 -c '
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
assert [n["name"] for n in lines] == ["example.calc"], lines
' "$work/out" || fail "the JSON of list"
expect 0 "$pyrite" names list --regex 'fa.m'
[ "$(wc -l < "$work/out")" = 2 ] || fail "the regex"
expect 0 "$pyrite" names list --prefix nothing
[ ! -s "$work/out" ] || fail "names that begin with 'nothing'"
expect 0 "$pyrite" names tag farm --set gpu --set big --json
says '"tags":\["big","gpu"\]'
expect 0 "$pyrite" names list --tag gpu --tag big
says '^farm '
expect 0 "$pyrite" names list --any-tag gpu --any-tag none --json
says '"name":"farm"'
expect 0 "$pyrite" names list --tag gpu --tag none
[ ! -s "$work/out" ] || fail "a name with all tags that has one of them"
expect 1 "$pyrite" names list --regex 'ab('
complains '^pyrite: INVALID_ARGUMENT: .*byte 4'
expect 1 "$pyrite" names list --regex a --prefix a
complains '^pyrite: INVALID_ARGUMENT: '
expect 1 "$pyrite" names list --tag 'a,b'
complains '^pyrite: INVALID_ARGUMENT: .*byte 2'

# tag

expect 0 "$pyrite" names tag farm --add new --remove gpu
[ "$(cat "$work/out")" = "big
new" ] || fail "the tags after adding and removing"
expect 0 "$pyrite" names tag farm
[ "$(wc -l < "$work/out")" = 2 ] || fail "tag without a change"
expect 0 "$pyrite" names tag farm --none
[ ! -s "$work/out" ] || fail "tags after --none"
expect 1 "$pyrite" names tag nobody --add x
complains '^pyrite: NOT_FOUND: .*nobody'
expect 2 "$pyrite" names tag farm --set a --add b
expect 2 "$pyrite" names tag

# watch

# watch NAME ARGUMENT...: in the background; its lines come through descriptor 4
watch() {
	name=$1; shift
	mkfifo "$work/$name.pipe"
	"$pyrite" names watch "$@" > "$work/$name.pipe" 2> "$work/$name.err" < /dev/null &
	watcher=$!
	pids="$pids $watcher"
	exec 4< "$work/$name.pipe"
}
# takes NAME COUNT: the next lines, into $work/NAME
takes() {
	i=0
	while [ $i -lt "$2" ]; do
		IFS= read -r line <&4 || { cat "$work/$1.err" >&2; fail "watch has ended: $1"; }
		printf '%s\n' "$line" >> "$work/$1"
		i=$((i + 1))
	done
}

watch watch --prefix w. --json
until_status 'watches  *1'
"$pyrite" names register w.a pyr:a@127.0.0.1:1
"$pyrite" names register other pyr:a@127.0.0.1:1
"$pyrite" names tag w.a --add t > /dev/null
"$pyrite" names remove w.a
takes watch 3
kill -INT "$watcher" 2>/dev/null
status=0; wait "$watcher" || status=$?
[ "$status" = 0 ] || { cat "$work/watch.err" >&2; fail "Ctrl-C ended watch with $status"; }
python3 -c '
import json, sys
events = [json.loads(line) for line in open(sys.argv[1])]
assert [e["kind"] for e in events] == ["set", "set", "removed"], events
assert all(e["name"]["name"] == "w.a" and len(e["store"]) == 32 for e in events), events
print(events[0]["revision"], events[0]["store"])
' "$work/watch" > "$work/first" || fail "the events"
read -r first store < "$work/first"
watch again --prefix w. --from "$first" --store "$store"
takes again 3
kill -TERM "$watcher"
wait "$watcher" || fail "SIGTERM did not end watch cleanly"
grep -q "^$first set  *w.a" "$work/again" || fail "the lines of watch"
expect 1 "$pyrite" names watch --from 1 --store 00112233445566778899aabbccddeeff
complains '^pyrite: OUT_OF_RANGE: '
expect 1 "$pyrite" names watch --from 1 --store 12
complains '^pyrite: INVALID_ARGUMENT: '
expect 1 "$pyrite" names watch a --prefix a
complains '^pyrite: INVALID_ARGUMENT: '

# remove

expect 0 "$pyrite" names remove other
silent
expect 1 "$pyrite" names remove other
complains '^pyrite: NOT_FOUND: .*other'
expect 1 "$pyrite" names remove late --expect 1
complains '^pyrite: ABORTED: '
expect 1 "$pyrite" names remove pyrite.nameserver
complains '^pyrite: PERMISSION_DENIED: '
expect 2 "$pyrite" names remove
expect 2 "$pyrite" names remove a --prefix a
expect 2 "$pyrite" names remove --prefix ''
for i in 1 2 3; do "$pyrite" names register many.$i pyr:a@127.0.0.1:1; done
expect 2 "$pyrite" names remove --prefix many.
complains '--yes'
# on a terminal it asks
asked() {
	python3 - "$1" "$pyrite" names remove --prefix many. > "$work/out" 2>&1 <<'PYTHON'
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
said = b""
while b"[y/N]" not in said:
    said += os.read(fd, 1000)
os.write(fd, sys.argv[1].encode() + b"\n")
try:
    while True:
        more = os.read(fd, 1000)
        if not more:
            break
        said += more
except OSError:
    pass
print(said.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PYTHON
}
status=0; asked n || status=$?
[ "$status" = 1 ] || fail "a removal that was declined: exit $status"
says "Remove 3 names that begin with 'many.'"
says 'nothing was removed'
asked y || { cat "$work/out" >&2; fail "a removal that was agreed to"; }
says '^3 removed'
for i in 1 2 3; do "$pyrite" names register many.$i pyr:a@127.0.0.1:1; done
expect 0 "$pyrite" names remove --regex 'many[.][12]' --yes --json
says '"removed":2'
expect 0 "$pyrite" names remove --prefix many. --yes
says '^1 removed'

# N7: a daemon publishes, dies, and its name goes; another one's name stays

"$pyrite" echo --name mortal --ttl 1 > "$work/mortal" 2>&1 < /dev/null &
mortal=$!
pids="$pids $mortal"
expect 0 "$pyrite" names lookup mortal --wait 20 --json
born=$(sed 's/.*"create_revision":\([0-9]*\).*/\1/' "$work/out")
watch death mortal --from "$born"
takes death 1
expect 0 "$pyrite" ping mortal
expect 1 "$pyrite" echo --name mortal
complains '^pyrite: ALREADY_EXISTS: '
kill -9 "$mortal"
begin=$(date +%s)
takes death 1
grep -q '^[0-9]* removed  *mortal' "$work/death" || fail "mortal did not die"
expect 1 "$pyrite" names lookup mortal
kill -TERM "$watcher"
[ $(($(date +%s) - begin)) -le 3 ] || fail "the name of a dead daemon lives too long"

# The server dies without a word, and knows all it has acknowledged; the daemons go on

"$pyrite" echo --name steady --ttl 1 > "$work/steady" 2>&1 < /dev/null &
steady=$!
pids="$pids $steady"
expect 0 "$pyrite" names lookup steady --wait 20
kill -9 $ns
wait $ns 2>/dev/null || :
expect 1 "$pyrite" names list
complains '^pyrite: UNAVAILABLE: '
expect 1 "$pyrite" ping steady
complains '^pyrite: UNAVAILABLE: '
start ns2 "$pyrite" ns --listen "unix:$work/ns.socket" --store "$work/names.db"
ns=$pid
expect 0 "$pyrite" names lookup example.calc
expect 0 "$pyrite" ping steady
ends $ns
# one that has lost everything is told by the daemon itself
start ns3 "$pyrite" ns --listen "unix:$work/ns.socket"
ns=$pid
expect 0 "$pyrite" names lookup steady --wait 20
expect 1 "$pyrite" names lookup example.calc
ends $steady
expect 1 "$pyrite" names lookup steady
ends $ns
[ ! -e "$work/ns.socket" ] || fail "the socket was left behind"

for command in list lookup register remove tag watch status; do
	expect 0 "$pyrite" names $command --help
	says '--json'
	says '--at ENDPOINT'
	expect 2 "$pyrite" names $command --nonsense
	expect 1 "$pyrite" names status --at 'what:ever'
	complains '^pyrite: INVALID_ARGUMENT: '
done
expect 2 env PYRITE_NS=nonsense "$pyrite" names list
complains '^pyrite: INVALID_ARGUMENT: '
echo "names: all as expected"
