# SPDX-License-Identifier: GPL-2.0
#
# The guest itself: what every other script takes for granted.

. /lib/guest.sh

plan 4
check "debugfs is mounted" test -d $DEBUG/dma-api
check "DMA debugging is on" grep -q N $DEBUG/dma-api/disabled
check "DMA debugging has counted no error" grep -qx 0 $DEBUG/dma-api/error_count
check "an edu device is present" test -n "$(edu_devices)"
ktap_finished
