# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Any configuration: each fragment in tools/testing/dma_map/configs/any is one. Of
# its kernel only what modules need is built, which has no Module.symvers: modules
# compile against it, and are loaded nowhere, unless the fragment says "boots".
#
# Comments of a fragment that say how it is used:
#   # base: defconfig       on top of that, instead of tinyconfig and base.config
#   # with: NAME...         these fragments of the directory come before it
#   # compiler: clang       instead of gcc
#   # undefine: CONFIG_X... our C files are compiled as if these were off
#   # boots: COMMAND       the whole kernel is built, and the harness does this with it
#   # tree: HOW             inside a kernel tree (tools/dma_map/tree_modules)
#   # missing: SENTENCE     what the layer has not there, for the documentation
#   # skipped: SENTENCE     why it can't be had in this environment

# any_base NAME: the configuration that kbuild makes before anything is merged.
any_base() {
	local base
	base=$(any_note "$1" base)
	echo "${base:-tinyconfig}"
}

# any_fragments NAME
any_fragments() {
	local other
	[ -n "$(any_note "$1" base)" ] || echo "$CONFIGS/base.config"
	for other in $(any_note "$1" with); do echo "$ANY/$other.config"; done
	echo "$ANY/$1.config"
}

# any_undefined NAME: the options that our C files are not to see.
any_undefined() {
	any_notes "$1" undefine | tr ' ' '\n' | sed '/^$/d'
}

# any_missing NAME: what the layer has not there, one sentence a line.
any_missing() {
	any_notes "$1" missing
}

# any_notes NAME KEY: what the fragments that come before it say, and then its own.
any_notes() {
	local part
	for part in $(any_note "$1" with) "$1"; do any_note "$part" "$2"; done
}

# version_arguments: those for a $kernel that is only prepared, and has no versions.
# Of the versions of what a module imports, modpost writes a list that does not
# compile if there are none (EXTENDED_MODVERSIONS). This one decides nothing.
version_arguments() {
	[ ! -e "$kernel/Module.symvers" ] && grep -qx CONFIG_MODVERSIONS=y "$kernel/.config" || return 0
	printf '0x00000000\tmodule_layout\tvmlinux\tEXPORT_SYMBOL_GPL\t\n' >"$out.symvers"
	echo "KBUILD_EXTRA_SYMBOLS=$out.symvers"
}

# any_arguments NAME: make's arguments for the modules that are built for $kernel in
# $out, one a line.
any_arguments() {
	local option header
	# Where no module is loaded, the kernel need not have what they import.
	[ -e "$kernel/Module.symvers" ] || echo KBUILD_MODPOST_WARN=1
	version_arguments
	option=$(any_undefined "$1")
	[ -n "$option" ] || return 0
	# kbuild includes it after its own headers, so it has the last word.
	header=$(any_header)
	printf '#undef %s\n' $option >"$header.new"
	# An unchanged one compiles nothing anew.
	cmp -s "$header.new" "$header" || mv "$header.new" "$header"
	rm -f "$header.new"
	echo "KCFLAGS=-include $header"
}

# Beside the modules' directory, which may be removed meanwhile.
any_header() {
	echo "$out.undefined.h"
}

# any_misfits KERNEL OBJECT...: the Rust symbols that the objects import, and that
# neither the kernel's crates nor one of them have.
any_misfits() {
	local kernel=$1
	shift
	LC_ALL=C comm -23 \
		<(nm -u --format=just-symbols "$@" | grep '^_R' | LC_ALL=C sort -u) \
		<(nm --defined-only --format=just-symbols "$kernel"/rust/*.o "$@" | grep '^_R' | LC_ALL=C sort -u)
}

# check_any_symbols KERNEL OBJECT...
check_any_symbols() {
	local misfits
	misfits=$(any_misfits "$@")
	[ -z "$misfits" ] && return
	printf '%s\n' "$misfits" | sed -n "1,10s/^/  /p" >&2
	die "the modules import $(wc -l <<<"$misfits") Rust symbols that the kernel's crates do not have (the first ones are above)."
}

build_any_locked() {
	local build=$1 name=$2 what="its Rust metadata" minutes=3 space=600 objects=$PIN_OBJECTS_any
	local -a goals=(modules_prepare)
	if [ -n "$(any_note "$name" boots)" ]; then
		what="all of it" minutes=8 space=2500 objects=$PIN_OBJECTS_gcc goals=(bzImage modules)
	fi
	need_space $space "what is built of a kernel"
	say "kernel: configuring Linux $(source_version) as $name"
	configure "$build"
	say "kernel: building $what with $(nproc) jobs, $minutes minutes on 2 cores; log: $build.log"
	progress kernel objects "$objects" '^  [A-Z]' "$build.log" -- \
		kernel_make "$build" -j"$(nproc)" "${goals[@]}" ||
		fail_with_log "$build.log" "the kernel of the configuration $name does not build; the whole log is in $build.log."
	touch "$build/.complete"
}
