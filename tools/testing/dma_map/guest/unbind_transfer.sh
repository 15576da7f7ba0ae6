# SPDX-License-Identifier: GPL-2.0
#
# The device goes away under a transfer, and its users are told.

. /lib/guest.sh

device=$(edu_devices | head -n 1)

# With the shell's own hands: what the tool's test does, seen from outside of it.
transfer_fails() {
	start_transfer --expect-errno ENODEV || return 1
	unbind "$device" && [ ! -e /dev/dma_mailbox0 ]
	gone=$?
	wait $working && return $gone
}

bind_it_again() {
	bind "$device" && wait_for 5 test -c /dev/dma_mailbox0 && mailbox loopback
}

plan 4
check "the modules load" load_all
check "readers, writers and pollers get ENODEV" mailbox test-unbind
check "a transfer ends with ENODEV" transfer_fails
check "the device comes back" bind_it_again
ktap_finished
