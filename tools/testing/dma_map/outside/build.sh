#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Copies this driver to an empty directory outside the checkout and builds it
# there, as a user would: DEST/outside.ko. Runs in the toolchain environment.
#
# usage: build.sh DEST KDIR BUILD     (LLVM=1 in the environment for clang)
#
# DEST   the directory, which must not exist yet
# KDIR   the kernel's build directory
# BUILD  where `make modules` has put the library for that kernel
set -eu

[ $# -eq 3 ] || {
	echo "usage: $0 DEST KDIR BUILD" >&2
	exit 2
}
here=$(cd "$(dirname "$0")" && pwd -P)
checkout=$(cd "$here/../../../.." && pwd -P)

mkdir "$1"
dest=$(cd "$1" && pwd -P)
cp "$here/outside.rs" "$dest/"
sed "s|CHECKOUT|$checkout|" "$here/Kbuild" > "$dest/Kbuild"

exec make --no-print-directory -C "$2" M="$dest" DMA_MAP_BUILD="$3" ${LLVM:+LLVM="$LLVM"} modules
