#!/usr/bin/env bash
# Resident memory of a server per persistent room that nobody is in: the difference between a start with
# many such rooms and a start with none, and what it costs to make one.
#
#   ROOMS=100000 SERVERS="ejabberd martlet" Tests/bench/empty-rooms.sh
#
# Needs what run.sh has made (xload, the certificates and the users): run that once before, for the same servers.
# MARTLET, BENCH_WORK and BENCH_PORT mean what they mean there.
set -u
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PACKAGE=$(cd "$HERE/../.." && pwd)
ROOMS=${ROOMS:-100000} SERVERS=${SERVERS:-prosody ejabberd martlet}
WORK=${BENCH_WORK:-$PACKAGE/.build-bench}
BASE_PORT=${BENCH_PORT:-25200}
DOMAIN=example.test USERS=2000
BIN=$(cd "$PACKAGE" && swift build -c release --show-bin-path) || exit 1
XLOAD=$BIN/xload
MARTLET=${MARTLET:-$BIN/martlet}

log() { printf '%s %s\n' "$(date +%H:%M:%S)" "$*" >&2; }
die() { log "$*"; exit 1; }
# shellcheck source=servers.sh
. "$HERE/servers.sh"
ulimit -n "$(ulimit -Hn)"
trap 'stop_server; exit 130' INT TERM
trap stop_server EXIT

# A start, one log-in, and a moment of rest; sets RSS.
resident() { # server
	"start_$1" " muc "
	wait_until_listening || die "$1 does not start, see $DIR/out.log"
	sleep 2
	"$XLOAD" login -n 10 --warm 0 --port "$PORT" --domain "$DOMAIN" --tls plain --scram-cache "$WORK/scram-$1" >/dev/null
	sleep 3
	RSS=$(ps -o rss= -p "$SERVER_PID")
}

for server in $SERVERS; do
	choose_ports "$server"
	DIR=$WORK/run/$server
	fixture "$server" || exit 1
	rm -rf "$DIR" && cp -a "$FIXTURE" "$DIR"
	resident "$server"
	none=$RSS
	cost=$(timeout 1200 "$XLOAD" rooms -n 1000 --drain 300 --rooms "$ROOMS" --port "$PORT" --domain "$DOMAIN" --tls plain --settle 1 \
		--pid "$SERVER_PID" --tree --scram-cache "$WORK/scram-$server" --label "$server/rooms/1" | tee "$WORK/rooms-$server.json" |
		sed 's/.*"server_cpu_us_per_room":\([0-9.]*\).*"rooms":\([0-9]*\).*/\2 rooms made, \1 us of CPU each/')
	stop_server
	resident "$server"
	stop_server
	echo "$server: $none KiB without rooms, $RSS KiB with $ROOMS: $(((RSS - none) * 1024 / ROOMS)) bytes for each; $cost"
done
