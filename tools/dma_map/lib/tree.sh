# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# A kernel tree of our own, build/tree, that the layer is laid over: a copy of the
# pinned source. What is built of it is beside it, in build/kunit-tree, and in one
# directory for the configurations that say "tree" (lib/any.sh): they differ in the
# layer's options only, so that the Rust crates are compiled once.

TREE=$TOP/build/tree
# shellcheck disable=SC2034
TREE_MODULES=$TOP/build/tree-modules

# Where the tree is of another version, it is copied anew, and the rest built anew.
prepare_tree() {
	local source
	fetch_source
	source=$(source_path)
	[ "$(cat "$TREE.source" 2>/dev/null)" = "$source" ] && [ -d "$TREE" ] && return
	say "tree: copying the kernel's source into ${TREE#"$TOP"/}, 1.8 GB"
	rm -rf --one-file-system -- "$TREE" "$TREE.source" "$TOP"/build/kunit-tree{,-llvm} "$TREE_MODULES"
	cp -r --preserve=mode,timestamps --reflink=auto "$source" "$TREE.tmp.$$"
	mv -T "$TREE.tmp.$$" "$TREE"
	echo "$source" >"$TREE.source"
}

# enter_tree: from here until this script ends, the layer is in the tree, and no
# other run is.
enter_tree() {
	mkdir -p "$TOP/build"
	take_lock "$TREE"
	rm -rf --one-file-system -- "$TREE".tmp.*
	prepare_tree
	# What a killed run left.
	[ ! -e "$TREE/.dma_map-overlay" ] || "$TOOLS/overlay" remove "$TREE"
	trap '"$TOOLS/overlay" remove "$TREE"' EXIT
	"$TOOLS/overlay" add "$TREE"
}

# tree_misfits BUILD: the Rust symbols that modules import and nothing exports.
tree_misfits() {
	LC_ALL=C comm -23 \
		<(nm -u --format=just-symbols "$1"/drivers/dma_map/*.ko | grep '^_R' | LC_ALL=C sort -u) \
		<(cut -f2 "$1/Module.symvers" | LC_ALL=C sort -u)
}

# check_tree_symbols BUILD: modpost itself names ten symbols, and passes over the others.
# With CONFIG_MODVERSIONS each export of the library has a version.
check_tree_symbols() {
	local misfits
	misfits=$(tree_misfits "$1")
	[ -z "$misfits" ] || {
		printf '%s\n' "$misfits" | sed -n "1,10s/^/  /p" >&2
		die "the modules import $(wc -l <<<"$misfits") Rust symbols that nothing exports (the first ones are above)."
	}
	! grep -qx CONFIG_MODVERSIONS=y "$1/.config" || ! grep -qP '^0x00000000\t_R\w*7dma_map' "$1/Module.symvers" ||
		die "an export of the library has no version: see $1/Module.symvers."
}
