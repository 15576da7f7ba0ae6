# SPDX-License-Identifier: GPL-2.0
#
# After a power cut. One disk is as QEMU left it; of the other one is only what had to be kept: what was
# flushed, and what was written by FUA (tools/testing/dma_map/write_log.py).

. /lib/disk.sh

AT=/tmp/at

mounted() {
	mkdir -p $AT && mount -t ext4 "$(disk_of "$1")" $AT
}

acknowledged() {
	echo "survival: cut 1"
	dma_disk check $AT/acknowledged "$dma_map_acknowledged"
}

clean() {
	umount $AT && /usr/bin/e2fsck -f -n "$(disk_of "$1")"
}

plan 8
check "our driver" take "$OURS"
check "ext4's modules" load_ext4
check "what QEMU left is mounted" mounted $FILES
check "every acknowledged write is there" acknowledged
check "it is clean" clean $FILES
check "what had to be kept is mounted" mounted $MAIN
check "every acknowledged write is there" acknowledged
check "it is clean" clean $MAIN
ktap_finished
