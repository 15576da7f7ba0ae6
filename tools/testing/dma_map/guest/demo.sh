# SPDX-License-Identifier: GPL-2.0
#
# The main job: the mailbox tool runs every command of each device and checks every byte.

. /lib/guest.sh

plan 3
check "the modules load" load_all
check "the device has a node" wait_for 5 test -c /dev/dma_mailbox0
check "the demo" mailbox demo
ktap_finished
