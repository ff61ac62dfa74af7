#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: codegen_seed.sh GENERATOR OUT PROTOC_ARGUMENT...
# Writes an input for the fuzz target `codegen`: what protoc asks the generator for with these
# arguments, and what protoc-gen-c answers to it.
set -eu
generator=$1 out=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat > "$work/plugin" <<END
#!/bin/sh
tee "$work/request" | PYRITE_PROTOC_GEN_C="$work/protoc-gen-c" "$generator"
END
cat > "$work/protoc-gen-c" <<END
#!/bin/sh
protoc-gen-c | tee "$work/answer"
END
chmod +x "$work/plugin" "$work/protoc-gen-c"
: > "$work/answer"
protoc "--plugin=protoc-gen-pyrite=$work/plugin" "--pyrite_out=$work" "$@" || true
size=$(wc -c < "$work/request")
{
	# the size's bytes as octal escapes
	printf "$(printf '\\%03o\\%03o\\%03o\\000' $((size % 256)) $((size / 256 % 256)) \
		$((size / 65536)))"
	cat "$work/request" "$work/answer"
} > "$out"
