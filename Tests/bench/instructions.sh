#!/usr/bin/env bash
# User instructions of a server per 1:1 message routed over plain TCP, counted by callgrind: the
# difference between a run with many messages and one with few, so that start, log-ins and end do not count.
#
#   Tests/bench/instructions.sh -p PORT [-d DOMAIN] [-w WINDOW] [-n USERS] [-f FEW] [-m MANY] -- PROGRAM ARGUMENT...
#
#   -p  the port on 127.0.0.1 where the server will offer plain TCP
#   -d  its domain (example.test) with users user1 / pw1 and so on, who exist
#   -w  messages outstanding per sender (1: one message per read)
#   -n  users (20), -f and -m messages of the two runs (1000, 11000)
#
# For example, in a folder with a configuration like .build-bench/run/martlet:
#   .../Tests/bench/instructions.sh -p 25220 -- .../.build/release/martlet serve --config martlet.yaml
#
# The program runs in the current folder and must stay in the foreground; an interpreter must be named
# itself (lua5.4 /usr/bin/prosody ...). A copy without debugging information runs, since valgrind 3.19
# cannot read Swift's. Needs valgrind, and xload built: swift build -c release --product xload
set -u
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PACKAGE=$(cd "$HERE/../.." && pwd)
PORT= DOMAIN=example.test WINDOW=1 USERS=20 FEW=1000 MANY=11000

die() { printf 'instructions: %s\n' "$*" >&2; exit 1; }

while getopts p:d:w:n:f:m: option; do
	case $option in
	p) PORT=$OPTARG ;; d) DOMAIN=$OPTARG ;; w) WINDOW=$OPTARG ;; n) USERS=$OPTARG ;; f) FEW=$OPTARG ;; m) MANY=$OPTARG ;;
	*) die "see the head of $0" ;;
	esac
done
shift $((OPTIND - 1))
[ -n "$PORT" ] && [ $# -gt 0 ] || die "a port (-p) and a command line are needed, see the head of $0"
[ "$MANY" -gt "$FEW" ] || die "-m must be more than -f"
command -v valgrind >/dev/null || die "valgrind is not installed (apt-get install valgrind)"
PROGRAM=$(command -v "$1") || die "there is no program $1"
XLOAD=$(cd "$PACKAGE" && swift build -c release --show-bin-path)/xload
[ -x "$XLOAD" ] || die "xload is not built: swift build -c release --product xload"
shift

OUT=$PACKAGE/.build-bench/instructions
mkdir -p "$OUT"
COPY=$OUT/${PROGRAM##*/}
# The main thread of a Swift program ends once its loops run, which valgrind 3.19 does not survive: it is kept.
SWIFT=$(dirname "$(dirname "$(readlink -f "$(command -v swift)")")")/lib/swift/linux
cc -shared -fPIC -o "$OUT/main-queue.so" "$HERE/main-queue.c" -L"$SWIFT" -ldispatch -Wl,-rpath,"$SWIFT" ||
	die "main-queue.c does not compile"
strip -g -o "$COPY" "$PROGRAM" || die "$PROGRAM is not a program that strip knows; name the interpreter itself"
SERVER=
stop() { [ -z "$SERVER" ] || kill -TERM "$SERVER" 2>/dev/null; }
trap stop EXIT

count() { # messages, then the server's arguments; prints the instructions of the whole run
	local messages=$1 log=$OUT/$1.log i
	shift
	(exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null && die "port $PORT is in use"
	LD_PRELOAD=$OUT/main-queue.so valgrind --tool=callgrind --callgrind-out-file="$OUT/callgrind.$messages" --log-file="$log" "$COPY" "$@" >"$OUT/server.log" 2>&1 &
	SERVER=$!
	for i in $(seq 1200); do
		kill -0 "$SERVER" 2>/dev/null || die "the server ended, see $OUT/server.log and $log"
		(exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null && break
		sleep 0.1
	done
	"$XLOAD" chat -n "$USERS" --window "$WINDOW" --messages "$messages" --tls plain --settle 2 --timeout 600 --drain 60 --port "$PORT" --domain "$DOMAIN" \
		--scram-cache "$OUT/scram" --label "callgrind/$messages/1" >"$OUT/xload.$messages.json" || die "messages were lost, see $OUT/xload.$messages.json"
	kill -TERM "$SERVER"
	wait "$SERVER" 2>/dev/null
	SERVER=
	INSTRUCTIONS=$(sed -n 's/.*Collected : \([0-9]*\).*/\1/p' "$log")
	[ -n "$INSTRUCTIONS" ] || die "callgrind counted nothing, see $log"
}

count "$FEW" "$@"
few=$INSTRUCTIONS
count "$MANY" "$@"
many=$INSTRUCTIONS
echo "$FEW messages: $few instructions; $MANY messages: $many"
echo "$(((many - few) / (MANY - FEW))) instructions per message (window $WINDOW)"
echo "where they go: callgrind_annotate $OUT/callgrind.$MANY"
