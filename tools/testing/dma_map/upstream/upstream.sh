# SPDX-License-Identifier: GPL-2.0
#
# Lets the kernel crate show one fault; which one, the kernel's command line says.

insmod /modules/upstream.ko "fault=$dma_map_fault"
