/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who takes the completions of a queue of disks: Turn in drivers/dma_map/nvme/protocol/turn.rs.
 *
 * Handlers of an interrupt, and a thread that looks after the queue, come at any time. Each comes after a
 * completion. One is at it at a time, and nobody waits but a thread that resets the queue. The flag and the
 * note are accessed in one order (SeqCst), so memory is as it was written.
 *
 * broken: NO_NOTE: who finds another one at it leaves no note
 * broken: NOTE_ONLY: who has left a note does not look whether the turn is free again
 * broken: EARLY_LOOK: the note is looked at before the turn is free
 * broken: RESET_ANYHOW: the reset does not wait for its turn
 * broken: RESET_BLIND: the reset does not look at the note
 */

#define HANDLERS	2
#define COMPLETIONS	2	/* of each */

bool is_taken;
bool is_missed;
byte at_it;		/* for the assertion */
byte completed;
byte seen;		/* how many completions were found */
byte over;

inline work()
{
	at_it++;
	assert(at_it == 1);
	seen = completed;
	at_it--
}

/* Turn::run(). */
inline take_turn(got)
{
	do
	:: atomic { got = !is_taken; is_taken = true };
		if
		:: got
		:: else ->
#ifdef NO_NOTE
			break
#else
			is_missed = true;
#ifdef NOTE_ONLY
			break
#else
			atomic { got = !is_taken; is_taken = true };
			if
			:: got
			:: else -> break
			fi
#endif
#endif
		fi;
		work();
#ifdef EARLY_LOOK
		atomic { got = is_missed; is_missed = false };
		is_taken = false;
		if
		:: got
		:: else -> break
		fi
#else
		is_taken = false;
		if
		:: is_missed ->
			atomic { got = is_missed; is_missed = false };
			if
			:: got
			:: else -> break
			fi
		:: else -> break
		fi
#endif
	od
}

active [HANDLERS] proctype Handler()
{
	byte left = COMPLETIONS;
	bool got;

	do
	:: left ->
		left--;
		completed++;
		take_turn(got)
	:: else -> break
	od;
	over++
}

/* Turn::alone(). */
active proctype Reset()
{
	bool got;

#ifndef RESET_ANYHOW
	atomic { !is_taken -> is_taken = true };
#endif
	at_it++;
	assert(at_it == 1);
	at_it--;
#ifndef RESET_ANYHOW
	is_taken = false;
#endif
#ifndef RESET_BLIND
	if
	:: is_missed ->
		atomic { got = is_missed; is_missed = false };
		if
		:: got -> take_turn(got)
		:: else
		fi
	:: else
	fi;
#endif
	over++
}

active proctype End()
{
	over == HANDLERS + 1 -> assert(seen == completed)
}
