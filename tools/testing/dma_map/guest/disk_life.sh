# SPDX-License-Identifier: GPL-2.0
#
# A disk that is unbound, reset and pulled out while it is written to. The numbers are the host's.

. /lib/disk.sh

plan 4
check "our driver" take "$OURS"
check "unbound and bound under load" \
	under_load unbinds "$dma_map_unbinds" unbinds "$dma_map_unbinds"
check "reset under load" under_load resets "$dma_map_resets" resets "$dma_map_resets"
check "pulled out and plugged in under load" \
	under_load removals "$dma_map_removals" removals "$dma_map_removals"
ktap_finished
