# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2317 source-path=SCRIPTDIR
# KDIR=: each reason for which a kernel can't be used has its sentence.

# shellcheck source=../lib/kdir.sh
. "$TOOLS/lib/kdir.sh"

# A directory that looks like a built kernel, and the compiler that built it.
fake_kdir() {
	PIN_SERIES=7.3
	KDIR=$PWD/kernel
	mkdir -p kernel/rust kernel/include/config
	printf 'CONFIG_RUST=y\nCONFIG_RUSTC_VERSION_TEXT="rustc 1.85.1"\nCONFIG_CC_IS_GCC=y\n' >kernel/.config
	echo 7.3.4 >kernel/include/config/kernel.release
	touch kernel/rust/libkernel.rmeta kernel/Module.symvers
	rustc() { echo "rustc 1.85.1"; }
}

test_kdir_good() {
	fake_kdir
	check_kdir
	echo 7.10.0-rc1 >kernel/include/config/kernel.release
	check_kdir
}

test_kdir_that_is_no_directory() {
	fake_kdir
	KDIR=$PWD/nothing
	expect_error 'not a directory' check_kdir
}

test_kdir_without_a_config() {
	fake_kdir
	rm kernel/.config
	expect_error 'no .config' check_kdir
}

test_kdir_without_rust() {
	fake_kdir
	sed -i 's/^CONFIG_RUST=y/# CONFIG_RUST is not set/' kernel/.config
	expect_error 'CONFIG_RUST=y' check_kdir
}

test_kdir_of_another_rustc() {
	fake_kdir
	rustc() { echo "rustc 1.90.0"; }
	expect_error '1\.85\.1.*1\.90\.0' check_kdir
}

test_kdir_not_built() {
	fake_kdir
	rm kernel/rust/libkernel.rmeta
	expect_error 'not built \(rust/libkernel.rmeta' check_kdir
}

test_kdir_too_old() {
	fake_kdir
	echo 6.18.3 >kernel/include/config/kernel.release
	expect_error 'Linux 6\.18\.3.*needs 7\.3' check_kdir
}

test_kdir_of_the_other_c_compiler() {
	fake_kdir
	LLVM=1
	expect_error 'built with gcc' check_kdir
	sed -i 's/CC_IS_GCC/CC_IS_CLANG/' kernel/.config
	check_kdir
	unset LLVM
	expect_error 'built with clang: add LLVM=1' check_kdir
}

test_kdir_notes_what_can_not_be_tested() {
	fake_kdir
	echo CONFIG_KUNIT=y >>kernel/.config
	expect 'DMA_API_DEBUG PROVE_LOCKING SWIOTLB_DYNAMIC' \
		"$(note_kdir 2>&1 | grep -o 'CONFIG_[A-Z_]*' | sed 's/CONFIG_//' | paste -sd' ')"
}
