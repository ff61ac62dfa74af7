#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: install.sh BUILD_DIR WORK_DIR CMAKE CC
# Installs to a scratch prefix, and builds and runs a program outside the tree against it: through
# CMake's package, and through pkg-config; with the shared library, and with the static one.
set -eu
build=$1 work=$2 cmake=$3 cc=$4
consumer=$(cd "$(dirname "$0")" && pwd)/consumer
prefix=$work/prefix
rm -rf "$work"
mkdir -p "$work/plain"

# the program's output; what the environment says about libraries must not help
run()
{
	echo "+ $*"
	[ "$("$@")" = "0.1.0 calc 4711" ] || { echo "$1: wrong output"; exit 1; }
}

echo "== install"
$cmake --install "$build" --prefix "$prefix" > "$work/install.log"

echo "== through CMake"
$cmake -S "$consumer" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$cc"
$cmake --build "$work/cmake"
run "$work/cmake/consumer_pyrite"
run "$work/cmake/consumer_pyrite_static"

echo "== through pkg-config"
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name pyrite.pc)")
export PKG_CONFIG_PATH
libdir=$(pkg-config --variable=libdir pyrite)
cd "$work/plain"
set -x
$cc -o shared "$consumer/main.c" $(pkg-config --cflags --libs pyrite) -Wl,-rpath,"$libdir"
$cc -static -o static "$consumer/main.c" $(pkg-config --static --cflags --libs pyrite)
set +x
run ./shared
run ./static

echo "== what is linked to what"
readelf -d shared | grep -q 'NEEDED.*libpyrite\.so\.0' || { echo "shared is not shared"; exit 1; }
readelf -d static | grep -q NEEDED && { echo "static is not static"; exit 1; }
readelf -d "$libdir/libpyrite.so" | grep -q 'SONAME.*\[libpyrite\.so\.0\]' || { echo "no soname"; exit 1; }
if ldd "$libdir/libpyrite.so" | grep -q libgrpc; then
	echo "libpyrite.so depends on libgrpc"
	exit 1
fi
echo "installed and used"
