# SPDX-License-Identifier: Apache-2.0
# usage: cmake -DDEPFILE=x.d -P PyriteDepfile.cmake
# Puts a backslash before the spaces in the names of a file that protoc 3.21 wrote with
# --dependency_out: it does not, and then make knows other files. Each line of it holds one name,
# but for the one with the last output and the first input.
file(READ ${DEPFILE} text)
string(REGEX REPLACE " *\\\\\n *" "\n" text "${text}")
string(REPLACE ": " ":\n" text "${text}")
string(REPLACE " " "\\ " text "${text}")
string(REPLACE ":\n" ": " text "${text}")
string(REPLACE "\n" " \\\n " text "${text}")
file(WRITE ${DEPFILE} "${text}\n")
