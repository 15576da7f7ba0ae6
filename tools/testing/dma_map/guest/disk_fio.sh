# SPDX-License-Identifier: GPL-2.0
#
# fio's own verification, on the disk itself.

. /lib/disk.sh

verified() {
	fio --minimal --terse-version=3 --output=/tmp/fio --filename="$(disk_of $MAIN)" --size="$dma_map_fio" \
		/files/disk.fio
	__fio=$?
	grep -v '^3;' /tmp/fio
	echo "$(grep -c '^3;' /tmp/fio) jobs of fio's"
	[ $__fio -eq 0 ] && [ "$(grep -c '^3;' /tmp/fio)" -ge 8 ]
}

plan 2
check "our driver" take "$OURS"
check "sizes, places, depths, direct and cached" verified
ktap_finished
