# SPDX-License-Identifier: GPL-2.0
#
# What the guest's scripts share. KTAP lines come from the kernel tree's own
# tools/testing/selftests/kselftest/ktap_helpers.sh.

. /lib/ktap_helpers.sh

PCI=/sys/bus/pci
DRIVER=$PCI/drivers/dma_map_edu
DEBUG=/sys/kernel/debug
BOUNCES=/sys/kernel/tracing/events/swiotlb/swiotlb_bounced

# check DESCRIPTION COMMAND...: one KTAP result from an exit status.
check() {
	__description="$1"
	shift
	if "$@"; then
		ktap_test_pass "$__description"
	else
		ktap_test_fail "$__description"
	fi
}

# The helpers' own ktap_test_skip has no room for a reason; a skip needs one.
skip() {
	__ktap_test ok "$1" "SKIP $2"
	KTAP_CNT_SKIP=$((KTAP_CNT_SKIP + 1))
}

# plan NUMBER: the KTAP head. A script that stops early is then short of results.
plan() {
	ktap_print_header
	ktap_set_plan "$1"
}

# /modules/order lists the modules, one a line, each after those it depends on.
loaded() {
	[ -d "/sys/module/$1" ]
}

# load MODULE [PARAMETER=VALUE]...
load() {
	__module="$1"
	shift
	loaded "$__module" || insmod "/modules/$__module.ko" "$@" || return 1
	[ -z "${dma_map_count:-}" ] || [ "$__module" != dma_map ] || count_handles
}

# Devices that are bound from now on are counted, if the library can.
COUNT_HANDLES=/sys/module/dma_map/parameters/count_handles
count_handles() {
	[ ! -e $COUNT_HANDLES ] || echo 1 > $COUNT_HANDLES
}

unload() {
	rmmod "$1"
}

# The library and the drivers. KUnit modules print KTAP of their own while they load; who measures
# loads the benchmark.
load_all() {
	for __name in $(grep -v -e kunit -e bench /modules/order); do
		load "$__name" || return 1
	done
}

# All of them: what somebody names is loaded, whatever its name.
load_listed() {
	for __name in $(cat /modules/order); do
		load "$__name" || {
			echo "$__name.ko does not load"
			return 1
		}
	done
}

# unbound MODULE: whether it has a driver, and that one no device. Beside its devices, a driver's
# directory has the link "module" only.
unbound() {
	__drivers=0
	for __driver in "/sys/module/$1/drivers"/*; do
		[ -d "$__driver" ] || continue
		__drivers=$((__drivers + 1))
		for __entry in "$__driver"/*; do
			[ "${__entry##*/}" = module ] || [ ! -L "$__entry" ] || return 1
		done
	done
	[ $__drivers -gt 0 ]
}

# What nobody would notice otherwise.
note_unbound() {
	for __name in $(cat /modules/order); do
		! unbound "$__name" || echo "$__name is loaded, and this guest has no device for it: see QEMU_ARGS"
	done
}

unload_all() {
	for __name in $(tac /modules/order); do
		! loaded "$__name" || unload "$__name" || return 1
	done
}

# Starting a program takes long in an emulated guest, so what runs often uses the
# shell's own means.

# pci_devices VENDOR DEVICE: the PCI addresses of such functions, in bus order.
pci_devices() {
	for __dev in "$PCI"/devices/*; do
		read -r __vendor < "$__dev/vendor"
		read -r __device < "$__dev/device"
		[ "$__vendor $__device" != "$1 $2" ] || echo "${__dev##*/}"
	done
}

# QEMU's edu devices.
edu_devices() {
	pci_devices 0x1234 0x11e8
}

# QEMU's pci-testdev: functions that do nothing, to map for.
idle_devices() {
	pci_devices 0x1b36 0x0005
}

bind() {
	echo "$1" > "$DRIVER/bind"
}

unbind() {
	echo "$1" > "$DRIVER/unbind"
}

# QEMU's nvme.
nvme_devices() {
	pci_devices 0x1b36 0x0010
}

# Bits of a PCI device's command register.
PCI_COMMAND_MEMORY=2
PCI_COMMAND_MASTER=4

# pci_command DEVICE set|clear BITS: behind the driver's back, as broken hardware would.
pci_command() {
	__config="$PCI/devices/$1/config"
	__old=$(hexdump -s 4 -n 1 -e '"%u"' "$__config")
	case "$2" in
	set) __new=$((__old | $3)) ;;
	clear) __new=$((__old & ~$3)) ;;
	esac
	printf "\\$(printf '%03o' $__new)" |
		dd of="$__config" bs=1 seek=4 count=1 conv=notrunc 2> /dev/null
}

# How many DMA mappings and allocations there are, of all devices.
dma_entries() {
	__entries=0
	while read -r __line; do
		__entries=$((__entries + 1))
	done < $DEBUG/dma-api/dump
	echo $__entries
}

no_dma_entries() {
	[ "$(dma_entries)" -eq 0 ]
}

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
	__tries=$(($1 * 20))
	shift
	until "$@"; do
		__tries=$((__tries - 1))
		[ "$__tries" -gt 0 ] || return 1
		usleep 50000
	done
}

# start_transfer OPTION...: 64 KiB in the background, which take the device 3.4 s, as $working.
# Returns in the middle of it: a test that only sleeps would race with a slow machine.
start_transfer() {
	mailbox loopback "$@" &
	working=$!
	wait_for 10 has_device_open $working && usleep 250000
}

has_device_open() {
	ls -l "/proc/$1/fd" | grep -q /dev/dma_mailbox
}

trace_bounces() {
	[ ! -e "$BOUNCES/enable" ] || echo 1 > "$BOUNCES/enable"
}

# The kernel's own events of DMA, in a buffer that they do not share; then out of the guest by the
# second serial line.
TRACE=/sys/kernel/tracing/instances/dma
start_trace() {
	[ -n "${dma_map_trace:-}" ] || return 0
	mkdir $TRACE && echo 65536 > $TRACE/buffer_size_kb && echo 1 > $TRACE/events/dma/enable ||
		echo "this kernel has no dma: events"
}

bring_trace_out() {
	[ -n "${dma_map_trace:-}" ] || return 0
	echo 0 > $TRACE/tracing_on
	cat $TRACE/trace > /dev/ttyS1
}

# read_or FILE VALUE: the first line of a file, or VALUE if there is none.
read_or() {
	__line="$2"
	[ ! -e "$1" ] || read -r __line < "$1"
	echo "$__line"
}

# kfence_stat NAME: what KFENCE counted.
kfence_stat() {
	sed -n "s/^$1: //p" $DEBUG/kfence/stats
}

# What the host checks each variant's claims against, as NAME=VALUE lines.
facts() {
	__devices=$(edu_devices)
	echo "cpus=$(nproc)"
	echo "edu.devices=$(echo "$__devices" | wc -w)"
	echo "idle.devices=$(idle_devices | wc -w)"
	echo "nvme.devices=$(nvme_devices | wc -w)"
	echo "dma_debug.disabled=$(read_or $DEBUG/dma-api/disabled missing)"
	echo "dma_debug.error_count=$(read_or $DEBUG/dma-api/error_count missing)"
	[ ! -e $DEBUG/dma-api/dump ] || echo "dma_debug.outstanding=$(dma_entries)"
	if [ -e /tmp/kfence_before ]; then
		echo "kfence.enabled=$(kfence_stat enabled)"
		echo "kfence.guarded=$(($(kfence_stat 'total allocations') - $(cat /tmp/kfence_before)))"
		echo "kfence.bugs=$(kfence_stat 'total bugs')"
	fi
	echo "swiotlb.slabs=$(read_or $DEBUG/swiotlb/io_tlb_nslabs 0)"
	echo "swiotlb.used=$(read_or $DEBUG/swiotlb/io_tlb_used 0)"
	echo "swiotlb.hiwater=$(read_or $DEBUG/swiotlb/io_tlb_used_hiwater 0)"
	[ ! -e "$BOUNCES/enable" ] ||
		for __dev in $__devices; do
			for __kind in NORMAL FORCE; do
				echo "swiotlb.bounced.$__dev.$__kind=$(
					grep -c "dev_name: $__dev .* $__kind" /sys/kernel/tracing/trace)"
			done
		done
	echo "iommu.groups=$(ls /sys/kernel/iommu_groups 2> /dev/null | wc -l)"
	for __dev in $__devices $(idle_devices) $(nvme_devices); do
		echo "iommu.type.$__dev=$(read_or "$PCI/devices/$__dev/iommu_group/type" none)"
	done
}
