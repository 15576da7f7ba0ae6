/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Mailbox device, /dev/dma_mailbox<N>: what write() takes and read() returns.
 * See Documentation/dma_map/mailbox.rst.
 */
#ifndef _UAPI_LINUX_DMA_MAILBOX_H
#define _UAPI_LINUX_DMA_MAILBOX_H

#include <linux/types.h>

/* The device's identification register: major, minor, 0, 0xed. */
#define DMA_MAILBOX_IDENTIFY	1
/* The complement of the argument, from the device's liveness register. */
#define DMA_MAILBOX_PING	2
/* The factorial of the argument, computed by the device. */
#define DMA_MAILBOX_FACTORIAL	3
/* The payload comes back as part of the message. */
#define DMA_MAILBOX_ECHO	4
/* The payload comes back, from scattered memory to scattered memory. */
#define DMA_MAILBOX_LOOPBACK	5

/* The largest payload in bytes; the smallest is 1. */
#define DMA_MAILBOX_ECHO_MAX		4032
#define DMA_MAILBOX_LOOPBACK_MAX	65536

/* The largest argument whose factorial is a 32-bit number. */
#define DMA_MAILBOX_FACTORIAL_MAX	12

/* The largest offset, one less than 4 KiB. */
#define DMA_MAILBOX_OFFSET_MAX		4095

/* The longest timeout, and that of a request whose timeout_ms is 0. */
#define DMA_MAILBOX_TIMEOUT_MAX		600000
#define DMA_MAILBOX_TIMEOUT_DEFAULT	30000

/*
 * What mmap() shows, read-only: the request slot, and the response slot behind it. A slot is
 * DMA_MAILBOX_SLOT_SIZE bytes: a head, which is sixteen little-endian __le32, and from
 * DMA_MAILBOX_SLOT_DATA on the payload.
 */
#define DMA_MAILBOX_SLOT_SIZE		4096
#define DMA_MAILBOX_SLOT_DATA		64

/* The largest number of requests of one open file that wait, run, or have an unread response. */
#define DMA_MAILBOX_OPEN_MAX		16

/**
 * struct dma_mailbox_request - what write() takes, with the payload behind it
 * @opcode: what to do
 * @length: number of bytes of payload
 * @cookie: any number; the response has the same one
 * @argument: of PING and FACTORIAL, else 0
 * @timeout_ms: how long the device may take, or 0 for the default
 * @source_offset: of LOOPBACK: where in a page the payload starts, else 0
 * @destination_offset: of LOOPBACK: where in a page it comes back to, else 0
 * @reserved: 0
 */
struct dma_mailbox_request {
	__u32 opcode;
	__u32 length;
	__u64 cookie;
	__u32 argument;
	__u32 timeout_ms;
	__u16 source_offset;
	__u16 destination_offset;
	__u32 reserved;
};

/**
 * struct dma_mailbox_response - what read() returns, with the payload behind it
 * @opcode: that of the request
 * @length: number of bytes of payload
 * @cookie: that of the request
 * @status: 0 or a negative error number
 * @value: the result of IDENTIFY, PING, FACTORIAL, else 0
 * @sequence: the number of the message to the device, or 0 if there was none
 * @transfers: number of transfers that the device did for this request
 */
struct dma_mailbox_response {
	__u32 opcode;
	__u32 length;
	__u64 cookie;
	__s32 status;
	__u32 value;
	__u32 sequence;
	__u32 transfers;
};

#endif /* _UAPI_LINUX_DMA_MAILBOX_H */
