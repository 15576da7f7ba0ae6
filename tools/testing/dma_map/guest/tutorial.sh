# SPDX-License-Identifier: GPL-2.0
#
# The drivers of the tutorial, each loaded and unloaded. The host compares what they log with the pages.

. /lib/guest.sh

load_and_unload() {
	load "$1" && unload "$1"
}

set -- /modules/step*.ko
plan $#
load dma_map || exit 1
for file; do
	name=${file##*/}
	name=${name%.ko}
	check "$name loads and unloads" load_and_unload "$name"
done
ktap_finished
