// SPDX-License-Identifier: GPL-2.0
/* A device that goes away while it is used. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mailbox.h"

#define DRIVER "/sys/bus/pci/drivers/dma_map_edu"

static struct answer answer;
static u8 payload[DMA_MAILBOX_LOOPBACK_MAX];

/* The PCI address of the device behind a node, as the driver's bind and unbind take it. */
static void address_of(const char *device, char *address, size_t size)
{
	char link[PATH_MAX], target[PATH_MAX];
	const char *name = strrchr(device, '/');
	ssize_t length;

	snprintf(link, sizeof(link), "/sys/class/misc/%s/device", name ? name + 1 : device);
	length = readlink(link, target, sizeof(target) - 1);
	if (length < 0)
		die("%s: %s", link, strerror(errno));
	target[length] = 0;
	name = strrchr(target, '/');
	name = name ? name + 1 : target;
	if (strlen(name) >= size)
		die("%s: %s is no PCI address", link, name);
	memcpy(address, name, strlen(name) + 1);
}

static int tell_driver(const char *file, const char *address)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	int error = 0;

	if (fd < 0)
		die("%s: %s", file, strerror(errno));
	if (write(fd, address, strlen(address)) < 0)
		error = errno;
	close(fd);
	return error;
}

static void check_echo(const char *what, const char *device)
{
	struct dma_mailbox_request request = { .opcode = DMA_MAILBOX_ECHO, .length = 200 };
	int fd = mailbox_open(device, 0);

	pattern(payload, request.length, 1);
	check_errno(what, 0, mailbox_call(fd, request, payload, &answer));
	check_status(what, 0, &answer);
	check_payload(what, payload, request.length, &answer);
	close(fd);
}

/*
 * Start a process that waits in poll(), or in read(), for a response that never comes. The file is
 * opened before: on a busy machine the process may run only when the device is gone.
 */
static pid_t start_poller(const char *device)
{
	int fd = mailbox_open(device, 0);
	pid_t pid = fork();

	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (!pid) {
		struct pollfd poller = { .fd = fd, .events = POLLIN };

		poll(&poller, 1, 60000);
		check_number("poll() that waits", POLLERR | POLLHUP, poller.revents);
		_exit(mismatches ? 1 : 0);
	}
	close(fd);
	return pid;
}

static pid_t start_reader(const char *device)
{
	int fd = mailbox_open(device, 0);
	pid_t pid = fork();

	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (!pid) {
		check_errno("read() that waits", ENODEV, mailbox_receive(fd, &answer));
		_exit(mismatches ? 1 : 0);
	}
	close(fd);
	return pid;
}

static void check_child(const char *what, pid_t pid)
{
	int status = 0;

	if (waitpid(pid, &status, 0) < 0)
		die("waitpid: %s", strerror(errno));
	check(WIFEXITED(status) && !WEXITSTATUS(status), "%s: expected exit status 0, got %#x",
	      what, status);
}

/* How many interrupts the driver's handlers have got, those of other devices' included. */
static unsigned long count_interrupts(void)
{
	FILE *file = fopen("/proc/interrupts", "r");
	unsigned long sum = 0;
	char line[4096];

	if (!file)
		die("/proc/interrupts: %s", strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		char *number = strchr(line, ':'), *end;

		if (!number || !strstr(number, "dma_map_edu"))
			continue;
		for (number++;; number = end) {
			unsigned long count = strtoul(number, &end, 10);

			if (end == number)
				break;
			sum += count;
		}
	}
	fclose(file);
	return sum;
}

static void check_gone(int fd)
{
	struct dma_mailbox_request request = { .opcode = DMA_MAILBOX_IDENTIFY };
	struct pollfd poller = { .fd = fd, .events = POLLIN | POLLOUT };

	check_errno("write after unbind", ENODEV, mailbox_send(fd, request, NULL));
	check_errno("read after unbind", ENODEV, mailbox_receive(fd, &answer));
	check_number("poll after unbind", 1, poll(&poller, 1, 0));
	check_number("events after unbind", POLLERR | POLLHUP, poller.revents);
}

int test_unbind(const struct options *options)
{
	struct dma_mailbox_request request = {
		.opcode = DMA_MAILBOX_LOOPBACK,
		.length = DMA_MAILBOX_LOOPBACK_MAX,
	};
	int fd = mailbox_open(options->device, 0);
	pid_t poller = start_poller(options->device);
	pid_t reader = start_reader(options->device);
	unsigned long before, after;
	char address[64];
	int i;

	address_of(options->device, address, sizeof(address));
	pattern(payload, request.length, 1);
	for (i = 0; i < DMA_MAILBOX_OPEN_MAX; i++) {
		request.cookie = i;
		check_errno("request", 0, mailbox_send(fd, request, payload));
	}

	/* In the middle of the first payload, which takes seconds. */
	usleep(550 * 1000);
	check_errno("unbind", 0, tell_driver(DRIVER "/unbind", address));
	check(access(options->device, F_OK), "%s: expected no node, got one", options->device);

	for (i = 0; i < DMA_MAILBOX_OPEN_MAX; i++) {
		if (!check_errno("response", 0, mailbox_receive(fd, &answer)))
			break;
		check_status("request at unbind", ENODEV, &answer);
	}
	check_gone(fd);
	check_child("poller", poller);
	check_child("reader", reader);

	/* The device must not disturb who shares an interrupt, at the end of what it was doing. */
	before = count_interrupts();
	usleep(300 * 1000);
	after = count_interrupts();
	check(after - before < 100, "interrupts while unbound: expected less than 100, got %lu",
	      after - before);
	check_errno("bind", 0, tell_driver(DRIVER "/bind", address));
	check_echo("echo after bind", options->device);
	check_gone(fd);
	close(fd);
	return report("test-unbind");
}

int test_rebind(const struct options *options)
{
	struct dma_mailbox_request request = { .opcode = DMA_MAILBOX_LOOPBACK, .length = 5000 };
	unsigned long i, count = options->count ? options->count : 100;
	char address[64];

	address_of(options->device, address, sizeof(address));
	for (i = 0; i < count && !mismatches; i++) {
		/* Every other time in the middle of a transfer, with nobody left who waits. */
		if (i % 2) {
			int fd = mailbox_open(options->device, 0);

			check_errno("request", 0, mailbox_send(fd, request, payload));
			usleep(i * 7 % 300 * 1000);
			close(fd);
		}
		check_errno("unbind", 0, tell_driver(DRIVER "/unbind", address));
		check_errno("bind", 0, tell_driver(DRIVER "/bind", address));
		check_echo("echo after bind", options->device);
	}
	return report("test-rebind");
}

/* Uses the device, whether it is there or not, until a point in time. */
static void use(const char *device, time_t until, unsigned int number)
{
	struct dma_mailbox_request request = { .cookie = number };
	unsigned long done = 0, refused = 0;

	while (time(NULL) < until) {
		int fd = open(device, O_RDWR | O_CLOEXEC), error;

		if (fd < 0) {
			check(errno == ENOENT || errno == ENODEV || errno == ENXIO,
			      "open: expected success or no device, got %s", errno_name(errno));
			usleep(1000);
			continue;
		}
		request.opcode = ++request.cookie % 2 ? DMA_MAILBOX_ECHO : DMA_MAILBOX_LOOPBACK;
		request.length = 1 + request.cookie * 1013 % DMA_MAILBOX_ECHO_MAX;
		pattern(payload, request.length, request.cookie);

		error = mailbox_call(fd, request, payload, &answer);
		if (!error)
			error = -answer.head.status;
		if (!error) {
			done++;
			check_payload("payload", payload, request.length, &answer);
		} else {
			refused++;
			check_errno("request", ENODEV, error);
		}
		close(fd);
	}
	printf("  process %u: %lu requests done, %lu refused\n", number, done, refused);
}

int test_race(const struct options *options)
{
	time_t until = time(NULL) + (options->count ? options->count : 20);
	char address[64];
	pid_t users[3];
	unsigned int i;

	address_of(options->device, address, sizeof(address));
	for (i = 0; i < 3; i++) {
		users[i] = fork();
		if (users[i] < 0)
			die("fork: %s", strerror(errno));
		if (!users[i]) {
			use(options->device, until, i);
			_exit(mismatches ? 1 : 0);
		}
	}

	for (i = 0; time(NULL) < until; i++) {
		usleep(i * 37 % 1500 * 1000);
		check_errno("unbind", 0, tell_driver(DRIVER "/unbind", address));
		usleep(i * 13 % 100 * 1000);
		check_errno("bind", 0, tell_driver(DRIVER "/bind", address));
	}
	for (i = 0; i < 3; i++)
		check_child("user", users[i]);
	check_echo("echo after that", options->device);
	return report("test-race");
}
