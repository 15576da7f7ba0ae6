# SPDX-License-Identifier: GPL-2.0
#
# The driver of a network card that sends to itself: what is written to its node comes back.

. /lib/guest.sh

NIC=$PCI/drivers/dma_map_nic
# QEMU's e1000e. The second card is not marked for the driver.
cards=$(pci_devices 0x8086 0x10d3)
card=$(echo "$cards" | head -n 1)
other=$(echo "$cards" | tail -n 1)
node=/dev/dma_nic-$card

has_node() {
	wait_for 5 test -c "$node"
}

is_left_alone() {
	[ "$other" != "$card" ] && [ ! -e "$PCI/devices/$other/driver" ]
}

# frames COUNT SIZE: frames of random digits, others each time. Where a frame has its type there are digits,
# too, which are the type of nothing.
seed=0
frames() {
	seed=$((seed + 1))
	awk -v count="$1" -v size="$2" -v seed=$seed 'BEGIN {
		srand(seed)
		while (count--) {
			for (frame = "to"; length(frame) < size; frame = frame int(1e9 * rand()));
			printf "%s", substr(frame, 1, size)
		}
	}' > /tmp/sent
}

# send_all SIZE: what is in /tmp/sent, in writes of this size.
send_all() {
	dd if=/tmp/sent of="$node" bs="$1" 2> /dev/null
}

# receive COUNT: so many frames, to /tmp/received.
receive() {
	dd if="$node" of=/tmp/received bs=2048 count="$1" 2> /dev/null
}

# come_back COUNT SIZE: whether so many frames are sent, and come back as they were, in order.
come_back() {
	frames "$1" "$2" && send_all "$2" && receive "$1" && cmp /tmp/sent /tmp/received
}

each_size() {
	for __size in 60 61 64 255 256 1000 1513 1514; do
		come_back 1 $__size || return 1
	done
}

# A ring has 64 slots.
many() {
	for __round in 1 2 3 4; do
		come_back 50 600 || return 1
	done
}

refused() {
	for __size in 59 1515; do
		frames 1 $__size
		! send_all $__size || return 1
	done
	! dd if="$node" of=/dev/null bs=1513 count=1 2> /dev/null
}

# Without room for them, frames are lost, and the card goes on when there is room.
more_than_the_ring_has() {
	frames 100 100 && send_all 100 && receive 63 || return 1
	head -c 6300 /tmp/sent | cmp - /tmp/received || return 1
	come_back 50 200
}

waits_until_killed() {
	! timeout 1 dd if="$node" of=/dev/null bs=2048 count=1 2> /dev/null
}

# A column for each CPU.
has_interrupts() {
	awk '/dma_map_nic/ { for (i = 2; $i ~ /^[0-9]+$/; i++) count += $i } END { exit !count }' /proc/interrupts
}

unbind_card() {
	echo "$card" > "$NIC/unbind"
}

bind_card() {
	echo "$card" > "$NIC/bind" && has_node
}

# A reader that waits is woken, and is told why.
unbind_under_a_reader() {
	dd if="$node" of=/dev/null bs=2048 count=1 2> /tmp/reader &
	__reader=$!
	usleep 200000
	unbind_card || return 1
	! wait $__reader || return 1
	grep -q "No such device" /tmp/reader && bind_card
}

# The file outlives the binding, and does not lead to the next one.
file_outlives() {
	exec 3<> "$node"
	unbind_card && bind_card || return 1
	frames 1 100
	! dd if=/tmp/sent bs=100 >&3 2> /tmp/writer || return 1
	exec 3>&-
	grep -q "No such device" /tmp/writer
}

# unbind_under_traffic COUNT: whoever sends or reads has the file open, and stops with an error.
unbind_under_traffic() {
	frames 50 600
	for __round in $(seq "$1"); do
		exec 3<> "$node"
		while dd if=/tmp/sent bs=600 >&3 2> /dev/null; do :; done &
		__sender=$!
		dd of=/dev/null bs=2048 <&3 2> /dev/null &
		__reader=$!
		exec 3>&-
		usleep 100000
		unbind_card || return 1
		wait $__sender
		! wait $__reader || return 1
		[ ! -e "$node" ] && bind_card || return 1
	done
}

# Unloaded, and loaded again.
as_before() {
	[ -e $DEBUG/dma-api/dump ] || return 0
	unload dma_map_nic && load dma_map_nic && has_node && [ "$(dma_entries)" -eq "$before" ]
}

plan 14
check "the modules load" load_all
check "the card has a node" has_node
before=$([ ! -e $DEBUG/dma-api/dump ] || dma_entries)
check "another card is left alone" is_left_alone
check "frames of each size come back" each_size
check "many frames come back in order" many
check "what is no frame, and a read without room, are refused" refused
check "more frames than the ring has room for" more_than_the_ring_has
check "a reader that waits can be killed" waits_until_killed
check "the card raises interrupts" has_interrupts
check "unbound under a reader that waits" unbind_under_a_reader
check "a file that outlives the binding" file_outlives
check "10 times unbound under traffic, and bound" unbind_under_traffic 10
check "as many DMA mappings as before" as_before
check "frames come back afterwards" come_back 50 600
ktap_finished
