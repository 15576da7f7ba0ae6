# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# KDIR=: a kernel that the user built. Says in one sentence why it can't be
# used, before kbuild says it in forty.

# kdir_option NAME: the value of CONFIG_NAME in $KDIR/.config, without quotes.
kdir_option() {
	sed -n "s/^CONFIG_$1=//p" "$KDIR/.config" | sed 's/^"\(.*\)"$/\1/'
}

# check_kdir: fails unless modules of this project build against $KDIR with the
# toolchain of the environment.
check_kdir() {
	local release built here file
	[ -d "$KDIR" ] || die "KDIR=$KDIR is not a directory."
	[ -r "$KDIR/.config" ] || die "KDIR=$KDIR has no .config: give the build directory of a configured and built kernel."
	[ "$(kdir_option RUST)" = y ] ||
		die "KDIR=$KDIR is a kernel without CONFIG_RUST=y: enable it (make rustavailable says what it needs) and build that kernel again."
	built=$(kdir_option RUSTC_VERSION_TEXT)
	here=$(rustc --version)
	[ "$built" = "$here" ] ||
		die "KDIR=$KDIR was configured with \"$built\" and this environment has \"$here\": Rust modules need the same compiler, so build that kernel with 'tools/dma_map/devenv run make ...'."
	for file in rust/libkernel.rmeta Module.symvers include/config/kernel.release; do
		[ -r "$KDIR/$file" ] ||
			die "KDIR=$KDIR is configured but not built ($file is missing): run make in it first."
	done
	release=$(cat "$KDIR/include/config/kernel.release")
	[ "$(printf '%s\n' "$PIN_SERIES" "$release" | sort -V | head -n 1)" = "$PIN_SERIES" ] ||
		die "KDIR=$KDIR is Linux $release: the library needs $PIN_SERIES or newer."
	if [ "$(kdir_option CC_IS_CLANG)" = y ]; then
		[ "$(toolchain)" = llvm ] || die "KDIR=$KDIR was built with clang: add LLVM=1."
	else
		[ "$(toolchain)" = gcc ] || die "KDIR=$KDIR was built with gcc: leave LLVM=1 out."
	fi
}

# note_kdir: what will not be tested because $KDIR can't show it.
note_kdir() {
	local option what
	while read -r option what; do
		[ "$(kdir_option "$option")" = y ] ||
			say "kernel: KDIR has no CONFIG_$option=y, so $what"
	done <<-'END'
		KUNIT the KUnit suites can't run
		DMA_API_DEBUG DMA API misuse is not reported
		PROVE_LOCKING wrong lock order is not reported
		SWIOTLB_DYNAMIC bounce buffers for a 28-bit device may be out of its reach
	END
}
