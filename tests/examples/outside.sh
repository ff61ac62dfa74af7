#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: outside.sh SOURCE_DIR BUILD_DIR WORK_DIR CMAKE CC
# The examples, and `pyrite bench`, built out of the tree against what is installed alone: through
# CMake's package, and through pkg-config with the commands of the README. Then they are run.
set -eu
known="banks exceptions stockquotes mandelbrot usersession disconnects messagebus filetransfer"
source=$1 build=$2 work=$3 cmake=$4 cc=$5
prefix=$work/prefix
rm -rf "$work"
mkdir -p "$work/plain/bin"

echo "== install"
$cmake --install "$build" --prefix "$prefix" > "$work/install.log"
cp -r "$source/examples" "$source/src/cli" "$work" # so that nothing else of the tree is in reach

echo "== through CMake"
$cmake -S "$work/examples" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$cc" \
	-DCMAKE_C_FLAGS="-Wall -Wextra -Wno-unused-parameter -Werror" > "$work/cmake.log"
$cmake --build "$work/cmake" --parallel 2 >> "$work/cmake.log" 2>&1 || { cat "$work/cmake.log"; exit 1; }
sh "$source/tests/examples/run.sh" "$work/cmake/bin" "$prefix/bin/pyrite"
sh "$source/tests/examples/known.sh" "$work/cmake/bin" "$prefix/bin/pyrite" $known

echo "== through pkg-config"
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name pyrite.pc)")
PATH=$prefix/bin:$PATH # protoc finds the generator there
export PKG_CONFIG_PATH PATH
rpath=-Wl,-rpath,$(pkg-config --variable=libdir pyrite)
generate() { protoc -I. -I"$(pkg-config --variable=includedir pyrite)" --pyrite_out=. "$@"; }
for name in calculator warehouse fanout oneway stream upload chat tls $known; do
	cd "$work/examples/$name"
	case $name in # what is not in the example's folder
	banks) generate -I../exceptions ./*.proto ../exceptions/status.proto pyrite/names.proto ;;
	mandelbrot) generate ./*.proto pyrite/names.proto ;;
	*) generate ./*.proto ;;
	esac
	for side in server client; do
		$cc -o "$work/plain/bin/$name-$side" $side.c $(find . -name '*.pyr.c' -o -name '*.pb-c.c') -I. \
			$(pkg-config --cflags --libs pyrite libevent_core) "$rpath"
	done
done
sh "$source/tests/examples/run.sh" "$work/plain/bin" "$prefix/bin/pyrite"
sh "$source/tests/examples/known.sh" "$work/plain/bin" "$prefix/bin/pyrite" $known

echo "== bench"
cd "$work/cli"
generate bench.proto
cat > bench.c << 'END'
#include "cli.h"
#include <string.h>
int main(int argc, char **argv)
{
	if (argc < 2)
		return CLI_USAGE;
	return strcmp(argv[1], "serve") ? cli_bench_call(argc - 1, argv + 1)
					: cli_bench_serve(argc - 1, argv + 1);
}
END
$cc -D_GNU_SOURCE -o bench bench.c bench_call.c bench_serve.c histogram.c options.c output.c signals.c suggest.c \
	bench.pyr.c bench.pb-c.c $(pkg-config --cflags --libs pyrite libevent_core jansson) "$rpath"
mkfifo ready
./bench serve --listen unix:socket > ready &
server=$!
trap 'kill $server 2> /dev/null || :' EXIT
read -r word < ready
[ "$word" = ready ]
./bench call --connect unix:socket --seconds 0.1 --warmup 0 --outstanding 4 | grep '"errors": 0'
kill $server
wait $server
trap - EXIT
