// SPDX-License-Identifier: GPL-2.0
/* The memory of the mailbox in this address space, and in those of others. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mailbox.h"

#define DRIVER	"/sys/bus/pci/drivers/dma_map_edu"
#define SLOT	DMA_MAILBOX_SLOT_SIZE
#define SIZE	(2 * SLOT)

static struct answer answer;
static u8 payload[DMA_MAILBOX_ECHO_MAX];

static sigjmp_buf fault;

static void on_fault(int signal)
{
	siglongjmp(fault, signal);
}

/* Reads a byte; the signal that it leads to, or 0. */
static int touch(const u8 *byte)
{
	int signal = sigsetjmp(fault, 1);

	/* A read that the compiler has to do. */
	if (!signal)
		asm("" : : "r" (*byte) : "memory");
	return signal;
}

static void catch_faults(void)
{
	struct sigaction action = { .sa_handler = on_fault };

	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
}

static u8 *map(int fd)
{
	u8 *memory = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	return memory;
}

static void check_mmap(const char *what, int expected, int fd, size_t size, int protection,
		       int flags, off_t offset)
{
	void *memory = mmap(NULL, size, protection, flags, fd, offset);

	check_errno(what, expected, memory == MAP_FAILED ? errno : 0);
	if (memory != MAP_FAILED)
		munmap(memory, size);
}

static void tell_driver(const char *file, const char *address)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		die("%s: %s", file, strerror(errno));
	check_errno(file, 0, write(fd, address, strlen(address)) < 0 ? errno : 0);
	close(fd);
}

/* A head is little endian, whatever the machine is. */
static void check_head(const char *what, const u8 *head)
{
	const u32 words[] = {
		1, answer.head.sequence, sizeof(payload), 0, DMA_MAILBOX_ECHO, 0
	};
	bool same = true;

	for (size_t i = 0; i < sizeof(words); i++)
		same &= head[i] == (u8)(words[i / 4] >> 8 * (i % 4));
	check(same, "%s: a head is not what it should be", what);
}

/* What the device was given and what it gave back are where the mapping shows them. */
static void check_shown(const char *what, int fd, const u8 *memory, u64 seed)
{
	struct dma_mailbox_request request = {
		.opcode = DMA_MAILBOX_ECHO,
		.length = sizeof(payload),
	};

	pattern(payload, sizeof(payload), seed);
	check_errno(what, 0, mailbox_call(fd, request, payload, &answer));
	check(!memcmp(memory + DMA_MAILBOX_SLOT_DATA, payload, sizeof(payload)),
	      "%s: the request is not in its slot", what);
	check(!memcmp(memory + SLOT + DMA_MAILBOX_SLOT_DATA, payload, sizeof(payload)),
	      "%s: the response is not in its slot", what);
	check_head(what, memory);
	check_head(what, memory + SLOT);
}

static void check_refused(int fd)
{
	int writer = open("/dev/dma_mailbox0", O_RDONLY | O_CLOEXEC);

	check_mmap("writable", EINVAL, fd, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	check_mmap("private", EINVAL, fd, SIZE, PROT_READ, MAP_PRIVATE, 0);
	check_mmap("a page too many", ENXIO, fd, SIZE + SLOT, PROT_READ, MAP_SHARED, 0);
	check_mmap("behind the end", ENXIO, fd, SLOT, PROT_READ, MAP_SHARED, SIZE);
	check_mmap("across the end", ENXIO, fd, SIZE, PROT_READ, MAP_SHARED, SLOT);
	check_mmap("the second page", 0, fd, SLOT, PROT_READ, MAP_SHARED, SLOT);
	check_mmap("a file opened for reading", 0, writer, SIZE, PROT_READ, MAP_SHARED, 0);
	close(writer);
}

/* What a process can do to a mapping, and what it can't. */
static void check_changes(int fd)
{
	int status = 0;
	u8 *memory = map(fd);
	u8 *moved;
	pid_t pid;

	check_errno("mprotect to write", EACCES,
		    mprotect(memory, SIZE, PROT_READ | PROT_WRITE) ? errno : 0);
	check(madvise(memory, SIZE, MADV_DOFORK), "madvise to fork: expected an error");
	moved = mremap(memory, SIZE, 2 * SIZE, MREMAP_MAYMOVE);
	check(moved == MAP_FAILED, "mremap to grow: expected an error");

	pid = fork();
	if (!pid)
		_exit(touch(memory) == SIGSEGV ? 0 : 1);
	waitpid(pid, &status, 0);
	check(WIFEXITED(status) && !WEXITSTATUS(status), "the child has the mapping");

	moved = mremap(memory, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
		       memory + 16 * SIZE);
	check(moved != MAP_FAILED, "mremap to move: %s", strerror(errno));
	check_shown("moved", fd, moved, 3);
	check_number("where it was", SIGSEGV, touch(memory));
	check_errno("munmap of a part", 0, munmap(moved, SLOT) ? errno : 0);
	check_number("the rest", 0, touch(moved + SLOT));
	check_errno("munmap of the rest", 0, munmap(moved + SLOT, SLOT) ? errno : 0);
}

/*
 * Puts the page of the request, and not a copy, into a pipe. The kernel does not let go of pages
 * without reference counts; one with a count stays what it is.
 */
static bool keep_page(u8 *memory, int pipe_fd)
{
	struct iovec vector = { .iov_base = memory, .iov_len = SLOT };
	bool kept = vmsplice(pipe_fd, &vector, 1, 0) == SLOT;

	check(kept || errno == EFAULT, "vmsplice: %s", strerror(errno));
	return kept;
}

static void check_kept(int pipe_fd, u64 seed)
{
	static u8 page[SLOT];

	pattern(payload, sizeof(payload), seed);
	check_number("bytes of the page", SLOT, read(pipe_fd, page, SLOT));
	check(!memcmp(page + DMA_MAILBOX_SLOT_DATA, payload, sizeof(payload)),
	      "a page that is held on to was used for something else");
}

static bool stop;

/* Maps and unmaps all the time, and looks at what it gets. */
static void *mapper(void *argument)
{
	int fd = *(int *)argument;
	u8 *memory;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		memory = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
		if (memory == MAP_FAILED)
			continue;
		munmap(memory + SLOT, SLOT);
		munmap(memory, SLOT);
	}
	return NULL;
}

/* A process that has a mapping of its own, and looks at it until it can't any more. */
static pid_t start_other(void)
{
	pid_t pid = fork();
	u8 *memory;
	int i, fd;

	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid)
		return pid;

	fd = mailbox_open("/dev/dma_mailbox0", 0);
	memory = map(fd);
	close(fd);
	for (i = 0; i < 2000; i++) {
		if (touch(memory))
			_exit(touch(memory) == SIGBUS && touch(memory + SLOT) == SIGBUS ? 0 : 1);
		usleep(5000);
	}
	_exit(2);
}

/*
 * A process with a mapping, and with memory that takes a while to be given back when it is killed:
 * it is neither running nor gone then.
 */
static pid_t start_large(void)
{
	const size_t size = 16 << 20;
	pid_t pid = fork();
	char *large;

	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid)
		return pid;

	map(mailbox_open("/dev/dma_mailbox0", 0));
	large = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (large != MAP_FAILED)
		memset(large, 1, size);
	for (;;)
		pause();
}

static void check_unbind(const char *address)
{
	int fd = mailbox_open("/dev/dma_mailbox0", 0);
	u8 *memory = map(fd), *part = map(fd), *other;
	pid_t pid = start_other(), large[4];
	pthread_t threads[2];
	int i, ends[2], status = 0;
	bool kept;

	if (pipe(ends))
		die("pipe: %s", strerror(errno));
	munmap(part, SLOT);
	check_shown("before unbind", fd, memory, 4);
	kept = keep_page(memory, ends[1]);
	for (i = 0; i < 4; i++)
		large[i] = start_large();
	for (i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, mapper, &fd))
			die("pthread_create");
	usleep(500 * 1000);

	for (i = 0; i < 4; i++)
		kill(large[i], SIGKILL);
	tell_driver(DRIVER "/unbind", address);
	check_number("the request after unbind", SIGBUS, touch(memory));
	check_number("the response after unbind", SIGBUS, touch(memory + SLOT));
	check_number("what was left of a mapping", SIGBUS, touch(part + SLOT));
	check_mmap("mmap after unbind", ENODEV, fd, SIZE, PROT_READ, MAP_SHARED, 0);
	waitpid(pid, &status, 0);
	check(WIFEXITED(status) && !WEXITSTATUS(status),
	      "the other process: expected exit status 0, got %#x", status);
	for (i = 0; i < 4; i++) {
		waitpid(large[i], &status, 0);
		check(WIFSIGNALED(status), "a process that was killed: got %#x", status);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);

	tell_driver(DRIVER "/bind", address);
	close(fd);
	fd = mailbox_open("/dev/dma_mailbox0", 0);
	other = map(fd);
	check_shown("after bind", fd, other, 5);
	check_number("the old mapping after bind", SIGBUS, touch(memory));
	if (kept)
		check_kept(ends[0], 4);
	close(ends[0]);
	close(ends[1]);
	munmap(memory, SIZE);
	munmap(part + SLOT, SLOT);
	close(fd);
	check_number("a mapping without a file", 0, touch(other));
	munmap(other, SIZE);
}

int test_mmap(const struct options *options)
{
	int fd = mailbox_open("/dev/dma_mailbox0", 0);
	u8 *memory = map(fd), *second = map(fd);

	if (options->argument_count != 1)
		die("test-mmap needs the PCI address of the first device");
	catch_faults();
	check_shown("one mapping", fd, memory, 1);
	check_shown("another one", fd, second, 2);
	munmap(second, SIZE);
	check_refused(fd);
	check_changes(fd);
	munmap(memory, SIZE);
	close(fd);
	check_unbind(options->arguments[0]);
	return report("test-mmap");
}
