#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: sh examples/quickstart.sh [BUILD_DIR]
#
# From a fresh clone to a remote call, on Debian 12: installs what the build needs, builds, starts a
# name server and a daemon, and calls the daemon's object by its name. Every step is printed as you
# would type it; everything that was started is ended. With BUILD_DIR, uses what is built there.
set -eu
cd "$(dirname "$0")/.."
build=${1:-build}
work=$(mktemp -d)
started=

finish()
{
	status=$?
	trap - EXIT
	for pid in $started; do
		kill "$pid" 2> /dev/null && wait "$pid" || :
	done
	[ $status = 0 ] || {
		cat "$work"/*.err 2> /dev/null >&2 || :
		echo "quickstart: FAILED at: $step" >&2
		echo "quickstart: ${advice:-run that command by itself to see why}" >&2
	}
	rm -rf "$work"
	exit $status
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say() { printf '\n# %s\n' "$*"; }
show() { step=$*; printf '$ %s\n' "$*"; }
run() { show "$@"; "$@"; }

# quietly COMMAND...: its output only if it fails
quietly()
{
	show "$@"
	"$@" > "$work/log" 2>&1 || { tail -n 40 "$work/log" >&2; exit 1; }
}

# wait_for WORD: until the program started last has printed that line into $work/out
wait_for()
{
	tries=0
	until grep -qx "$1" "$work/out"; do
		kill -0 "$last" 2> /dev/null && [ $tries -lt 300 ] || exit 1
		tries=$((tries + 1))
		sleep 0.1
	done
}

step="the start"
if [ $# = 0 ]; then
	say "what the build needs"
	advice="'sh tests/packages.sh build' installs Debian's packages, and needs root or sudo"
	run sh tests/packages.sh build
	say "build: the library, the generator, the program 'pyrite' and the examples"
	advice="a message about a missing package: 'sh tests/packages.sh build'"
	quietly cmake -S . -B "$build" -DBUILD_TESTING=OFF
	quietly cmake --build "$build" --parallel "$(nproc)"
fi
advice="'cmake -S . -B $build && cmake --build $build' makes the programs"
[ -x "$build/bin/pyrite" ] && [ -x "$build/bin/calculator-client" ] || exit 1
advice=

say "a name server, on any free port (without --listen: 127.0.0.1:9790, where all programs look)"
show "$build/bin/pyrite ns --listen 127.0.0.1:0 &"
: > "$work/out"
"$build/bin/pyrite" ns --listen 127.0.0.1:0 > "$work/out" 2> "$work/ns.err" &
last=$!
started=$last
wait_for ready
cat "$work/out"
PYRITE_NS=$(sed -n 's/^pyr:[^@]*@//p' "$work/out" | head -n 1)
export PYRITE_NS
show "export PYRITE_NS=$PYRITE_NS"

say "a daemon with an object: examples/calculator/server.c"
show "$build/bin/calculator-server &"
"$build/bin/calculator-server" 2> "$work/server.err" &
started="$! $started" # ended first, so that it can take its name back

say "its name, once it is there"
run "$build/bin/pyrite" names lookup example.calculator --wait 20
run "$build/bin/pyrite" ping example.calculator

say "a client calls the object by its name: examples/calculator/client.c"
show "$build/bin/calculator-client"
answer=$("$build/bin/calculator-client" 2> "$work/client.err")
echo "$answer"
[ "$answer" = "20 + 22 = 42" ] || exit 1

say "done; the daemon and the name server are ended. Next: README.md, and the other examples"
