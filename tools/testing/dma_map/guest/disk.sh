# SPDX-License-Identifier: GPL-2.0
#
# What the scripts about disks share: whose driver has the controllers, where they are, and what
# happens to them under load.

. /lib/guest.sh

PATH=/usr/bin:/bin

# Who is in our driver's place: itself, or the kernel's own, to see what that one does.
OURS=${dma_map_driver:-dma_map_nvme}

# Where the controllers are (tools/testing/dma_map/disks.py): one behind a root port, a disk for file
# systems, and a disk with a sector that can't be read, and one that can't be read once.
MAIN=0000:01:00.0
FILES=0000:00:10.0
BAD=0000:00:11.0
BAD_SECTOR=100
SHAKY_SECTOR=200

# disk_of ADDRESS: the node of the disk that a PCI function has now.
disk_of() {
	for __disk in /sys/block/*; do
		case $(cd -P "$__disk" && pwd) in
		*/"$1"/*) [ ! -b "/dev/${__disk##*/}" ] || echo "/dev/${__disk##*/}" ;;
		esac
	done
}

has_disk() {
	[ -n "$(disk_of "$1")" ]
}

has_none() {
	[ -z "$(disk_of "$1")" ]
}

# controller_of ADDRESS: the node of the controller.
controller_of() {
	__node=$(disk_of "$1")
	echo "${__node%n*}"
}

load_kernels_own() {
	for __name in nvme_auth nvme_keyring nvme_core nvme; do
		load $__name || return 1
	done
}

load_ext4() {
	for __name in crc16 mbcache jbd2 ext4; do
		load $__name || return 1
	done
}

# take DRIVER: all controllers, whoever has had them.
take() {
	case $1 in
	nvme)
		! loaded dma_map_nvme || unload dma_map_nvme || return 1
		load_kernels_own || return 1
		;;
	*)
		! loaded nvme || unload nvme || return 1
		load dma_map && load "$1" || return 1
		;;
	esac
	wait_for 30 has_disk $MAIN
}

# For the host, which reads along (disks.py).
ask_host() {
	echo "dma_map_host: $*" > /dev/kmsg
}

# take_with_timeout SECONDS: our driver, which gives a command no longer than that.
take_with_timeout() {
	! loaded "$OURS" || unload "$OURS" || return 1
	case $OURS in
	nvme)
		! loaded nvme_core || unload nvme_core || return 1
		load nvme_auth && load nvme_keyring && load nvme_core io_timeout="$1" || return 1
		;;
	*) load dma_map && load "$OURS" io_timeout="$1" || return 1 ;;
	esac
	take "$OURS"
}

# The first two write past the page cache, the others through it.
WORKERS=4

# under_load NAME NUMBER COMMAND...: while workers write. Nothing that was acknowledged is lost.
under_load() {
	echo "survival: $1 $2"
	shift 2
	dma_disk work @$MAIN 0 $WORKERS &
	__load=$!
	usleep 500000
	"$@"
	__status=$?
	kill -TERM $__load
	wait $__load && [ $__status -eq 0 ]
}

# unbinds NUMBER: at other moments each time.
unbinds() {
	__left=$1
	while [ "$__left" -gt 0 ]; do
		echo $MAIN > $PCI/drivers/$OURS/unbind || return 1
		has_none $MAIN || return 1
		echo $MAIN > $PCI/drivers/$OURS/bind || return 1
		wait_for 60 has_disk $MAIN || return 1
		usleep $((__left * 7919 % 100000))
		__left=$((__left - 1))
	done
}

# resets NUMBER
resets() {
	__left=$1
	while [ "$__left" -gt 0 ]; do
		dma_nvme test-reset "$(controller_of $MAIN)" 1 > /tmp/reset || return 1
		usleep $((__left * 7919 % 200000))
		__left=$((__left - 1))
	done
}

is_gone() {
	[ ! -e $PCI/devices/$MAIN ]
}

# removals NUMBER: the device goes and comes behind its port.
removals() {
	__left=$1
	while [ "$__left" -gt 0 ]; do
		ask_host pull
		wait_for 60 is_gone || return 1
		has_none $MAIN || return 1
		ask_host plug
		wait_for 60 has_disk $MAIN || return 1
		usleep $((__left * 7919 % 200000))
		__left=$((__left - 1))
	done
}
