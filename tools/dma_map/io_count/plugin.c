// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin for QEMU's TCG: counts the guest's instructions, each as it is executed, and writes
 * the counts whenever the guest executes the mark. A halted CPU executes nothing, so idle time is
 * not in them, and need not be taken out.
 *
 *	qemu-system-x86_64 -plugin io_count.so,out=FILE
 *
 * A line of FILE has the counts since the start: in user space, in the kernel, and of these in
 * modules.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "mark.h"
#include "qemu_api.h"

#define EXPORT __attribute__((visibility("default")))

/* Linux for x86-64 has its modules above this, and all of the kernel in the upper half. */
#define MODULES 0xffffffffc0000000
#define KERNEL 0x8000000000000000

enum { USER, KERNEL_IMAGE, MODULE, PLACES };

EXPORT int qemu_plugin_version = QEMU_API_VERSION;

static struct qemu_plugin_scoreboard *score;
static FILE *out;

static struct per_cpu_number number_of(int place)
{
	return (struct per_cpu_number){ .score = score, .offset = place * sizeof(uint64_t) };
}

static int place_of(uint64_t address)
{
	if (address < KERNEL)
		return USER;
	return address < MODULES ? KERNEL_IMAGE : MODULE;
}

static void marked(unsigned int cpu, void *data)
{
	uint64_t module = qemu_plugin_u64_sum(number_of(MODULE));

	(void)cpu;
	(void)data;
	fprintf(out, "mark %llu %llu %llu\n",
		(unsigned long long)qemu_plugin_u64_sum(number_of(USER)),
		(unsigned long long)qemu_plugin_u64_sum(number_of(KERNEL_IMAGE)) + module,
		(unsigned long long)module);
	fflush(out);
}

static int is_mark(const struct qemu_plugin_insn *insn)
{
	static const unsigned char wanted[] = MARK_BYTES;
	unsigned char bytes[sizeof(wanted)];

	return qemu_plugin_insn_size(insn) == sizeof(wanted) &&
	       qemu_plugin_insn_data(insn, bytes, sizeof(bytes)) == sizeof(bytes) &&
	       !memcmp(bytes, wanted, sizeof(wanted));
}

/* Each instruction on its own: an interrupt or a fault may end a block in its middle. */
static void count(uint64_t id, struct qemu_plugin_tb *block)
{
	size_t size = qemu_plugin_tb_n_insns(block);

	(void)id;
	for (size_t index = 0; index < size; index++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(block, index);
		int place = place_of(qemu_plugin_insn_vaddr(insn));

		qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn, INLINE_ADD,
								    number_of(place), 1);
		if (place == USER && is_mark(insn))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, marked, NO_REGISTERS, NULL);
	}
}

EXPORT int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
	static const char option[] = "out=";

	(void)info;
	if (argc != 1 || strncmp(argv[0], option, sizeof(option) - 1)) {
		fprintf(stderr, "io_count: the one argument is out=FILE\n");
		return -1;
	}
	out = fopen(argv[0] + sizeof(option) - 1, "w");
	if (!out) {
		perror(argv[0]);
		return -1;
	}
	score = qemu_plugin_scoreboard_new(PLACES * sizeof(uint64_t));
	qemu_plugin_register_vcpu_tb_trans_cb(id, count);
	return 0;
}
