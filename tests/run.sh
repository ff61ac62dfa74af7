#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: sh tests/run.sh [plain] [asan] [tsan]
#
# Installs what is missing (Debian 12), then builds and runs all tests, three times:
#
#   plain  build/       with warnings as errors: every test. Programs are in build/bin
#   asan   build/asan/  every test with AddressSanitizer and UndefinedBehaviorSanitizer; a leak fails
#   tsan   build/tsan/  the programs of tests/tsan/ with ThreadSanitizer
#
# Ends with 0 if everything passed. May be run again at any time, and builds only what has changed.
set -eu
cd "$(dirname "$0")/.."
jobs=$(nproc)
began=$(date +%s)

say()
{
	echo "== $(($(date +%s) - began)) s: $*"
}

# build FOLDER CMAKE_ARGUMENT...: quiet unless it fails
build()
{
	folder=$1
	shift
	mkdir -p "$folder"
	log=$folder/build.log
	say "$folder: building (output in $log)"
	if ! { cmake -S . -B "$folder" -DBUILD_TESTING=ON -DPYRITE_WERROR=ON "$@" &&
		cmake --build "$folder" --parallel "$jobs"; } > "$log" 2>&1; then
		grep -nE 'error|Error|FAILED' "$log" | head -n 20
		tail -n 40 "$log"
		say "$folder: the build failed"
		exit 1
	fi
}

# run_tests FOLDER CTEST_ARGUMENT...
run_tests()
{
	ASAN_OPTIONS=log_path=$reports/asan:detect_leaks=1:strict_string_checks=1 \
	UBSAN_OPTIONS=log_path=$reports/ubsan:print_stacktrace=1 \
		ctest --output-on-failure --no-tests=error --test-dir "$@"
}

# check_most FOLDER: every test. Those of tests/soak, which mostly wait, run meanwhile, in a folder
# that ctest takes for a build of its own.
check_most()
{
	run_tests "$1/tests/soak" --parallel $((jobs * 2)) > "$1/soak.log" 2>&1 &
	soak=$!
	run_tests "$1" --parallel "$jobs" --label-exclude '^soak$' || failed=1
	say "$1: waiting for the soak tests"
	wait $soak || failed=1
	cat "$1/soak.log"
}

check_threads()
{
	run_tests "$1" --parallel "$jobs" --label-regex '^tsan$' || failed=1
}

# check FOLDER FUNCTION: with a sanitizer's reports in FOLDER/reports, which must stay empty
check()
{
	folder=$1
	reports=$PWD/$folder/reports
	rm -rf "$reports"
	mkdir -p "$reports"
	say "$folder: testing"
	failed=0
	"$2" "$folder"
	if [ -n "$(ls "$reports")" ]; then
		head -n 60 "$reports"/*
		say "$folder: a sanitizer has reported the above"
		failed=1
	fi
	table=$folder/tests/transport/results/table.txt
	[ ! -f "$table" ] || cat "$table"
	[ $failed = 0 ] || { say "$folder: FAILED"; exit 1; }
}

plain()
{
	build build
	check build check_most
}

# build_sanitized FOLDER SANITIZERS: with lines for the reports, and not all of the optimization,
# which would take the compiler longer than it saves the tests. The less it does of that the more
# it warns of what cannot be: warnings are judged by the plain build.
build_sanitized()
{
	build "$1" -DPYRITE_SANITIZE="$2" -DPYRITE_WERROR=OFF -DCMAKE_BUILD_TYPE=RelWithDebInfo \
		-DCMAKE_C_FLAGS_RELWITHDEBINFO="-O1 -g1" -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O1 -g1"
}

asan()
{
	build_sanitized build/asan address,undefined
	check build/asan check_most
}

tsan()
{
	build_sanitized build/tsan thread
	check build/tsan check_threads
}

[ $# -gt 0 ] || set -- plain asan tsan
for kind; do
	case $kind in
	plain | asan | tsan) ;;
	*) sed -n '3,11s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
	esac
done

say "packages"
sh tests/packages.sh build test
for kind; do
	$kind
done
say "all passed: $*"
