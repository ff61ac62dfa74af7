# SPDX-License-Identifier: Apache-2.0
# usage: COMMAND --help | awk -v name=pyrite-ns -v version=0.1.0 -f man.awk
# Makes a manual page from what a command says of itself: usage, text, and headings with what is
# under them. Indented lines of the text are shown as they are; elsewhere they are a word and what it
# means. `also` names other pages; `summary`, if it is given, stands for the first sentence.

# text as roff: nothing in it is a request, a dash is a dash
function plain(text)
{
	gsub(/\\/, "\\e", text)
	gsub(/-/, "\\-", text)
	gsub(/'/, "\\(aq", text)
	if (text ~ /^\./)
		text = "\\\&" text
	return text
}

function show(on)
{
	if (on == verbatim)
		return
	if (on)
		print ".PP\n.nf\n.RS 4"
	else
		print ".RE\n.fi\n.PP"
	verbatim = on
}

function entry(word, meaning) { printf ".TP\n.B %s\n%s\n", word, plain(meaning) }

# "  --listen ENDPOINT      HOST:PORT", or "  PYRITE_NS     HOST:PORT"
function item(line,   word)
{
	sub(/^ +/, "", line)
	match(line, /^[^ ]+/)
	word = plain(substr(line, 1, RLENGTH))
	line = substr(line, RLENGTH + 1)
	if (heading == "options" && match(line, /^ [^ ]+/)) { # one space: its argument
		word = word " \\fI" plain(substr(line, 2, RLENGTH - 1)) "\\fR"
		line = substr(line, RLENGTH + 1)
	}
	sub(/^ +/, "", line)
	entry(word, line)
}

# "  names list       list names by prefix, regex or tags"
function command(line,   word)
{
	sub(/^ +/, "", line)
	match(line, /  +/)
	word = "pyrite-" substr(line, 1, RSTART - 1)
	gsub(/ /, "-", word)
	entry(plain(word) "(1)", substr(line, RSTART + RLENGTH))
}

function begin_section(title) { show(0); heading = title; gap = 0; print ".SH " toupper(title) }

function sentence(text)
{
	sub(/\.$/, "", text)
	return tolower(substr(text, 1, 1)) substr(text, 2)
}

function begin_page(text)
{
	printf ".TH %s 1 \"\" \"Pyrite %s\" \"Pyrite\"\n", toupper(plain(name)), version
	printf ".ad l\n.nh\n.SH NAME\n%s \\- %s\n", plain(name), plain(summary ? summary : sentence(text))
	if (usage)
		printf ".SH SYNOPSIS\n.B %s\n", plain(usage)
	begin_section("description")
	begun = 1
}

NR == 1 && /^usage: / { usage = substr($0, 8); next }
!begun && NF { begin_page($0) }
/^[a-z][a-z ]*$/ { begin_section($0); next }
name == "pyrite" && /^  [a-z]+( [a-z]+)?  +[a-z]/ && heading ~ /description|commands/ {
	if (heading != "commands")
		begin_section("commands")
	command($0)
	next
}
heading == "commands" && /^[^ ]/ { begin_section("use") }
!NF { gap = blank = 1; next }
/^  / && (heading == "options" || heading == "environment") && !/^          / { item($0); next }
/^  / && heading !~ /^(options|environment|exit status)$/ {
	show(1)
	if (blank)
		print ""
	blank = 0
	print plain(substr($0, 3))
	gap = 0
	next
}
{
	show(0)
	if (gap && heading != "environment")
		print ".PP"
	gap = blank = 0
	sub(/^ +/, "")
	print plain($0)
}
END {
	show(0)
	if (also)
		printf ".SH SEE ALSO\n%s\n", plain(also)
}
