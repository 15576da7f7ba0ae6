# SPDX-License-Identifier: GPL-2.0
#
# Devices that don't do what they are told: the caller gets an error in time, and all
# memory comes back.

. /lib/guest.sh

device=$(edu_devices | head -n 1)

# Without bus mastering the device reads and writes no memory, and its MSI is lost.
deaf() {
	pci_command "$device" clear $PCI_COMMAND_MASTER &&
		mailbox echo --timeout 1000 --expect-errno ETIMEDOUT hello
}

# Without its registers the device hears of nothing. (Here they read as 0, elsewhere as all ones.)
pulled_out() {
	pci_command "$device" clear $PCI_COMMAND_MEMORY &&
		mailbox echo --timeout 1000 --expect-errno ETIMEDOUT hello
}

put_back() {
	pci_command "$device" set $PCI_COMMAND_MEMORY && mailbox echo hello
}

pulled_out_under_transfer() {
	mailbox loopback --timeout 2000 --expect-errno ETIMEDOUT &
	working=$!
	usleep 250000
	pci_command "$device" clear $PCI_COMMAND_MEMORY
	wait $working
}

unbind_it() {
	unbind "$device" && [ ! -e /dev/dma_mailbox0 ]
}

bind_it_again() {
	pci_command "$device" set $PCI_COMMAND_MEMORY &&
		bind "$device" && wait_for 5 test -c /dev/dma_mailbox0 && mailbox loopback
}

plan 9
check "the modules load" load_all
check "slower than the timeout" mailbox test-timeout --count 3
check "no bus mastering: ETIMEDOUT" deaf
check "the next message gets through" mailbox echo hello
check "pulled out: ETIMEDOUT" pulled_out
check "put back, it works" put_back
check "pulled out under a transfer: ETIMEDOUT" pulled_out_under_transfer
check "unbind what is not there" unbind_it
check "put back and bound, it works" bind_it_again
ktap_finished
