# SPDX-License-Identifier: GPL-2.0
#
# Queues without interrupts: who waits for a request looks for its completion.

. /lib/disk.sh

POLL_QUEUES=2

take_with_poll_queues() {
	! loaded "$OURS" || unload "$OURS" || return 1
	case $OURS in
	nvme)
		! loaded nvme_core || unload nvme_core || return 1
		load nvme_auth && load nvme_keyring && load nvme_core io_timeout=3 &&
			load nvme poll_queues=$POLL_QUEUES || return 1
		;;
	*) load dma_map && load "$OURS" io_timeout=3 poll_queues=$POLL_QUEUES || return 1 ;;
	esac
	take "$OURS"
}

can_poll() {
	[ "$(cat "/sys/block/$(basename "$(disk_of $MAIN)")/queue/io_poll")" = 1 ]
}

# interrupts: how many came from the queues of the main disk's controller.
interrupts() {
	grep "$(basename "$(controller_of $MAIN)")q" /proc/interrupts |
		awk '{ for (i = 2; i <= NF && $i ~ /^[0-9]+$/; i++) sum += $i } END { print sum + 0 }'
}

# requests: how many the main disk has completed.
requests() {
	awk '{ print $1 + $5 }' "/sys/block/$(basename "$(disk_of $MAIN)")/stat"
}

# polled ENGINE ARGUMENT...: fio that polls.
polled() {
	__engine=$1
	shift
	fio --minimal --terse-version=3 --output=/tmp/fio --name=polled --thread=1 --filename="$(disk_of $MAIN)" \
		--ioengine="$__engine" --hipri=1 --direct=1 --randseed=7919 --norandommap=1 "$@"
	__fio=$?
	grep -v '^3;' /tmp/fio
	return $__fio
}

VERIFIED="--rw=randwrite --verify=crc32c --verify_fatal=1 --verify_dump=0 --verify_backlog=64"

# without_interrupts COMMAND...: which has the disk complete many requests.
without_interrupts() {
	__interrupts=$(interrupts)
	__requests=$(requests)
	"$@" || return 1
	__requests=$(($(requests) - __requests))
	__interrupts=$(($(interrupts) - __interrupts))
	echo "$__requests requests, $__interrupts interrupts"
	[ $__requests -ge 100 ] && [ $__interrupts -eq 0 ]
}

by_io_uring() {
	polled io_uring --iodepth=16 --bsrange=512-64k --blockalign=512 --size="$dma_map_fio" $VERIFIED
}

# Two threads on each queue.
by_several() {
	polled io_uring --iodepth=8 --bs=4k --size=1m --offset_increment=1m --numjobs=4 $VERIFIED
}

# with_interrupts: what was written by polling is read by the other queues.
with_interrupts() {
	__interrupts=$(interrupts)
	polled io_uring --iodepth=4 --bs=4k --size=1m --rw=write --verify=crc32c --do_verify=0 || return 1
	fio --minimal --terse-version=3 --output=/tmp/fio --name=polled --thread=1 \
		--filename="$(disk_of $MAIN)" --direct=1 --ioengine=libaio --iodepth=4 --bs=4k --size=1m --rw=write \
		--verify=crc32c --verify_only=1 --verify_fatal=1 || return 1
	[ "$(interrupts)" -gt "$__interrupts" ]
}

# polling COMMAND: somebody reads, in the background, as $busy.
polling() {
	dma_disk "$1" @$MAIN 32 &
	busy=$!
	usleep 1000000
	kill -0 $busy
}

has_ended() {
	[ ! -e /proc/$busy ] || grep -q 'State:.*zombie' /proc/$busy/status
}

# ended_with STATUS: soon. 3 is that of a read that has failed.
ended_with() {
	wait_for 20 has_ended || {
		cat /proc/$busy/stack
		kill -KILL $busy
	}
	wait $busy
	[ $? -eq "$1" ]
}

resets_while_polling() {
	polling poll || return 1
	resets 8
	__resets=$?
	kill -TERM $busy
	# It has seen none of them.
	ended_with 0 && [ $__resets -eq 0 ]
}

unbound_while_polling() {
	__times=8
	while [ $__times -gt 0 ]; do
		polling poll || return 1
		unbinds 1 || return 1
		ended_with 3 || return 1
		__times=$((__times - 1))
	done
}

pulled_out_while_polling() {
	polling poll && removals 1 && ended_with 3
}

# Requests for which nobody polls end when their time is over, and have read.
unbound_while_nobody_polls() {
	polling poll-late || return 1
	unbinds 1
	__unbinds=$?
	kill -TERM $busy
	ended_with 0 && [ $__unbinds -eq 0 ]
}

# A Format waits for them, and finds them.
formatted_while_nobody_polls() {
	polling poll-late || return 1
	/usr/bin/nvme format -f -n 1 -l 0 "$(controller_of $MAIN)"
	__format=$?
	kill -TERM $busy
	ended_with 0 && [ $__format -eq 0 ]
}

reset_while_nobody_polls() {
	polling poll-late || return 1
	resets 1
	__resets=$?
	kill -TERM $busy
	ended_with 0 && [ $__resets -eq 0 ]
}

plan 12
check "our driver, with queues to poll" take_with_poll_queues
check "the disk can be polled" can_poll
check "io_uring, without interrupts" without_interrupts by_io_uring
check "several at a time, without interrupts" without_interrupts by_several
check "what was written is read by a queue with interrupts" with_interrupts
check "8 resets while somebody polls" resets_while_polling
check "8 times unbound while somebody polls" unbound_while_polling
check "pulled out while somebody polls" pulled_out_while_polling
check "unbound while nobody polls for what is under way" unbound_while_nobody_polls
check "formatted while nobody polls for what is under way" formatted_while_nobody_polls
check "reset while nobody polls for what is under way" reset_while_nobody_polls
check "and polled" without_interrupts by_io_uring
ktap_finished
