# SPDX-License-Identifier: GPL-2.0
#
# KUnit suites run, and print their KTAP, while their module loads.

. /lib/guest.sh

load_all

# A suite of a module that has no result file was never run.
for results in $DEBUG/kunit/*/results; do
	[ -e "$results" ] || exit 1
	echo "# results: $results"
done
