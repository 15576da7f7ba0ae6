# SPDX-License-Identifier: GPL-2.0
#
# The root file system is on the disk (guest/init). It is written to until the power is cut.

. /lib/disk.sh

on_the_disk() {
	grep "^$(disk_of $FILES) / ext4 rw" /proc/mounts
}

programs_run() {
	/bin/busybox sha256sum /bin/busybox /modules/*.ko
}

# The host cuts the power when it has read enough.
until_the_power_is_cut() {
	ask_host cut
	dma_disk tell /acknowledged 32 4 # CUT_MIB and WORKERS of disks.py
}

plan 3
check "the root file system is on the disk" on_the_disk
check "its programs run" programs_run
check "until the power is cut" until_the_power_is_cut
ktap_finished
