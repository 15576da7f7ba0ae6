# SPDX-License-Identifier: GPL-2.0
#
# A controller that takes too long, and one that is dead. Nobody waits for ever, and what was acknowledged is
# there when it lives again.

. /lib/disk.sh

# The host lets through one request a second, for a while.
stalls() {
	ask_host slow
	usleep 12000000
	ask_host fast
	usleep 3000000
}

read_past_the_cache() {
	dd if="$(disk_of $MAIN)" of=/dev/null bs=4k count=1 iflag=direct
}

# Reads end, with an error.
dies() {
	pci_command $MAIN clear $PCI_COMMAND_MEMORY
	timeout 100 dd if="$(disk_of $MAIN)" of=/dev/null bs=4k iflag=direct
	__read=$?
	echo "a read of a dead controller ends with status $__read"
	pci_command $MAIN set $PCI_COMMAND_MEMORY
	[ $__read -eq 1 ] || return 1
	echo $MAIN > $PCI/drivers/$OURS/unbind && echo $MAIN > $PCI/drivers/$OURS/bind &&
		wait_for 60 has_disk $MAIN && usleep 1000000
}

plan 5
check "our driver, with a short timeout" take_with_timeout 2
check "requests that take too long" under_load stalls 1 stalls
check "the disk is read" read_past_the_cache
check "a controller that is dead" under_load deaths 1 dies
check "the disk is read" read_past_the_cache
ktap_finished
