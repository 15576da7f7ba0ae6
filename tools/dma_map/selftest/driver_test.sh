# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2317
# What driver.mk tells a driver's author who builds with the wrong compiler, or
# without the library.

# compilers CC RUSTC: programs that say this of themselves; RUSTC is none if it is left out.
compilers() {
	printf '#!/bin/sh\necho "%s"\n' "$1" >cc
	printf '#!/bin/sh\necho "%s"\n' "${2-}" >rustc
	chmod +x cc rustc
	[ -n "${2-}" ] || rm rustc
}

# a_kernel OPTION=VALUE...: what driver.mk asks of kbuild, for a kernel with these
# options; and what was built for it.
a_kernel() {
	mkdir -p kernel
	printf '%s\n' 'CONFIG_RUSTC_VERSION_TEXT="rustc 1.85.1 (a tarball)"' "$@" >kernel/auto.conf
	compilers 'gcc (Debian) 14.2.0' 'rustc 1.85.1 (a tarball)'
	PARSED=Makefile.build
	mkdir -p build/rust/dma_map
	touch build/rust/dma_map/libdma_map.rmeta
	ln -sfn "$PWD/kernel" build.kernel
}

# kbuild [VARIABLE=VALUE]...: reads a Kbuild that includes driver.mk.
kbuild() {
	mkdir -p scripts
	printf '%s\n' "include $PWD/kernel/auto.conf" "include $TOP/driver.mk" \
		'all: ; @echo "$(rustflags-y) $(KBUILD_EXTRA_SYMBOLS)"' >"scripts/$PARSED"
	make --no-print-directory -f "$PWD/scripts/$PARSED" objtree="$PWD/kernel" \
		CC="$PWD/cc" RUSTC="$PWD/rustc" "$@" 2>&1
}

# expect_refusal PATTERN [VARIABLE=VALUE]...: kbuild stops, with one line that matches PATTERN.
expect_refusal() {
	local pattern=$1 output
	shift
	if output=$(kbuild "$@"); then
		echo "not refused: $output"
		exit 1
	fi
	expect 1 "$(wc -l <<<"$output")"
	if ! grep -qE -- "$pattern" <<<"$output"; then
		printf 'expected a refusal like: %s\n                     got: %s\n' "$pattern" "$output"
		exit 1
	fi
}

test_driver_with_what_the_kernel_was_built_with() {
	a_kernel
	expect "-L $PWD/build/rust/dma_map --extern dma_map $PWD/build/Module.symvers" \
		"$(kbuild DMA_MAP_BUILD="$PWD/build")"
	a_kernel CONFIG_CC_IS_CLANG=y
	compilers 'Debian clang version 19.1.7' 'rustc 1.85.1 (a tarball)'
	kbuild DMA_MAP_BUILD="$PWD/build" LLVM=1
}

test_driver_with_another_rustc() {
	a_kernel
	compilers 'gcc (Debian) 14.2.0' 'rustc 1.90.0 (1159e78c4 2025-09-14)'
	expect_refusal "1\.85\.1 \(a tarball\), and here is rustc 1\.90\.0.*$TOP/tools/dma_map/devenv run" \
		DMA_MAP_BUILD="$PWD/build"
	compilers 'gcc (Debian) 14.2.0'
	expect_refusal 'here is no rustc: .*devenv run' DMA_MAP_BUILD="$PWD/build"
}

test_driver_with_the_other_c_compiler() {
	a_kernel
	compilers 'Debian clang version 19.1.7' 'rustc 1.85.1 (a tarball)'
	expect_refusal "the kernel in $PWD/kernel was built with gcc: leave LLVM=1 out" \
		DMA_MAP_BUILD="$PWD/build" LLVM=1
	a_kernel CONFIG_CC_IS_CLANG=y
	expect_refusal "the kernel in $PWD/kernel was built with clang: add LLVM=1" DMA_MAP_BUILD="$PWD/build"
}

test_driver_before_the_library() {
	a_kernel
	rm -r build
	expect_refusal "not built yet: run make -C $TOP modules KDIR=$PWD/kernel\.  Stop" DMA_MAP_BUILD="$PWD/build"
	# What decides is the kernel, not a variable that is left over.
	LLVM=1 expect_refusal "modules KDIR=$PWD/kernel\.  Stop" DMA_MAP_BUILD="$PWD/build"
	a_kernel CONFIG_CC_IS_CLANG=y
	rm -r build
	compilers 'Debian clang version 19.1.7' 'rustc 1.85.1 (a tarball)'
	expect_refusal "modules KDIR=$PWD/kernel LLVM=1\.  Stop" DMA_MAP_BUILD="$PWD/build"
}

test_driver_beside_the_library_for_another_kernel() {
	a_kernel
	ln -sfn "$PWD/old" build.kernel
	expect_refusal "built for the kernel in $PWD/old: run make -C $TOP modules" DMA_MAP_BUILD="$PWD/build"
}

# A copy of driver.mk, in a checkout with builds for several kernels.
test_driver_finds_the_library_for_its_kernel() {
	a_kernel
	mkdir -p checkout/build
	cp "$TOP/driver.mk" checkout/
	cp -r build checkout/build/gcc
	cp -r build checkout/build/stock
	ln -sfn "$PWD/old" checkout/build/gcc.kernel
	ln -sfn "$PWD/kernel" checkout/build/stock.kernel
	local TOP=$PWD/checkout
	expect "-L $TOP/build/stock/rust/dma_map --extern dma_map $TOP/build/stock/Module.symvers" "$(kbuild)"
	ln -sfn "$PWD/kernel" checkout/build/gcc.kernel
	ln -sfn "$PWD/old" checkout/build/stock.kernel
	expect "-L $TOP/build/gcc/rust/dma_map --extern dma_map $TOP/build/gcc/Module.symvers" "$(kbuild)"
	# Of a kernel whose build has a name of its own.
	mv checkout/build/stock checkout/build/any-no-smp
	mv checkout/build/stock.kernel checkout/build/any-no-smp.kernel
	ln -sfn "$PWD/old" checkout/build/gcc.kernel
	ln -sfn "$PWD/kernel" checkout/build/any-no-smp.kernel
	expect "-L $TOP/build/any-no-smp/rust/dma_map --extern dma_map $TOP/build/any-no-smp/Module.symvers" "$(kbuild)"
	ln -sfn "$PWD/old" checkout/build/any-no-smp.kernel
	# For none of them: the one that make modules would build.
	ln -sfn "$PWD/old" checkout/build/gcc.kernel
	expect_refusal "built for the kernel in $PWD/old: run make -C $TOP modules KDIR=$PWD/kernel"
}

# An object that was compiled with older metadata is not loaded by the kernel.
test_driver_is_built_anew_after_the_library() {
	a_kernel
	mkdir -p scripts
	printf '%s\n' 'obj := .' 'obj-m := one.o two.o' 'two-y := sub/part.o' "include $PWD/kernel/auto.conf" \
		"include $TOP/driver.mk" './%.o: ; @echo compile $@' >scripts/Makefile.build
	mkdir sub
	touch -d '1 hour ago' one.o sub/part.o
	expect 'compile one.o
compile sub/part.o' "$(make --no-print-directory -f "$PWD/scripts/Makefile.build" objtree="$PWD/kernel" \
		CC="$PWD/cc" RUSTC="$PWD/rustc" DMA_MAP_BUILD="$PWD/build" one.o sub/part.o 2>&1)"
}

test_driver_that_is_cleaned_needs_nothing() {
	a_kernel
	rm -r build
	rm cc rustc
	PARSED=Makefile.clean
	kbuild DMA_MAP_BUILD="$PWD/build"
}
