// SPDX-License-Identifier: GPL-2.0
/* A write whose memory is not there yet: no other command waits for it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "nvme.h"

#define SIZE 4096

struct writer {
	int fd;
	void *data;
	int result;
};

static void *write_block(void *arg)
{
	struct writer *writer = arg;

	writer->result = move_blocks(writer->fd, WRITE, 0, 1, writer->data);
	return NULL;
}

/* Memory whose first access waits until it is filled. */
static void *make_missing(int faults)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range.len = SIZE, .mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	void *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	range.range.start = (uintptr_t)memory;
	if (ioctl(faults, UFFDIO_API, &api) || ioctl(faults, UFFDIO_REGISTER, &range))
		die("userfaultfd: %s", strerror(errno));
	return memory;
}

int test_fault(int fd)
{
	int faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	struct writer writer = { .fd = fd };
	struct uffdio_zeropage fill = { .range.len = SIZE };
	struct uffd_msg fault;
	u8 block[BLOCK];
	pthread_t thread;
	int error;

	if (faults < 0) {
		printf("this kernel has no userfaultfd: %s\n", strerror(errno));
		return 0;
	}
	/* Kills the process, if a command waits for the write. */
	alarm(20);
	writer.data = make_missing(faults);
	error = pthread_create(&thread, NULL, write_block, &writer);
	if (error)
		die("pthread_create: %s", strerror(error));
	if (read(faults, &fault, sizeof(fault)) != sizeof(fault))
		die("no page fault: %s", strerror(errno));

	must(move_blocks(fd, READ, 8, 1, block), "a read beside the page fault");
	if (ioctl(fd, NVME_IOCTL_RESET))
		die("a reset beside the page fault: %s", strerror(errno));
	fill.range.start = (uintptr_t)writer.data;
	if (ioctl(faults, UFFDIO_ZEROPAGE, &fill))
		die("the memory is not filled: %s", strerror(errno));
	pthread_join(thread, NULL);
	must(writer.result, "a write after its page fault");
	printf("a read and a reset beside a page fault\n");
	return 0;
}
