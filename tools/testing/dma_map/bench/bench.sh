# SPDX-License-Identifier: GPL-2.0
#
# Runs what /tests/bench.plan lists through the files of dma_map_bench in debugfs, and prints every
# round as it was measured. A line of the plan is
#
#	SERIES BUDGET ROUNDS THREADS LIVE OPERATION...
#
# The operations may be "*", for all. The budget is about how long a round of one thread may take, in
# ns: how many loops that makes is tried out first. SERIES is a name for the reader of the results.

. /lib/guest.sh

device=$(idle_devices | head -n 1)
folder=$DEBUG/dma_map_bench/$device

load_bench() {
	load dma_map && load dma_map_bench
}

operations() {
	cut -d ' ' -f 1 "$folder/operations"
}

# What a line names after its fifth word.
named() {
	case "$*" in
	'*') operations ;;
	*) echo "$@" ;;
	esac
}

# Straight to the kernel's log: a process in between would run beside what is measured.
raw() {
	echo "# $*" > /dev/kmsg
}

# one_loop OPERATION LOOPS: tries it, and prints what a loop of the slowest column takes, in ns; of
# three rounds the least, for one may be disturbed.
one_loop() {
	echo "$1 $2 3" > "$folder/run" || return 1
	awk -v loops="$2" '
		$1 == "longest" { next }
		!($2 in least) || $5 < least[$2] { least[$2] = $5 }
		END {
			for (column in least)
				if (least[column] > most)
					most = least[column]
			print int(most / loops)
		}' "$folder/run"
}

# loops OPERATION BUDGET: how often each thread repeats it in a round. A power of two, for what goes
# on in batches (flush queues, per-CPU caches): then rounds have whole ones, and are alike.
#
# A flush queue takes 256 unmaps. With 128 in a round, every second round would pay for the one before
# it, and with two columns that is always the same one.
loops() {
	__each=$(one_loop "$1" 1) || return 1
	if [ "$__each" -lt 10000 ]; then
		# The two looks at the clock are most of so short a round.
		__each=$(one_loop "$1" 64) || return 1
	fi
	__loops=1
	while [ $((__loops * 2 * (__each + 1))) -le "$2" ]; do
		__loops=$((__loops * 2))
	done
	[ $__loops -ne 128 ] || __loops=256
	echo $__loops
}

# measure SERIES OPERATION BUDGET ROUNDS THREADS LIVE
measure() {
	__count=$(loops "$2" "$3") || return 1
	raw "run $1 $2 $__count $4 $5 $6"
	echo "$2 $__count $4 $5 $6" > "$folder/run" || return 1
	while read -r __line; do
		case "$__line" in
		'longest '*) raw "$__line" ;;
		*) raw "round $__line" ;;
		esac
	done < "$folder/run"
}

check_plan() {
	planned=2
	while read -r series budget rounds threads live names; do
		for name in $(set -f; named $names); do
			planned=$((planned + 1))
		done
	done < /tests/bench.plan
}

load_bench
loaded=$?
[ $loaded -ne 0 ] || check_plan

plan "${planned:-2}"
check "the modules load, and the device has operations" test -r "$folder/operations"
[ $loaded -ne 0 ] || while read -r line; do
	raw "operation $line"
done < "$folder/operations"
while read -r series budget rounds threads live names; do
	for name in $(set -f; named $names); do
		check "$series $name threads=$threads live=$live" \
			measure "$series" "$name" "$budget" "$rounds" "$threads" "$live"
	done
done < /tests/bench.plan
check "the modules can be unloaded" unload_all
ktap_finished
