# SPDX-License-Identifier: GPL-2.0
#
# KUnit suites run, and print their KTAP, while their module loads.

. /lib/guest.sh

# Cases let allocations of theirs fail: those that may sleep too, and without a stack for each.
for fault in $DEBUG/failslab $DEBUG/fail_page_alloc; do
	if [ -d "$fault" ]; then
		echo N >"$fault/ignore-gfp-wait"
		echo 0 >"$fault/verbose"
	fi
done

# Many allocations at each tick of KFENCE's timer: from now on, for boot would use up its objects.
if [ -e $DEBUG/kfence/stats ]; then
	echo 255 > /sys/module/kfence/parameters/burst
	kfence_stat 'total allocations' > /tmp/kfence_before
fi

# The benchmark would take the PCI function that the cases run on.
for module in $(grep -v bench /modules/order); do
	load "$module" || exit 1
done

for results in $DEBUG/kunit/*/results; do
	[ -e "$results" ] || exit 1
	echo "# results: $results"
done
