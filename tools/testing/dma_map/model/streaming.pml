/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Streaming memory that goes to a device and comes back: engine.rs and state.rs in rust/dma_map/.
 *
 * The engine's is_idle() reads a flag that the device writes to coherent memory behind the data,
 * and its quiesce() a register. Both reads order nothing by themselves. The device's writes arrive in
 * order, as on a bus. The CPU's writes may be late, up to the doorbell, which orders them: the
 * driver uses writel() or publish(). The CPU's reads may be early: what comes after a read in the
 * program may be under way before it.
 *
 * "memory" is what the device reaches. If that is a bounce buffer, it is the copy of a sync that
 * writes and reads it, and orders as little.
 *
 * broken: NO_READ_BARRIER: is_idle() without dma_rmb(): the data was read before the flag
 * broken: NO_BARRIER_AFTER_STOP: quiesce() without dma_rmb(): the data was read before the device stopped
 * broken: NO_WRITE_BARRIER: the doorbell does not order: the device finds what was there before
 * broken: NO_QUESTION: the memory is taken back without a look at the flag
 * broken: FLAG_FIRST: the flag is there before the data: the engine does not keep its word
 */

#define ROUNDS		3

/* What is in the memory in round n. */
#define REQUEST(n)	(2 * (n))
#define ANSWER(n)	(2 * (n) + 1)

byte memory;
byte flag;		/* the last round that the device is done with */
byte bell;		/* the last round that it was told of */
bool stop, stopped;

/* Where a write of the CPU has not arrived yet. */
bool pending;
byte pending_value;

active proctype Cpu()
{
	byte round = 0, seen, data, early;
	bool have;

	do
	:: round == ROUNDS -> break
	:: round < ROUNDS ->
		round++;
#ifdef NO_WRITE_BARRIER
		if
		:: pending_value = REQUEST(round); pending = true
		:: memory = REQUEST(round)
		fi;
#else
		memory = REQUEST(round);
#endif
		bell = round;				/* give(), then the doorbell */

		do
		:: have = false;
		   if
		   :: early = memory; have = true
		   :: skip
		   fi;
		   seen = flag;				/* complete() */
#ifdef NO_QUESTION
		   seen = round;
#endif
#ifndef NO_READ_BARRIER
		   have = false;	/* dma_rmb(): what was read before does not count */
#endif
		   if
		   :: seen == round ->
			if
			:: have -> data = early
			:: else -> data = memory
			fi;
			assert(data == ANSWER(round));
			break
		   :: else -> flag == round		/* once more, when it is worth it */
		   fi

		:: stop = true;				/* cancel() */
		   have = false;
		   if
		   :: early = memory; have = true
		   :: skip
		   fi;
		   stopped;
#ifndef NO_BARRIER_AFTER_STOP
		   have = false;
#endif
		   if
		   :: have -> data = early
		   :: else -> data = memory
		   fi;
		   /* Of which round it is, nobody knows; but it stays as it is. */
		   assert(data == memory);
		   stop = false;
		   stopped = false;
		   break
		od
	od
}

/* A write that was held back arrives at last. */
active proctype Bus()
{
end:
	do
	:: atomic { pending -> memory = pending_value; pending = false }
	od
}

active proctype Device()
{
	byte round = 0;

end:
	do
	:: atomic { stop && !stopped -> round = bell; stopped = true }
	:: atomic { !stop && bell != round -> round = bell };
		assert(memory == REQUEST(round));
#ifdef FLAG_FIRST
		flag = round;
		memory = ANSWER(round)
#else
		memory = ANSWER(round);
		flag = round
#endif
	od
}
