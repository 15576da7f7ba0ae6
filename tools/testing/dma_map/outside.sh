#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Writes a driver outside the checkout with `make driver`, and builds it there by
# hand, as first-hour.rst says: DEST/outside.ko. Runs in the toolchain environment.
#
# usage: outside.sh DEST KDIR BUILD     (LLVM=1 in the environment for clang)
#
# DEST   the directory, which must not exist yet
# KDIR   the kernel's build directory
# BUILD  where `make modules` has put the library for that kernel
set -eu

[ $# -eq 3 ] || {
	echo "usage: $0 DEST KDIR BUILD" >&2
	exit 2
}
checkout=$(cd "$(dirname "$0")/../../.." && pwd -P)

[ ! -e "$1" ]
env -u QEMU_ARGS NAME=outside DIR="$1" BUS=pci IDS=1234:11e8 "$checkout/tools/dma_map/driver" new
dest=$(cd "$1" && pwd -P)

exec make --no-print-directory -C "$2" M="$dest" DMA_MAP_BUILD="$3" ${LLVM:+LLVM="$LLVM"} modules
