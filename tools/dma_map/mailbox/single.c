// SPDX-License-Identifier: GPL-2.0
/* One command, as the command line says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mailbox.h"

static struct answer answer;

/* Sends a request and reads its response; true if there is a result to look at. */
static bool call(const struct options *options, struct dma_mailbox_request request,
		 const void *payload)
{
	int fd = mailbox_open(options->device, 0);
	int error;

	request.timeout_ms = options->timeout_ms;
	request.cookie = getpid();
	error = mailbox_call(fd, request, payload, &answer);
	close(fd);

	if (!error) {
		check_number("cookie", request.cookie, answer.head.cookie);
		check_number("opcode", request.opcode, answer.head.opcode);
		error = -answer.head.status;
	}
	check_errno("result", options->expected_errno, error);
	if (error)
		printf("%s: %s\n", options->device, errno_name(error));
	return !error;
}

static int status(void)
{
	return mismatches ? 1 : 0;
}

static u32 argument(const struct options *options, u32 otherwise)
{
	char *end;
	unsigned long value;

	if (!options->argument_count)
		return otherwise;
	value = strtoul(options->arguments[0], &end, 0);
	if (*end || value > UINT32_MAX)
		die("%s is no 32-bit number", options->arguments[0]);
	return value;
}

int identify(const struct options *options)
{
	struct dma_mailbox_request request = { .opcode = DMA_MAILBOX_IDENTIFY };

	if (call(options, request, NULL))
		printf("%s: edu %u.%u (%#010x)\n", options->device, answer.head.value >> 24,
		       answer.head.value >> 16 & 0xff, answer.head.value);
	return status();
}

int ping(const struct options *options)
{
	struct dma_mailbox_request request = {
		.opcode = DMA_MAILBOX_PING,
		.argument = argument(options, 0x5a5a1234),
	};

	if (call(options, request, NULL)) {
		printf("%s: ~%#010x = %#010x\n", options->device, request.argument,
		       answer.head.value);
		check_number("complement", (u32)~request.argument, answer.head.value);
	}
	return status();
}

int factorial(const struct options *options)
{
	struct dma_mailbox_request request = {
		.opcode = DMA_MAILBOX_FACTORIAL,
		.argument = argument(options, 12),
	};
	u32 i, expected = 1;

	if (call(options, request, NULL)) {
		printf("%s: %u! = %u\n", options->device, request.argument, answer.head.value);
		for (i = 2; i <= request.argument; i++)
			expected *= i;
		check_number("factorial", expected, answer.head.value);
	}
	return status();
}

int echo(const struct options *options)
{
	const char *text = options->argument_count ? options->arguments[0] : "hello";
	struct dma_mailbox_request request = {
		.opcode = DMA_MAILBOX_ECHO,
		.length = strlen(text),
	};

	if (call(options, request, text)) {
		printf("%s: %.*s\n", options->device, (int)answer.head.length,
		       (char *)answer.payload);
		check_payload("echo", text, request.length, &answer);
	}
	return status();
}

int loopback(const struct options *options)
{
	struct dma_mailbox_request request = {
		.opcode = DMA_MAILBOX_LOOPBACK,
		.length = options->bytes,
		.source_offset = options->source_offset,
		.destination_offset = options->destination_offset,
	};
	static u8 payload[DMA_MAILBOX_LOOPBACK_MAX];
	unsigned long i, count = options->count ? options->count : 1;

	for (i = 0; i < count; i++) {
		pattern(payload, request.length, i);
		if (!call(options, request, payload))
			continue;
		printf("%s: %u bytes in %u transfers\n", options->device, answer.head.length,
		       answer.head.transfers);
		check_payload("loopback", payload, request.length, &answer);
	}
	return status();
}
