# SPDX-License-Identifier: GPL-2.0
#
# ext4 on the disk, by our driver and by the kernel's own.

. /lib/disk.sh

AT=/tmp/at

mounted() {
	mkdir -p $AT && mount -t ext4 -o "$1" "$(disk_of $FILES)" $AT
}

# Files of many sizes, and what is to be read of them.
fill() {
	mkdir -p $AT/bin $AT/small && cp /bin/busybox $AT/bin/ || return 1
	for __n in $(seq 1 30); do
		head -c $((__n * 1021)) /bin/busybox > $AT/small/$__n || return 1
	done
	dd if=/dev/urandom of=$AT/random bs=64k count=24 2> /dev/null &&
		dd if=/dev/zero of=$AT/sparse bs=4k seek=5000 count=1 conv=fsync 2> /dev/null &&
		(cd $AT && rm small/?0 && find . -type f | xargs sha256sum) > /tmp/sums.$1
}

right() {
	(cd $AT && sha256sum -c /tmp/sums.$1) > /tmp/checked || {
		grep -v ': OK' /tmp/checked
		return 1
	}
	echo "$(wc -l < /tmp/checked) files"
}

made() {
	/usr/bin/mke2fs -q -F -t ext4 "$(disk_of $FILES)"
}

verified() {
	fio --minimal --terse-version=3 --output=/tmp/fio --directory=$AT --filename=fio --size="$dma_map_fio" \
		/files/disk.fio || {
		cat /tmp/fio
		return 1
	}
	rm $AT/fio
}

clean() {
	umount $AT && /usr/bin/e2fsck -f -n "$(disk_of $FILES)"
}

# The whole guest, but for Debian's programs: it is booted from there afterwards (disk_root.sh).
installed() {
	cp -a /bin /files /init /lib /modules /tests $AT/ &&
		mkdir -p $AT/dev $AT/proc $AT/sys $AT/tmp && sync
}

plan 17
check "our driver" take "$OURS"
check "ext4's modules" load_ext4
check "a file system is made" made
check "and mounted" mounted rw
check "files are written" fill ours
check "and read" right ours
check "fio's verification in a file" verified
check "it is unmounted, and clean" clean
check "the kernel's own driver" take nvme
check "mounts it" mounted rw
check "reads the files" right ours
check "and writes others" fill theirs
check "it is unmounted, and clean" clean
check "our driver again" take "$OURS"
check "mounts it, and reads what the other one wrote" eval 'mounted rw && right theirs'
check "a system is installed" installed
check "it is unmounted, and clean" clean
ktap_finished
