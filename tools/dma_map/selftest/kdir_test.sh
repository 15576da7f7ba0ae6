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
	cat >kernel/.config <<-'END'
		# Linux/x86 7.3.4 Kernel Configuration
		CONFIG_CC_VERSION_TEXT="x86_64-linux-gnu-gcc-14 (Debian 14.2.0-19) 14.2.0"
		CONFIG_RUST=y
		CONFIG_PCI=y
		CONFIG_RUSTC_VERSION_TEXT="rustc 1.85.1"
		CONFIG_BINDGEN_VERSION_TEXT="bindgen 0.71.1"
		CONFIG_CC_IS_GCC=y
	END
	echo 7.3.4 >kernel/include/config/kernel.release
	touch kernel/rust/{libcore.rmeta,libkernel.rmeta,libmacros.so} kernel/Module.symvers
	rustc() { echo "rustc 1.85.1"; }
	bindgen() { echo "bindgen 0.71.1"; }
	gcc() { echo "gcc (Debian 14.2.0-19) 14.2.0"; }
	clang() { echo "Debian clang version 19.1.7 (3)"; }
}

# The same, built with the LLVM of a clang of that version.
fake_clang_kdir() {
	fake_kdir
	sed -i -e 's/CC_IS_GCC/CC_IS_CLANG/' \
		-e "s/^CONFIG_CC_VERSION_TEXT=.*/CONFIG_CC_VERSION_TEXT=\"$1\"/" kernel/.config
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

test_kdir_without_pci() {
	fake_kdir
	sed -i '/^CONFIG_PCI=y/d' kernel/.config
	expect_error 'CONFIG_PCI=y, which the library needs' check_kdir
}

test_kdir_of_another_rustc() {
	fake_kdir
	rustc() { echo "rustc 1.90.0"; }
	expect_error '1\.85\.1.*1\.90\.0' check_kdir
}

test_kdir_without_rustc_here() {
	fake_kdir
	rustc() { return 127; }
	expect_error '1\.85\.1.*has ""' check_kdir
}

test_kdir_not_built() {
	fake_kdir
	rm kernel/include/config/kernel.release
	expect_error 'not built \(include/config/kernel.release' check_kdir
}

# What a package of headers is, or a kernel whose Rust part was cleaned.
test_kdir_without_metadata() {
	local file
	for file in libcore.rmeta libkernel.rmeta libmacros.so; do
		fake_kdir
		rm "kernel/rust/$file"
		expect_error "no Rust metadata \\(rust/$file is missing.*KERNEL=stock" check_kdir
	done
}

# What make modules_prepare leaves: enough to compile.
test_kdir_that_is_only_prepared() {
	fake_kdir
	rm kernel/Module.symvers
	expect_error 'prepared but not built \(Module.symvers.*KBUILD_MODPOST_WARN=1' check_kdir
	KBUILD_MODPOST_WARN=1 check_kdir
}

test_kdir_too_old() {
	fake_kdir
	echo 6.18.3 >kernel/include/config/kernel.release
	expect_error 'Linux 6\.18\.3.*needs 7\.3' check_kdir
	# Said before anything else, such as that it has no Rust: that would not help.
	sed -i 's/^CONFIG_RUST=y//' kernel/.config
	expect_error 'Linux 6\.18\.3.*needs 7\.3' check_kdir
}

test_kdir_too_old_and_not_built() {
	fake_kdir
	rm kernel/include/config/kernel.release
	sed -i 's/ 7\.3\.4 / 6.12.9 /' kernel/.config
	expect_error 'Linux 6\.12\.9.*needs 7\.3' check_kdir
}

test_kdir_of_the_other_c_compiler() {
	fake_kdir
	LLVM=1
	expect_error 'built with gcc' check_kdir
	fake_clang_kdir "Debian clang version 19.1.7 (3)"
	check_kdir
	unset LLVM
	expect_error 'built with clang: add LLVM=1' check_kdir
}

test_kdir_of_another_llvm() {
	fake_clang_kdir "Debian clang version 21.1.0 (1)"
	LLVM=1 expect_error 'LLVM of clang.*21\.1\.0.*19\.1\.7' check_kdir
}

# Both can be used, and both are told.
test_kdir_of_another_bindgen_or_gcc() {
	fake_kdir
	expect '' "$(note_kdir_tools 2>&1)"
	bindgen() { echo "bindgen 0.72.1"; }
	check_kdir
	expect 1 "$(note_kdir_tools 2>&1 | grep -cE 'bindgen 0\.71\.1.*bindgen 0\.72\.1')"
	fake_kdir
	gcc() { echo "gcc (Debian 15.2.0-1) 15.2.0"; }
	check_kdir
	expect 1 "$(note_kdir_tools 2>&1 | grep -cE '14\.2\.0.*15\.2\.0')"
}

test_kdir_notes_what_can_not_be_tested() {
	fake_kdir
	echo CONFIG_KUNIT=y >>kernel/.config
	expect 'DEBUG_FS DMA_API_DEBUG PROVE_LOCKING SWIOTLB_DYNAMIC' \
		"$(note_kdir 2>&1 | grep -o 'CONFIG_[A-Z_]*' | sed 's/CONFIG_//' | paste -sd' ')"
}
