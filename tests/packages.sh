#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: packages.sh build|test ...
# Installs those of the packages in packages.txt, of the kinds named, that are missing; as root, or
# through sudo. Does nothing, and needs neither, when all are there.
set -eu
list=$(dirname "$0")/packages.txt

missing=
for kind; do
	for package in $(sed -n "s/^$kind  *//p" "$list"); do
		[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>&1)" = installed ] ||
			missing="$missing $package"
	done
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get > /dev/null; then
	echo "This is no Debian. Install by hand what these packages of Debian 12 contain:$missing" >&2
	exit 1
fi
sudo=
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo > /dev/null || {
		echo "Only root can install packages, and there is no sudo. As root, run:" >&2
		echo "  apt-get update && apt-get install$missing" >&2
		exit 1
	}
	sudo=sudo
fi

install()
{
	# $missing is many words
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
		-o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 $missing > "$log" 2>&1
}

echo "Installing:$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# the lists of a fresh machine are empty or old
install || { $sudo apt-get update -qq && install; } || { cat "$log" >&2; exit 1; }
