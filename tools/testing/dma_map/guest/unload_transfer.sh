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
	wait $working
	unload dma_map_edu && [ ! -e /dev/dma_mailbox0 ]
}

plan 8
check "the modules load" load_all
check "a transfer is under way" start_transfer
check "an open file keeps the module" in_use
check "unload under a transfer" killed_and_unloaded
check "no DMA mapping is left" no_dma_entries
check "the library goes too" unload dma_map
check "both come back" load_all
check "the device still works" mailbox loopback
ktap_finished
