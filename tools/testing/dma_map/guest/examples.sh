# SPDX-License-Identifier: GPL-2.0
#
# The examples of the API's documentation, run by the probe of their module on an idle function,
# whose log is KTAP but for the module's name.

. /lib/guest.sh

ktap_print_header
load dma_map && load examples || exit 1
dmesg | sed -n 's/^\(\[[^]]*\] \)\{0,1\}examples: //p'
unload examples
