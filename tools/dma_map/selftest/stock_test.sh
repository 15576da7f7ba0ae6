# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2317 source-path=SCRIPTDIR
# KERNEL=stock: each way in which what is made here does not fit Debian's kernel
# is refused, with its sentence.

# shellcheck source=../lib/stock.sh
. "$TOOLS/lib/stock.sh"

# A package's configuration, and compilers of its versions.
fake_stock() {
	PIN_VERSION=7.3.4-1~bpo13+1 PIN_STOCK_RELEASE=7.3.4+deb13-amd64 PIN_STOCK_CC=some-gcc-14
	cat >package.config <<-'END'
		CONFIG_CC_VERSION_TEXT="some-gcc-14 (Debian) 14.2.0"
		CONFIG_RUSTC_VERSION_TEXT="rustc 1.85.1"
		CONFIG_BINDGEN_VERSION_TEXT="bindgen 0.71.1"
		CONFIG_DEBUG_INFO_BTF=y
		CONFIG_SCHED_CLASS_EXT=y
		CONFIG_HZ=250
		# CONFIG_MODULE_SIG_KEY_TYPE_MLDSA_44 is not set
		CONFIG_OPENSSL_SUPPORTS_ML_DSA=y
		# CONFIG_KUNIT is not set
	END
	cp package.config config
	some-gcc-14() { echo "some-gcc-14 (Debian) 14.2.0"; }
	rustc() { echo "rustc 1.85.1"; }
	bindgen() { echo "bindgen 0.71.1"; }
}

test_stock_good() {
	fake_stock
	check_stock_compilers package.config
	check_stock_config package.config config
	check_stock_release "the image" 7.3.4+deb13-amd64
}

test_stock_follows_the_source() {
	fake_stock
	PIN_STOCK_HEADERS=linux-headers-$PIN_STOCK_RELEASE PIN_STOCK_IMAGE=linux-binary-$PIN_STOCK_RELEASE
	PIN_STOCK_HEADERS_SHA256=0123 PIN_STOCK_IMAGE_SHA256=4567 PIN_STOCK_MODULES_SHA256=89ab CACHE=$PWD
	source_version() { echo 7.3.4-1~bpo13+1; }
	follow_source
	expect '7.3.4+deb13-amd64 0123' "$PIN_STOCK_RELEASE $PIN_STOCK_HEADERS_SHA256"
	local pinned
	pinned=$(stock_path stock)
	expect "$PWD/kernel-7.3.4-stock" "${pinned%-*}"

	# The pinned version was gone. Twice: the second time there is nothing left to do.
	source_version() { echo 7.3.10-2~bpo13+1; }
	follow_source
	follow_source
	expect 7.3.10+deb13-amd64 "$PIN_STOCK_RELEASE"
	expect 'linux-headers-7.3.10+deb13-amd64 linux-binary-7.3.10+deb13-amd64' "$PIN_STOCK_HEADERS $PIN_STOCK_IMAGE"
	expect .. "$PIN_STOCK_HEADERS_SHA256.$PIN_STOCK_IMAGE_SHA256.$PIN_STOCK_MODULES_SHA256"
	touch linux.deb
	check_stock_package linux.deb "$PIN_STOCK_IMAGE_SHA256"
	expect "$PWD/kernel-7.3.10-stock" "$(stock_path stock | sed 's/-[0-9a-f]*$//')"

	# Nothing is fetched yet.
	source_version() { return 1; }
	follow_source
}

test_stock_follows_the_source_for_each_variant() {
	. "$TOOLS/kernel.pin"
	pin_stock stock-rt
	source_version() { echo 7.3.10-1~bpo13+1; }
	follow_source
	expect 'linux-headers-7.3.10+deb13-rt-amd64 linux-binary-7.3.10+deb13-rt-amd64' "$PIN_STOCK_HEADERS $PIN_STOCK_IMAGE"
}

test_stock_package_that_is_another_one() {
	echo other >linux-image.deb
	check_stock_package linux-image.deb "$(sha256sum <linux-image.deb | cut -d' ' -f1)"
	expect_error 'linux-image.deb is not the package that is pinned' check_stock_package linux-image.deb 0123
}

test_stock_of_other_compilers() {
	fake_stock
	rustc() { echo "rustc 1.90.0"; }
	expect_error 'rustc 1\.85\.1.*rustc 1\.90\.0' check_stock_compilers package.config
	fake_stock
	bindgen() { echo "bindgen 0.72.1"; }
	expect_error 'bindgen 0\.71\.1.*bindgen 0\.72\.1' check_stock_compilers package.config
	fake_stock
	some-gcc-14() { echo "some-gcc-14 (Debian) 14.3.0"; }
	expect_error '14\.2\.0.*14\.3\.0' check_stock_compilers package.config
	PIN_STOCK_CC=no-such-gcc-14
	expect_error 'no no-such-gcc-14' check_stock_compilers package.config
}

# What olddefconfig does where pahole is missing.
test_stock_options_that_were_dropped() {
	fake_stock
	sed -i -e 's/^CONFIG_DEBUG_INFO_BTF=y/# CONFIG_DEBUG_INFO_BTF is not set/' -e '/SCHED_CLASS_EXT/d' config
	expect '  CONFIG_DEBUG_INFO_BTF: the package has y, here it becomes n
  CONFIG_SCHED_CLASS_EXT: the package has y, here it becomes n' \
		"$(stock_config_differences package.config config)"
	expect_error 'does not come out as it is in the package' check_stock_config package.config config
}

test_stock_options_with_other_values_and_new_ones() {
	fake_stock
	sed -i 's/HZ=250/HZ=1000/' config
	echo CONFIG_KUNIT=y >>config
	expect '  CONFIG_HZ: the package has 250, here it becomes 1000
  CONFIG_KUNIT: the package has n, here it becomes y' \
		"$(stock_config_differences package.config config)"
	expect_error 'does not come out' check_stock_config package.config config
}

test_stock_options_of_the_key_are_harmless() {
	fake_stock
	sed -i '/ML_\?DSA/d' config
	check_stock_config package.config config
	# Not what merely looks alike.
	sed -i 's/CONFIG_HZ=/CONFIG_OPENSSL_SUPPORTS_ML_DSA_HZ=/' config
	expect_error 'does not come out' check_stock_config package.config config
}

# fake_image RELEASE: its offset is at 0x20e, less 0x200.
fake_image() {
	{
		head -c 526 /dev/zero
		printf '\x00\x01'
		head -c 240 /dev/zero
		printf '%s (someone) #1\0more' "$1"
	} >image
}

test_stock_image_of_another_release() {
	fake_stock
	fake_image 7.3.4+deb13-amd64
	expect 7.3.4+deb13-amd64 "$(image_release image)"
	check_stock_release "the image" "$(image_release image)"
	fake_image 7.3.5+deb13-amd64
	expect_error 'the image is Linux 7\.3\.5\+deb13-amd64 and not 7\.3\.4' \
		check_stock_release "the image" "$(image_release image)"
	expect_error 'of no release' check_stock_release "the image" ''
}

test_stock_symbols_of_crates_that_were_built_otherwise() {
	printf '.globl _RN_ours\n_RN_ours:\n.quad _RN_kernel, _RN_ours, memcpy\n' | gcc -x assembler -c -o lib.o -
	printf '.quad _RN_ours\n' | gcc -x assembler -c -o client.o -
	printf '0x0\t_RN_kernel\tvmlinux\tEXPORT_SYMBOL_GPL\t\n' >symvers
	check_stock_symbols symvers lib.o client.o
	sed -i 's/_RN_kernel/_RN_kernel_of_another_hash/' symvers
	expect '_RN_kernel' "$(stock_misfits symvers lib.o client.o)"
	expect_error 'import 1 Rust symbols that Debian' check_stock_symbols symvers lib.o client.o
}

test_stock_is_a_flavour_of_its_own() {
	expect stock "$(KERNEL=stock flavour)"
	expect gcc "$(KERNEL=test flavour)"
	expect gcc "$(KERNEL='' flavour)"
	KERNEL=stock LLVM=1 expect_error 'built with gcc' flavour
	expect stock-rt "$(KERNEL=stock-rt flavour)"
	KERNEL=mine expect_error 'KERNEL=mine' flavour
}

# Each variant has pins of its own, all of them.
test_stock_variants_have_their_pins() {
	# shellcheck source=../kernel.pin
	. "$TOOLS/kernel.pin"
	local plain=$PIN_STOCK_IMAGE_SHA256 variant
	pin_stock stock
	pin_stock gcc
	expect "$plain" "$PIN_STOCK_IMAGE_SHA256"
	for variant in cloud rt; do
		pin_stock "stock-$variant"
		expect "${PIN_VERSION%%-*}+deb13-$variant-amd64" "$PIN_STOCK_RELEASE"
		expect "linux-headers-$PIN_STOCK_RELEASE linux-binary-$PIN_STOCK_RELEASE" \
			"$PIN_STOCK_HEADERS $PIN_STOCK_IMAGE"
		expect 64 "$(printf %s "$PIN_STOCK_HEADERS_SHA256" | wc -c)"
		[ "$PIN_STOCK_IMAGE_SHA256" != "$plain" ]
	done
}

test_stock_modules_have_a_directory_of_their_own() {
	local before
	PIN_STOCK_RELEASE=7.3.4+deb13-amd64 PIN_STOCK_MODULES_SHA256=89ab CACHE=/cache
	source_version() { echo 7.3.4-1~bpo13+1; }
	before=$(stock_modules_path)
	expect /cache/kernel-modules-7.3.4+deb13-amd64 "${before%-*}"
	STOCK_MODULES+=(drivers/block/loop)
	[ "$(stock_modules_path)" != "$before" ]
}
