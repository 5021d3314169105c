# The servers of the bench: how each is configured, given its users, started and stopped.
# Sourced by run.sh, which sets HERE, WORK, DOMAIN, USERS, BASE_PORT, XLOAD and MARTLET, and has log().
# A server lives in $DIR and has the ports $PORT, $PORT_TLS and $PORT_HTTP.
# shellcheck shell=bash

SERVER_PID=

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

wait_until_listening() {
	local i
	for i in $(seq 300); do
		kill -0 "$SERVER_PID" 2>/dev/null || return 1
		listens "$PORT" && return 0
		sleep 0.1
	done
	return 1
}

stop_server() {
	[ -n "$SERVER_PID" ] || return 0
	kill -TERM "$SERVER_PID" 2>/dev/null
	local i
	for i in $(seq 100); do
		kill -0 "$SERVER_PID" 2>/dev/null || break
		sleep 0.1
	done
	kill -KILL "$SERVER_PID" 2>/dev/null
	wait "$SERVER_PID" 2>/dev/null
	SERVER_PID=
}

# each server has ports of its own, so that none waits for another's to be free
choose_ports() { # server
	local block
	case $1 in prosody) block=0 ;; ejabberd) block=10 ;; *) block=20 ;; esac
	PORT=$((BASE_PORT + block)) PORT_TLS=$((BASE_PORT + block + 1)) PORT_HTTP=$((BASE_PORT + block + 2))
}

render() { # template target features
	local feature script=
	for feature in sm archive sqlite muc; do
		case " $3 " in
		*" $feature "*) script+="s/^\(@[a-z@]*\)\{0,1\}@$feature@/\1/;/^@!$feature@/d;" ;;
		*) script+="/^[@a-z]*@$feature@/d;s/^@!$feature@//;" ;;
		esac
	done
	sed -e "$script" -e "s|@DIR@|$DIR|g; s|@CERTS@|$WORK/certs|g; s|@DOMAIN@|$DOMAIN|g; s|@PORT@|$PORT|g; s|@PORT_TLS@|$PORT_TLS|g; s|@PORT_HTTP@|$PORT_HTTP|g" "$1" >"$2"
}

start_prosody() { # features
	mkdir -p "$DIR/data"
	render "$HERE/servers/prosody.cfg.lua.in" "$DIR/prosody.cfg.lua" "$1"
	(cd "$DIR" && exec prosody --config "$DIR/prosody.cfg.lua" -F) >"$DIR/out.log" 2>&1 &
	SERVER_PID=$!
}
users_prosody() { python3 "$HERE/servers/prosody-users.py" "$DIR/data" "$DOMAIN" SHA-256 "$USERS"; }

# what `ejabberdctl foreground` runs, less the change of user and the port mapper
start_ejabberd() { # features
	local libraries sql
	libraries=$(ls -d /usr/lib/*/ejabberd-* /usr/lib/ejabberd-* 2>/dev/null | head -n 1)
	mkdir -p "$DIR/spool"
	render "$HERE/servers/ejabberd.yml.in" "$DIR/ejabberd.yml" "$1"
	case " $1 " in *" sqlite "*)
		sql=$(ls /usr/share/ejabberd/sql/lite.sql "$libraries"/priv/sql/lite.sql 2>/dev/null | head -n 1)
		sqlite3 "$DIR/archive.sqlite" <"$sql" >/dev/null
		;;
	esac
	(cd "$DIR/spool" &&
		export EJABBERD_CONFIG_PATH=$DIR/ejabberd.yml EJABBERD_LOG_PATH=$DIR/ejabberd.log HOME=$DIR \
			ERL_LIBS=${libraries%/*} ERL_MAX_PORTS=32000 ERL_MAX_ETS_TABLES=1400 ERL_CRASH_DUMP_BYTES=0 &&
		exec erl -sname xlbench@localhost -erl_epmd_port $((BASE_PORT + 99)) -start_epmd false \
			-kernel inet_dist_use_interface '{127,0,0,1}' \
			+K true +P 250000 -mnesia dir "\"$DIR/spool\"" -s ejabberd -noinput) >"$DIR/out.log" 2>&1 &
	SERVER_PID=$!
}
users_ejabberd() {
	start_ejabberd "" && wait_until_listening && python3 "$HERE/servers/ejabberd-users.py" "$PORT_HTTP" "$DOMAIN" "$USERS"
	local rc=$?
	sleep 2 # for Mnesia's log to be written
	stop_server
	return $rc
}

start_martlet() { # features
	render "$HERE/servers/martlet.yaml.in" "$DIR/martlet.yaml" "$1"
	(cd "$DIR" && exec "$MARTLET" serve --config "$DIR/martlet.yaml") >"$DIR/out.log" 2>&1 &
	SERVER_PID=$!
}
users_martlet() {
	render "$HERE/servers/martlet.yaml.in" "$DIR/martlet.yaml" ""
	seq "$USERS" | sed "s/.*/user&@$DOMAIN\tpw&/" >"$DIR/users.tsv"
	(cd "$DIR" && "$MARTLET" user import "$DIR/users.tsv" --config "$DIR/martlet.yaml") >"$DIR/out.log" 2>&1
}

# What a fixture depends on: a change makes it anew.
fixture_stamp() { # server
	local program
	case $1 in prosody) program=$(command -v prosody) ;; ejabberd) program=$(command -v ejabberdctl) ;; *) program=$MARTLET ;; esac
	cat "$HERE/servers/$1"* "$HERE/servers/certificates.sh" "$program" | cksum
	echo "$USERS $DOMAIN"
}

# Makes (or finds) the data folder with the users, or with their contacts too; sets $FIXTURE.
fixture() { # server, and `roster` or nothing
	local server=$1 kind=${2:-users} users rc
	FIXTURE=$WORK/fixture/$server-$kind
	[ "$(fixture_stamp "$server")" = "$(cat "$FIXTURE.stamp" 2>/dev/null)" ] && return 0
	if [ "$kind" = roster ]; then
		fixture "$server" || return 1
		users=$FIXTURE FIXTURE=$WORK/fixture/$server-roster
	fi
	log "fixture $server-$kind"
	rm -rf "$DIR" "$FIXTURE" "$FIXTURE.stamp"
	if [ "$kind" = roster ]; then cp -a "$users" "$DIR"; else mkdir "$DIR" && "users_$server"; fi || { server_log "$server: no users could be made"; return 1; }
	[ "$kind" = roster ] || cp -a "$DIR" "$FIXTURE"
	"start_$server" ""
	wait_until_listening || { server_log "$server does not start"; stop_server; return 1; }
	sleep 1
	if [ "$kind" = roster ]; then # subscriptions through stanzas
		timeout 400 "$XLOAD" presence -n 200 --contacts 20 --time 0.5 --port "$PORT" --domain "$DOMAIN" --tls plain --pid "$SERVER_PID" --tree \
			--scram-cache "$WORK/scram-$server" --label "$server/subscribe-200x20/1" >"$WORK/subscribe-$server.json"
	else # the generator learns the salted passwords, so that it does not compute them beside a measured server
		timeout 400 "$XLOAD" login -n "$USERS" --warm 0 --port "$PORT" --domain "$DOMAIN" --tls plain --scram-cache "$WORK/scram-$server" >/dev/null
	fi
	rc=$?
	stop_server
	[ $rc = 0 ] || { server_log "$server: log-ins or subscriptions of the fixture failed"; return 1; }
	[ "$kind" = roster ] && cp -a "$DIR" "$FIXTURE"
	fixture_stamp "$server" >"$FIXTURE.stamp"
}

server_log() { # message
	log "$1; the end of its output:"
	tail -n 5 "$DIR/out.log" 2>/dev/null | sed 's/^/    /' >&2
}
