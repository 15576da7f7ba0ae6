# SPDX-License-Identifier: GPL-2.0
#
# What one driver writes, the other one reads. The host has written the disk before, and looks at it
# afterwards.

. /lib/disk.sh

pattern() {
	dma_disk "$1" @$MAIN "$2"
}

plan 13
check "the kernel's own driver" take nvme
check "what the host wrote is read" pattern verify 1
check "another pattern is written" pattern write 2
check "our driver" take "$OURS"
check "what the kernel's own driver wrote is read" pattern verify 2
check "another pattern is written" pattern write 3
check "and read" pattern verify 3
check "the kernel's own driver again" take nvme
check "what ours wrote is read" pattern verify 3
check "another pattern is written" pattern write 4
check "ours again" take "$OURS"
check "what the kernel's own driver wrote is read" pattern verify 4
check "a last pattern is written, for the host" pattern write 5
ktap_finished
