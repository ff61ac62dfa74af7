#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: see lib.sh. Every file in bad/ is refused with just the lines that it says at its end:
#
#     // refused: LINE:COLUMN: MESSAGE
#
# or taken, if it has none. Then what is wrong with more than one file.
. "$(dirname "$0")/lib.sh"

# what protoc says, without its own words and the file's name
said()
{
	sed "/warning: Import /d; s/^--pyrite_out: //; s/^$1://; s/^ //" "$work/protoc.log"
}

check_file()
{
	taken=yes
	generate "$work/out" -I. "$1" > "$work/ignored" || taken=no
	sed -n 's|^// refused: ||p' "$1" > "$work/expected"
	said "$1" > "$work/actual"
	if ! diff "$work/expected" "$work/actual"; then
		fail "$1: other errors than expected"
	elif [ -s "$work/expected" ] && [ $taken = yes ]; then
		fail "$1 is taken"
	elif [ -s "$work/expected" ] && [ -n "$(ls "$work/out")" ]; then
		fail "$1 is refused and written"
	fi
	rm -rf "$work/out"
}

cd "$tests/bad"
for proto in *.proto; do
	check_file "$proto"
done

# refused EXPECTED ARGUMENT...: protoc's first line holds EXPECTED
refused()
{
	expected=$1
	shift
	if generate "$work/out" "$@" > "$work/ignored"; then
		fail "taken: $*"
	elif ! head -n 1 "$work/protoc.log" | grep -qF -- "$expected"; then
		fail "$*: not \"$expected\", but:"
		cat "$work/protoc.log"
	fi
}

# a file named NAME in a folder of its own
write()
{
	rm -rf "$work/in"
	mkdir -p "$work/in"
	for name; do
		echo 'syntax = "proto3"; package p; message M {}' > "$work/in/$name"
	done
}

write x.proto
echo 'syntax = "proto3"; package q; message M {}' > "$work/in/x.protodevel"
refused "x.protodevel:1:1: both this file and x.proto become x.pb-c.h: rename one of them" \
	"-I$work/in" x.proto x.protodevel
refused 'unknown parameter "verbose": protoc-gen-pyrite takes none' \
	"-I$work/in" --pyrite_opt=verbose x.proto
for name in 'a*b.proto' 'a"b.proto' 'a?b.proto' 'a\b.proto' "a	b.proto"; do
	write "$name"
	refused "the name of a file must not contain" "-I$work/in" "$name"
done

# run PROTOC_GEN_C EXPECTED: with another program in protoc-gen-c's place
run()
{
	PYRITE_PROTOC_GEN_C=$1
	export PYRITE_PROTOC_GEN_C
	refused "$2" "-I$work/in" x.proto
	unset PYRITE_PROTOC_GEN_C
}

program()
{
	printf '#!/bin/sh\n%s\n' "$2" > "$work/$1"
	chmod +x "$work/$1"
}

write x.proto
run "$work/missing" "cannot run $work/missing (No such file or directory): install protobuf-c's compiler"
run "$work/in" "cannot run $work/in (Permission denied)"
program fails 'cat > /dev/null; exit 3'
run "$work/fails" "protoc-gen-c ended with status 3"
program crashes 'kill -SEGV $$'
run "$work/crashes" "protoc-gen-c crashed with signal 11"
program babbles 'cat > /dev/null; echo hello'
run "$work/babbles" "protoc-gen-c gave an answer that cannot be read"
program silent 'cat > /dev/null'
run "$work/silent" "protoc-gen-c gave no code for x.proto"
program complains 'cat > /dev/null; printf "\012\003bad"'
run "$work/complains" "protoc-gen-c: bad"

# the plugin alone: a request that is no request is answered with an error, not with a crash
for input in '' '\377' '\012\377' '\172\002\012' 'hello'; do
	printf "$input" | "$generator" > "$work/answer" || fail "the plugin fails on \"$input\""
	grep -qa "protoc's request" "$work/answer" || fail "no error for the request \"$input\""
done
"$generator" --help | grep -q 'protoc --pyrite_out=DIR' || fail "no --help"
if "$generator" --nonsense 2> "$work/ignored"; then
	fail "an unknown argument is taken"
fi
finish "$(ls *.proto | wc -l) bad files"
