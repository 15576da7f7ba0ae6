# SPDX-License-Identifier: GPL-2.0
#
# A device that does not do what it is told in time: the caller gets an error, and the
# next message gets through.

. /lib/guest.sh

device=$(edu_devices | head -n 1)

# Without bus mastering the device reads and writes no memory, and its MSI is lost.
deaf() {
	pci_command "$device" clear "$PCI_COMMAND_MASTER" &&
		mailbox echo --timeout 1000 --expect-errno ETIMEDOUT hello
}

plan 4
check "the modules load" load_all
check "slower than the timeout" mailbox test-timeout --count 3
check "no bus mastering: ETIMEDOUT" deaf
check "the next message gets through" mailbox echo hello
ktap_finished
