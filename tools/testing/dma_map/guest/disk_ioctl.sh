# SPDX-License-Identifier: GPL-2.0
#
# Commands through the node of a disk.

. /lib/disk.sh

disk=""
controller=""

ours() {
	take "$OURS" && wait_for 30 has_disk $FILES &&
		disk=$(disk_of $FILES) && controller=$(controller_of $FILES)
}

# A file that is open while the disk goes: each of its commands ends.
unbound_while_open() {
	dma_nvme test-unbind "$disk" $PCI/drivers/"$OURS" $FILES 20
}

plan 8
check "our driver" ours
check "a pattern is written through the disk's node" dma_nvme write "$disk" 1
check "and read through the controller's" dma_nvme verify "$controller" 1
check "and through the disk's" dma_nvme verify "$disk" 1
check "who may do what, and what else there is" dma_nvme test-disk "$disk" "$controller"
check "20 times unbound in the middle of commands" unbound_while_open
check "a pattern is written through the disk's node" dma_nvme write "$disk" 2
check "and read" dma_nvme verify "$disk" 2
ktap_finished
