#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: known.sh BIN_DIR PYRITE NAME...
# Examples that are started by one command, as the README says, and what they have to show then.
set -eu
bin=$(cd "$1" && pwd) pyrite=$(realpath "$2")
shift 2
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() { cat "$work/err" "$work/out" >&2; echo "known: $name: $*" >&2; exit 1; }

# run: the example, as a user starts it; what it shows is in $work/out
run()
{
	sh "$here/../../examples/run.sh" "$name" "$bin" "$pyrite" > "$work/out" 2> "$work/err" ||
		fail "it failed"
}

# shows LINE...: these lines, whole, one after another; others may be between them
shows()
{
	from=1
	for line; do
		at=$(tail -n "+$from" "$work/out" | grep -nxF -m 1 -e "$line" | cut -d: -f1)
		[ -n "$at" ] || fail "not '$line', or not in its place"
		from=$((from + at))
	done
}

# matches PATTERN...: a line for each of these (grep -E)
matches()
{
	for pattern; do
		grep -qxE -e "$pattern" "$work/out" || fail "no line like '$pattern'"
	done
}

try_banks()
{
	run
	shows "open, Anna at example.bank.harbour: done" "open, Ben at example.bank.meadow: done" \
		"open, Anna at example.bank.harbour: Anna has an account here (ALREADY_EXISTS)" \
		"deposit, Anna at example.bank.harbour: done" \
		"transfer of 150.00" \
		"  take, Anna at example.bank.harbour: done" "  give, Ben at example.bank.meadow: done" \
		"transfer of 200.00" \
		"  take, Ben at example.bank.meadow: insufficient funds (FAILED_PRECONDITION): 150.00 available, 50.00 missing" \
		"transfer of 50.00" \
		"  give, Carla at example.bank.harbour: Carla has no account here (NOT_FOUND)" \
		"  give back, Ben at example.bank.meadow: done" \
		"example.bank.harbour: Anna has -50.00" "example.bank.meadow: Ben has 150.00" \
		"all banks together: 100.00"
}

try_exceptions()
{
	run
	shows "a sum" "  sum:     42" \
		"no number" \
		"  status:  INVALID_ARGUMENT" \
		"  message: 'x7' is no whole number, such as 42" \
		"  where:   line 2, column 4" \
		"  ran:     yes" \
		"  details: line 2, column 4, word 'x7'" \
		"too large" "  status:  OUT_OF_RANGE" "  message: the sum needs more than 64 bits" \
		"an answer that was forgotten" "  status:  INTERNAL" \
		"a method that is not there" "  status:  UNIMPLEMENTED" "  ran:     no" \
		"a name that is not there" "  status:  NOT_FOUND" "  ran:     no"
	matches "  where:   127\.0\.0\.1:[0-9]+ demo\.Sums/Multiply"
}

try_batchedcalls()
{
	run
	shows "5 in, 2 out, 1 in" "  3 of 3 calls ran and succeeded" \
		"  call 1: 5 coins now" "  call 3: 4 coins now" \
		"5 in, 100 out, 1 in" "  FAILED_PRECONDITION: there are only 9 coins" "  call 2 of 3" \
		"  1 of 3 calls ran and succeeded" "  call 1: 9 coins now"
	matches "  call 3: call 3 has no reply: 1 of 3 .*"
}

try_callback()
{
	run
	shows "omelette" "  step 1: chop" "  step 2: fry" "  step 3: season" "  step 4: serve" \
		"  done in 4 steps" \
		"salad" "  step 1: chop" "  step 2: fry" "  ABORTED: no salad: the waiter said no at 'fry'" \
		"soup"
	matches "  NOT_FOUND: no soup: no such object was handed to this peer.*"
	[ "$(grep -c '  step ' "$work/out")" = 6 ] || fail "more steps than the waiter agreed to"
}

try_autoproxy()
{
	run
	shows "the robot says, for the 1. time: hello" "the doll says, for the 1. time: good morning" \
		"the robot says, for the 2. time: hello again" "things: 2" "scrapped: the robot" "things: 1" \
		"the doll says, for the 2. time: alone now" "scrapped: the doll" "things: 0"
}

try_stockquotes()
{
	run
	shows "Carla has seen 0 quotes: NOT_FOUND" "Anna has seen 6 quotes: CANCELLED" \
		"Ben has seen 6 quotes: CANCELLED" "subscriptions: 0"
	[ "$(grep -cE '^Anna sees (AMBER|COBALT) at [0-9]+\.[0-9]{2}$' "$work/out")" = 6 ] || fail "not Anna's quotes"
	[ "$(grep -cE '^Ben sees DIAMOND at [0-9]+\.[0-9]{2}$' "$work/out")" = 6 ] || fail "not Ben's quotes"
	[ "$(grep -c ' sees ' "$work/out")" = 12 ] || fail "quotes that nobody has subscribed to"
	matches "Anna sees AMBER .*" "Anna sees COBALT .*"
	grep -qx "Carla: GRAVEL is not traded here" "$work/err" || fail "no reason for Carla"
}

try_mandelbrot()
{
	cd "$work"
	run
	python3 "$here/mandelbrot.py" mandelbrot.pgm "$work/out" > "$work/err" 2>&1 || fail "not the picture"
	cd "$OLDPWD"
	matches "example\.mandelbrot\.three is gone, its work goes to others: UNAVAILABLE"
	[ "$(grep -c 'is gone' "$work/out")" = 1 ] || fail "others are gone as well"
	rows=0
	for worker in one two three; do
		n=$(sed -n "s/^example\.mandelbrot\.$worker: \([0-9]*\) rows$/\1/p" "$work/out")
		[ "$n" -gt 0 ] || [ $worker = three ] || fail "$worker has done nothing"
		rows=$((rows + n))
	done
	[ $rows = 240 ] && [ "$n" -le 10 ] || fail "$rows rows, $n of them by who crashed"
}

try_usersession()
{
	run
	shows "Anna: log in first (UNAUTHENTICATED)" "Anna: wrong user or password (PERMISSION_DENIED)" \
		"Anna: cart of anna: empty" "Ben: cart of ben: empty" "Anna: cart of anna: chair" \
		"Anna: cart of anna: chair table" "Ben: cart of ben: bike" "Anna: the lamp: reserved" \
		"Ben: sessions: 2" "Anna goes" "Ben: the lamp: reserved" "Ben: sessions: 1" \
		"Anna, back again: cart of anna: empty"
	matches "anna goes, with 2 articles in the cart" "ben goes, with 1 articles in the cart"
	[ "$(grep -c " comes$" "$work/out")" = 3 ] || fail "not three sessions"
}

try_disconnects()
{
	run
	shows "read: server 1 answers: 0" \
		"read, while the server dies: server 2 answers: 0" \
		"add, while the server dies: UNAVAILABLE, perhaps it ran" \
		"then look: server 3 answers: 1" \
		"add: server 3 answers: 2" \
		"read, without another try: UNAVAILABLE, perhaps it ran" \
		"read: server 4 answers: 2"
	[ "$(wc -l < "$work/out")" = 7 ] || fail "not seven lines"
}

try_messagebus()
{
	run
	shows "the quick one: 5000 messages, 0 dropped, in order" "the one in Rome: 50 messages, 0 dropped, in order"
	told=$(sed -n 's/^the slow one is told: \([0-9]*\) dropped$/\1/p' "$work/out" | awk '{ n += $1 } END { print n + 0 }')
	seen=$(sed -n 's/^the slow one: \([0-9]*\) of 5000, .*/\1/p' "$work/out")
	[ "$told" -gt 0 ] && [ "$seen" -ge 64 ] && [ $((seen + told)) = 5000 ] ||
		fail "the slow one: $seen and $told are not 5000"
}

try_filetransfer()
{
	run
	shows "put report: 20000000 bytes" "NOT_FOUND: there is no file minutes" \
		"INVALID_ARGUMENT: '../report' is no name of a file here: no slash, no dot in front" \
		"pyrite: DATA_LOSS: 3 of 3 bytes came, with checksum 352441c2, not 00000001" "files there: report"
	matches "got report: 20000000 bytes, checksum [0-9a-f]{8}"
	! grep -q % "$work/out" "$work/err" || fail "shows its progress in a pipe"
	script -qec "sh '$here/../../examples/run.sh' filetransfer '$bin' '$pyrite'" "$work/tty" < /dev/null > "$work/err" ||
		fail "it failed at a terminal"
	[ "$(tr '\r' '\n' < "$work/tty" | grep -cE '^ *[0-9]+ %')" -ge 100 ] || fail "shows no progress at a terminal"
}

for name; do
	"try_$name"
	echo "known: $name: $(tail -n 1 "$work/out")"
done
