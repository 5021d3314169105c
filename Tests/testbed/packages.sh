#!/usr/bin/env bash
# Installs the named Debian packages that are missing, without starting the services they bring.
set -euo pipefail
missing=()
for package in "$@"; do
	[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" != 0 ]; then
	echo "These packages are missing; install them as root: apt-get install ${missing[*]}" >&2
	exit 1
fi
echo "Installing: ${missing[*]}"
# A policy-rc.d that answers 101 keeps packages from starting services; one that is there already is left alone.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	trap 'rm -f "$policy"' EXIT
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
echo 'slapd slapd/no_configuration boolean true' | debconf-set-selections 2>/dev/null || true
apt-get -q -o DPkg::Lock::Timeout=900 update >/dev/null
apt-get -q -y -o DPkg::Lock::Timeout=900 --no-install-recommends install "${missing[@]}" >/dev/null
