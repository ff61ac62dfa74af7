#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: features.sh SOURCE_DIR
# docs/features.md has a row for each feature of the list, with a state, and every test that a row
# names exists; who says done or partly names one.
set -eu
cd "$1"
awk '
function complain(what) { printf "docs/features.md: %s: %s\n", id, what; wrong = 1 }

# does the file define that? the word alone, somewhere
function has(file, word,   line, found) {
	found = 0
	while (!found && (getline line < file) > 0)
		found = line ~ "(^|[^A-Za-z0-9_])" word "([^A-Za-z0-9_]|$)"
	close(file)
	return found
}
function exists(file,   line, got) {
	got = getline line < file
	close(file)
	return got > 0
}

# "`file` test, test; `file`": how many files
function check(text,   places, parts, tests, n, m, i, j) {
	n = split(text, places, / *; */)
	for (i = 1; i <= n; i++) {
		if (split(places[i], parts, "`") != 3 || parts[1] != "") {
			complain("cannot be read: " places[i])
			continue
		}
		if (!exists(parts[2])) {
			complain("there is no " parts[2])
			continue
		}
		m = split(parts[3], tests, /[ ,]+/)
		for (j = 1; j <= m; j++)
			if (tests[j] != "" && !has(parts[2], tests[j]))
				complain(parts[2] " has no " tests[j])
	}
	return n
}

BEGIN { FS = " *[|] *"; split("13 14 16 3 4", counts, " "); split("N D C S O", letters, " ") }
$2 ~ /^[NDCSO][0-9]+$/ {
	id = $2
	rows[id]++
	if (NF != 6)
		complain("has " NF - 2 " columns, not 4")
	if ($4 !~ /^(done|partly: .+|planned(; .+)?)$/)
		complain("is neither done nor partly: ... nor planned")
	named = $5 == "" ? 0 : check($5)
	if ($4 ~ /^planned/ ? named : !named)
		complain("is " $4 ", and names " named " files of tests")
	total++
}
END {
	for (i = 1; i <= 5; i++)
		for (j = 1; j <= counts[i]; j++) {
			id = letters[i] j
			if (rows[id] != 1)
				complain("has " rows[id] + 0 " rows")
		}
	if (!wrong)
		print total " features, and every test that shows one exists"
	exit wrong
}' docs/features.md
