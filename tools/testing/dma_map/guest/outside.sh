# SPDX-License-Identifier: GPL-2.0
#
# A driver that was built outside the checkout links against the library and moves data.

. /lib/guest.sh

moved() {
	dmesg | grep -q 'outside .*: [1-9][0-9]* bytes by DMA, 0 wrong, [1-9]'
}

stopped() {
	dmesg | grep -q 'outside .*: stopped'
}

no_driver() {
	! loaded dma_map_edu || unload dma_map_edu
}

plan 6
check "the device is free" no_driver
check "the library loads" load dma_map
check "the driver loads" load outside
check "it moved data" moved
check "it unloads" unload outside
check "it stopped the device" stopped
ktap_finished
