/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A ring that the device fills and the CPU empties: Consumer in rust/dma_map/proto/ring.rs.
 *
 * The device's writes arrive in order, as on a bus. It is the CPU's reads that do not stay
 * where they are written down: a slot may have been read before the counter was, and it may
 * still be read when the counter that gives it back is written.
 *
 * broken: NO_READ_BARRIER: poll() without dma_rmb(): the slot was read before the counter
 * broken: NO_FULL_BARRIER: release() without dma_mb(): the slot is read after it was given back
 * broken: NO_CHECK: the device fills what it was not given back
 */

#define SLOTS		2
#define MESSAGES	5

byte slot[SLOTS];
byte head;		/* the device's counter */
byte tail;		/* the CPU's counter */

active proctype Device()
{
	byte done = 0;

	do
	:: done == MESSAGES -> break
#ifdef NO_CHECK
	:: done < MESSAGES ->
#else
	:: done < MESSAGES && done - tail < SLOTS ->
#endif
		slot[done % SLOTS] = done + 1;
		done++;
		head = done
	od
}

active proctype Cpu()
{
	byte done = 0, known = 0, early = 0, i;
	bool have, late;

	do
	:: done == MESSAGES -> break
	:: done < MESSAGES ->
		/* Reads of what comes later in the program may be under way already. */
		have = false;
		if
		:: early = slot[done % SLOTS]; have = true
		:: skip
		fi;

		known = head;					/* poll() */
#ifndef NO_READ_BARRIER
		have = false;		/* dma_rmb(): what was read before does not count */
#endif
		late = false;
		if
		:: known != done ->
			if
			:: have -> assert(early == done + 1)	/* pop() */
			:: !have -> assert(slot[done % SLOTS] == done + 1)
#ifdef NO_FULL_BARRIER
			:: !have -> late = true
#endif
			fi;
			done++;
			tail = done;				/* release() */
			if
			:: late -> assert(slot[(done - 1) % SLOTS] == done)
			:: else
			fi
		:: else -> head != done
		fi
	od
}
