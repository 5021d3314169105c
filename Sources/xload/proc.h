/* xload: what the kernel says about the server's processes. */
#ifndef XL_PROC_H
#define XL_PROC_H
#include <stdint.h>

struct psample {
	double cpu;      /* seconds, utime+stime over all server processes */
	long rss, pss;   /* KiB */
	long priv;       /* KiB, Private_Clean + Private_Dirty */
	int nproc, threads;
};

/* list: "123,456"; tree: take in all descendants at each sample */
void proc_init(const char *list, int tree);
int proc_enabled(void);
int proc_alive(void);                 /* all listed processes still exist */
void proc_cpu(struct psample *s);     /* cheap: CPU only */
void proc_sample(struct psample *s);  /* CPU and memory */
long proc_rss(void);                  /* KiB, cheap (statm) */

uint64_t now_ns(void);
double self_cpu(void);
#endif
