/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A request and its response: Mailbox in rust/dma_map/proto/mailbox.rs.
 *
 * The CPU's writes may pass each other up to a barrier, and the CPU's reads too. The device may be
 * slow: the CPU gives up waiting when it likes, and posts the next request; the answer to the
 * one before may still come, at any moment. So it is the number that says whose answer there is,
 * and not the status: what is behind the number is read after it, and written before it.
 *
 * broken: NO_WRITE_BARRIER: post() without dma_wmb(): the device sees a request half written
 * broken: NO_READ_BARRIER: take() without dma_rmb(): the answer was read before its number
 * broken: NO_SEQUENCE: take() without a look at the number: a late answer is the wrong one
 */

#define REQUESTS	3

#define EMPTY		0
#define POSTED		1

/* The request slot. The data of request n is n as well. */
byte request_status, request_number, request_data;
/* The response slot. */
byte response_status, response_number, response_data;

bool bell;

/* Where a write of the CPU has not arrived yet. */
bool pending;
byte pending_data;

active proctype Cpu()
{
	byte number = 0, status, seen, data;
	bool early;

	do
	:: number == REQUESTS -> break
	:: number < REQUESTS ->
		number++;

		/* post(): the data may take its time, if nothing waits for it. */
#ifdef NO_WRITE_BARRIER
		if
		:: pending -> request_data = pending_data; pending = false
		:: else
		fi;
		if
		:: pending_data = number; pending = true
		:: request_data = number
		fi;
#else
		request_data = number;
#endif
		request_number = number;
		response_status = EMPTY;
		response_number = 0;
		request_status = POSTED;
		bell = true;

		do
		:: break			/* out of patience */
		:: true ->
			/* take(): the status, the number, and what is behind it */
			early = false;
#ifdef NO_READ_BARRIER
			if
			:: data = response_data; early = true
			:: skip
			fi;
#endif
			status = response_status;
			seen = response_number;
#ifdef NO_SEQUENCE
			seen = number;
#endif
			if
			:: status == POSTED && seen == number ->
				if
				:: early
				:: else -> data = response_data
				fi;
				assert(data == number);
				break
			:: else			/* EAGAIN, EBADMSG */
			fi
		od
	od
}

/* A write that was held back arrives at last. */
active proctype Bus()
{
end:
	do
	:: atomic { pending -> request_data = pending_data; pending = false }
	od
}

active proctype Device()
{
	byte number, data;

end:
	do
	:: atomic { bell -> bell = false };
		if
		:: request_status == POSTED ->
			/* One transfer in, as slow as it likes; it starts when it is told to. */
			atomic { number = request_number; data = request_data };
			response_data = data;
			response_number = number;
			response_status = POSTED
		:: else
		fi
	od
}
