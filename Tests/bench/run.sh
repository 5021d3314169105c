#!/usr/bin/env bash
# Measures Martlet beside Prosody and ejabberd, interleaved, and prints a table.
#
#   GROUP="core" REPEATS=3 SERVERS="prosody ejabberd martlet" TESTS=REGEX Tests/bench/run.sh
#   Tests/bench/run.sh --list
#
# MARTLET=FILE measures that program instead of building one. All files are below .build-bench in the
# package's folder (or BENCH_WORK), all ports from 25200 (BENCH_PORT). README.md beside this file says
# what is measured. Only processes started here are stopped, by their process id.
set -u
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PACKAGE=$(cd "$HERE/../.." && pwd)
GROUP=${GROUP:-core} REPEATS=${REPEATS:-3} SERVERS=${SERVERS:-prosody ejabberd martlet} TESTS=${TESTS:-.}
WORK=${BENCH_WORK:-$PACKAGE/.build-bench}
BASE_PORT=${BENCH_PORT:-25200}
DOMAIN=example.test USERS=2000

die() { printf 'bench: %s\n' "$*" >&2; exit 1; }
log() { printf '%s %s\n' "$(date +%H:%M:%S)" "$*" >&2; }

scenarios() { # group|name|features|arguments
	sed -e '/^#/d; /^$/d; s/ *| */|/g; s/ *$//' "$HERE/scenarios.txt"
}
if [ "${1:-}" = --list ]; then
	scenarios
	exit 0
fi
[ $# = 0 ] || die "no argument but --list is known; see the head of $0"
for group in $GROUP; do
	scenarios | grep -q "^$group|" || die "no group \"$group\" in Tests/bench/scenarios.txt; there are: $(scenarios | cut -d'|' -f1 | uniq | tr '\n' ' ')"
done

installed() { # package, or a program of that name
	command -v "$1" >/dev/null || dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
}

# A Debian package starts its service; policy-rc.d and the disabled unit keep it from running.
install_missing() { # package...
	local package policy=/usr/sbin/policy-rc.d made rc
	for package in "$@"; do
		installed "$package" && continue
		[ "$(id -u)" = 0 ] || die "$package is not installed; install it (apt-get install $package) or leave it out with SERVERS and GROUP"
		log "installing $package"
		made=
		if [ ! -e $policy ]; then
			printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy && made=1
		fi
		apt_install "$package" >"$WORK/apt-$package.log" 2>&1 || { apt-get update -q && apt_install "$package"; } >>"$WORK/apt-$package.log" 2>&1
		rc=$?
		[ -z "$made" ] || rm -f $policy
		[ $rc = 0 ] || die "$package could not be installed, see $WORK/apt-$package.log"
		update-rc.d "$package" disable >/dev/null 2>&1
		[ ! -d /run/systemd/system ] || systemctl disable --now "$package" >/dev/null 2>&1
	done
}
apt_install() { DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$1" </dev/null; }

build() { # product
	log "building $1 (release)"
	(cd "$PACKAGE" && ${RELEASE:-swift build -c release} --product "$1") >"$WORK/build-$1.log" 2>&1 && return 0
	grep -E 'error:' "$WORK/build-$1.log" | head -n 5 >&2
	return 1
}

mkdir -p "$WORK/fixture" "$WORK/run"
build xload || die "xload does not build, see $WORK/build-xload.log"
BIN=$(cd "$PACKAGE" && swift build -c release --show-bin-path) || exit 1
XLOAD=$BIN/xload
sqlite=
for group in $GROUP; do
	scenarios | grep "^$group|" | cut -d'|' -f3 | grep -qw sqlite && sqlite=yes
done
for server in $SERVERS; do
	case $server in
	prosody) install_missing prosody ${sqlite:+lua-dbi-sqlite3} ;;
	ejabberd) install_missing ejabberd ${sqlite:+sqlite3 erlang-p1-sqlite3} ;;
	martlet)
		if [ -z "${MARTLET:-}" ]; then
			build martlet || die "martlet does not build, see $WORK/build-martlet.log; SERVERS=\"prosody ejabberd\" measures the peers alone"
			MARTLET=$BIN/martlet
		fi
		[ -x "$MARTLET" ] || die "there is no program $MARTLET; SERVERS=\"prosody ejabberd\" measures the peers alone"
		"$MARTLET" serve --help 2>/dev/null | grep -q -e --config ||
			die "$MARTLET does not know \"serve --config FILE\": it is not a server yet; SERVERS=\"prosody ejabberd\" measures the peers alone"
		;;
	*) die "unknown server \"$server\"; there are: prosody ejabberd martlet" ;;
	esac
done

# shellcheck source=servers.sh
. "$HERE/servers.sh"
ulimit -n "$(ulimit -Hn)"
[ "$(ulimit -n)" -ge 12000 ] || log "only $(ulimit -n) file descriptors: the scenarios with 10,000 connections will fail"
"$HERE/servers/certificates.sh" "$WORK/certs" "$DOMAIN" || die "the certificates could not be made"
trap 'stop_server; exit 130' INT TERM
trap stop_server EXIT
OUT=$WORK/results/$(date +%Y%m%d-%H%M%S)-${GROUP// /-}
mkdir -p "$OUT"
RESULTS=$OUT/results.jsonl
: >"$RESULTS"
failed=0

measure() { # repeat name features arguments server
	local line before after kind= features=" $3 "
	choose_ports "$5"
	DIR=$WORK/run/$5
	case $features in *" roster "*) kind=roster features=${features/ roster / } ;; esac
	fixture "$5" "$kind" || return 1
	listens "$PORT" && { log "port $PORT is in use; choose others with BENCH_PORT"; return 1; }
	rm -rf "$DIR"
	cp -a "$FIXTURE" "$DIR"
	"start_$5" "$features"
	if ! wait_until_listening; then
		server_log "$5 does not start for $2"
		stop_server
		return 1
	fi
	sleep 1
	before=$(du -s -B1 "$DIR" | cut -f1)
	# shellcheck disable=SC2086
	line=$(timeout 300 "$XLOAD" $4 --disk "$DIR" --port "$PORT" --domain "$DOMAIN" --pid "$SERVER_PID" --tree \
		--scram-cache "$WORK/scram-$5" --label "$5/$2/$1" 2>>"$OUT/xload.log")
	stop_server
	if [ -z "$line" ]; then
		log "$1 $2 $5: no result, see $OUT/xload.log"
		return 1
	fi
	after=$(du -s -B1 "$DIR" | cut -f1)
	line="${line%\}},\"disk_bytes\":$((after - before))}"
	printf '%s\n' "$line" >>"$RESULTS"
	case $line in
	*'"ok":true'*) log "$1 $2 $5" ;;
	*) log "$1 $2 $5: NOT OK: $(sed 's/.*"first_error"://; s/,"ok".*//' <<<"$line")"; return 1 ;;
	esac
}

for repeat in $(seq "$REPEATS"); do
	while IFS='|' read -r group name features arguments <&4; do
		case " $GROUP " in *" $group "*) ;; *) continue ;; esac
		[[ $name =~ $TESTS ]] || continue
		for server in $SERVERS; do
			# what a peer fails at is in the table; only Martlet's failures are ours
			measure "$repeat" "$name" "$features" "$arguments" "$server" || [ "$server" != martlet ] || failed=1
		done
	done 4< <(scenarios)
done
python3 "$HERE/summarize.py" "$RESULTS" | tee "$OUT/table.md"
log "results: $OUT"
exit $failed
