/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the plugin needs of QEMU's plugin interface, version 3 (QEMU 9.0 and later). Debian packages
 * no header of it. The names and the layouts are QEMU's, as the binary exports them.
 */
#ifndef QEMU_API_H
#define QEMU_API_H

#include <stddef.h>
#include <stdint.h>

#define QEMU_API_VERSION 3

struct qemu_plugin_insn;
struct qemu_plugin_scoreboard;
struct qemu_plugin_tb;

/* A number of which each CPU has one. */
struct per_cpu_number {
	struct qemu_plugin_scoreboard *score;
	size_t offset;
};

enum {
	INLINE_ADD = 0,
};

enum {
	NO_REGISTERS = 0,
};

typedef void (*translated)(uint64_t id, struct qemu_plugin_tb *block);
typedef void (*executed)(unsigned int cpu, void *data);

/* What QEMU finds in the plugin. */
extern int qemu_plugin_version;
int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv);

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index);
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *out, size_t size);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
struct qemu_plugin_scoreboard *qemu_plugin_scoreboard_new(size_t size);
uint64_t qemu_plugin_u64_sum(struct per_cpu_number number);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, translated callback);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, executed callback,
					    int registers, void *data);
void qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(struct qemu_plugin_insn *insn,
							 int operation,
							 struct per_cpu_number number,
							 uint64_t value);

#endif /* QEMU_API_H */
