// SPDX-License-Identifier: GPL-2.0
/* Commands through the node of a disk, and of a partition: what they do, and who may send which. */
#include <errno.h>
#include <fcntl.h>
#include <linux/blkpg.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nvme.h"

/* Where the tests write. */
#define PLACE 40

/* The exit status of a process whose kernel has no 32-bit calls. */
#define NO_CALLS 77

/* What a 32-bit process calls NVME_IOCTL_SUBMIT_IO: it has no padding behind the structure. */
#define SUBMIT_IO_32 _IOC(_IOC_WRITE, 'N', 0x42, 44)

static u8 block[BLOCK], answer[4096];

static void expect(int result, int error, const char *what)
{
	if (result != -error)
		die("%s: %d, not -%s", what, result, error ? strerrorname_np(error) : "0");
}

static int submit(int fd, unsigned int number, u8 opcode, u64 first, void *data)
{
	struct nvme_user_io user = { .opcode = opcode, .addr = (uintptr_t)data, .slba = first };
	int status = ioctl(fd, number, &user);

	return status < 0 ? -errno : status;
}

static int identify(int fd, u32 namespace, u32 what)
{
	struct nvme_passthru_cmd command = {
		.opcode = IDENTIFY, .nsid = namespace, .cdw10 = what,
		.addr = (uintptr_t)answer, .data_len = sizeof(answer),
	};

	return admin(fd, &command);
}

static int health(int fd)
{
	struct nvme_passthru_cmd command = {
		.opcode = GET_LOG_PAGE, .nsid = ~0u, .cdw10 = 127 << 16 | 2,
		.addr = (uintptr_t)answer, .data_len = 512,
	};

	return admin(fd, &command);
}

static int format(int fd)
{
	struct nvme_passthru_cmd command = { .opcode = FORMAT, .nsid = 1, .timeout_ms = 60000 };

	return admin(fd, &command);
}

/* What is written through the disk's node is read through all. */
static void test_blocks(int fd, int controller)
{
	struct nvme_passthru_cmd other = {
		.opcode = READ, .nsid = 2, .addr = (uintptr_t)block, .data_len = BLOCK,
	};
	struct nvme_passthru_cmd64 wide = {
		.opcode = READ, .nsid = 1, .cdw10 = PLACE,
		.addr = (uintptr_t)block, .data_len = BLOCK,
	};
	u8 seen[BLOCK];

	if (ioctl(fd, NVME_IOCTL_ID) != 1)
		die("the disk is another namespace: %s", strerror(errno));
	expect(io(fd, &other), EINVAL, "a command for another namespace");
	must(identify(fd, 1, 0), "Identify Namespace");
	must(health(fd), "Get Log Page");

	memset(block, 0xa5, sizeof(block));
	must(submit(fd, NVME_IOCTL_SUBMIT_IO, WRITE, PLACE, block),
	     "NVME_IOCTL_SUBMIT_IO of a write");
	must(move_blocks(controller, READ, PLACE, 1, seen), "a read through the controller's node");
	if (memcmp(seen, block, BLOCK))
		die("the controller's node reads something else");
	memset(seen, 0, sizeof(seen));
	must(submit(fd, SUBMIT_IO_32, READ, PLACE, seen), "NVME_IOCTL_SUBMIT_IO of a read");
	if (memcmp(seen, block, BLOCK))
		die("the disk's node reads something else");
	expect(submit(fd, NVME_IOCTL_SUBMIT_IO, WRITE_ZEROES, 0, block), EINVAL,
	       "NVME_IOCTL_SUBMIT_IO of another kind");
	expect(submit(fd, NVME_IOCTL_SUBMIT_IO, READ, 0, (void *)8), EFAULT,
	       "memory that is not there");
	if (ioctl(fd, NVME_IOCTL_IO64_CMD, &wide))
		die("NVME_IOCTL_IO64_CMD: %s", strerror(errno));

	if (ioctl(fd, NVME_IOCTL_RESET) != -1 || errno != ENOTTY)
		die("the disk's node resets the controller");
	if (ioctl(controller, NVME_IOCTL_ID) != -1 || errno != ENOTTY)
		die("the controller's node is a namespace");
	if (ioctl(controller, NVME_IOCTL_SUBMIT_IO, &wide) != -1 || errno != ENOTTY)
		die("the controller's node takes NVME_IOCTL_SUBMIT_IO");
}

/* Calls `check` in a process without privileges. */
static void unprivileged(const char *path, int flags, void (*check)(int fd))
{
	int status, fd = open(path, flags | O_CLOEXEC);
	pid_t pid;

	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (!pid) {
		if (setuid(65534) < 0)
			die("setuid: %s", strerror(errno));
		check(fd);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		die("%s without privileges: status %#x", path, status);
	close(fd);
}

/* What everybody may who can open a disk. */
static void check_questions(int fd)
{
	must(identify(fd, 1, 0), "Identify Namespace without privileges");
	must(identify(fd, 0, 1), "Identify Controller without privileges");
	expect(identify(fd, 0, 2), EACCES, "the list of namespaces without privileges");
	expect(health(fd), EACCES, "Get Log Page without privileges");
	expect(format(fd), EACCES, "Format without privileges");
	must(move_blocks(fd, READ, PLACE, 1, block), "a read without privileges");
}

static void check_reader(int fd)
{
	check_questions(fd);
	expect(move_blocks(fd, WRITE, PLACE, 1, block), EACCES, "a write by a reader");
	expect(move_blocks(fd, WRITE_ZEROES, PLACE, 1, NULL), EACCES, "zeroes by a reader");
	expect(submit(fd, NVME_IOCTL_SUBMIT_IO, WRITE, PLACE, block), EACCES,
	       "a write by a reader");
}

static void check_writer(int fd)
{
	check_questions(fd);
	must(move_blocks(fd, WRITE, PLACE, 1, block), "a write by a writer");
	must(submit(fd, NVME_IOCTL_SUBMIT_IO, WRITE, PLACE, block), "a write by a writer");
}

/* Whoever has a partition must not reach the rest of the disk. */
static void check_partition(int fd)
{
	if (ioctl(fd, NVME_IOCTL_ID) != 1)
		die("the partition's disk is another namespace: %s", strerror(errno));
	expect(identify(fd, 1, 0), EACCES, "Identify through a partition");
	expect(move_blocks(fd, READ, PLACE, 1, block), EACCES, "a read through a partition");
	expect(move_blocks(fd, WRITE, PLACE, 1, block), EACCES, "a write through a partition");
	expect(submit(fd, NVME_IOCTL_SUBMIT_IO, READ, PLACE, block), EACCES,
	       "a read through a partition");
}

static void test_partition(int fd, const char *path)
{
	struct blkpg_partition part = { .start = 64 * BLOCK, .length = 64 * BLOCK, .pno = 1 };
	struct blkpg_ioctl_arg change = {
		.op = BLKPG_ADD_PARTITION, .datalen = sizeof(part), .data = &part,
	};
	char name[256];
	int whole;

	if (ioctl(fd, BLKPG, &change))
		die("no partition is added: %s", strerror(errno));
	snprintf(name, sizeof(name), "%sp1", path);
	unprivileged(name, O_RDWR, check_partition);
	whole = open_device(name);
	must(move_blocks(whole, READ, PLACE, 1, block), "a read through a partition by root");
	close(whole);
	change.op = BLKPG_DEL_PARTITION;
	if (ioctl(fd, BLKPG, &change))
		die("the partition is not deleted: %s", strerror(errno));
}

/* ioctl() as a 32-bit process calls it. */
static int ioctl_32(int fd, unsigned int number, void *argument)
{
	int result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(54), "b"(fd), "c"(number), "d"((u32)(uintptr_t)argument)
			 : "memory", "r8", "r9", "r10", "r11");
	return result;
}

static void check_32(int fd)
{
	u8 *low = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT,
		       -1, 0);
	struct nvme_passthru_cmd *command = (void *)low;
	struct nvme_user_io *user = (void *)low;

	if (low == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	if (ioctl_32(fd, NVME_IOCTL_ID, NULL) != 1)
		die("a 32-bit process: the disk is another namespace");
	*command = (struct nvme_passthru_cmd) {
		.opcode = IDENTIFY, .nsid = 1, .addr = (uintptr_t)low + 4096, .data_len = 4096,
	};
	must(ioctl_32(fd, NVME_IOCTL_ADMIN_CMD, command), "a 32-bit process: Identify");
	*user = (struct nvme_user_io) {
		.opcode = READ, .slba = PLACE, .addr = (uintptr_t)low + 4096,
	};
	/* Behind the structure is no memory of the caller's. */
	must(ioctl_32(fd, SUBMIT_IO_32, user), "a 32-bit process: a read");
	if (memcmp(low + 4096, block, BLOCK))
		die("a 32-bit process reads something else");
	expect(ioctl_32(fd, NVME_IOCTL_RESET, NULL), ENOTTY, "a 32-bit process: another ioctl");
}

/* A kernel without 32-bit calls sends a signal, and prints it if nobody handles it. */
static void no_calls(int number)
{
	(void)number;
	_exit(NO_CALLS);
}

static void test_32(int fd)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (!pid) {
		signal(SIGSEGV, no_calls);
		check_32(fd);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid: %s", strerror(errno));
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_CALLS)
		printf("this kernel has no 32-bit calls\n");
	else if (status)
		die("a 32-bit process: status %#x", status);
}

/* Reads as files do, until it is told that this is enough. */
struct reader {
	int fd;
	int result;
	unsigned long reads;
	int enough;
};

static void *read_directly(void *arg)
{
	struct reader *reader = arg;
	void *data;

	if (posix_memalign(&data, 4096, 65536)) {
		reader->result = ENOMEM;
		return NULL;
	}
	while (!__atomic_load_n(&reader->enough, __ATOMIC_RELAXED)) {
		if (pread(reader->fd, data, 65536, (off_t)(reader->reads % 16) * 65536) != 65536) {
			reader->result = errno;
			break;
		}
		reader->reads++;
	}
	free(data);
	return NULL;
}

static void *read_by_commands(void *arg)
{
	struct reader *reader = arg;
	static u8 data[8 * BLOCK];

	while (!__atomic_load_n(&reader->enough, __ATOMIC_RELAXED)) {
		reader->result = move_blocks(reader->fd, READ, reader->reads % 64, 8, data);
		if (reader->result)
			break;
		reader->reads++;
	}
	return NULL;
}

/* A Format through the disk's node, beside reads of files and of commands through both nodes. */
static void test_together(int fd, int controller, const char *path)
{
	void *(*functions[])(void *) = { read_directly, read_by_commands, read_by_commands };
	struct reader readers[] = { { .fd = -1 }, { .fd = fd }, { .fd = controller } };
	pthread_t threads[3];
	int i;

	readers[0].fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	for (i = 0; i < 3; i++) {
		if (pthread_create(&threads[i], NULL, functions[i], &readers[i]))
			die("there is no thread");
	}
	for (i = 0; i < 10; i++) {
		usleep(20000);
		must(format(fd), "Format through the disk's node");
	}
	for (i = 0; i < 3; i++) {
		__atomic_store_n(&readers[i].enough, 1, __ATOMIC_RELAXED);
		pthread_join(threads[i], NULL);
		if (readers[i].result || !readers[i].reads)
			die("reader %d, after %lu reads: %d", i, readers[i].reads,
			    readers[i].result);
	}
	close(readers[0].fd);
	printf("%lu reads of files, and %lu and %lu by commands, beside 10 times Format\n",
	       readers[0].reads, readers[1].reads, readers[2].reads);
}

int test_disk(const char *path, const char *controller_path)
{
	int fd = open_device(path), controller = open_device(controller_path);

	test_blocks(fd, controller);
	unprivileged(path, O_RDONLY, check_reader);
	unprivileged(path, O_RDWR, check_writer);
	test_partition(fd, path);
	test_32(fd);
	test_together(fd, controller, path);
	close(fd);
	close(controller);
	return 0;
}
