/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A ring whose slots own memory, with a generation as the sign: DescriptorRing in
 * rust/dma_map/proto/descriptor_ring/ring.rs.
 *
 * The CPU fills a slot, and then writes the sign that gives it to the device. The device uses the
 * memory, writes the slot back, and then the sign. Two writes of the CPU reach memory in either order,
 * unless a barrier is between them. The device's writes arrive in order, as on a bus. The CPU's reads
 * may be early: the slot may have been read before its sign.
 *
 * The memory of a slot has one owner: the device may use it from the sign that gives it on, and the
 * CPU from the sign that it is done.
 *
 * broken: NO_WRITE_BARRIER: publish() without dma_wmb(): the sign is there before the slot
 * broken: NO_SIGN_BARRIER: publish() without the second dma_wmb(): the oldest sign is there before the next one
 * broken: NO_READ_BARRIER: pop() without dma_rmb(): the slot was read before its sign
 * broken: WHOLE_SLOT: post() writes the sign of this lap with the slot, and not after it
 * broken: UNGIVEN: pop() looks at a slot that was filled and not given
 * broken: NOT_OUT: a slot is filled while the device has it
 */

#define SLOTS		2
#define MESSAGES	5

/* Signs: the generation, and whether the device is done. */
#define GIVEN(n)	(1 + ((n) / SLOTS) % 2 * 4)
#define DONE(n)		(GIVEN(n) + 2)

byte body[SLOTS];	/* n + 1 as a descriptor, n + 101 as the device leaves it */
byte sign[SLOTS];
byte given;		/* how many slots were given, for the assertions */
byte finished;		/* how many the device has done */
byte batch[SLOTS];	/* the message behind the last one that was given together with this one */

/* A write of the CPU that has not arrived yet, for each slot: its body. */
bool late[SLOTS];
byte late_body[SLOTS];

/* The device. */
active proctype Device()
{
	byte done = 0;

	do
	:: done == MESSAGES -> break
	:: done < MESSAGES && sign[done % SLOTS] == GIVEN(done) ->
		assert(done < given);
		assert(body[done % SLOTS] == done + 1);
		/* It finds those that were given together. */
		assert(done + 1 >= batch[done % SLOTS] || sign[(done + 1) % SLOTS] == GIVEN(done + 1));
		body[done % SLOTS] = done + 101;
		finished = done + 1;
		sign[done % SLOTS] = DONE(done);
		done++
	od
}

/* A write of a body that was held back arrives. */
active proctype Bus()
{
	byte i;

end:
	do
	:: atomic { late[0] -> body[0] = late_body[0]; late[0] = false }
	:: atomic { late[1] -> body[1] = late_body[1]; late[1] = false }
	od
}

active proctype Cpu()
{
	byte posted = 0, told = 0, popped = 0, seen, early;
	bool have;

#ifdef WHOLE_SLOT
	/* The CPU may wait for ever, too: it is the assertion that is looked for. */
end:
#endif
	do
	:: popped == MESSAGES -> break
#ifdef NOT_OUT
	:: posted < MESSAGES && posted - popped <= SLOTS ->
#else
	:: posted < MESSAGES && posted - popped < SLOTS ->	/* post() */
#endif
#ifdef WHOLE_SLOT
		sign[posted % SLOTS] = GIVEN(posted);
#endif
		if
		:: atomic { late[posted % SLOTS] = true; late_body[posted % SLOTS] = posted + 1 }
		:: body[posted % SLOTS] = posted + 1
		fi;
		posted++
	:: told < posted ->					/* publish() */
#ifndef NO_WRITE_BARRIER
		!late[0] && !late[1];
#endif
		given = posted;
		if
		:: posted - told == 2 ->
			batch[(posted - 1) % SLOTS] = posted;
			batch[told % SLOTS] = posted;
			if
			:: sign[(posted - 1) % SLOTS] = GIVEN(posted - 1);
				sign[told % SLOTS] = GIVEN(told)
#ifdef NO_SIGN_BARRIER
			:: sign[told % SLOTS] = GIVEN(told);
				sign[(posted - 1) % SLOTS] = GIVEN(posted - 1)
#endif
			fi
		:: else ->
			batch[told % SLOTS] = posted;
			sign[told % SLOTS] = GIVEN(told)
		fi;
		told = posted
#ifdef UNGIVEN
	:: popped < posted ->
#else
	:: popped < told ->					/* pop() */
#endif
		have = false;
		if
		:: early = body[popped % SLOTS]; have = true
		:: skip
		fi;
		seen = sign[popped % SLOTS];
#ifndef NO_READ_BARRIER
		have = false;		/* dma_rmb(): what was read before does not count */
#endif
		if
#ifdef UNGIVEN
		/* A done bit that the device left there in the lap before. */
		:: (seen & 2) != 0 ->
#else
		:: seen == DONE(popped) ->
#endif
			assert(popped < finished);
			if
			:: have -> assert(early == popped + 101)
			:: !have -> assert(body[popped % SLOTS] == popped + 101)
			fi;
			popped++
		:: else ->
			/* Once more, when it is worth it. */
#ifdef WHOLE_SLOT
end_wait:
#endif
			sign[popped % SLOTS] == DONE(popped) || told < posted ||
				posted < MESSAGES && posted - popped < SLOTS
		fi
	od
}
