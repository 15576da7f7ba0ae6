#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What CI runs, as root in a plain debian:trixie container: gets dma_map, then lets
# the driver move data on Debian's kernel, and runs the KUnit suites on the kernel
# that watches DMA. The results are in build/junit.xml.
#
# DMA_MAP_URL    where dma_map is cloned from
# DMA_MAP_REF    its branch or tag (default: the default branch)
# DMA_MAP_CACHE  what is made once, to be kept from run to run
set -eu

cd "$(dirname "$0")/.."
DMA_MAP_URL=${DMA_MAP_URL:-@URL@}
[ -n "$DMA_MAP_URL" ] || {
	echo "error: set the CI variable DMA_MAP_URL to the address of dma_map's git repository." >&2
	exit 1
}
DMA_MAP_CACHE=${DMA_MAP_CACHE:-$PWD/.cache}
export DMA_MAP_CACHE

apt-get -q update
apt-get -q install -y --no-install-recommends ca-certificates git make
[ -d dma_map ] || git clone -q --depth 1 ${DMA_MAP_REF:+--branch "$DMA_MAP_REF"} "$DMA_MAP_URL" dma_map

make DMA_MAP="$PWD/dma_map" run
make DMA_MAP="$PWD/dma_map" test
