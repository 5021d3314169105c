# Shared by the test bed's scripts. Source it, do not run it.
# shellcheck shell=bash

export PYTHONDONTWRITEBYTECODE=1
# A test that uses libldap itself may have set this; it would make the tools ignore LDAPTLS_CACERT.
unset LDAPNOINIT
tb_here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

TB_PYTHON="${TB_PYTHON:-$([ -x /usr/bin/python3 ] && echo /usr/bin/python3 || command -v python3)}"

tb_log() { printf '%s\n' "$*" >&2; }
tb_die() { tb_log "error: $*"; exit 1; }

# Run a function or command only if the tools it needs are there.
tb_need() {
  local t missing=""
  for t in "$@"; do command -v "$t" >/dev/null 2>&1 || missing="$missing $t"; done
  [ -z "$missing" ] || tb_die "missing tools:$missing (run install.sh as root)"
}

# Sets TB_DIR to an absolute path: the one given, or a new temporary one.
tb_make_dir() {
  if [ -n "${1:-}" ]; then mkdir -p "$1"; TB_DIR="$(cd "$1" && pwd)"
  else TB_DIR="$(mktemp -d -t "testbed-$2.XXXXXX")"; fi
  chmod 700 "$TB_DIR"
}

# N different TCP ports that are free on 127.0.0.1 right now.
tb_free_ports() {
  "$TB_PYTHON" - "$1" <<'PY'
import socket, sys
held = []
for _ in range(int(sys.argv[1])):
    s = socket.socket(); s.bind(("127.0.0.1", 0)); held.append(s)
print(" ".join(str(s.getsockname()[1]) for s in held))
PY
}

tb_port_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

tb_port_must_be_free() {
  local p
  for p in "$@"; do
    if tb_port_open "$p"; then tb_die "port $p is taken; give another one or --auto-ports"; fi
  done
}

# Start time of a process in clock ticks: tells a PID apart from a later
# process that got the same number.
tb_starttime() { sed -e 's/^.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

# tb_spawn NAME CMD...   background process, own session, log and PID file in TB_DIR
tb_spawn() {
  local name="$1"; shift
  (
    # A test that starts us may hold pipes open which it waits on (Foundation's Process does):
    # the server must not inherit them.
    for fd in /proc/self/fd/*; do
      fd="${fd##*/}"
      if [ "$fd" -gt 2 ]; then eval "exec $fd>&-"; fi
    done
    # Nor the signals that it blocks (Swift's worker threads block TERM).
    exec env --default-signal setsid "$@"
  ) >"$TB_DIR/$name.log" 2>&1 </dev/null &
  local pid=$!
  disown "$pid" 2>/dev/null || true
  printf '%s\n%s\n' "$pid" "$(tb_starttime "$pid")" >"$TB_DIR/$name.pid"
}

# Is the process of that PID file still the one that was started?
tb_alive() {
  local f="$TB_DIR/$1.pid" pid st
  [ -f "$f" ] || return 1
  { read -r pid; read -r st || true; } <"$f"
  [ -n "$pid" ] && [ -d "/proc/$pid" ] && [ "$(tb_starttime "$pid")" = "$st" ] || return 1
  # a zombie is dead
  [ "$(sed -e 's/^.*) //' "/proc/$pid/stat" 2>/dev/null | cut -c1)" != Z ]
}

tb_pid() { head -n1 "$TB_DIR/$1.pid" 2>/dev/null; }

# tb_wait NAME SECONDS CMD...   until CMD succeeds; fails at once if NAME dies
tb_wait() {
  local name="$1" limit="$2"; shift 2
  local end=$((SECONDS + limit))
  until "$@" >/dev/null 2>&1; do
    tb_alive "$name" || { tb_log "--- $name.log"; tail -n 30 "$TB_DIR/$name.log" >&2; tb_die "$name died while starting"; }
    [ "$SECONDS" -lt "$end" ] || { tail -n 30 "$TB_DIR/$name.log" >&2; tb_die "$name not ready after $limit s"; }
    sleep 0.1
  done
}

# tb_stop NAME   ends that one process (TERM, after 8 s KILL), nothing else
tb_stop() {
  local name="$1" pid i
  if tb_alive "$name"; then
    pid="$(tb_pid "$name")"
    kill -CONT "$pid" 2>/dev/null || true
    kill -TERM "$pid" 2>/dev/null || true
    for i in $(seq 80); do tb_alive "$name" || break; sleep 0.1; done
    if tb_alive "$name"; then kill -KILL "$pid" 2>/dev/null || true; tb_log "$name ($pid): killed"
    else tb_log "$name ($pid): stopped"; fi
  fi
  rm -f "$TB_DIR/$name.pid"
}

# tb_follow PID STOP-SCRIPT   ends and purges this part when that process is gone, however it ended
tb_follow() {
  (
    for fd in /proc/self/fd/*; do
      fd="${fd##*/}"
      if [ "$fd" -gt 2 ]; then eval "exec $fd>&-"; fi
    done
    exec env --default-signal setsid bash -c 'tail --pid="$1" -s 0.2 -f /dev/null; exec "$2" --dir "$3" --purge' follow "$1" "$2" "$TB_DIR"
  ) >/dev/null 2>&1 </dev/null &
  disown $! 2>/dev/null || true
}

# Common part of every ctl.sh:  pause|resume|stop|alive NAME
tb_ctl() {
  case "$1" in
    pause)
      tb_alive "$2" || tb_die "$2 is not running"
      kill -STOP "$(tb_pid "$2")"
      # A thread may still run for a moment on another processor.
      while sed -e 's/^.*) //' "/proc/$(tb_pid "$2")"/task/*/stat | grep -qv '^T'; do sleep 0.01; done ;;
    resume) tb_alive "$2" || tb_die "$2 is not running"; kill -CONT "$(tb_pid "$2")" ;;
    kill)   tb_alive "$2" || tb_die "$2 is not running"; kill -KILL "$(tb_pid "$2")" ;;
    stop)   tb_stop "$2" ;;
    alive)  tb_alive "$2" ;;
    *) return 1 ;;
  esac
}

# Makes the test CA in $1 unless it is there.
tb_ca() { [ -f "$1/ca.pem" ] || "$tb_here/ca/make-ca.sh" "$1"; }

# Writes env.sh from NAME=VALUE arguments.
tb_env() {
  local kv
  : >"$TB_DIR/env.sh"
  for kv in "$@"; do printf 'export %s=%q\n' "${kv%%=*}" "${kv#*=}" >>"$TB_DIR/env.sh"; done
}
