# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Debian's kernel as it is installed on this machine: the pins of lib/stock.sh, read
# from its packages. For the rebuild after an update, which knows no version
# beforehand.

# installed_version PACKAGE: nothing if it is not there.
installed_version() {
	{ dpkg-query -W -f '${db:Status-Status} ${Version}\n' "$1" 2>/dev/null || true; } |
		awk '$1 != "not-installed" && $1 != "config-files" { print $2 }'
}

# check_installed_release RELEASE SERIES: one of Debian's releases of the series.
check_installed_release() {
	case $1 in
	"$2".*+deb*-amd64) ;;
	"$2".*) die "Linux $1 is no kernel of Debian's for amd64: build the modules for it from a checkout, with KDIR=." ;;
	*) die "Linux $1 is not of the series $2, which this version of dma_map is for: a newer version of dma_map may be for it." ;;
	esac
}

# pin_installed RELEASE SERIES: sets PIN_VERSION, PIN_STOCK_RELEASE, PIN_STOCK_CC, HEADERS.
pin_installed() {
	local release=$1 series=$2 source image
	check_installed_release "$release" "$series"
	HEADERS=${HEADERS_BASE:-/usr/src}/linux-headers-$release
	PIN_STOCK_RELEASE=$release
	PIN_VERSION=$(installed_version "linux-headers-$release")
	[ -n "$PIN_VERSION" ] && [ -r "$HEADERS/.config" ] ||
		die "the headers of Linux $release are not installed: install linux-headers-$release."
	image=$(installed_version "linux-binary-$release")
	[ -z "$image" ] || [ "$image" = "$PIN_VERSION" ] ||
		die "linux-headers-$release is $PIN_VERSION and the kernel itself is $image: install the same version of both."
	source=$(installed_version "linux-source-$series")
	[ "$source" = "$PIN_VERSION" ] ||
		die "linux-source-$series is ${source:-not installed} and Linux $release is $PIN_VERSION: install linux-source-$series of that version."
	PIN_STOCK_CC=$(stock_option "$HEADERS/.config" CC_VERSION_TEXT)
	PIN_STOCK_CC=${PIN_STOCK_CC%% *}
}

# installed_common RELEASE: the headers that all variants of that release share.
installed_common() {
	sed -n 's,^include \(.*\)/Makefile$,\1,p' "$HEADERS/Makefile"
}
