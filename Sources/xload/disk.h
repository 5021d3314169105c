/* xload: what the server's disk is like. */
#ifndef XL_DISK_H
#define XL_DISK_H
/* the median of bringing 4 KiB, appended to a file of that folder, to the disk; -1: not possible */
double fsync_p50_ms(const char *folder);
#endif
