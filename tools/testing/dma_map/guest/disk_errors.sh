# SPDX-License-Identifier: GPL-2.0
#
# What the controller refuses is an error to user space, and nothing else is.

. /lib/disk.sh

# sector NUMBER: is read.
sector() {
	dd if="$(disk_of $BAD)" of=/dev/null bs=512 count=1 iflag=direct skip="$1"
}

bad() {
	! sector $BAD_SECTOR 2> /tmp/error || return 1
	cat /tmp/error
	grep -q 'Input/output error\|No data available' /tmp/error
}

neighbours() {
	sector $((BAD_SECTOR - 1)) && sector $((BAD_SECTOR + 1))
}

plan 5
check "our driver" take "$OURS"
check "a sector that can't be read is an error" bad
check "its neighbours are read" neighbours
check "and it still is" bad
check "a sector that can't be read once is tried again" sector $SHAKY_SECTOR
ktap_finished
