# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# KDIR=: a kernel that the user built. Says in one sentence why it can't be
# used, before kbuild says it in forty.

# kdir_option NAME: the value of CONFIG_NAME in $KDIR/.config, without quotes.
kdir_option() {
	sed -n "s/^CONFIG_$1=//p" "$KDIR/.config" | sed 's/^"\(.*\)"$/\1/'
}

# One version text of a compiler without the name that it was called by: gcc,
# gcc-14 and x86_64-linux-gnu-gcc-14 are one.
compiler_of() {
	sed -E 's/^[^ ]*(gcc|clang)[^ ]* //' <<<"$1"
}

# The first line that a compiler says of itself; nothing where it is missing.
version_of() {
	{ "$1" --version 2>/dev/null || true; } | sed -n 1p
}

# check_kdir_release: the kernel's series, as soon as anything states it.
check_kdir_release() {
	local release
	release=$(cat "$KDIR/include/config/kernel.release" 2>/dev/null ||
		sed -n 's/^# Linux\/.* \([0-9][^ ]*\) Kernel Configuration$/\1/p' "$KDIR/.config")
	[ -z "$release" ] ||
		[ "$(printf '%s\n' "$PIN_SERIES" "$release" | sort -V | sed -n 1p)" = "$PIN_SERIES" ] ||
		die "KDIR=$KDIR is Linux $release: the library needs $PIN_SERIES or newer."
}

# check_kdir_rust: the compiler, and what it made of the kernel's crates.
check_kdir_rust() {
	local built here file
	[ "$(kdir_option RUST)" = y ] ||
		die "KDIR=$KDIR is a kernel without CONFIG_RUST=y: enable it (make rustavailable says what it needs) and build that kernel again."
	[ "$(kdir_option PCI)" = y ] ||
		die "KDIR=$KDIR is a kernel without CONFIG_PCI=y, which the library needs: enable it and build that kernel again."
	built=$(kdir_option RUSTC_VERSION_TEXT)
	here=$(version_of rustc)
	[ "$built" = "$here" ] ||
		die "KDIR=$KDIR was configured with \"$built\" and this environment has \"$here\": Rust modules need the same compiler, so build that kernel with 'tools/dma_map/devenv run make ...'."
	[ -r "$KDIR/include/config/kernel.release" ] ||
		die "KDIR=$KDIR is configured but not built (include/config/kernel.release is missing): run make in it first."
	for file in libcore.rmeta libkernel.rmeta libmacros.so; do
		[ -r "$KDIR/rust/$file" ] ||
			die "KDIR=$KDIR has no Rust metadata (rust/$file is missing), as packages of kernel headers have none: give the directory in which that kernel was built, or KERNEL=stock for Debian's."
	done
}

# check_kdir_cc: C objects of another clang may be refused where they meet Rust's.
check_kdir_cc() {
	local built here
	built=$(compiler_of "$(kdir_option CC_VERSION_TEXT)")
	if [ "$(kdir_option CC_IS_CLANG)" = y ]; then
		[ "$(toolchain)" = llvm ] || die "KDIR=$KDIR was built with clang: add LLVM=1."
		here=$(compiler_of "$(version_of clang)")
		[ -z "$built" ] || [ "$built" = "$here" ] ||
			die "KDIR=$KDIR was built with the LLVM of clang \"$built\" and this environment has \"$here\": build that kernel with 'tools/dma_map/devenv run make LLVM=1 ...'."
	else
		[ "$(toolchain)" = gcc ] || die "KDIR=$KDIR was built with gcc: leave LLVM=1 out."
	fi
}

# check_kdir: fails unless modules of this project build against $KDIR with the
# toolchain of the environment.
check_kdir() {
	[ -d "$KDIR" ] || die "KDIR=$KDIR is not a directory."
	[ -r "$KDIR/.config" ] || die "KDIR=$KDIR has no .config: give the build directory of a configured and built kernel."
	check_kdir_release
	check_kdir_rust
	check_kdir_cc
	# To compile modules that are loaded nowhere, kbuild needs none.
	[ -r "$KDIR/Module.symvers" ] || [ -n "${KBUILD_MODPOST_WARN:-}" ] ||
		die "KDIR=$KDIR is prepared but not built (Module.symvers is missing): run make in it first, or add KBUILD_MODPOST_WARN=1 for modules that compile and can't be loaded."
}

# note_kdir_tools: what was built with other versions, and still can be used.
note_kdir_tools() {
	local built here
	built=$(kdir_option BINDGEN_VERSION_TEXT)
	here=$(version_of bindgen)
	[ -z "$built" ] || [ "$built" = "$here" ] ||
		say "kernel: KDIR was configured with \"$built\" and this environment has \"$here\": no module runs it, but C's types may look otherwise in Rust than in the kernel of the tests"
	[ "$(kdir_option CC_IS_CLANG)" != y ] || return 0
	built=$(compiler_of "$(kdir_option CC_VERSION_TEXT)")
	here=$(compiler_of "$(version_of gcc)")
	[ -z "$built" ] || [ "$built" = "$here" ] ||
		say "kernel: KDIR was built with gcc \"$built\" and this environment has \"$here\": kbuild warns of it, and may pass flags that this one does not know"
}

# note_kdir: what will not be tested because $KDIR can't show it.
note_kdir() {
	local option what
	note_kdir_tools
	while read -r option what; do
		[ "$(kdir_option "$option")" = y ] ||
			say "kernel: KDIR has no CONFIG_$option=y, so $what"
	done <<-'END'
		KUNIT the KUnit suites can't run
		DEBUG_FS the benchmark is not built
		DMA_API_DEBUG DMA API misuse is not reported
		PROVE_LOCKING wrong lock order is not reported
		SWIOTLB_DYNAMIC bounce buffers for a 28-bit device may be out of its reach
	END
}
