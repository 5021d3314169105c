/* xload: message texts that follow from flow and number. */
#ifndef XL_TEXT_H
#define XL_TEXT_H
#include <stddef.h>
#include <stdint.h>
#include "tok.h"

struct body { uint32_t flow, seq; uint64_t ts; };

void text_init(void);
/* writes the escaped text of a message; returns its length */
int body_put(char *b, size_t cap, uint32_t flow, uint32_t seq);
/* 1: ours and intact; 0: of another run or not ours; -1: damaged */
int body_get(struct str t, struct body *b);
#endif
