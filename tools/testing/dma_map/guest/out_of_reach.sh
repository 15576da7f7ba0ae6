# SPDX-License-Identifier: GPL-2.0
#
# Memory that neither the device nor a bounce buffer reaches: an error, not a WARNING.

. /lib/guest.sh

plan 4
check "the modules load" load_all
check "coherent memory is in reach" mailbox echo hello
check "pages are not: EIO" mailbox loopback --expect-errno EIO
check "the device still works" mailbox ping 1
ktap_finished
