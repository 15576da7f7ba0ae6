// SPDX-License-Identifier: GPL-2.0
/* Waiting, not waiting, and being interrupted. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "mailbox.h"

static struct answer answer;

static struct dma_mailbox_request ping_number(u64 cookie)
{
	return (struct dma_mailbox_request) {
		.opcode = DMA_MAILBOX_PING,
		.cookie = cookie,
		.argument = cookie,
	};
}

static void check_ping(const char *what, int fd, u64 cookie)
{
	if (!check_errno(what, 0, mailbox_receive(fd, &answer)))
		return;
	check_status(what, 0, &answer);
	check_number(what, cookie, answer.head.cookie);
	check_number(what, (u32)~cookie, answer.head.value);
}

static int events(int fd, int timeout)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN | POLLOUT };

	if (poll(&poller, 1, timeout) < 0)
		die("poll: %s", strerror(errno));
	return poller.revents;
}

static int readable(int fd, int timeout)
{
	return poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, timeout);
}

/* Sends until the queue takes no more, and returns how many it took. */
static int fill(int fd)
{
	int sent = 0, error;

	while (!(error = mailbox_send(fd, ping_number(sent), NULL)) && sent < 1000)
		sent++;
	check_errno("write to a full queue", EAGAIN, error);
	check_number("requests that the queue took", DMA_MAILBOX_OPEN_MAX, sent);
	return sent;
}

int test_nonblock(const struct options *options)
{
	int fd = mailbox_open(options->device, O_NONBLOCK);
	int other = mailbox_open(options->device, O_NONBLOCK);
	int i, sent;

	check_errno("read of an empty queue", EAGAIN, mailbox_receive(fd, &answer));
	sent = fill(fd);
	check_errno("read at once", EAGAIN, mailbox_receive(fd, &answer));
	check_errno("write by another file", 0, mailbox_send(other, ping_number(7), NULL));

	check_number("a response", 1, readable(fd, 10000));
	check_errno("write before it is read", EAGAIN, mailbox_send(fd, ping_number(0), NULL));
	check_ping("first response", fd, 0);
	check_errno("write after that", 0, mailbox_send(fd, ping_number(sent), NULL));

	for (i = 1; i <= sent; i++) {
		check_number("a response", 1, readable(fd, 10000));
		check_ping("next response", fd, i);
	}
	check_errno("read of an empty queue", EAGAIN, mailbox_receive(fd, &answer));

	check_number("the other file's response", 1, readable(other, 10000));
	check_ping("the other file's response", other, 7);

	/* What was asked for and is not wanted any more. */
	fill(other);
	close(other);
	check_errno("write after the other file is closed", 0,
		    mailbox_send(fd, ping_number(99), NULL));
	check_number("a response", 1, readable(fd, 10000));
	check_ping("response after the other file is closed", fd, 99);
	close(fd);
	return report("test-nonblock");
}

int test_poll(const struct options *options)
{
	int fd = mailbox_open(options->device, O_NONBLOCK);

	check_number("poll at first", POLLOUT, events(fd, 0));
	check_number("time to wait for nothing", 0, readable(fd, 50));

	check_errno("write", 0, mailbox_send(fd, ping_number(1), NULL));
	check_number("poll while it runs", POLLOUT, events(fd, 0));
	check_number("a response", 1, readable(fd, 10000));
	check_number("poll with a response", POLLIN | POLLOUT, events(fd, 0));
	check_ping("response", fd, 1);
	check_number("poll after it is read", POLLOUT, events(fd, 0));

	fill(fd);
	check_number("poll of a full queue", 0, events(fd, 0));
	check_number("what a full queue waits for", POLLIN, events(fd, 10000));
	check_ping("response", fd, 0);
	check_number("room after it is read", POLLOUT, events(fd, 0) & POLLOUT);
	close(fd);
	return report("test-poll");
}

static void nothing(int signal)
{
	(void)signal;
}

static void alarm_in(int ms)
{
	struct itimerval timer = {
		.it_value.tv_sec = ms / 1000,
		.it_value.tv_usec = ms % 1000 * 1000,
	};

	if (setitimer(ITIMER_REAL, &timer, NULL))
		die("setitimer: %s", strerror(errno));
}

static void handle_alarm(int flags)
{
	struct sigaction action = { .sa_handler = nothing, .sa_flags = flags };

	if (sigaction(SIGALRM, &action, NULL))
		die("sigaction: %s", strerror(errno));
}

int test_signal(const struct options *options)
{
	int fd = mailbox_open(options->device, 0);
	int i, sent;

	handle_alarm(0);
	alarm_in(50);
	check_errno("read that is interrupted", EINTR, mailbox_receive(fd, &answer));

	/* With a request under way, and a handler that lets calls go on. */
	handle_alarm(SA_RESTART);
	check_errno("write", 0, mailbox_send(fd, ping_number(1), NULL));
	alarm_in(50);
	check_ping("read that goes on", fd, 1);

	handle_alarm(0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	sent = fill(fd);
	fcntl(fd, F_SETFL, 0);
	alarm_in(50);
	check_errno("write that is interrupted", EINTR, mailbox_send(fd, ping_number(0), NULL));
	for (i = 0; i < sent; i++)
		check_ping("response after that", fd, i);
	check_number("responses to what was not sent", 0, readable(fd, 300));
	close(fd);
	return report("test-signal");
}

int test_timeout(const struct options *options)
{
	static u8 payload[DMA_MAILBOX_LOOPBACK_MAX];
	static const struct {
		u32 opcode, length, timeout;
	} table[] = {
		{ DMA_MAILBOX_IDENTIFY, 0, 1 },		/* on the way to the device */
		{ DMA_MAILBOX_ECHO, 100, 150 },		/* on the way back */
		{ DMA_MAILBOX_LOOPBACK, 8192, 250 },	/* with a payload on its way */
		{ DMA_MAILBOX_LOOPBACK, 8192, 550 },
	};
	unsigned long i, count = options->count ? options->count : 1;
	int fd = mailbox_open(options->device, 0);
	size_t j;

	for (i = 0; i < count; i++) {
		for (j = 0; j < sizeof(table) / sizeof(*table); j++) {
			struct dma_mailbox_request request = {
				.opcode = table[j].opcode,
				.length = table[j].length,
				.timeout_ms = table[j].timeout,
			};

			pattern(payload, request.length, i);
			check_errno("request", 0, mailbox_call(fd, request, payload, &answer));
			check_status("too little time", ETIMEDOUT, &answer);
			check_number("payload of that", 0, answer.head.length);

			request.timeout_ms = 0;
			check_errno("request", 0, mailbox_call(fd, request, payload, &answer));
			check_status("enough time", 0, &answer);
			check_payload("enough time", payload, request.length, &answer);
		}
	}
	close(fd);
	return report("test-timeout");
}
