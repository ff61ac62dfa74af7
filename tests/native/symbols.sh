#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: symbols.sh OBJECT...: the session's object files, by nm, use no socket, clock, thread,
# file or libevent: nothing but memory, text, and our own functions that are likewise pure.
set -eu
[ $# -ge 12 ] || { echo "only $# object files of a session: $*"; exit 1; }
memory='malloc|calloc|realloc|free|abort|mem(cmp|cpy|move|set|chr)|__mem(cpy|move|set)_chk'
text='str(len|nlen)|v?snprintf|__v?snprintf_chk|pyr_error_set|pyr_status_name'
compiler='__stack_chk_fail|_GLOBAL_OFFSET_TABLE_|__(asan|ubsan|lsan|sanitizer)_[a-z0-9_]+'
base='alloc|zalloc|realloc|try_alloc|strndup|block_(new|spare|ref|unref)|copy_text|keep_reason'
codec='metadata_check|utf8_printable_bytes|body_(write|write_around|lends)|inflate'
zlib='(de|in)flate(Init2?_|End)?'
session='(session|streams?|output|parcel|partial|frame|arrival)_[a-z_]+'
used=$(nm -A --undefined-only --format=posix "$@" | sed 's/^.*native.//; s/ U.*$//')
echo "$used" | grep -q ' pyr__alloc$' || { echo "nm does not say what it should: $used"; exit 1; }
if echo "$used" | grep -Ev " ($memory|$text|$compiler|$zlib|pyr__($base|$codec|$session))\$"; then
	echo "is used above: a session does no I/O, and takes the time from nobody"
	exit 1
fi
