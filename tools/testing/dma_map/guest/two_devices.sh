# SPDX-License-Identifier: GPL-2.0
#
# Two devices, one driver: they don't know of each other.

. /lib/guest.sh

both_at_once() {
	mailbox loopback --device /dev/dma_mailbox0 --count 3 &
	other=$!
	mailbox loopback --device /dev/dma_mailbox1 --count 3
	mine=$?
	wait $other && return $mine
}

unbind_the_other() {
	start_transfer --device /dev/dma_mailbox0 || return 1
	unbind "$second" && [ ! -e /dev/dma_mailbox1 ]
	gone=$?
	wait $working && return $gone
}

bind_it_again() {
	bind "$second" && wait_for 5 test -c /dev/dma_mailbox1 &&
		mailbox ping --device /dev/dma_mailbox1 1
}

second=$(edu_devices | sed -n 2p)

plan 6
check "there are two devices" test -n "$second"
check "the modules load" load_all
check "each has a node" test -c /dev/dma_mailbox0 -a -c /dev/dma_mailbox1
check "both transfer at once" both_at_once
check "one is unbound while the other transfers" unbind_the_other
check "it comes back" bind_it_again
ktap_finished
