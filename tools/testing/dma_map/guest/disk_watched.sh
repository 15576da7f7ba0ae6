# SPDX-License-Identifier: GPL-2.0
#
# A disk on the kernel of the tests, which watches DMA and locks and has no file system. The host has
# written it before, and looks at it afterwards.

. /lib/disk.sh

# This kernel has no CONFIG_BUFFER_HEAD. Its page cache warns of pages that are written back to a disk
# that has gone, as fs/iomap finds them behind the end: whatever the driver.
WORKERS=2

pattern() {
	dma_disk "$1" @$MAIN "$2"
}

# Messages, or the line if the kernel has none.
interrupts() {
	grep dma_nvme /proc/interrupts
	case $(cat /proc/cmdline) in
	*pci=nomsi*) grep dma_nvme /proc/interrupts | grep -q IO-APIC ;;
	*) grep dma_nvme /proc/interrupts | grep -q MSI ;;
	esac
}

plan 9
check "our driver" take dma_map_nvme
check "the disk has interrupts, of the kind that there is" interrupts
check "what the host wrote is read" pattern verify 1
check "another pattern is written" pattern write 2
check "and read" pattern verify 2
check "unbound and bound under load" under_load unbinds 12 unbinds 12
check "reset under load" under_load resets 6 resets 6
check "a last pattern is written, for the host" pattern write 5
check "and read" pattern verify 5
ktap_finished
