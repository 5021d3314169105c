/* xload: a load generator for XMPP servers; Tests/bench/README.md describes it. */
#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include "scenario.h"

struct options opt = {
	.n = 100, .conc = 32, .window = 4, .rooms = 4, .occ = 25, .senders = 5, .contacts = 20, .pages = 0, .page = 50,
	.warm = 50, .mb = 16, .depth = 100000, .secs = 10, .settle = 5, .hold = 10, .drain = 15, .timeout = 120,
	.label = "", .kind = "",
};
uint32_t run_id;
volatile sig_atomic_t interrupted;

static const char *transport = "starttls";

static const struct { const char *name; int (*run)(void); } scenarios[] = {
	{ "login", sc_login }, { "idle", sc_idle }, { "chat", sc_chat }, { "muc", sc_muc },
	{ "presence", sc_presence }, { "iq", sc_iq }, { "mam", sc_mam }, { "flood", sc_flood },
	{ "phone", sc_phone }, { "rooms", sc_rooms },
};

/* exactly one of the pointers is set; a flag takes no value */
static const struct { const char *name; int *flag, *count; double *secs; const char **text; } settings[] = {
	{ "host", .text = &cfg.host }, { "port", .count = &cfg.port }, { "domain", .text = &cfg.domain },
	{ "tls", .text = &transport }, { "ca", .text = &cfg.cafile }, { "sources", .count = &cfg.sources },
	{ "user", .text = &cfg.user_pat }, { "pass", .text = &cfg.pass_pat }, { "first", .count = &cfg.first }, { "share", .count = &cfg.share },
	{ "resource", .text = &cfg.resource }, { "mech", .text = &cfg.mech }, { "scram-cache", .text = &cfg.scram_cache },
	{ "sm", .flag = &cfg.sm }, { "sm-r", .count = &cfg.sm_r }, { "carbons", .flag = &cfg.carbons },
	{ "no-presence", .flag = &cfg.no_presence }, { "no-roster", .flag = &cfg.no_roster },
	{ "pid", .text = &opt.pids }, { "tree", .flag = &opt.tree },
	{ "users", .count = &opt.n }, { "conc", .count = &opt.conc }, { "window", .count = &opt.window }, { "time", .secs = &opt.secs },
	{ "rate", .secs = &opt.rate }, { "messages", .count = &opt.messages }, { "settle", .secs = &opt.settle },
	{ "hold", .secs = &opt.hold }, { "drain", .secs = &opt.drain }, { "warm", .count = &opt.warm }, { "timeout", .secs = &opt.timeout },
	{ "cycle", .count = &opt.cycle }, { "to-full", .flag = &opt.to_full }, { "rooms", .count = &opt.rooms },
	{ "occupants", .count = &opt.occ }, { "senders", .count = &opt.senders }, { "muc", .text = &opt.muc },
	{ "contacts", .count = &opt.contacts }, { "kind", .text = &opt.kind }, { "pages", .count = &opt.pages }, { "page", .count = &opt.page },
	{ "keepalive", .secs = &opt.keepalive }, { "cut", .flag = &opt.cut }, { "disk", .text = &opt.disk }, { "mb", .count = &opt.mb }, { "depth", .count = &opt.depth },
	{ "label", .text = &opt.label }, { "json", .text = &opt.json }, { "verbose", .flag = &cfg.verbose },
};
#define NSETTINGS (sizeof settings / sizeof *settings)

static void on_signal(int s) { (void)s; interrupted = 1; }

__attribute__((noreturn)) static void usage(void)
{
	fputs("usage: xload login|idle|chat|muc|rooms|presence|iq|mam|flood|phone [options]   (Tests/bench/README.md explains them)\n"
	      " target   --host A --port P --domain D --tls plain|starttls|direct --ca FILE --sources N\n"
	      " users    --user PAT --pass PAT --first I --share K --resource R --mech auto|SCRAM-SHA-1|SCRAM-SHA-256|PLAIN\n"
	      "          --scram-cache FILE\n"
	      " session  --sm --sm-r K --carbons --no-presence --no-roster\n"
	      " server   --pid P[,P..] --tree\n"
	      " load     -n N (--users N) --conc C --window W --time S --rate R --messages N --settle S --hold S\n"
	      "          --drain S --warm N --timeout S\n"
	      " scenario --cycle N --to-full --rooms R --occupants M --senders S --muc HOST --contacts K --kind K\n"
	      "          --pages P --page N --keepalive S --cut --disk FOLDER --mb N --depth N\n"
	      " output   --label L --json FILE --verbose\n", stderr);
	exit(2);
}

static void read_options(int argc, char **argv)
{
	struct option long_options[NSETTINGS + 1] = { 0 };
	int which;
	for (size_t i = 0; i < NSETTINGS; i++)
		long_options[i] = (struct option){ settings[i].name, !settings[i].flag, &which, (int)i };
	for (int c; (c = getopt_long(argc, argv, "n:", long_options, NULL)) != -1;) {
		if (c == 'n')
			opt.n = atoi(optarg);
		else if (c != 0)
			usage();
		else if (settings[which].flag)
			*settings[which].flag = 1;
		else if (settings[which].count)
			*settings[which].count = atoi(optarg);
		else if (settings[which].secs)
			*settings[which].secs = atof(optarg);
		else
			*settings[which].text = optarg;
	}
	static const char *const transports[] = { [TLS_PLAIN] = "plain", [TLS_START] = "starttls", [TLS_DIRECT] = "direct" };
	cfg.tls = -1;
	for (int i = 0; i < 3; i++)
		if (!strcmp(transport, transports[i]))
			cfg.tls = i;
	if (cfg.tls < 0 || optind < argc || opt.n < 2 || opt.conc < 1 || opt.window < 1 || opt.window > 48 || opt.rooms < 1 ||
	    opt.occ < 1 || opt.senders < 1 || opt.page < 1 || opt.mb < 1 || opt.messages < 0 || cfg.sources < 1 || cfg.share < 1 || cfg.sources > 250)
		usage();
}

/* this tool is for a server on the same machine: loopback only */
static int resolve(void)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&cfg.addr;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&cfg.addr;
	if (inet_pton(AF_INET, cfg.host, &v4->sin_addr) == 1 && (ntohl(v4->sin_addr.s_addr) >> 24) == 127) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)cfg.port);
		cfg.addrlen = sizeof *v4;
	} else if (inet_pton(AF_INET6, cfg.host, &v6->sin6_addr) == 1 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr)) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)cfg.port);
		cfg.addrlen = sizeof *v6;
	} else {
		return 0;
	}
	return 1;
}

/* CPU ms of a fixed piece of work: shows how much the machine's other load
 * slows a core down (shared caches, sibling threads) around a run */
static double calibrate(void)
{
	enum { W = 1 << 18 };
	static uint32_t a[W];
	struct timespec s, e;
	uint32_t x = 1, y = 0;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &s);
	for (int i = 0; i < W; i++)
		a[i] = (uint32_t)i * 2654435761u;
	for (int i = 0; i < 6000000; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		y += a[(x ^ y) & (W - 1)];
		a[y & (W - 1)] ^= x;
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &e);
	if (y == 42) /* keeps the loop from being optimised away */
		fputc(' ', stderr);
	return (double)(e.tv_sec - s.tv_sec) * 1e3 + (double)(e.tv_nsec - s.tv_nsec) / 1e6;
}

static void report_totals(int rc)
{
	kv_str("tls_session", tls_desc);
	kv_int("tok_errors", ct.tok_errors);
	kv_int("stream_errors", ct.stream_errors);
	kv_int("stanza_errors", ct.stanza_errors);
	kv_int("conn_lost", ct.conn_lost);
	kv_int("login_failed", ct.login_failed);
	kv_int("client_pbkdf2", ct.pbkdf2);
	kv_str("first_error", ct.first_error);
	kv("ok", "%s", rc == 0 && !interrupted ? "true" : "false");
	printf("{%s}\n", report_text());
	FILE *f = opt.json ? fopen(opt.json, "ae") : NULL;
	if (f) {
		fprintf(f, "{%s}\n", report_text());
		fclose(f);
	}
}

int main(int argc, char **argv)
{
	cfg = (struct config){ .host = "127.0.0.1", .domain = "example.test", .user_pat = "user%d", .pass_pat = "pw%d", .resource = "xl",
	                       .mech = "auto", .port = 5222, .first = 1, .sm_r = 5, .share = 1, .sources = 1 };
	int (*run)(void) = NULL;
	for (size_t i = 0; argc > 1 && i < sizeof scenarios / sizeof *scenarios; i++)
		if (!strcmp(argv[1], scenarios[i].name))
			run = scenarios[i].run;
	if (!run)
		usage();
	read_options(argc - 1, argv + 1);
	if (!resolve()) {
		fprintf(stderr, "xload: the host must be a loopback address\n");
		return 2;
	}
	char rooms[200];
	if (!opt.muc) {
		snprintf(rooms, sizeof rooms, "rooms.%s", cfg.domain);
		opt.muc = rooms;
	}
	struct rlimit rl;
	if (!getrlimit(RLIMIT_NOFILE, &rl)) {
		rl.rlim_cur = rl.rlim_max;
		setrlimit(RLIMIT_NOFILE, &rl);
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	run_id = (uint32_t)(now_ns() ^ (uint64_t)getpid() << 16);
	text_init();
	proc_init(opt.pids, opt.tree);
	if (proc_enabled() && !proc_alive()) {
		fprintf(stderr, "xload: no such server process\n");
		return 2;
	}
	conn_global_init();
	kv_str("scenario", argv[1]);
	kv_str("label", opt.label);
	kv_str("tls", transport);
	kv_str("mech", cfg.mech);
	kv_int("sm", (uint64_t)cfg.sm);
	kv_int("n", (uint64_t)opt.n);
	kv_num("calib_before_ms", calibrate());
	int rc = run();
	kv_num("calib_after_ms", calibrate());
	report_totals(rc);
	conn_global_done();
	return rc;
}
