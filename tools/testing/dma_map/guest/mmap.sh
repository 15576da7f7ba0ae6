# SPDX-License-Identifier: GPL-2.0
#
# The mailbox in the address space of a process, and what is left of it at unbind.

. /lib/guest.sh

as_before() {
	[ "$(dma_entries)" -eq "$before" ]
}

plan 4
check "the modules load" load_all
before=$(dma_entries)
check "mappings show the slots, and end with the binding" \
	mailbox test-mmap "$(edu_devices | head -n 1)"
check "as many DMA mappings as before" as_before
check "the modules can be unloaded" unload_all
ktap_finished
