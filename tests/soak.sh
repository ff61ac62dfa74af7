#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: sh tests/soak.sh [SECONDS] [--seed N] [--build FOLDER] [--break HOW]
#
# Calls a name with several replicas for SECONDS (600) while its daemons and the name server are
# killed, stopped, suspended and started again, and then proves from the servants' own log that no
# call was lost, none ran twice that must not, no answer was wrong, and nothing leaks. With the same
# N the same is done to the daemons. FOLDER is where Pyrite was built (build). HOW breaks a part on
# purpose, which the test then has to find: see tests/soak/CMakeLists.txt.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
exec /usr/bin/python3 -B "$here/soak/soak.py" "$@"
