# SPDX-License-Identifier: GPL-2.0
#
# Runs what /tests/nvme_bench.plan lists, and prints what was seen. The plan's lines:
#
#	use ROLE DRIVER                            c, rust, or null: no driver, the loop alone
#	count WORKLOAD PERIOD-US LOOKS OPTION...   fio, and io_sample beside it
#	events WORKLOAD PERIOD-US LOOKS OPTION...  the same, and allocations are counted
#	time                                       fio with /tests/nvme_bench.fio

. /lib/guest.sh

fio=/usr/bin/fio
ALLOCATIONS=/sys/kernel/tracing/instances/allocations
disk=
# What the last driver's disk takes at once.
limit=

# Straight to the kernel's log: a process in between would run beside what is measured.
raw() {
	echo "# $*" > /dev/kmsg
}

modules_of() {
	case $1 in
	c) echo nvme_keyring nvme_auth nvme_core nvme ;;
	rust) echo dma_map dma_map_nvme ;;
	null) echo configfs null_blk ;;
	esac
}

disk_of() {
	case $1 in
	c) echo nvme0n1 ;;
	rust) echo dma_nvme0n1 ;;
	null) echo nullb0 ;;
	esac
}

drop_driver() {
	[ -n "$disk" ] || return 0
	disk=
	for __name in $(modules_of "$driver" | tr ' ' '\n' | tac); do
		unload "$__name" || return 1
	done
}

# As many commands at a time as NVMe has, each completed in the call that starts it.
load_null() {
	load configfs && load null_blk gb=1 bs=512 irqmode=0 submit_queues=1 hw_queue_depth=1023 max_sectors=1024
}

# use ROLE DRIVER
use() {
	drop_driver || return 1
	driver=$2
	if [ "$2" = null ]; then
		load_null || return 1
	else
		for __name in $(modules_of "$2"); do
			load "$__name" || return 1
		done
	fi
	wait_for 20 test -b "/dev/$(disk_of "$2")" || return 1
	disk=$(disk_of "$2")
	queue=/sys/block/$disk/queue
	# What a guest with one CPU has as default depends on the number of queues.
	echo none > "$queue/scheduler"
	if [ "$2" != null ]; then
		limit=$(cat "$queue/max_hw_sectors_kb")
	elif [ -n "$limit" ]; then
		# The block layer makes as many requests of as many I/Os then.
		echo "$limit" > "$queue/max_sectors_kb"
	fi
	raw "use $1 $2 max_hw_sectors_kb=$(cat "$queue/max_hw_sectors_kb")" \
		"max_segments=$(cat "$queue/max_segments") nr_requests=$(cat "$queue/nr_requests")"
}

ios_done() {
	read -r __reads __ __ __ __writes __ < "/sys/block/$disk/stat"
	[ $((__reads + __writes)) -ge "$1" ]
}

# sample VERB WORKLOAD PERIOD LOOKS OPTION...
sample() {
	__verb=$1 __workload=$2 __period=$3 __looks=$4
	shift 4
	__events=
	[ "$__verb" != events ] || __events=$(echo $ALLOCATIONS/per_cpu/cpu*/stats)
	# Early: the console prints it in the background.
	raw "run $__verb $__workload"
	read -r __reads __ __ __ __writes __ < "/sys/block/$disk/stat"
	__warm=$((__reads + __writes + 1000))
	$fio --name="$__workload" --filename="/dev/$disk" --runtime=600 "$@" > /tmp/fio.out 2>&1 &
	__fio=$!
	wait_for 60 ios_done $__warm || return 1
	[ "$__verb" != events ] || trace_allocations 1
	io_sample "/sys/block/$disk/stat" "$__period" "$__looks" $__events > /tmp/samples
	__status=$?
	[ "$__verb" != events ] || trace_allocations 0
	kill -INT $__fio
	wait $__fio
	while read -r __line; do
		echo "$__line" > /dev/kmsg
	done < /tmp/samples
	return $__status
}

trace_allocations() {
	for __event in kmalloc kmem_cache_alloc mm_page_alloc; do
		echo "$1" > "$ALLOCATIONS/events/kmem/$__event/enable"
	done
}

# Fields of a line of fio's: of reads or of writes, whichever there were.
timed_lines() {
	awk -F ';' '
		$1 != 3 { next }
		{
			from = $8 > 0 ? 8 : 49
			split($(from + 10), p50, "=")
			split($(from + 11), p99, "=")
			split($(from + 12), p999, "=")
			print "# timed " $3, $5, $from, $(from + 8), p50[2], p99[2], p999[2]
		}' /tmp/fio.out
}

take_times() {
	DISK=/dev/$disk $fio --output-format=terse --terse-version=3 /tests/nvme_bench.fio > /tmp/fio.out || {
		cat /tmp/fio.out
		return 1
	}
	timed_lines > /tmp/samples
	while read -r __line; do
		echo "$__line" > /dev/kmsg
	done < /tmp/samples
}

one() {
	case $1 in
	use) use "$2" "$3" ;;
	count | events) sample "$@" ;;
	time) take_times ;;
	esac
}

# The console still prints what the kernel said while it started, in the background. Counted time passes
# at once where nothing else runs.
sleep 3

planned=2
while read -r verb rest; do
	planned=$((planned + 1))
done < /tests/nvme_bench.plan

plan $planned
mkdir -p $ALLOCATIONS
check "the plugin counts a loop" io_sample loop 1000000
while read -r verb name rest; do
	case $verb in
	use) title="$verb $name $rest" ;;
	*) title="$verb $name, $driver" ;;
	esac
	check "$title" one "$verb" "$name" $rest
done < /tests/nvme_bench.plan
check "the last driver can be unloaded" drop_driver
ktap_finished
