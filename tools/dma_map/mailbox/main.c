// SPDX-License-Identifier: GPL-2.0
/* mailbox - talk to /dev/dma_mailbox<N>, and test its driver */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mailbox.h"

static const struct {
	const char *name;
	int (*run)(const struct options *options);
	const char *help;
} commands[] = {
	{ "demo", demo, "run every command on every device, and check every byte" },
	{ "identify", identify, "what the device is" },
	{ "ping", ping, "[NUMBER]: the complement of a number" },
	{ "factorial", factorial, "NUMBER: its factorial" },
	{ "echo", echo, "TEXT: a text through the device and back" },
	{ "loopback", loopback, "--bytes from scattered to scattered memory, --count times" },
	{ "test-abi", test_abi, "what must be refused is refused" },
	{ "test-nonblock", test_nonblock, "O_NONBLOCK, and how much the queue takes" },
	{ "test-poll", test_poll, "poll(), before, during and after" },
	{ "test-signal", test_signal, "waiting can be interrupted" },
	{ "test-timeout", test_timeout, "a device that does not answer in time, --count times" },
	{ "test-openers", test_openers, "several processes, each with its own file, --count" },
	{ "test-shared", test_shared, "several readers and writers of one file, --count messages" },
	{ "test-mmap", test_mmap, "PCI-ADDRESS: mappings of the slots, also when it is unbound" },
	{ "test-unbind", test_unbind, "unbind the device while it works, and bind it again" },
	{ "test-rebind", test_rebind, "unbind and bind the device, --count times" },
	{ "test-race", test_race, "unbind and bind the device while it is used, --count seconds" },
};

static void print_help(FILE *out)
{
	size_t i;

	fprintf(out, "usage: mailbox COMMAND [OPTION...] [ARGUMENT...]\n\n");
	for (i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		fprintf(out, "  %-14s %s\n", commands[i].name, commands[i].help);
	fprintf(out, "\n"
		"  --device PATH            instead of /dev/dma_mailbox0\n"
		"  --timeout MS             how long the device may take\n"
		"  --bytes N                size of a payload\n"
		"  --count N                how often\n"
		"  --source-offset N        where in a page a payload starts\n"
		"  --destination-offset N   where in a page it comes back to\n"
		"  --expect-errno NAME      the request must fail so\n"
		"\n"
		"Exit status: 0 if all is right, 1 if not, 2 if it could not be tried.\n");
}

static unsigned long parse_number(const char *text, unsigned long max)
{
	char *end;
	unsigned long value = strtoul(text, &end, 0);

	if (end == text || *end || value > max)
		die("%s is no number from 0 to %lu", text, max);
	return value;
}

static struct options parse(int argc, char **argv)
{
	static const struct option names[] = {
		{ "device", required_argument, NULL, 'd' },
		{ "timeout", required_argument, NULL, 't' },
		{ "bytes", required_argument, NULL, 'b' },
		{ "count", required_argument, NULL, 'c' },
		{ "source-offset", required_argument, NULL, 's' },
		{ "destination-offset", required_argument, NULL, 'o' },
		{ "expect-errno", required_argument, NULL, 'e' },
		{ }
	};
	struct options options = { .device = "/dev/dma_mailbox0", .bytes = 65536 };
	int option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (option) {
		case 'd':
			options.device = optarg;
			break;
		case 't':
			options.timeout_ms = parse_number(optarg, UINT32_MAX);
			break;
		case 'b':
			options.bytes = parse_number(optarg, DMA_MAILBOX_LOOPBACK_MAX);
			break;
		case 'c':
			options.count = parse_number(optarg, 1000000);
			break;
		case 's':
			options.source_offset = parse_number(optarg, UINT16_MAX);
			break;
		case 'o':
			options.destination_offset = parse_number(optarg, UINT16_MAX);
			break;
		case 'e':
			options.expected_errno = errno_number(optarg);
			break;
		default:
			exit(2);
		}
	}
	options.arguments = argv + optind;
	options.argument_count = argc - optind;
	return options;
}

int main(int argc, char **argv)
{
	struct options options;
	size_t i;

	/* Lines of several processes must not be cut by each other. */
	setvbuf(stdout, NULL, _IOLBF, 0);

	if (argc < 2 || !strcmp(argv[1], "help") || !strcmp(argv[1], "--help")) {
		print_help(argc < 2 ? stderr : stdout);
		return argc < 2 ? 2 : 0;
	}

	for (i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (strcmp(argv[1], commands[i].name))
			continue;
		options = parse(argc - 1, argv + 1);
		return commands[i].run(&options);
	}
	die("there is no command %s; see mailbox help", argv[1]);
}
