# SPDX-License-Identifier: GPL-2.0
#
# Unbind and bind, again and again. Every other time a transfer is under way.

. /lib/guest.sh

as_before() {
	[ "$(dma_entries)" -eq "$before" ]
}

plan 4
check "the modules load" load_all
before=$(dma_entries)
check "unbind and bind 100 times" mailbox test-rebind --count 100
check "as many DMA mappings as before" as_before
check "the device still works" mailbox loopback
ktap_finished
