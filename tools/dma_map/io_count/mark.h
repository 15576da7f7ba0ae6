/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The instruction by which a program in the guest says "now": a no-op of 8 bytes, with a
 * displacement that no compiler makes. The CPU does nothing; the plugin knows it by its bytes.
 */
#ifndef MARK_H
#define MARK_H

/* Initialises an array of its bytes. */
#define MARK_BYTES { 0x0f, 0x1f, 0x84, 0x00, 0x4d, 0x41, 0x52, 0x4b }

static inline void mark(void)
{
	__asm__ volatile(".byte 0x0f, 0x1f, 0x84, 0x00\n\t.ascii \"MARK\"" ::: "memory");
}

#endif /* MARK_H */
