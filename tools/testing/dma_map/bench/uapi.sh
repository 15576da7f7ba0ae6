# SPDX-License-Identifier: GPL-2.0
#
# Runs upstream's dma_map_benchmark with its own driver, which is C, and with ours, in turns: they
# have the same file. A line of /tests/uapi.plan is
#
#	ROUNDS OPTION...
#
# or, with a function below,
#
#	test NAME

. /lib/guest.sh

device=$(idle_devices | head -n 1)
node=$PCI/devices/$device
file=$DEBUG/dma_map_benchmark
drivers="dma_map_benchmark dma_map_benchmark_rust"

load_bench() {
	load dma_map && load dma_map_bench
}

nobody() {
	[ ! -e "$node/driver" ] || echo "$device" > "$node/driver/unbind"
}

# give DRIVER
give() {
	nobody && echo "$1" > "$node/driver_override" && echo "$device" > "$PCI/drivers/$1/bind"
}

give_back() {
	nobody && echo > "$node/driver_override"
}

# Straight to the kernel's log: a process in between would run beside what is measured.
raw() {
	echo "# $*" > /dev/kmsg
}

no_file_without_driver() {
	nobody && [ ! -e "$file" ]
}

# One after the other: the second one would not bind if the first one left the file.
each_has_the_file() {
	for __driver in $drivers $drivers; do
		give "$__driver" && [ -e "$file" ] || return 1
	done
}

same_errors() {
	for __driver in $drivers; do
		give "$__driver" && dma_map_refused > "/tmp/$__driver" || return 1
	done
	! grep 'not refused' /tmp/dma_map_benchmark_rust &&
		diff /tmp/dma_map_benchmark /tmp/dma_map_benchmark_rust
}

mask_is() {
	[ "$(read_or "$node/dma_mask_bits" none)" -eq "$1" ]
}

# start BITS: a run in the background, as $running. Returns when it goes on, which the mask shows.
start() {
	dma_map_benchmark -s 2 -b "$1" > /dev/null &
	running=$!
	wait_for 20 mask_is "$1"
}

# Each run of a binding has the mask that it asks for, and none is left behind.
mask_is_put_back() {
	for __driver in $drivers; do
		give "$__driver" || return 1
		__before=$(read_or "$node/dma_mask_bits" none)
		for __bits in 40 41; do
			start $__bits && wait $running && mask_is "$__before" || return 1
		done
	done
}

# Unbinding waits for the run that goes on, which ends as if nothing was.
unbind_waits() {
	for __driver in $drivers; do
		give "$__driver" && start 40 && nobody && wait $running && [ ! -e "$file" ] || return 1
	done
}

second_run_is_refused() {
	give dma_map_benchmark_rust && start 40 || return 1
	! dma_map_benchmark -s 1 2> /tmp/out && grep -q 'busy' /tmp/out && wait $running
}

# in_turns ROUNDS OPTION...
in_turns() {
	__left=$1
	shift
	while [ "$__left" -gt 0 ]; do
		__left=$((__left - 1))
		for __driver in $drivers; do
			give "$__driver" || return 1
			raw "uapi $__driver $*"
			dma_map_benchmark "$@" > /tmp/out || return 1
			while read -r __line; do
				raw "$__line"
			done < /tmp/out
		done
	done
}

plan $((2 + $(wc -l < /tests/uapi.plan)))
check "the modules load" load_bench
while read -r first rest; do
	case $first in
	test) check "$rest" "$rest" ;;
	*) check "dma_map_benchmark $rest" in_turns "$first" $rest ;;
	esac
done < /tests/uapi.plan
give_back
check "the modules can be unloaded" unload_all
ktap_finished
