# SPDX-License-Identifier: GPL-2.0
#
# All modules go, the library last.

. /lib/guest.sh

none_left() {
	! grep -q '^dma_map' /proc/modules
}

plan 3
check "the modules load" load_all
check "they unload" unload_all
check "none is left" none_left
ktap_finished
