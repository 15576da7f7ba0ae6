/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of the mailbox tool share. */
#ifndef MAILBOX_H
#define MAILBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dma_mailbox.h"

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;

/* What the command line says. */
struct options {
	const char *device;		/* the path of the device */
	u32 timeout_ms;
	unsigned long bytes;
	unsigned long count;
	u16 source_offset;
	u16 destination_offset;
	int expected_errno;		/* of the request, or 0 */
	char **arguments;		/* the rest */
	int argument_count;
};

/* A response with its payload. */
struct answer {
	struct dma_mailbox_response head;
	u8 payload[DMA_MAILBOX_LOOPBACK_MAX];
};

/* device.c: one call of the kernel each; they return 0 or a positive errno. */
int mailbox_open(const char *path, int flags);
int mailbox_send(int fd, struct dma_mailbox_request request, const void *payload);
int mailbox_receive(int fd, struct answer *answer);
int mailbox_call(int fd, struct dma_mailbox_request request, const void *payload,
		 struct answer *answer);

/* device.c: which devices there are; the caller frees the paths with free_devices(). */
int find_devices(char ***paths);
void free_devices(char **paths, int count);

/* check.c: every check says what was expected and what came. */
extern unsigned long checks, mismatches;
bool __printf(2, 3) check(bool right, const char *format, ...);
bool check_number(const char *what, long long expected, long long got);
bool check_errno(const char *what, int expected, int got);
bool check_status(const char *what, int expected, const struct answer *answer);
bool check_payload(const char *what, const void *expected, size_t size,
		   const struct answer *answer);
int report(const char *test);
const char *errno_name(int error);
int errno_number(const char *name);
void __printf(1, 2) __noreturn die(const char *format, ...);

/* check.c: bytes that are different everywhere and for each seed. */
void pattern(u8 *bytes, size_t size, u64 seed);

/* The subcommands; they return the exit status. */
int demo(const struct options *options);
int identify(const struct options *options);
int ping(const struct options *options);
int factorial(const struct options *options);
int echo(const struct options *options);
int loopback(const struct options *options);
int test_abi(const struct options *options);
int test_nonblock(const struct options *options);
int test_poll(const struct options *options);
int test_signal(const struct options *options);
int test_timeout(const struct options *options);
int test_openers(const struct options *options);
int test_shared(const struct options *options);
int test_mmap(const struct options *options);
int test_unbind(const struct options *options);
int test_rebind(const struct options *options);
int test_race(const struct options *options);

#endif /* MAILBOX_H */
