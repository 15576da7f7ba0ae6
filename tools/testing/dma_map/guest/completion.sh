# SPDX-License-Identifier: GPL-2.0
#
# Each way in which a driver can hear that the device is done.

. /lib/guest.sh

# completes_by PARAMETER NAME
completes_by() {
	load dma_map_edu "irq=$1" || return 1
	dmesg | grep 'dma_map_edu.* completion by ' | tail -n 1 | grep -q "by $2" &&
		mailbox loopback --bytes 10000 && mailbox factorial 12
	result=$?
	unload dma_map_edu && return $result
}

plan 5
check "the library loads" load dma_map
check "MSI" completes_by 1 MSI
check "INTx" completes_by 2 INTx
check "polling" completes_by 3 polling
check "the best one is taken" completes_by 0 MSI
ktap_finished
