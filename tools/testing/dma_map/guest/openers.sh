# SPDX-License-Identifier: GPL-2.0
#
# Several users of one device at once.

. /lib/guest.sh

# Two of the tool, each with files and payloads of its own.
two_at_once() {
	mailbox loopback --bytes 9000 --count 4 &
	other=$!
	mailbox loopback --bytes 5000 --source-offset 100 --count 4
	mine=$?
	wait $other && return $mine
}

plan 4
check "the modules load" load_all
check "several processes, a file each" mailbox test-openers
check "several readers and writers of one file" mailbox test-shared
check "two tools at once" two_at_once
ktap_finished
