# SPDX-License-Identifier: GPL-2.0
#
# KUnit suites run, and print their KTAP, while their module loads.

. /lib/guest.sh

for module in $(cat /modules/order); do
	load "$module" || exit 1
done

for results in $DEBUG/kunit/*/results; do
	[ -e "$results" ] || exit 1
	echo "# results: $results"
done
