#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# QEMU's arm64 machine "virt" marks two nodes of its device tree `dma-coherent`:
# the PCI host bridge and the root node. Linux asks the node of a device and then
# each of its parents (of_dma_is_coherent()), so a guest whose bridge has lost the
# property still takes all PCI functions for coherent. Who wants a guest that
# maintains caches must add `dma-noncoherent` to the bridge: it is looked for on
# each node before the walk goes up.
#
# Seen with qemu-system-aarch64 10.0 (Debian 13, 1:10.0.*). The script installs
# the package in a temporary root, lets QEMU write the tree of an unmodified
# "virt", edits a copy, and fails if any of that is different.
set -euo pipefail

PIN=1:10.0.

[ "$(id -u)" = 0 ] || { echo "run this as root: it makes a temporary Debian root"; exit 2; }
command -v mmdebstrap >/dev/null || { echo "install the package mmdebstrap first"; exit 2; }

mirror=${DMA_MAP_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' \
	'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1)}
[ -n "$mirror" ] || { echo "set DMA_MAP_MIRROR to a Debian mirror's address"; exit 2; }

work=$(mktemp -d "${TMPDIR:-/var/tmp}/finding.XXXXXX")
trap 'rm -rf --one-file-system -- "$work"' EXIT
root=$work/root

echo "installing qemu-system-arm and device-tree-compiler, about a minute"
unshare --mount --propagation private \
	mmdebstrap --mode=root --variant=apt --architectures=amd64 --quiet \
	--aptopt='APT::Sandbox::User "root"' \
	--aptopt='Apt::Install-Recommends "false"' \
	--include=qemu-system-arm,device-tree-compiler trixie "$root" \
	"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main"

inside() { chroot "$root" "$@"; }

version=$(inside dpkg-query -W -f '${Version}' qemu-system-arm)
echo "qemu-system-arm $version"
case $version in
"$PIN"*) ;;
*) echo "another version than $PIN*: look whether the behaviour is the same"; exit 1 ;;
esac

inside qemu-system-aarch64 -M virt,dumpdtb=/virt.dtb -cpu cortex-a72 -nographic -nodefaults \
	-display none >/dev/null 2>&1

# Prints "yes" if NODE has PROPERTY (which is empty, so fdtget prints nothing).
has() { # FILE NODE PROPERTY
	if inside fdtget -p "$1" "$2" | grep -qx -- "$3"; then echo yes; else echo no; fi
}
check() { # WHAT EXPECTED SEEN
	printf '%-52s expected %-3s  seen %s\n' "$1" "$2" "$3"
	[ "$2" = "$3" ] || failed=1
}

failed=0
bridge=$(inside fdtget -l /virt.dtb / | grep '^pcie@' | head -n 1)
check "dma-coherent on the PCI host bridge" yes "$(has /virt.dtb "/$bridge" dma-coherent)"
check "dma-coherent on the root node, too" yes "$(has /virt.dtb / dma-coherent)"

inside fdtput -d /virt.dtb "/$bridge" dma-coherent
check "after removal from the bridge: on the bridge" no "$(has /virt.dtb "/$bridge" dma-coherent)"
check "after removal from the bridge: on the root node" yes "$(has /virt.dtb / dma-coherent)"

[ "$failed" = 0 ] || { echo "the behaviour has changed"; exit 1; }
echo "as described"
