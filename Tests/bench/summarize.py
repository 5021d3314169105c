#!/usr/bin/env python3
"""usage: summarize.py RESULTS.jsonl...   -> markdown tables

One row per scenario and metric, one column per server: the median over the
repeats, with (min..max) where they differ by more than 5 %. The last column
compares Martlet with the better peer: 3.00x means three times as good (a third
of the cost, or three times the rate). "!" marks runs in which xload found
something wrong; they are listed below the table."""
import json
import re
import statistics
import sys

OWN = "martlet"
LOW, HIGH, PLAIN = "lower is better", "higher is better", "not compared"
METRICS = {
    "login": [("server_cpu_ms_per_login", "CPU ms/log-in", LOW), ("login_per_s", "log-ins/s", HIGH), ("login_p99_ms", "p99 ms", LOW)],
    "idle": [("rss_kib_per_conn", "RSS KiB/connection", LOW), ("rss_0_kib", "RSS KiB at 0", LOW), ("rss_n_kib", "RSS KiB at N", LOW),
             ("rss_kib_per_waiting", "RSS KiB/session that waits", LOW), ("rss_after_close_kib", "RSS KiB after close", LOW), ("idle_cpu_pct", "idle CPU %", PLAIN)],
    "chat": [("server_cpu_us_per_msg", "CPU us/message", LOW), ("msg_per_s", "messages/s", HIGH), ("lat_p50_ms", "p50 ms", LOW),
             ("lat_p99_ms", "p99 ms", LOW), ("ack_p50_ms", "acknowledgement p50 ms", LOW), ("fsync_p50_ms", "fsync p50 ms", PLAIN),
             ("ack_per_fsync", "acknowledgement / fsync", LOW), ("disk_bytes_per_msg", "bytes on disk/message", LOW),
             ("lost", "lost", PLAIN), ("reordered", "reordered", PLAIN)],
    "muc": [("server_cpu_us_per_copy", "CPU us/copy", LOW), ("copy_per_s", "copies/s", HIGH), ("lat_p50_ms", "p50 ms", LOW), ("lat_p99_ms", "p99 ms", LOW),
            ("lost", "lost", PLAIN), ("reordered", "reordered", PLAIN), ("join_cpu_ms_per_room", "join storm CPU ms/room", LOW),
            ("join_cpu_us_per_presence", "join CPU us/presence", LOW)],
    "presence": [("server_cpu_us_per_presence", "CPU us/presence", LOW), ("presence_per_s", "presences/s", HIGH), ("lat_p99_ms", "p99 ms", LOW),
                 ("lost", "lost", PLAIN), ("reordered", "reordered", PLAIN)],
    "iq": [("server_cpu_us_per_iq", "CPU us/iq", LOW), ("iq_per_s", "iq/s", HIGH), ("lat_p99_ms", "p99 ms", LOW), ("lost", "lost", PLAIN)],
    "phone": [("active_packets", "packets while active", PLAIN), ("inactive_packets", "packets while inactive", LOW),
              ("active_bytes", "bytes while active", PLAIN), ("inactive_bytes", "bytes while inactive", LOW),
              ("lat_p99_ms", "message p99 ms while inactive", LOW), ("lost", "lost", PLAIN)],
    "mam": [("server_cpu_us_per_mam_msg", "CPU us/returned message", LOW), ("mam_msg_per_s", "returned messages/s", HIGH),
            ("page_p99_ms", "page p99 ms", LOW), ("archive_cpu_us_per_msg", "fill: CPU us/message", LOW)],
}
CHECKS = ("lost", "duplicated", "reordered", "corrupt", "misrouted", "gaps", "error_stanzas", "witness_ok", "login_after_ok")


def num(v):
    a = abs(v)
    return "%.0f" % v if a >= 100 or v == int(v) else "%.1f" % v if a >= 10 else "%.2f" % v


def mib(kib):
    return "%s%s MiB" % ("+" if kib >= 0 else "", num(kib / 1024))


def flood_cell(r):
    if "rss_peak_kib" not in r:
        return "no result: " + r["first_error"][:60]
    if not r["process_alive"]:
        return "**the server process died** (after %s s)" % num(r["first_closed_after_s"])
    t = []
    if not r["witness_ok"]:
        t.append("**witness dropped**")
    if not r["login_after_ok"]:
        t.append("**no log-in afterwards**")
    if r["still_open"]:
        t.append("%d of %d open" % (r["still_open"], r["attackers"]))
    else:
        t.append("closed at %s s" % num(r["first_closed_after_s"]))
    error = re.search(r"<([a-z-]+) xmlns='urn:ietf:params:xml:ns:xmpp-streams'", r["answer"].replace('"', "'"))
    if error:
        t.append(error.group(1))
    t.append("ping p50 %s, max %s ms" % (num(r["ping_p50_during_ms"]), num(r["ping_max_during_ms"])))
    t.append("CPU %s s" % num(r["server_cpu_s"]))
    t.append("peak %s" % mib(r["rss_peak_kib"] - r["rss_before_kib"]))
    t.append("left %s" % mib(r["rss_after_kib"] - r["rss_before_kib"]))
    if r["attackers"] > 1:
        t.append("%s KiB/attacker" % num(r["held_kib_per_attacker"]))
    return ", ".join(t)


def cell(runs, key):
    """the text of one server's cell, and its median"""
    values = [r[key] for r in runs if isinstance(r.get(key), (int, float))]
    if not values:
        return "n/a", None
    median = statistics.median(values)
    text = num(median)
    if max(values) - min(values) > 0.05 * abs(median):
        text += " (%s..%s)" % (num(min(values)), num(max(values)))
    return text + ("" if all(r["ok"] for r in runs) else " !"), median


def comparison(medians, better):
    peers = [v for server, v in medians.items() if server != OWN and v]
    own = medians.get(OWN)
    if better == PLAIN or not peers or not own:
        return ""
    return "%.2fx" % (min(peers) / own if better == LOW else own / max(peers))


def main(paths):
    rows, servers, tests, calibration = {}, [], [], []
    for path in paths:
        for line in open(path, errors="replace"):
            r = json.loads(line)
            server, test, _ = r["label"].split("/")
            if "archive" in test and r.get("sent"):
                r["disk_bytes_per_msg"] = r.get("disk_bytes", 0) / r["sent"]
            servers += [server] if server not in servers else []
            tests += [test] if test not in tests else []
            rows.setdefault((test, server), []).append(r)
            calibration += [r[k] for k in ("calib_before_ms", "calib_after_ms") if k in r]
    figures, floods = [], []
    for test in tests:
        runs = {s: rows[(test, s)] for s in servers if (test, s) in rows}
        scenario = next(iter(runs.values()))[0]["scenario"]
        if scenario == "flood":
            cells = [flood_cell(runs[s][-1]) if s in runs else "n/a" for s in servers]
            floods.append("| %s | %s |" % (test.removeprefix("flood-"), " | ".join(cells)))
            continue
        for key, name, better in METRICS[scenario]:
            if not any(key in r for rs in runs.values() for r in rs):
                continue
            cells = {s: cell(runs.get(s, []), key) for s in servers}
            ratio = comparison({s: c[1] for s, c in cells.items()}, better)
            figures.append("| %s | %s | %s | %s |" % (test, name, " | ".join(cells[s][0] for s in servers), ratio))
    if figures:
        print("| scenario | metric | %s | %s against the better peer |" % (" | ".join(servers), OWN))
        print("|---|---|" + "---:|" * (len(servers) + 1))
        print("\n".join(figures))
    if floods:
        print("\n| abuse | %s |\n|---|%s" % (" | ".join(servers), "---|" * len(servers)))
        print("\n".join(floods))
    if calibration:
        print("\nCalibration work, CPU ms: median %.0f, %.0f..%.0f." % (statistics.median(calibration), min(calibration), max(calibration)))
    bad = [r for runs in rows.values() for r in runs if not r["ok"]]
    if bad:
        print("\nRuns in which xload reported a problem:\n")
    for r in bad:
        print("- %s: %s" % (r["label"], r["first_error"][:200] or {k: r[k] for k in CHECKS if k in r}))


main(sys.argv[1:])
