# SPDX-License-Identifier: GPL-2.0
#
# The counts in debugfs: off, on for a device that is bound then, and gone with the binding.

. /lib/guest.sh

first=$(edu_devices | sed -n 1p)
folder=$DEBUG/dma_map/$first

again() {
	unbind "$first"
	bind "$first" && wait_for 5 test -c /dev/dma_mailbox0
}

counted_then() {
	count_handles
	again && [ -e "$folder/handles" ]
}

# made KIND: how many there have been.
made() {
	awk -v kind="$1" '$1 == kind { print $6 }' "$folder/handles"
}

makes_handles() {
	before=$(made all)
	mailbox loopback && [ "$(made all)" -gt "$before" ]
}

shows_them() {
	dmatop -1 > /tmp/dmatop
	grep -A 9 "^$first" /tmp/dmatop | grep DmaCoherent
}

reads_no_more() {
	exec 3< "$folder/handles"
	unbind "$first"
	cat <&3
	read=$?
	exec 3<&-
	[ $read -ne 0 ] && [ ! -e "$folder" ]
}

plan 7
check "the modules load" load_all
check "a device that is bound is not counted" test ! -e "$folder"
check "one that is bound later is" counted_then
check "messages make handles" makes_handles
check "dmatop shows them" shows_them
check "an open file ends with the binding" reads_no_more
echo 0 > "$COUNT_HANDLES"
check "the device still works" again
ktap_finished
