# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Debian's own kernel, of which no package has the Rust metadata: made here, from
# the source and with the configuration and the compilers of the package. Modules
# without CONFIG_MODVERSIONS load into any kernel of the same release, whatever
# its structures look like: so everything that decides about them is compared
# here, before anything is loaded.

# To be counted up when build_stock_locked makes something else of the same packages.
STOCK_RECIPE=1

# What else a person can do if the kernel does not fit.
STOCK_PIN="change tools/dma_map/kernel.pin, or "
STOCK_ELSE="take KERNEL=test"

# pin_stock FLAVOUR: what the pins say from here on is said of that variant. Nothing
# if FLAVOUR is none of Debian's.
pin_stock() {
	local name variant
	case $1 in stock-*) ;; *) return 0 ;; esac
	variant=${1#stock-}
	for name in RELEASE HEADERS IMAGE HEADERS_SHA256 IMAGE_SHA256; do
		declare -n pin=PIN_STOCK_$name pin_of_variant=PIN_STOCK_${variant^^}_$name
		pin=$pin_of_variant
	done
	unset -n pin pin_of_variant
}

# follow_source: Debian has replaced the pinned version, so the source is of a newer one
# (lib/source.sh), and the packages are those of that one. Their checksums are not pinned
# then: the archive's signature, which apt has checked, stands for them.
follow_source() {
	local version release
	version=$(source_version) && [ "$version" != "$PIN_VERSION" ] || return 0
	release=${version%%-*}+${PIN_STOCK_RELEASE#*+}
	PIN_STOCK_HEADERS=${PIN_STOCK_HEADERS/"$PIN_STOCK_RELEASE"/"$release"}
	PIN_STOCK_IMAGE=${PIN_STOCK_IMAGE/"$PIN_STOCK_RELEASE"/"$release"}
	PIN_STOCK_HEADERS_SHA256='' PIN_STOCK_IMAGE_SHA256='' PIN_STOCK_MODULES_SHA256=''
	PIN_STOCK_RELEASE=$release
}

# stock_path FLAVOUR: keyed by what decides what comes out, the packages and the
# compilers.
stock_path() {
	local key version
	version=$(source_version)
	key=$(
		{
			echo "$STOCK_RECIPE $version $PIN_STOCK_HEADERS_SHA256 $PIN_STOCK_IMAGE_SHA256"
			"$PIN_STOCK_CC" --version
			rustc --version
			bindgen --version
			pahole --version
		} 2>&1 | sha256sum | cut -c1-12
	)
	echo "$CACHE/kernel-${version%%-*}-$1-$key"
}

# check_stock_package FILE SHA256: nothing is pinned if the second one is empty.
check_stock_package() {
	local have
	[ -n "$2" ] || return 0
	have=$(sha256sum <"$1" | cut -d' ' -f1)
	[ "$have" = "$2" ] ||
		die "${1##*/} is not the package that is pinned (SHA-256 $have instead of $2): change tools/dma_map/kernel.pin if Debian has built it anew."
}

# stock_option CONFIG NAME: the value of CONFIG_NAME, without quotes.
stock_option() {
	sed -n "s/^CONFIG_$2=//p" "$1" | sed 's/^"\(.*\)"$/\1/'
}

# check_stock_compilers CONFIG: those of the package are those of the environment.
check_stock_compilers() {
	local config=$1 option command wanted have
	while read -r option command; do
		wanted=$(stock_option "$config" "$option")
		# A missing command is another version, too.
		have=$($command --version 2>/dev/null | sed -n 1p) || true
		[ "$wanted" = "$have" ] ||
			die "Debian built its kernel with \"$wanted\" and this environment has \"${have:-no $command}\": the modules would not fit, so $STOCK_ELSE."
	done <<-END
		CC_VERSION_TEXT $PIN_STOCK_CC
		RUSTC_VERSION_TEXT rustc
		BINDGEN_VERSION_TEXT bindgen
	END
}

# What follows from the version of OpenSSL, and decides which key new modules are
# signed with, nothing else.
STOCK_HARMLESS='^(MODULE_SIG_KEY_TYPE_MLDSA_[0-9]+|OPENSSL_SUPPORTS_ML_DSA)$'

# One line "NAME VALUE" for each option, sorted. An option that is not there is off.
config_values() {
	sed -n 's/^CONFIG_\([A-Za-z0-9_]*\)=\(.*\)$/\1 \2/p' "$1" | LC_ALL=C sort
}

# stock_config_differences PACKAGE RESULT: prints the options that differ, but for
# those that can't change what a module sees. A shorter list of the harmless ones
# would only refuse more.
stock_config_differences() {
	LC_ALL=C join -a 1 -a 2 -e n -o '0,1.2,2.2' -t $'\x1f' \
		<(config_values "$1" | sed 's/ /\x1f/') <(config_values "$2" | sed 's/ /\x1f/') |
		awk -F '\x1f' -v harmless="$STOCK_HARMLESS" \
			'$2 != $3 && $1 !~ harmless { printf "  CONFIG_%s: the package has %s, here it becomes %s\n", $1, $2, $3 }'
}

# check_stock_config PACKAGE RESULT
check_stock_config() {
	local differences
	differences=$(stock_config_differences "$1" "$2")
	[ -z "$differences" ] && return
	printf '%s\n' "$differences" >&2
	die "Debian's configuration does not come out as it is in the package (see the options above), and structures may differ: install what they depend on (pahole, OpenSSL's headers: tools/dma_map/packages.list)."
}

# image_release IMAGE: the release that a bzImage states, at the offset that its
# header has at 0x20e.
image_release() {
	local offset
	offset=$(od -An -tu2 -j526 -N2 "$1" | tr -d ' ')
	dd if="$1" bs=1 skip=$((offset + 512)) count=256 status=none | tr '\0' '\n' | sed -n 1p | cut -d' ' -f1
}

# check_stock_release WHAT RELEASE
check_stock_release() {
	[ "$2" = "$PIN_STOCK_RELEASE" ] ||
		die "$1 is Linux ${2:-of no release} and not $PIN_STOCK_RELEASE: its modules would not load, so $STOCK_PIN$STOCK_ELSE."
}

# stock_misfits SYMVERS OBJECT...: the Rust symbols that the objects import, and
# that neither the kernel nor one of them exports.
stock_misfits() {
	local symvers=$1
	shift
	LC_ALL=C comm -23 \
		<(nm -u --format=just-symbols "$@" | grep '^_R' | LC_ALL=C sort -u) \
		<({ cut -f2 "$symvers" && nm --defined-only --format=just-symbols "$@"; } | grep '^_R' | LC_ALL=C sort -u)
}

# check_stock_symbols SYMVERS OBJECT...: a Rust symbol's name has the hash of its
# crate, which the compiler makes of the crate's source and the flags. So crates
# that were built otherwise than Debian's have other names.
check_stock_symbols() {
	local misfits
	misfits=$(stock_misfits "$@")
	[ -z "$misfits" ] && return
	printf '%s\n' "$misfits" | sed -n "1,10s/^/  /p" >&2
	die "the modules import $(wc -l <<<"$misfits") Rust symbols that Debian's kernel does not export (the first ones are above): its crates were built otherwise than those here."
}

# stock_make BUILD ARGS...
stock_make() {
	local build=$1
	shift
	make -C "$(source_path)" O="$build" CC="$PIN_STOCK_CC" \
		LOCALVERSION="+${PIN_STOCK_RELEASE#*+}" "$@"
}

# fetch_stock BUILD FLAVOUR: the packages' files that are needed, and the image where
# kbuild would put it.
fetch_stock() {
	local build=$1 tmp=$CACHE/$2.tmp.$$ log=$CACHE/$2.log mirror version
	version=$(source_version)
	drop_leftovers "$2"
	mirror=$(find_mirror)
	open_suite "$tmp" "$log" "$mirror"
	say "kernel: downloading Debian's $PIN_STOCK_RELEASE, 16 MB, from $mirror"
	(cd "$tmp" && private_apt "$tmp" apt-get -q download \
		"$PIN_STOCK_HEADERS=$version" "$PIN_STOCK_IMAGE=$version") >>"$log" 2>&1 || {
		rm -rf -- "$tmp"
		fail_with_log "$log" "can't download Debian's kernel $version from the mirror $mirror: check the network; if the mirror has a newer one only, run make distclean, which removes the source of the old one, or take KERNEL=test."
	}
	check_stock_package "$(echo "$tmp/$PIN_STOCK_HEADERS"_*.deb)" "$PIN_STOCK_HEADERS_SHA256"
	check_stock_package "$(echo "$tmp/$PIN_STOCK_IMAGE"_*.deb)" "$PIN_STOCK_IMAGE_SHA256"
	mkdir -p "$build/arch/x86/boot"
	dpkg-deb --fsys-tarfile "$tmp/$PIN_STOCK_HEADERS"_*.deb |
		tar -x -C "$build" --strip-components=4 \
			"./usr/src/$PIN_STOCK_HEADERS/.config" "./usr/src/$PIN_STOCK_HEADERS/Module.symvers"
	dpkg-deb --fsys-tarfile "$tmp/$PIN_STOCK_IMAGE"_*.deb |
		tar -xO "./usr/lib/modules/$PIN_STOCK_RELEASE/vmlinuz" >"$build/arch/x86/boot/bzImage"
	mv "$build/.config" "$build/package.config"
	mv "$build/Module.symvers" "$build/package.symvers"
	rm -rf -- "$tmp"
}

# build_stock_metadata BUILD CONFIG: what modules need of the kernel, from its source, with
# the package's configuration.
build_stock_metadata() {
	local build=$1 config=$2
	check_stock_compilers "$config"

	cp "$config" "$build/.config"
	stock_make "$build" olddefconfig >"$build.log" 2>&1 </dev/null ||
		fail_with_log "$build.log" "Debian's kernel could not be configured."
	check_stock_config "$config" "$build/.config"

	say "kernel: building the Rust metadata of Debian's $PIN_STOCK_RELEASE with $(nproc) jobs, 3 minutes on 2 cores; log: $build.log"
	progress kernel objects "$PIN_OBJECTS_stock" '^  [A-Z]' "$build.log" -- \
		stock_make "$build" -j"$(nproc)" modules_prepare ||
		fail_with_log "$build.log" "the metadata of Debian's kernel does not build; the whole log is in $build.log."
	check_stock_release "what was built" "$(cat "$build/include/config/kernel.release")"
	# kbuild may have looked at it again.
	check_stock_config "$config" "$build/.config"
}

build_stock_locked() {
	local build=$1
	need_space 500 "what modules need of Debian's kernel"
	mkdir -p "$build"
	fetch_stock "$build" "$2"
	check_stock_release "the image" "$(image_release "$build/arch/x86/boot/bzImage")"
	build_stock_metadata "$build" "$build/package.config"
	cp "$build/package.symvers" "$build/Module.symvers"
	touch "$build/.complete"
}

# What makes disks and file systems, of Debian's own modules; null_blk is the disk without a device that
# make bench-nvme measures, too.
STOCK_MODULES=(drivers/nvme/common/{nvme-auth,nvme-keyring} drivers/nvme/host/{nvme,nvme-core}
	drivers/block/null_blk/null_blk fs/configfs/configfs
	fs/ext4/ext4 fs/jbd2/jbd2 fs/mbcache lib/crc/crc16)

# stock_modules_path: keyed by what is taken from which package.
stock_modules_path() {
	local key
	key=$(echo "${STOCK_MODULES[*]} $(source_version) $PIN_STOCK_MODULES_SHA256" | sha256sum | cut -c1-12)
	echo "$CACHE/kernel-modules-$PIN_STOCK_RELEASE-$key"
}

# fetch_stock_modules DIRECTORY FLAVOUR
fetch_stock_modules() {
	local directory=$1 tmp=$CACHE/$2-modules.tmp.$$ log=$CACHE/$2-modules.log mirror version
	local package=linux-modules-$PIN_STOCK_RELEASE
	local -a names
	version=$(source_version)
	drop_leftovers "$2-modules"
	need_space 300 "Debian's own modules"
	mirror=$(find_mirror)
	open_suite "$tmp" "$log" "$mirror"
	say "kernel: downloading the modules of Debian's $PIN_STOCK_RELEASE, 110 MB, from $mirror"
	(cd "$tmp" && private_apt "$tmp" apt-get -q download "$package=$version") >>"$log" 2>&1 || {
		rm -rf -- "$tmp"
		fail_with_log "$log" "can't download the modules of Debian's kernel $version from the mirror $mirror: check the network, or leave the disks out."
	}
	check_stock_package "$(echo "$tmp/$package"_*.deb)" "$PIN_STOCK_MODULES_SHA256"
	mkdir "$tmp/modules"
	names=("${STOCK_MODULES[@]/#/./usr/lib/modules/$PIN_STOCK_RELEASE/kernel/}")
	dpkg-deb --fsys-tarfile "$tmp/$package"_*.deb |
		tar -x -C "$tmp/modules" --transform 's,.*/,,' "${names[@]/%/.ko.xz}"
	xz -d "$tmp/modules"/*.ko.xz
	mv -T "$tmp/modules" "$directory"
	rm -rf -- "$tmp"
}
