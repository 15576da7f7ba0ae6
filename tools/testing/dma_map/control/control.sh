# SPDX-License-Identifier: GPL-2.0
#
# Commits the misuse in C, with a DMA debugging that prints each complaint.

echo 1 > /sys/kernel/debug/dma-api/all_errors
insmod /modules/control.ko
