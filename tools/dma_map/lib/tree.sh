# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# A kernel tree of our own, build/tree, that the layer is laid over: a copy of the
# pinned source. What is built of it is beside it, in build/kunit-tree and in a
# directory for each configuration that says "tree" (lib/any.sh).

TREE=$TOP/build/tree

# Where the tree is of another version, it is copied anew, and the rest built anew.
prepare_tree() {
	local source
	fetch_source
	source=$(source_path)
	[ "$(cat "$TREE.source" 2>/dev/null)" = "$source" ] && [ -d "$TREE" ] && return
	say "tree: copying the kernel's source into ${TREE#"$TOP"/}, 1.8 GB"
	rm -rf --one-file-system -- "$TREE" "$TREE.source" "$TOP"/build/kunit-tree{,-llvm} "$TOP"/build/any-tree-*
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
