/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Commands that complete in any order, and a device that lies: CompletionQueue and Commands in
 * rust/dma_map/proto/queue/.
 *
 * An entry of the completion queue has a phase, which turns with each lap, and a tag: a place in the
 * table, and a generation. The device completes each command once, in any order. It may also report any
 * tag that it likes, as an entry of its own. It does not report a command before it is done: that no
 * CPU could tell.
 *
 * Commands are given to the device when they are posted, and entries tell no head: commands that were not
 * published, and heads in another order, are cases of the KUnit suites dma_map_queue_hostile and
 * dma_map_queue_order.
 *
 * The CPU is right if it takes the memory of a command when the device is done with it, and reads an
 * entry that the device has written.
 *
 * broken: NO_READ_BARRIER: pop() without dma_rmb(): the entry was read before its phase
 * broken: NO_PHASE: an entry of the lap before counts
 * broken: NO_GENERATION: a tag is a place only: a command that is reported twice ends the next one
 */

#define PLACES		2
#define ENTRIES		3	/* of which the device fills all but one */
#define GENERATIONS	8
#define COMMANDS	4
#define LIES		2
#define TAKEN		255	/* no command */

#define TAG(place, generation)	((place) + PLACES * (generation))

/* The table. */
bool busy[PLACES];		/* the table has memory */
bool device_has[PLACES];	/* the device may access it */
byte generation[PLACES];

/* What the device was told of: the tags. */
byte told[PLACES] = TAKEN;

byte tag[ENTRIES];
bit phase[ENTRIES];
byte head;			/* what the device was told of, as a count */
byte written;			/* entries, as a count */

#define ROOM		(written - head < ENTRIES - 1)

inline report(what)
{
	tag[written % ENTRIES] = what;
	atomic {
		phase[written % ENTRIES] = 1 - (written / ENTRIES) % 2;
		written++
	};
	last = what
}

active proctype Device()
{
	byte lies = 0, what, last = TAKEN;

end:
	do
	/* A command that is done. */
	:: atomic { ROOM && told[0] != TAKEN -> what = told[0]; told[0] = TAKEN; device_has[0] = false };
		report(what)
	:: atomic { ROOM && told[1] != TAKEN -> what = told[1]; told[1] = TAKEN; device_has[1] = false };
		report(what)
	/* A command that was done before, once more. */
	:: ROOM && lies < LIES -> lies++; report(last)
	/* A command that there never is. */
	:: ROOM && lies < LIES -> lies++; report(TAG(1, GENERATIONS - 1))
	od
}

active proctype Cpu()
{
	byte posted = 0, taken = 0, next = 0, known = 0, what, early, place;
	bit seen;
	bool have;

	do
	:: posted == COMMANDS && !busy[0] && !busy[1] -> break
	:: posted < COMMANDS && !busy[posted % PLACES] ->	/* post(), publish() */
		place = posted % PLACES;
		atomic {
			busy[place] = true;
			device_has[place] = true;
			told[place] = TAG(place, generation[place])
		};
		posted++
	:: next - known < ENTRIES - 1 ->			/* pop() */
		have = false;
		if
		:: early = tag[next % ENTRIES]; have = true
		:: skip
		fi;
		seen = phase[next % ENTRIES];
#ifdef NO_PHASE
		seen = 1 - (next / ENTRIES) % 2;
#endif
#ifndef NO_READ_BARRIER
		have = false;		/* dma_rmb(): what was read before does not count */
#endif
		if
		:: seen == 1 - (next / ENTRIES) % 2 ->
			assert(next < written);
			if
			:: have -> what = early
			:: else -> what = tag[next % ENTRIES]
			fi;
			assert(what == tag[next % ENTRIES]);
			next++;
			place = what % PLACES;			/* take() */
			if
#ifdef NO_GENERATION
			:: busy[place] ->
#else
			:: busy[place] && what == TAG(place, generation[place]) ->
#endif
				assert(!device_has[place]);
				busy[place] = false;
				generation[place] = (generation[place] + 1) % GENERATIONS
			:: else					/* EBADMSG */
			fi
		:: else ->
			/* Once more, when it is worth it. */
			phase[next % ENTRIES] == 1 - (next / ENTRIES) % 2 || known != next ||
				posted == COMMANDS && !busy[0] && !busy[1] ||
				posted < COMMANDS && !busy[posted % PLACES]
		fi
	:: known != next ->					/* release() */
		known = next;
		head = next
	od
}
