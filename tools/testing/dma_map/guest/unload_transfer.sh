# SPDX-License-Identifier: GPL-2.0
#
# The driver's module goes while the device transfers.

. /lib/guest.sh

in_use() {
	! unload dma_map_edu && loaded dma_map_edu
}

# A user that is killed leaves the device at work on what it had sent.
killed_and_unloaded() {
	kill -9 $working
	unload dma_map_edu && [ ! -e /dev/dma_mailbox0 ]
}

plan 7
check "the modules load" load_all
mailbox loopback --count 100 &
working=$!
usleep 550000
check "an open file keeps the module" in_use
check "unload under a transfer" killed_and_unloaded
check "no DMA mapping is left" no_dma_entries
check "the library goes too" unload dma_map
check "both come back" load_all
check "the device still works" mailbox loopback
ktap_finished
