# SPDX-License-Identifier: GPL-2.0
#
# Somebody's own modules, after the library, and the script that came with them. Its status is
# that of the boot.

. /lib/guest.sh

load_listed || exit 1
note_unbound
if [ -n "$dma_map_script" ]; then
	cd /files
	sh "./$dma_map_script"
fi
