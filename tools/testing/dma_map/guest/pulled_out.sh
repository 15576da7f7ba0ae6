# SPDX-License-Identifier: GPL-2.0
#
# A device whose registers are gone, and come back. (They read as 0 here, on other
# machines as all ones.) Not to be run with several CPUs: while a PCI device's memory
# comes or goes, QEMU's multi-threaded TCG loses writes of other CPUs to their timer.

. /lib/guest.sh

device=$(edu_devices | head -n 1)

pull_out() {
	pci_command "$device" clear "$PCI_COMMAND_MEMORY"
}

put_back() {
	pci_command "$device" set "$PCI_COMMAND_MEMORY"
}

silent() {
	pull_out && mailbox echo --timeout 1000 --expect-errno ETIMEDOUT hello
}

works_again() {
	put_back && mailbox echo hello
}

under_transfer() {
	start_transfer --timeout 2000 --expect-errno ETIMEDOUT && pull_out || return 1
	wait $working
}

unbind_it() {
	unbind "$device" && [ ! -e /dev/dma_mailbox0 ]
}

bind_it_again() {
	put_back && bind "$device" && wait_for 5 test -c /dev/dma_mailbox0 && mailbox loopback
}

plan 6
check "the modules load" load_all
check "no registers: ETIMEDOUT" silent
check "put back, it works" works_again
check "pulled out under a transfer: ETIMEDOUT" under_transfer
check "unbind what is not there" unbind_it
check "put back and bound, it works" bind_it_again
ktap_finished
