// SPDX-License-Identifier: GPL-2.0
/* dma_nvme - send commands to /dev/dma_nvme<N> or to a disk of it, and test the driver */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nvme.h"

/* A text that is filled up with spaces. */
static void print_text(const char *name, const u8 *text, int len)
{
	while (len && text[len - 1] == ' ')
		len--;
	printf("%s: %.*s\n", name, len, (const char *)text);
}

static int print_identity(int fd)
{
	u8 answer[4096];
	struct nvme_passthru_cmd command = {
		.opcode = IDENTIFY, .cdw10 = 1,
		.addr = (uintptr_t)answer, .data_len = sizeof(answer),
	};

	must(admin(fd, &command), "Identify Controller");
	print_text("model", answer + 24, 40);
	print_text("serial", answer + 4, 20);
	print_text("firmware", answer + 64, 8);
	return 0;
}

static int print_health(int fd)
{
	u8 answer[512];
	struct nvme_passthru_cmd command = {
		.opcode = GET_LOG_PAGE, .nsid = ~0u, .cdw10 = (sizeof(answer) / 4 - 1) << 16 | 2,
		.addr = (uintptr_t)answer, .data_len = sizeof(answer),
	};
	u64 reads;

	must(admin(fd, &command), "Get Log Page");
	memcpy(&reads, answer + 64, sizeof(reads));
	printf("critical warnings: %#x\ntemperature: %d K\nhost reads: %llu\n", answer[0],
	       answer[1] | answer[2] << 8, (unsigned long long)reads);
	return 0;
}

static int usage(void)
{
	fprintf(stderr,
		"usage: dma_nvme COMMAND DEVICE [ARGUMENT...]\n\n"
		"  id                   what the controller is\n"
		"  health               the SMART log\n"
		"  write SEED           write a pattern to all of namespace 1\n"
		"  verify SEED          read all of namespace 1, which must have that pattern\n"
		"  zeroes SEED          zero a block of it, and write it again\n"
		"  test-refused         what must be refused is refused\n"
		"  test-failed          what the controller refuses has a status\n"
		"  test-shared BY_SGLS  read a namespace that two controllers have\n"
		"  test-reset COUNT     reset the controller, and read\n"
		"  test-timeout         write to a slow disk, with little time\n"
		"  test-cancel          reset the controller in the middle of a write\n"
		"  test-fault           read while a write waits for its memory\n"
		"  test-format          format namespace 1: its data is lost\n"
		"  test-disk CONTROLLER  the node of namespace 1 as a disk: its data is lost\n"
		"  test-unbind DRIVER ADDRESS COUNT\n"
		"                       unbind and bind the device while it reads\n");
	return 2;
}

int main(int argc, char **argv)
{
	const char *command = argc > 2 ? argv[1] : "";
	unsigned long number = argc > 3 ? strtoul(argv[argc - 1], NULL, 0) : 0;
	int fd;

	if (argc == 6 && !strcmp(command, "test-unbind"))
		return test_unbind(argv[2], argv[3], argv[4], number);
	if (argc == 4 && !strcmp(command, "test-disk"))
		return test_disk(argv[2], argv[3]);
	if (argc < 3 || argc > 4)
		return usage();

	fd = open_device(argv[2]);
	if (!strcmp(command, "id"))
		return print_identity(fd);
	if (!strcmp(command, "health"))
		return print_health(fd);
	if (!strcmp(command, "write"))
		return pattern_write(fd, number);
	if (!strcmp(command, "verify"))
		return pattern_verify(fd, number);
	if (!strcmp(command, "zeroes"))
		return pattern_zeroes(fd, number);
	if (!strcmp(command, "test-refused"))
		return test_refused(fd) || test_read_only(argv[2]);
	if (!strcmp(command, "test-failed"))
		return test_failed(fd);
	if (!strcmp(command, "test-shared"))
		return test_shared(fd, number);
	if (!strcmp(command, "test-reset"))
		return test_reset(fd, number);
	if (!strcmp(command, "test-timeout"))
		return test_timeout(fd);
	if (!strcmp(command, "test-cancel"))
		return test_cancel(fd);
	if (!strcmp(command, "test-fault"))
		return test_fault(fd);
	if (!strcmp(command, "test-format"))
		return test_format(fd);
	return usage();
}
