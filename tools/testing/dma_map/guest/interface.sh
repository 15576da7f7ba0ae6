# SPDX-License-Identifier: GPL-2.0
#
# What /dev/dma_mailbox<N> promises to user space.

. /lib/guest.sh

plan 6
check "the modules load" load_all
check "what must be refused is refused" mailbox test-abi
check "O_NONBLOCK" mailbox test-nonblock
check "poll" mailbox test-poll
check "waits are interruptible" mailbox test-signal
check "a request has a timeout" mailbox test-timeout
ktap_finished
