/* xload: the scenarios. Each returns 0 when nothing was wrong, 2 for a usage error. */
#ifndef XL_SCENARIO_H
#define XL_SCENARIO_H
#include "conn.h"
#include "flow.h"
#include "options.h"
#include "pool.h"
#include "proc.h"
#include "report.h"
#include "text.h"

int sc_login(void);
int sc_idle(void);
int sc_chat(void);
int sc_muc(void);
int sc_rooms(void);
int sc_presence(void);
int sc_iq(void);
int sc_mam(void);
int sc_flood(void);
int sc_phone(void);

/* what the windowed scenarios share */
struct sender { uint32_t seq; int out; };
extern struct sender *snd;              /* per user */
extern struct flow *flows;              /* per sending user */
extern uint64_t total_sent, total_got;
extern int stopping;                    /* answers no longer cause a new request */

/* chat's own, used by mam to fill the archives */
void chat_send(int i);
void chat_stanza(struct conn *c, const char *s, size_t len);
/* the user in slot k of user i's roster */
int presence_contact(int i, int k);
/* counts error stanzas, nothing else */
void quiet_stanza(struct conn *c, const char *s, size_t len);
/* 1 when the message is an error, which is counted */
int msg_error(const char *s, size_t len);
#endif
