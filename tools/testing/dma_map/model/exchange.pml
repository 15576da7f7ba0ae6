/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The buffers in the cache of a CPU: Cache in rust/dma_map/mem/mapped_pool/slot.rs.
 *
 * One CPU runs a thread, and an interrupt, and another one in that, each of which may come between
 * any two instructions, and is complete when it returns. What they give to the reserve, another CPU
 * takes there, and links it as it likes. When takes are over, it closes the pool, waits for CPUs with
 * preemption off, and empties the cache.
 *
 * A slot has one owner. That two have it is the fault that is looked for, and that one gets into a
 * cache after that was emptied.
 *
 * broken: PUT_INTO_TAKE: an interrupt puts a slot in while a take is under way
 * broken: REFILL_INTO_TAKE: an interrupt refills the cache while a take is under way
 * broken: FORGET_TAKE: the end of a take also ends the one that it interrupted
 * broken: SPLIT: the exchange is a comparison and then a store
 * broken: MIGRATED: a take goes on on another CPU than that on which it is counted
 * broken: NO_GRACE: the cache is emptied without waiting for puts
 * broken: EARLY_CAPACITY: the capacity is read before preemption is off
 */

#define SLOTS		3
#define NONE		0	/* slots are 1 to SLOTS */

/* Which process runs on the CPU, and which one has a slot. */
#define THREAD		1
#define IRQ		2
#define NESTED		3
#define CACHE		4
#define RESERVE		5
#define ELSEWHERE	6

/* All slots are in the cache. */
byte next[SLOTS + 1] = {NONE, 2, 3, NONE};
byte owner[SLOTS + 1] = CACHE;
byte head = 1;
byte count = SLOTS;
byte taking;
byte capacity = SLOTS;
byte running = THREAD;
byte sections;		/* calls that have preemption off */
byte users = 3;		/* who may still take */
bool interrupted;	/* the interrupt is over */
bool drained;

/* Each step of a call is one instruction, if nobody has interrupted it. */
#define RUNS(me)	(running == me)
#define STEP(me, what)	atomic { RUNS(me) -> what }
#define WHEN(me, is)	(RUNS(me) && (is))

#ifdef MIGRATED
#define COUNTS(me)	(me != THREAD)
#else
#define COUNTS(me)	1
#endif

/* Under the lock, with interrupts off. */
inline give_all()
{
	do
	:: head != NONE ->
		assert(owner[head] == CACHE);
		owner[head] = RESERVE;
		head = next[head];
		count--
	:: else -> break
	od
}

/* take_shared() */
inline refill(slot)
{
	if
#ifndef REFILL_INTO_TAKE
	:: taking != 0
#endif
#ifdef REFILL_INTO_TAKE
	:: count < capacity && owner[slot] == RESERVE ->
#else
	:: taking == 0 && count < capacity && owner[slot] == RESERVE ->
#endif
		owner[slot] = CACHE;
		next[slot] = head;
		head = slot;
		count++
	:: else
	fi
}

/* take_slot() */
inline take(me, got, follow)
{
	STEP(me, sections++);
	STEP(me, taking = taking + COUNTS(me));
	STEP(me, got = head);
	do
	:: WHEN(me, got == NONE) -> break
	:: WHEN(me, got != NONE) ->
		STEP(me, follow = next[got]);
#ifdef SPLIT
		if
		:: WHEN(me, head == got) ->
#else
		if
		:: atomic { WHEN(me, head == got) ->
#endif
#ifdef SPLIT
			STEP(me, skip);
			atomic { RUNS(me) ->
#endif
			head = follow;
			assert(owner[got] == CACHE);
			assert(follow == NONE || owner[follow] == CACHE);
			owner[got] = me };
			break
		:: WHEN(me, head != got) -> STEP(me, got = head)
		fi
	od;
#ifdef FORGET_TAKE
	STEP(me, taking = 0);
#else
	STEP(me, taking = taking - COUNTS(me));
#endif
	if
	:: WHEN(me, got != NONE) -> STEP(me, count--)
	:: WHEN(me, got == NONE)
	fi;
	STEP(me, sections--; follow = NONE)
}

/* put_slot(), and put_shared() if that does not do it */
inline put(me, slot, old, most)
{
#ifdef EARLY_CAPACITY
	STEP(me, most = capacity);
	STEP(me, sections++);
#else
	STEP(me, sections++);
	STEP(me, most = capacity);
#endif
	if
	:: atomic { WHEN(me, most == 0) -> owner[slot] = RESERVE; give_all() }
#ifdef PUT_INTO_TAKE
	:: WHEN(me, most != 0) ->
#else
	:: atomic { WHEN(me, most != 0 && taking != 0) -> owner[slot] = RESERVE }
	:: WHEN(me, most != 0 && taking == 0) ->
#endif
		STEP(me, count++);
		if
		:: atomic { WHEN(me, count > most) -> count--; owner[slot] = RESERVE }
		:: WHEN(me, count <= most) ->
			STEP(me, old = head);
			do
			:: STEP(me, next[slot] = old);
				if
				:: atomic { WHEN(me, head == old) ->
					assert(!drained);
					assert(owner[slot] == me);
					owner[slot] = CACHE;
					head = slot };
					break
				:: WHEN(me, head != old) -> STEP(me, old = head)
				fi
			od
		fi
	fi;
	STEP(me, sections--; slot = NONE; most = 0; old = NONE)
}

/* Takes up to two, and puts back some, in either order; once a take finds none, and refills. */
inline use(me)
{
	take(me, one, x);
	if
	:: RUNS(me) -> take(me, two, x)
	:: RUNS(me)
	fi;
	if
	:: STEP(me, users--; over = true)
	:: RUNS(me)
	fi;
	if
	:: WHEN(me, one != NONE) -> put(me, one, x, y)
	:: WHEN(me, two != NONE) -> put(me, two, x, y)
	:: RUNS(me)
	fi;
	if
	:: WHEN(me, over)
	:: WHEN(me, !over) -> STEP(me, refill(1); users--)
	fi;
	if
	:: WHEN(me, one != NONE) -> put(me, one, x, y)
	:: WHEN(me, two != NONE) -> put(me, two, x, y)
	:: RUNS(me)
	fi
}

active proctype Thread()
{
	byte one, two, x, y;
	bool over;

	use(THREAD)
}

active proctype Irq()
{
	byte one, two, x, y;
	bool over;

	atomic { running == THREAD -> running = IRQ };
	use(IRQ);
	atomic { running == IRQ -> running = THREAD; interrupted = true }
}

active proctype Nested()
{
	byte one, x, y;

	if
	:: atomic { running == IRQ -> running = NESTED };
	   take(NESTED, one, x);
	   users--;
	   if
	   :: one != NONE -> put(NESTED, one, x, y)
	   :: true
	   fi;
	   running = IRQ
	:: interrupted -> users--
	fi
}

/* Another CPU. */
active proctype Others()
{
	byte slot = 1;

	do
	:: atomic { !drained ->
		if
		:: owner[slot] == RESERVE -> owner[slot] = ELSEWHERE; next[slot] = NONE
		:: owner[slot] == ELSEWHERE -> owner[slot] = RESERVE
		:: slot = slot % SLOTS + 1
		fi }
	:: drained -> break
	od
}

/* release() and drain() */
active proctype End()
{
	users == 0;
	capacity = 0;
#ifndef NO_GRACE
	sections == 0;
#endif
	atomic {
		give_all();
		drained = true
	}
}
