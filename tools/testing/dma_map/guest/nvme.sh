# SPDX-License-Identifier: GPL-2.0
#
# The NVMe driver: the host has written the disk before, and looks at it afterwards.

. /lib/guest.sh

NVME=$PCI/drivers/dma_map_nvme
node=/dev/dma_nvme0
# The second controller's disk takes one write a second.
slow=/dev/dma_nvme1
# The third and the fourth one have the same namespace.
shared=/dev/dma_nvme2
device=$(nvme_devices | head -n 1)

has_node() {
	wait_for 5 test -c $node
}

# Bound anew, as a pool keeps the pages of its lists.
as_before() {
	[ -e $DEBUG/dma-api/dump ] || return 0
	unload dma_map_nvme && load dma_map_nvme && has_node && [ "$(dma_entries)" -eq "$before" ]
}

with_sgls() {
	unload dma_map_nvme && load dma_map_nvme sgl=1 && has_node && dmesg | grep -q "data by SGLs"
}

# without BITS: a command fails while these bits of the PCI command register are off, and the
# controller is started anew when they are on.
without() {
	pci_command "$device" clear "$1"
	! dma_nvme id $node || return 1
	pci_command "$device" set "$1"
	dma_nvme id $node
}

# The controller has forgotten its queues then: a command fails, and the next one starts it anew.
function_reset() {
	[ -e "$PCI/devices/$device/reset" ] || return 0
	echo 1 >"$PCI/devices/$device/reset" || return 1
	! dma_nvme id $node || return 1
	dma_nvme id $node
}

plan 31
check "the modules load" load_all
check "the controller has a node" has_node
before=$([ ! -e $DEBUG/dma-api/dump ] || dma_entries)
check "what the controller is" dma_nvme id $node
check "its health" dma_nvme health $node
check "what the host wrote is read" dma_nvme verify $node 1
check "another pattern is written" dma_nvme write $node 2
check "and read" dma_nvme verify $node 2
check "a block is zeroed" dma_nvme zeroes $node 2
check "commands that must be refused" dma_nvme test-refused $node
check "commands that the controller refuses" dma_nvme test-failed $node
check "a shared namespace is not read by PRP entries" dma_nvme test-shared $shared 0
check "10 resets" dma_nvme test-reset $node 10
check "a write that takes too long" dma_nvme test-timeout $slow
check "a reset in the middle of a write" dma_nvme test-cancel $slow
check "a read while a write waits for its memory" dma_nvme test-fault $slow
check "a controller that does not answer, and does again" without $PCI_COMMAND_MEMORY
check "a controller that fails, as it reaches no memory" without $PCI_COMMAND_MASTER
check "a function that is reset beside the driver" function_reset
check "50 times unbound in the middle of reads, and bound" \
	dma_nvme test-unbind $node $NVME "$device" 50
check "as many DMA mappings as before" as_before
check "the disk is still right" dma_nvme verify $node 2
check "SGLs instead of PRP entries" with_sgls
check "a shared namespace is read by SGLs" dma_nvme test-shared $shared 1
check "what was written is read by SGLs" dma_nvme verify $node 2
check "another pattern is written by SGLs" dma_nvme write $node 3
check "and read" dma_nvme verify $node 3
check "20 times unbound in the middle of the disk's commands, and bound" \
	dma_nvme test-unbind "${node}n1" $NVME "$device" 20
check "who may do what through the disk's node" dma_nvme test-disk "${node}n1" $node
check "the namespace is formatted" dma_nvme test-format $node
check "and written, for the host" dma_nvme write $node 4
check "and read" dma_nvme verify $node 4
ktap_finished
