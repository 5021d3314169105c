#include "proc.h"
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define MAXP 256
static int roots[MAXP], nroots, use_tree;

void proc_init(const char *list, int tree)
{
	use_tree = tree;
	while (list && *list && nroots < MAXP) {
		char *e;
		long v = strtol(list, &e, 10);
		if (e == list)
			break;
		roots[nroots++] = (int)v;
		list = *e == ',' ? e + 1 : e;
	}
}

int proc_enabled(void) { return nroots > 0; }

struct pstat { int pid, ppid, threads; unsigned long long ticks; };

static int read_stat(int pid, struct pstat *o)
{
	char path[64], buf[1024];
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	FILE *f = fopen(path, "re");
	if (!f)
		return 0;
	size_t n = fread(buf, 1, sizeof buf - 1, f);
	fclose(f);
	buf[n] = 0;
	char *p = strrchr(buf, ')'); /* the command name may hold anything */
	if (!p)
		return 0;
	char st;
	int ppid, thr;
	unsigned long long ut, stt;
	if (sscanf(p + 1, " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %d",
	           &st, &ppid, &ut, &stt, &thr) != 5)
		return 0;
	*o = (struct pstat){ pid, ppid, thr, ut + stt };
	return st != 'Z' && st != 'X';
}

int proc_alive(void)
{
	struct pstat s;
	for (int i = 0; i < nroots; i++)
		if (!read_stat(roots[i], &s))
			return 0;
	return 1;
}

static int collect(struct pstat *out)
{
	int n = 0;
	if (!use_tree) {
		for (int i = 0; i < nroots; i++)
			n += read_stat(roots[i], &out[n]);
		return n;
	}
	static struct pstat all[8192];
	int na = 0;
	DIR *d = opendir("/proc");
	if (!d)
		return 0;
	for (struct dirent *e; (e = readdir(d)) && na < 8192;)
		if (isdigit((unsigned char)e->d_name[0]))
			na += read_stat(atoi(e->d_name), &all[na]);
	closedir(d);
	for (int i = 0; i < na && n < MAXP; i++)
		for (int r = 0; r < nroots; r++)
			if (all[i].pid == roots[r])
				out[n++] = all[i];
	for (int k = 0; k < n; k++)
		for (int i = 0; i < na && n < MAXP; i++)
			if (all[i].ppid == out[k].pid) {
				int dup = 0;
				for (int j = 0; j < n; j++)
					dup |= out[j].pid == all[i].pid;
				if (!dup)
					out[n++] = all[i];
			}
	return n;
}

static int sample_cpu(struct psample *s, struct pstat *ps)
{
	memset(s, 0, sizeof *s);
	int n = collect(ps);
	for (int i = 0; i < n; i++) {
		s->cpu += (double)ps[i].ticks / (double)sysconf(_SC_CLK_TCK);
		s->threads += ps[i].threads;
	}
	s->nproc = n;
	return n;
}

void proc_cpu(struct psample *s)
{
	struct pstat ps[MAXP];
	sample_cpu(s, ps);
}

void proc_sample(struct psample *s)
{
	struct pstat ps[MAXP];
	int n = sample_cpu(s, ps);
	for (int i = 0; i < n; i++) {
		char path[64], line[256];
		snprintf(path, sizeof path, "/proc/%d/smaps_rollup", ps[i].pid);
		FILE *f = fopen(path, "re");
		if (!f)
			continue;
		while (fgets(line, sizeof line, f)) {
			long v;
			if (sscanf(line, "Rss: %ld", &v) == 1)
				s->rss += v;
			else if (sscanf(line, "Pss: %ld", &v) == 1)
				s->pss += v;
			else if (sscanf(line, "Private_Clean: %ld", &v) == 1 ||
			         sscanf(line, "Private_Dirty: %ld", &v) == 1)
				s->priv += v;
		}
		fclose(f);
	}
}

long proc_rss(void)
{
	struct pstat ps[MAXP];
	int n = collect(ps);
	long sum = 0;
	for (int i = 0; i < n; i++) {
		char path[64];
		long sz, r;
		snprintf(path, sizeof path, "/proc/%d/statm", ps[i].pid);
		FILE *f = fopen(path, "re");
		if (!f)
			continue;
		if (fscanf(f, "%ld %ld", &sz, &r) == 2)
			sum += r * (sysconf(_SC_PAGESIZE) / 1024);
		fclose(f);
	}
	return sum;
}

uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

double self_cpu(void)
{
	struct rusage r;
	getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	       (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}


