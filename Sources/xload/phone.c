/* phone: what reaches a client whose user looks at it, and one whose user does not (XEP-0352). */
#include "scenario.h"
#include <linux/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct traffic { uint64_t packets, bytes, stanzas; };

static uint64_t phone_messages, phone_presences, phone_states;

static void phone_stanza(struct conn *c, const char *s, size_t len)
{
	struct body b;
	if (c->ix != 0)
		return;
	if (s[1] == 'p')
		phone_presences++;
	if (s[1] != 'm' || msg_error(s, len))
		return;
	int r = body_get(el_text(s, len, "body"), &b);
	if (r < 0)
		fs.corrupt++;
	if (r == 0)
		phone_states++;
	if (r <= 0)
		return;
	if (!flow_take(&flows[b.flow], b.seq)) {
		fs.dup++;
		return;
	}
	phone_messages++;
	hist_add(&fs.lat, now_ns() - b.ts);
}

/* packets with data that have arrived: what wakes a phone's radio */
static struct traffic traffic(void)
{
	struct tcp_info info = { 0 };
	socklen_t n = sizeof info;
	getsockopt(conns[0].fd, IPPROTO_TCP, TCP_INFO, &info, &n);
	return (struct traffic){ info.tcpi_data_segs_in, conns[0].rx_bytes, phone_messages + phone_presences + phone_states };
}

/* an office: of a hundred things that contacts do seventy are presence, and twenty-five are typing */
static void happen(uint32_t k)
{
	static const char *const show[] = { "away", "dnd", "xa", "chat" };
	int i = presence_contact(0, (int)(k * 7 % (uint32_t)opt.contacts));
	struct conn *c = &conns[i];
	char body[512], to[96];
	uint32_t kind = k * 37 % 100;
	snprintf(to, sizeof to, "%s", conns[0].jid);
	to[strcspn(to, "/")] = 0;
	if (c->st != C_READY)
		return;
	if (kind < 70) {
		conn_putf(c, "<presence><show>%s</show>%s</presence>", show[k & 3], caps_el);
	} else if (kind < 95) {
		conn_putf(c, "<message type='chat' to='%s' id='s%u'><%s xmlns='http://jabber.org/protocol/chatstates'/></message>", to, k,
		          k & 1 ? "composing" : "paused");
	} else {
		body_put(body, sizeof body, (uint32_t)i, snd[i].seq++);
		conn_putf(c, "<message type='chat' to='%s' id='m%u'><body>%s</body></message>", to, k, body);
		total_sent++;
	}
	conn_stanza_sent(c);
}

static struct traffic phase(uint32_t *k)
{
	struct traffic before = traffic();
	uint64_t t = now_ns(), done = 0;
	while ((double)(now_ns() - t) < opt.secs * 1e9 && !interrupted) {
		while (done < (uint64_t)((double)(now_ns() - t) / 1e9 * opt.rate)) {
			happen((*k)++);
			done++;
		}
		loop_once(5);
	}
	drain(total_sent, &phone_messages);
	run_for(0.5);
	struct traffic after = traffic();
	return (struct traffic){ after.packets - before.packets, after.bytes - before.bytes, after.stanzas - before.stanzas };
}

static void kv_traffic(const char *state, struct traffic t)
{
	char k[64];
	snprintf(k, sizeof k, "%s_packets", state);
	kv_int(k, t.packets);
	snprintf(k, sizeof k, "%s_bytes", state);
	kv_int(k, t.bytes);
	snprintf(k, sizeof k, "%s_stanzas", state);
	kv_int(k, t.stanzas);
}

int sc_phone(void)
{
	uint32_t k = 0;
	if (opt.rate <= 0)
		opt.rate = 20;
	pool_alloc(opt.n);
	snd = calloc((size_t)opt.n, sizeof *snd);
	flows = calloc((size_t)opt.n, sizeof *flows);
	on_stanza = phone_stanza;
	if (!pool_login(0, opt.n, opt.conc))
		return 1;
	run_for(opt.settle);
	struct traffic active = phase(&k);
	conn_putf(&conns[0], "<inactive xmlns='urn:xmpp:csi:0'/>");
	run_for(0.5);
	memset(&fs.lat, 0, sizeof fs.lat);
	struct traffic inactive = phase(&k);
	uint64_t presences = phone_presences;
	conn_putf(&conns[0], "<active xmlns='urn:xmpp:csi:0'/>");
	run_for(0.5);
	kv_traffic("active", active);
	kv_traffic("inactive", inactive);
	kv_num("packets_saved_pct", active.packets ? 100.0 - 100.0 * (double)inactive.packets / (double)active.packets : 0);
	kv_int("presences_afterwards", phone_presences - presences);
	kv("lost", "%lld", (long long)total_sent - (long long)phone_messages);
	kv_lat("lat", &fs.lat);
	int bad = total_sent != phone_messages || fs.dup || fs.corrupt || !active.packets;
	pool_close();
	return bad;
}
