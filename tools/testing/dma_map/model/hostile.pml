/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A device that writes what it likes, when it likes: Untrusted in rust/dma_map/proto/untrusted.rs,
 * and the claims that rust/dma_map/proto/ring/index.rs judges.
 *
 * The CPU is right if it stays within its ring and within its buffer, whatever it reads.
 *
 * broken: TWO_FETCHES: a length is checked, and read again to be used
 * broken: BELIEVED: a counter is taken as it is
 */

#define SLOTS		2
#define WRAP		8	/* counters of three bits */
#define SIZE		2	/* bytes that a message may have */

byte claim;		/* the device's counter */
byte length;		/* in a slot */
byte turns;

active proctype Device()
{
end:
	do
	:: select (claim : 0 .. WRAP - 1)
	:: select (length : 0 .. SIZE + 1)
	od
}

active proctype Cpu()
{
	byte head = 0, tail = 0, read, checked;

	do
	:: turns == 6 -> break
	:: turns < 6 && (head - tail + WRAP) % WRAP < SLOTS ->
		head = (head + 1) % WRAP;
		turns++;
		assert((head - tail + WRAP) % WRAP <= SLOTS)
	:: turns < 6 ->
		turns++;
		read = claim;
#ifdef BELIEVED
		tail = read;
#else
		if
		:: (read - tail + WRAP) % WRAP <= (head - tail + WRAP) % WRAP -> tail = read
		:: else				/* EBADMSG */
		fi;
#endif
		assert((head - tail + WRAP) % WRAP <= SLOTS)
	:: turns < 6 ->
		turns++;
		checked = length;
		if
		:: checked <= SIZE ->
#ifdef TWO_FETCHES
			checked = length;
#endif
			assert(checked <= SIZE)
		:: else				/* EBADMSG */
		fi
	od
}
