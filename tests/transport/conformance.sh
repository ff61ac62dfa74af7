#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: conformance.sh FOLDER TRANSPORT[=GROUP,...]...
# Prints the conformance table, checks by transports, from the results that the suite's programs have
# written as FOLDER/TRANSPORT.tap, and keeps it as FOLDER/table.txt. Groups of checks that a
# transport has no use for are named after it. A check that failed, or has no result on a transport
# that has a use for it, fails.
set -u
folder=$1
shift
columns=
for transport; do
	name=${transport%%=*}
	columns="$columns $transport"
	[ -s "$folder/$name.tap" ] || : > "$folder/$name.tap"
done
cd "$folder" || exit 2
awk -v columns="$columns" '
BEGIN {
	count = split(columns, transports, " ")
	for (i = 1; i <= count; i++) {
		split(transports[i], parts, "=")
		transports[i] = parts[1]
		groups = split(parts[2], unused, ",")
		for (g = 1; g <= groups; g++)
			useless[parts[1], unused[g]] = 1
		ARGV[ARGC++] = parts[1] ".tap"
	}
}
FNR == 1 { transport = FILENAME; sub(/\.tap$/, "", transport) }
/^(not )?ok - / {
	line = $0
	sub(/^(not )?ok - /, "", line)
	check = line
	sub(/ .*/, "", check)
	if (!(check in seen)) {
		seen[check] = 1
		order[++checks] = check
	}
	result[transport, check] = /^not/ ? "FAILED" : "ok"
	if (line ~ /# SKIP /) {
		sub(/.*# SKIP /, "", line)
		result[transport, check] = "-"
		notes[transport ": " line] = 1
	}
}
# Insertion sort: mawk has no other.
function sort(   i, j, value) {
	for (i = 2; i <= checks; i++) {
		value = order[i]
		for (j = i - 1; j > 0 && order[j] > value; j--)
			order[j + 1] = order[j]
		order[j + 1] = value
	}
}
END {
	width = 20
	for (i = 1; i <= checks; i++)
		if (length(order[i]) > width)
			width = length(order[i])
	sort()
	printf "%-*s", width, "conformance"
	for (t = 1; t <= count; t++)
		printf "  %-10s", transports[t]
	print ""
	for (i = 1; i <= checks; i++) {
		printf "%-*s", width, order[i]
		group = order[i]
		sub(/::.*/, "", group)
		for (t = 1; t <= count; t++) {
			cell = result[transports[t], order[i]]
			if (cell == "" && (transports[t], group) in useless)
				cell = "-"
			if (cell == "")
				cell = "MISSING"
			bad += cell == "FAILED" || cell == "MISSING"
			printf "  %-10s", cell
		}
		print ""
	}
	print "-: not applicable; the local transport has no connection to break or to make again, and"
	print "   gRPC does not tell a connection that is lost from a caller that gives up"
	for (note in notes)
		print "-: " note
	printf "%d checks on %d transports: %d bad\n", checks, count, bad
	exit bad > 0 || checks == 0
}' > table.txt
status=$?
cat table.txt
exit $status
