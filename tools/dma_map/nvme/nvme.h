/* SPDX-License-Identifier: GPL-2.0 */
/* dma_nvme - send commands to /dev/dma_nvme<N>, and test its driver */
#ifndef DMA_NVME_H
#define DMA_NVME_H

#include <stddef.h>
#include <stdint.h>
#include <linux/nvme_ioctl.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define BLOCK 512

enum { IDENTIFY = 0x06, GET_LOG_PAGE = 0x02, GET_FEATURES = 0x0a, FORMAT = 0x80 };
enum { FLUSH = 0x00, WRITE = 0x01, READ = 0x02, WRITE_ZEROES = 0x08 };

/* Prints why it cannot go on, and exits with status 1. */
void die(const char *format, ...) __printf(1, 2) __noreturn;

/* Opens a device node. */
int open_device(const char *path);

/* Runs a command: 0, the command's status, or the negative errno. */
int admin(int fd, struct nvme_passthru_cmd *command);
int io(int fd, struct nvme_passthru_cmd *command);

/* Runs a command that must succeed. */
void must(int result, const char *what);

/* Reads or writes blocks of the namespace 1: as io(). */
int move_blocks(int fd, u8 opcode, u64 block, u32 count, void *data);

/* The number of blocks of the namespace 1, and the size of one. */
u64 namespace_blocks(int fd, u32 *size);

/* The tests: exit status. */
int pattern_write(int fd, u64 seed);
int pattern_verify(int fd, u64 seed);
int pattern_zeroes(int fd, u64 seed);
int test_refused(int fd);
int test_read_only(const char *path);
int test_shared(int fd, unsigned long by_sgls);
int test_failed(int fd);
int test_reset(int fd, unsigned long count);
int test_timeout(int fd);
int test_cancel(int fd);
int test_fault(int fd);
int test_format(int fd);
int test_disk(const char *path, const char *controller_path);
int test_unbind(const char *path, const char *driver, const char *address, unsigned long count);

#endif
