/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A ring that the CPU fills and the device empties: Producer in rust/dma_map/proto/ring.rs.
 *
 * The CPU's writes go through a store buffer, and from there to memory in any order in which
 * a machine could do it: two writes of one word stay in order, and so do writes on both sides
 * of a barrier. All others may pass each other.
 *
 * The device reads the counter, then the slots, and says how far it is.
 *
 * broken: NO_BARRIER: publish() without dma_wmb(): the counter is there before the slot
 * broken: TELL_FIRST: publish() before the slot is written
 * broken: NO_CHECK: push() without a look at what is free: a slot is filled twice
 */

#define SLOTS		2
#define MESSAGES	4
#define BUFFER		3

/* The words of memory: the slots, and the CPU's counter behind them. */
#define HEAD		SLOTS
#define WORDS		(SLOTS + 1)

byte memory[WORDS];
byte tail;		/* the device's counter */
byte published;		/* what the CPU has given away, for the assertions */

byte word[BUFFER];
byte value[BUFFER];
byte epoch[BUFFER];
byte stores;		/* entries of the store buffer, the oldest first */
byte now;		/* counts barriers */

inline store(w, v)
{
	atomic {
		stores < BUFFER;
		word[stores] = w;
		value[stores] = v;
		epoch[stores] = now;
		stores++;
	}
}

inline barrier()
{
#ifdef NO_BARRIER
	skip
#else
	/* Only while there is something to order, or the states would not end. */
	atomic {
		if
		:: stores && epoch[stores - 1] == now -> now++
		:: else
		fi
	}
#endif
}

/* Takes an entry out of the store buffer that no older one holds back. */
active proctype Bus()
{
	byte i, j;

end:
	do
	:: atomic {
		stores ->
		select (i : 0 .. BUFFER - 1);
		if
		:: i < stores ->
			j = 0;
			do
			:: j == i -> break
			:: j < i && (word[j] == word[i] || epoch[j] != epoch[i]) -> goto held
			:: else -> j++
			od;
			memory[word[i]] = value[i];
			do
			:: i + 1 < stores ->
				word[i] = word[i + 1];
				value[i] = value[i + 1];
				epoch[i] = epoch[i + 1];
				i++
			:: else -> break
			od;
			stores--;
			word[stores] = 0;
			value[stores] = 0;
			epoch[stores] = 0;
			if
			:: stores == 0 -> now = 0
			:: else
			fi
		:: else
		fi;
held:		i = 0;
		j = 0
	}
	od
}

active proctype Cpu()
{
	byte head = 0, known = 0;

	do
	:: head == MESSAGES && known == MESSAGES -> break
	:: known != tail -> known = tail			/* reclaim() */
#ifdef NO_CHECK
	:: head < MESSAGES ->
#else
	:: head < MESSAGES && head - known < SLOTS ->
#endif
#ifdef TELL_FIRST
		store(HEAD, head + 1);
		barrier();
		store(head % SLOTS, head + 1);
		head++
#else
		store(head % SLOTS, head + 1);			/* push() */
		head++;
		if
		:: head - known < SLOTS && head < MESSAGES	/* one more, then publish both */
		:: barrier();					/* publish() */
		   published = head;
		   store(HEAD, head)
		fi
#endif
	od
}

active proctype Device()
{
	byte done = 0;

	do
	:: done == MESSAGES -> break
	:: done < MESSAGES && memory[HEAD] != done ->
		assert(memory[done % SLOTS] == done + 1);
		done++;
		tail = done
	od
}
