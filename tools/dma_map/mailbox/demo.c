// SPDX-License-Identifier: GPL-2.0
/* Every command on every device, with every byte checked. */
#include <stdio.h>
#include <unistd.h>

#include "mailbox.h"

static struct answer answer;
static u8 payload[DMA_MAILBOX_LOOPBACK_MAX];
static unsigned long messages, bytes;

/* Sends a request with a payload of its own, checks what does not depend on the command. */
static bool call(int fd, struct dma_mailbox_request request)
{
	int error;

	request.cookie = ++messages;
	pattern(payload, request.length, messages);
	error = mailbox_call(fd, request, payload, &answer);
	if (!check_errno("request", 0, error) || !check_status("response", 0, &answer))
		return false;

	check_number("opcode", request.opcode, answer.head.opcode);
	check_number("cookie", request.cookie, answer.head.cookie);
	check(answer.head.transfers >= 2,
	      "transfers: expected at least 2 by the device, got %u", answer.head.transfers);
	check_payload("payload", payload, request.length, &answer);
	bytes += answer.head.length;
	return true;
}

static void row(const char *command, const char *given, const char *result)
{
	printf("  %-10s %-24s %-24s %9u %9u\n", command, given, result, answer.head.sequence,
	       answer.head.transfers);
}

static void run_identify(int fd)
{
	struct dma_mailbox_request request = { .opcode = DMA_MAILBOX_IDENTIFY };
	char result[32];

	if (!call(fd, request))
		return;
	snprintf(result, sizeof(result), "edu %u.%u", answer.head.value >> 24,
		 answer.head.value >> 16 & 0xff);
	row("identify", "", result);
	check((answer.head.value & 0xffff) == 0x00ed,
	      "identification: expected 0x....00ed, got %#010x", answer.head.value);
}

static void run_ping(int fd)
{
	static const u32 numbers[] = { 0, 0xffffffff, 0x12345678 };
	char given[32], result[32];
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		struct dma_mailbox_request request = {
			.opcode = DMA_MAILBOX_PING,
			.argument = numbers[i],
		};

		if (!call(fd, request))
			continue;
		snprintf(given, sizeof(given), "%#010x", numbers[i]);
		snprintf(result, sizeof(result), "%#010x", answer.head.value);
		row("ping", given, result);
		check_number("complement", (u32)~numbers[i], answer.head.value);
	}
}

static void run_factorial(int fd)
{
	static const struct {
		u32 number, factorial;
	} table[] = {
		{ 0, 1 }, { 1, 1 }, { 5, 120 }, { DMA_MAILBOX_FACTORIAL_MAX, 479001600 },
	};
	char given[32], result[32];
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct dma_mailbox_request request = {
			.opcode = DMA_MAILBOX_FACTORIAL,
			.argument = table[i].number,
		};

		if (!call(fd, request))
			continue;
		snprintf(given, sizeof(given), "%u", table[i].number);
		snprintf(result, sizeof(result), "%u", answer.head.value);
		row("factorial", given, result);
		check_number("factorial", table[i].factorial, answer.head.value);
	}
}

static void run_echo(int fd)
{
	static const u32 sizes[] = { 1, 63, 64, 65, DMA_MAILBOX_ECHO_MAX };
	char given[32];
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct dma_mailbox_request request = {
			.opcode = DMA_MAILBOX_ECHO,
			.length = sizes[i],
		};

		if (!call(fd, request))
			continue;
		snprintf(given, sizeof(given), "%u bytes", sizes[i]);
		row("echo", given, "the same");
	}
}

static void run_loopback(int fd)
{
	static const struct {
		u32 size;
		u16 source, destination;
	} table[] = {
		{ 1, 0, 0 }, { 63, 0, 0 }, { 64, 0, 0 }, { 4095, 0, 0 }, { 4096, 0, 0 },
		{ 4097, 0, 0 }, { 4096, 4095, 1 }, { 8192, 1, 4095 }, { 65535, 0, 0 },
		{ DMA_MAILBOX_LOOPBACK_MAX, 0, 0 },
		/* Several pages are enough: the device takes 0.1 s for each piece. */
		{ 16384, 64, 2048 },
	};
	char given[32];
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct dma_mailbox_request request = {
			.opcode = DMA_MAILBOX_LOOPBACK,
			.length = table[i].size,
			.source_offset = table[i].source,
			.destination_offset = table[i].destination,
		};

		if (!call(fd, request))
			continue;
		if (table[i].source || table[i].destination)
			snprintf(given, sizeof(given), "%u bytes +%u to +%u", table[i].size,
				 table[i].source, table[i].destination);
		else
			snprintf(given, sizeof(given), "%u bytes", table[i].size);
		row("loopback", given, "the same");
	}
}

int demo(const struct options *options)
{
	char **paths;
	int i, count = find_devices(&paths);

	(void)options;
	if (!count)
		die("there is no /dev/dma_mailbox*: is the module dma_map_edu loaded?");

	for (i = 0; i < count; i++) {
		int fd = mailbox_open(paths[i], 0);

		printf("%s\n  %-10s %-24s %-24s %9s %9s\n", paths[i], "command", "given", "result",
		       "message", "transfers");
		run_identify(fd);
		run_ping(fd);
		run_factorial(fd);
		run_echo(fd);
		run_loopback(fd);
		close(fd);
	}
	free_devices(paths, count);

	printf("mailbox: %lu messages, %lu bytes, %lu mismatches\n", messages, bytes, mismatches);
	return mismatches ? 1 : 0;
}
