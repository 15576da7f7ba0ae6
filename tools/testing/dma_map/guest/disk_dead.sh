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

# Resets while the controller gets nothing done. A request that has seen five is not sent once more.
gets_nothing_done() {
	ask_host slower
	usleep 1000000
	dd if="$(disk_of $MAIN)" of=/dev/null bs=4k count=20 iflag=direct 2> /tmp/error &
	__reader=$!
	usleep 1000000
	__resets=0
	while kill -0 $__reader 2> /dev/null && [ $__resets -lt 16 ]; do
		nvme reset "$(controller_of $MAIN)" || break
		__resets=$((__resets + 1))
	done
	ask_host fast
	wait $__reader
	__read=$?
	cat /tmp/error
	echo "a read ends with status $__read behind $__resets resets"
	[ $__read -eq 1 ] && [ $__resets -gt 5 ] && grep -q 'Input/output error' /tmp/error
}

plan 8
check "our driver" take "$OURS"
check "a request that gets nowhere ends" gets_nothing_done
check "the disk is read" read_past_the_cache
check "our driver, with a short timeout" take_with_timeout 2
check "requests that take too long" under_load stalls 1 stalls
check "the disk is read" read_past_the_cache
check "a controller that is dead" under_load deaths 1 dies
check "the disk is read" read_past_the_cache
ktap_finished
