#!/usr/bin/env bash
# Real clients log in to the server with accounts of a real directory and local ones, and talk to each other.
#
#   Tests/clients/run.sh [WORD...]     only the checks with one of the words in their function's name
#
# MARTLET is the program (default .build/debug/martlet), MARTLET_PYTHON a Python with Tests/requirements.txt.
# Everything happens in a temporary folder and on free loopback ports, and is gone afterwards.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
root="$(cd "$here/../.." && pwd)"
martlet="$(realpath -m "${MARTLET:-$root/.build/debug/martlet}")"
[ -x "$martlet" ] || { echo "$martlet is not there: build it, or name another one with MARTLET" >&2; exit 2; }
python="${MARTLET_PYTHON:-$root/.build-venv/bin/python}"
testbed="$here/../testbed"
work="$(mktemp -d -t martlet-clients.XXXXXX)"
server="" checks=""

finish() {
	status=$?
	trap - EXIT INT TERM
	for process in $checks $server; do
		kill -TERM "$process" 2>/dev/null || true
		wait "$process" 2>/dev/null || true
	done
	for socket in "$work"/*/tmux; do
		[ ! -S "$socket" ] || tmux -S "$socket" kill-server 2>/dev/null || true
	done
	[ ! -d "$work/ldap" ] || "$testbed/openldap/stop.sh" --dir "$work/ldap" --purge 2>/dev/null || true
	if [ "$status" != 0 ] && [ -s "$work/server.log" ]; then
		echo "--- the server's log"
		tail -n 40 "$work/server.log"
	fi
	rm -rf "$work"
	exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

"$testbed/openldap/start.sh" --dir "$work/ldap" --auto-ports --no-replica --log none --for $$ >/dev/null
. "$work/ldap/env.sh"
read -r PORT PORT_DIRECT PORT_COMPONENT < <(. "$testbed/lib/common.sh" && tb_free_ports 3)

(umask 077 && printf '%s' "$LDAP_BIND_PW" >"$work/reader.password")
(umask 077 && echo "the component's secret" >"$work/component.secret")
cat >"$work/martlet.yaml" <<CONF
domains:
  example.test:
    accounts: [company]
  second.test:
    accounts: [local]
listen:
  - {kind: client, port: $PORT, address: 127.0.0.1}
  - {kind: client, port: $PORT_DIRECT, address: 127.0.0.1, tls: direct}
  - {kind: component, port: $PORT_COMPONENT}
components:
  push.example.test: {secret-file: component.secret}
directories:
  company:
    servers: ["$LDAP_URI"]
    tls: starttls
    ca: $LDAP_CA
    bind-dn: "$LDAP_BIND_DN"
    password-file: reader.password
    base: "$LDAP_PEOPLE"
    filter: "(&(objectClass=person)(uid={user})(!(employeeType=disabled)))"
    timeouts: {operation: 1s, login: 2s}
CONF

"$martlet" check --config "$work/martlet.yaml"
"$martlet" serve --config "$work/martlet.yaml" >"$work/server.log" 2>&1 &
server=$!
until grep -sq "The server is running" "$work/server.log"; do
	kill -0 "$server" 2>/dev/null || { echo "the server did not start" >&2; exit 1; }
	sleep 0.05
done

export PORT PORT_DIRECT PORT_COMPONENT CERTIFICATES="$work/data/certs" MARTLET="$martlet" CONFIGURATION="$work/martlet.yaml"
export WORK="$work" TESTBED="$testbed" PYTHONDONTWRITEBYTECODE=1
"$python" "$here" "$@" &
checks=$!
wait "$checks"
