// SPDX-License-Identifier: GPL-2.0
/* What must be refused is refused, and does no harm. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "mailbox.h"

static struct answer answer;
static u8 payload[DMA_MAILBOX_LOOPBACK_MAX + 1];

static void refused(int fd)
{
	static const struct {
		const char *what;
		int error;
		struct dma_mailbox_request request;
	} table[] = {
		{ "opcode 0", EINVAL, { .opcode = 0 } },
		{ "opcode 6", EINVAL, { .opcode = 6 } },
		{ "opcode 2^32 - 1", EINVAL, { .opcode = 0xffffffff } },
		{ "reserved", EINVAL, { .opcode = DMA_MAILBOX_IDENTIFY, .reserved = 1 } },
		{ "argument of identify", EINVAL,
		  { .opcode = DMA_MAILBOX_IDENTIFY, .argument = 1 } },
		{ "payload of identify", EMSGSIZE,
		  { .opcode = DMA_MAILBOX_IDENTIFY, .length = 1 } },
		{ "payload of ping", EMSGSIZE, { .opcode = DMA_MAILBOX_PING, .length = 1 } },
		{ "offset of ping", EINVAL,
		  { .opcode = DMA_MAILBOX_PING, .destination_offset = 1 } },
		{ "factorial of 13", ERANGE, { .opcode = DMA_MAILBOX_FACTORIAL, .argument = 13 } },
		{ "factorial of 2^32 - 1", ERANGE,
		  { .opcode = DMA_MAILBOX_FACTORIAL, .argument = 0xffffffff } },
		{ "empty echo", EINVAL, { .opcode = DMA_MAILBOX_ECHO } },
		{ "echo too long", EMSGSIZE,
		  { .opcode = DMA_MAILBOX_ECHO, .length = DMA_MAILBOX_ECHO_MAX + 1 } },
		{ "offset of echo", EINVAL,
		  { .opcode = DMA_MAILBOX_ECHO, .length = 1, .source_offset = 1 } },
		{ "empty loopback", EINVAL, { .opcode = DMA_MAILBOX_LOOPBACK } },
		{ "loopback too long", EMSGSIZE,
		  { .opcode = DMA_MAILBOX_LOOPBACK, .length = DMA_MAILBOX_LOOPBACK_MAX + 1 } },
		{ "source offset", EINVAL,
		  { .opcode = DMA_MAILBOX_LOOPBACK, .length = 1,
		    .source_offset = DMA_MAILBOX_OFFSET_MAX + 1 } },
		{ "destination offset", EINVAL,
		  { .opcode = DMA_MAILBOX_LOOPBACK, .length = 1,
		    .destination_offset = DMA_MAILBOX_OFFSET_MAX + 1 } },
		{ "timeout", EINVAL,
		  { .opcode = DMA_MAILBOX_PING, .timeout_ms = DMA_MAILBOX_TIMEOUT_MAX + 1 } },
	};
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(*table); i++)
		check_errno(table[i].what, table[i].error,
			    mailbox_send(fd, table[i].request, payload));
}

static void accepted(int fd)
{
	static const struct {
		const char *what;
		struct dma_mailbox_request request;
	} table[] = {
		{ "ping, longest timeout",
		  { .opcode = DMA_MAILBOX_PING, .timeout_ms = DMA_MAILBOX_TIMEOUT_MAX } },
		{ "largest offsets",
		  { .opcode = DMA_MAILBOX_LOOPBACK, .length = 2,
		    .source_offset = DMA_MAILBOX_OFFSET_MAX,
		    .destination_offset = DMA_MAILBOX_OFFSET_MAX } },
	};
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(*table); i++) {
		check_errno(table[i].what, 0,
			    mailbox_call(fd, table[i].request, payload, &answer));
		check_status(table[i].what, 0, &answer);
		check_payload(table[i].what, payload, table[i].request.length, &answer);
	}
}

/* Returns what write() says to the first SIZE bytes of a request. */
static int write_part(int fd, struct dma_mailbox_request request, size_t size)
{
	u8 bytes[sizeof(request) + 16] = { };

	memcpy(bytes, &request, sizeof(request));
	return write(fd, bytes, size) < 0 ? errno : 0;
}

static void sizes(int fd)
{
	struct dma_mailbox_request request = { .opcode = DMA_MAILBOX_ECHO, .length = 8 };
	size_t size = sizeof(request);

	check_errno("write of 1 byte", EINVAL, write_part(fd, request, 1));
	check_errno("write of a header less 1", EINVAL, write_part(fd, request, size - 1));
	check_errno("write without payload", EINVAL, write_part(fd, request, size));
	check_errno("write of a payload less 1", EINVAL, write_part(fd, request, size + 7));
	check_errno("write of a payload and 1", EINVAL, write_part(fd, request, size + 9));
}

static void faults(int fd)
{
	struct dma_mailbox_request request = { .opcode = DMA_MAILBOX_ECHO, .length = 100 };
	size_t page = sysconf(_SC_PAGESIZE);
	u8 *edge = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec parts[2] = {
		{ &request, sizeof(request) },
		{ payload, request.length },
	};
	int error;

	if (edge == MAP_FAILED || munmap(edge + page, page))
		die("mmap: %s", strerror(errno));

	error = write(fd, edge + page, sizeof(request)) < 0 ? errno : 0;
	check_errno("write from nowhere", EFAULT, error);
	memcpy(edge + page - sizeof(request) - 50, &request, sizeof(request));
	error = write(fd, edge + page - sizeof(request) - 50, sizeof(request) + 100) < 0 ?
		errno : 0;
	check_errno("write with half a payload", EFAULT, error);

	check(writev(fd, parts, 2) == (ssize_t)(sizeof(request) + request.length),
	      "writev: expected all, got %s", errno_name(errno));

	/* The response waits until somebody can take it. */
	check_number("poll", 1, poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 10000));
	error = read(fd, &answer, sizeof(answer.head) + 99) < 0 ? errno : 0;
	check_errno("read with too little room", EMSGSIZE, error);
	error = read(fd, edge + page, sizeof(answer)) < 0 ? errno : 0;
	check_errno("read to nowhere", EFAULT, error);
	error = read(fd, edge + page - sizeof(answer.head) - 50, sizeof(answer)) < 0 ? errno : 0;
	check_errno("read with half a payload", EFAULT, error);
	check_errno("read after that", 0, mailbox_receive(fd, &answer));
	check_payload("read after that", payload, 100, &answer);
	munmap(edge, page);
}

int test_abi(const struct options *options)
{
	int fd = mailbox_open(options->device, 0);
	struct pollfd nothing = { .fd = fd, .events = POLLIN };

	pattern(payload, sizeof(payload), 42);
	refused(fd);
	sizes(fd);
	check_number("responses to what was refused", 0, poll(&nothing, 1, 300));
	accepted(fd);
	faults(fd);
	check_number("responses that are left over", 0, poll(&nothing, 1, 300));
	close(fd);
	return report("test-abi");
}
