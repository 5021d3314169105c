/* What the server's disk is like. */
#include "disk.h"
#include "histogram.h"
#include "proc.h"
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

double fsync_p50_ms(const char *folder)
{
	enum { TIMES = 300 };
	static const char page[4096];
	static struct hist h;
	char path[512];
	snprintf(path, sizeof path, "%s/xload-fsync", folder);
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	int ok = 1;
	for (int i = 0; i < TIMES && ok; i++) {
		ok = write(fd, page, sizeof page) == sizeof page;
		uint64_t t = now_ns();
		ok = ok && fdatasync(fd) == 0;
		hist_add(&h, now_ns() - t);
	}
	close(fd);
	unlink(path);
	return ok ? hist_q(&h, .5) : -1;
}
