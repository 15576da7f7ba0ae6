// SPDX-License-Identifier: GPL-2.0
/* Finds and opens disks. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk.h"

void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "dma_disk: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	exit(1);
}

u8 *aligned(size_t bytes)
{
	u8 *found;

	if (posix_memalign((void **)&found, 4096, bytes))
		die("out of memory");
	return found;
}

/* The node of the disk that a PCI function has now: drivers and numbers may change. */
static int node_of(const char *address, char *node, size_t bytes)
{
	char path[PATH_MAX], where[PATH_MAX], part[64];
	struct dirent *entry;
	int found = 0;
	DIR *blocks;

	blocks = opendir("/sys/block");
	if (!blocks)
		die("/sys/block: %s", strerror(errno));
	snprintf(part, sizeof(part), "/%s/", address);
	while (!found && (entry = readdir(blocks))) {
		snprintf(path, sizeof(path), "/sys/block/%s", entry->d_name);
		if (!realpath(path, where) || !strstr(where, part))
			continue;
		snprintf(node, bytes, "/dev/%s", entry->d_name);
		found = !access(node, F_OK);
	}
	closedir(blocks);
	return found;
}

int open_disk(const char *path, int flags, unsigned long mib)
{
	struct stat status;
	char node[300];
	int fd;

	if (*path == '@') {
		if (!node_of(path + 1, node, sizeof(node)))
			return -1;
		path = node;
	}
	fd = open(path, flags | O_CLOEXEC | (mib ? O_CREAT : 0), 0600);
	if (fd >= 0 && mib && !fstat(fd, &status) && S_ISREG(status.st_mode) && !status.st_size &&
	    (ftruncate(fd, (off_t)mib << 20) || fsync(fd)))
		die("%s: %s", path, strerror(errno));
	return fd;
}

u64 sectors_of(int fd)
{
	struct stat status;
	u64 bytes;

	if (fstat(fd, &status))
		die("%s", strerror(errno));
	if (S_ISREG(status.st_mode))
		return status.st_size / SECTOR;
	if (ioctl(fd, BLKGETSIZE64, &bytes))
		die("%s", strerror(errno));
	return bytes / SECTOR;
}
