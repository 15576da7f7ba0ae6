// SPDX-License-Identifier: GPL-2.0
/* dma_disk - write to a disk or a file, and know what must be there afterwards */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disk.h"

static int usage(void)
{
	fprintf(stderr,
		"usage: dma_disk COMMAND PATH ARGUMENT...\n\n"
		"  write SEED           write a pattern to all of a disk\n"
		"  verify SEED          read all of it, which must have that pattern\n"
		"  work MIB WORKERS     write until SIGTERM comes, whatever happens to the disk;\n"
		"                       then all that was acknowledged must be there\n"
		"  tell MIB WORKERS     the same, and print each acknowledged write\n"
		"  poll DEPTH           read until SIGTERM comes, and poll for the ends\n"
		"  poll-late DEPTH      begin to read, and poll when SIGTERM comes\n"
		"  check COUNT,...      so many writes of each worker were acknowledged: are they there?\n\n"
		"PATH is a disk, @ADDRESS for the one of a PCI function, or a file, which is made\n"
		"with a size of MIB if there is none.\n");
	return 2;
}

int main(int argc, char **argv)
{
	const char *command = argc > 3 ? argv[1] : "";
	unsigned long number = argc > 3 ? strtoul(argv[3], NULL, 0) : 0;
	unsigned long workers = argc > 4 ? strtoul(argv[4], NULL, 0) : 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 4 && !strcmp(command, "write"))
		return pattern_write(argv[2], number);
	if (argc == 4 && !strcmp(command, "verify"))
		return pattern_verify(argv[2], number);
	if (argc == 4 && !strcmp(command, "poll"))
		return poll_on(argv[2], (u32)number);
	if (argc == 4 && !strcmp(command, "poll-late"))
		return poll_late(argv[2], (u32)number);
	if (argc == 4 && !strcmp(command, "check"))
		return check(argv[2], argv[3]);
	if (argc != 5 || !workers || workers > WORKERS_MAX)
		return usage();
	if (!strcmp(command, "work"))
		return work(argv[2], number, workers, 0);
	if (!strcmp(command, "tell"))
		return work(argv[2], number, workers, 1);
	return usage();
}
