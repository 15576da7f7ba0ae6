# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2317 source-path=SCRIPTDIR
# The layer inside a kernel tree: what its modules import is exported, with a version.

# shellcheck source=../lib/tree.sh
. "$TOOLS/lib/tree.sh"

# a_tree_build IMPORT...: a module that imports these, and what the kernel exports.
a_tree_build() {
	mkdir -p build/drivers/dma_map
	printf '.quad %s\n' "$@" | gcc -x assembler -c -o build/drivers/dma_map/dma_map_edu.ko -
	printf '0x%s\t%s\tvmlinux\tEXPORT_SYMBOL_GPL\t\n' 00000001 _RNv_7dma_map4open 00000002 _RNv_6kernel3run \
		00000000 _RNv_4core5other >build/Module.symvers
	: >build/.config
}

test_tree_symbols_that_are_exported() {
	a_tree_build _RNv_7dma_map4open _RNv_6kernel3run kfree
	check_tree_symbols build
	# Versions of other crates are the kernel's business.
	echo CONFIG_MODVERSIONS=y >build/.config
	check_tree_symbols build
}

test_tree_symbols_that_nothing_exports() {
	a_tree_build _RNv_7dma_map4open _RNv_7dma_map5close
	expect _RNv_7dma_map5close "$(tree_misfits build)"
	expect_error 'import 1 Rust symbols that nothing exports' check_tree_symbols build
}

test_tree_symbols_without_a_version() {
	a_tree_build _RNv_7dma_map4open
	sed -i 's/^0x00000001/0x00000000/' build/Module.symvers
	check_tree_symbols build
	echo CONFIG_MODVERSIONS=y >build/.config
	expect_error 'an export of the library has no version' check_tree_symbols build
}
