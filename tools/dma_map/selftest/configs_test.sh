# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2317 source-path=SCRIPTDIR
# make configs: what a fragment says of itself, which results hold, and the table.

# shellcheck source=../lib/any.sh
. "$TOOLS/lib/any.sh"

# The functions of the script, in a project of one fragment.
fake_configs() {
	mkdir any
	cat >any/small.config <<-'END'
		# SPDX-License-Identifier: GPL-2.0
		# Less of it: two CPUs are too many. And so on.
		# undefine: CONFIG_X CONFIG_Y
		# CONFIG_SMP is not set
	END
	printf '# SPDX-License-Identifier: GPL-2.0\n# Checks.\n# compiler: clang\nCONFIG_CFI=y\n' >any/checked.config
	printf '# SPDX\n# All.\n# with: small\nCONFIG_A=y\n' >any/all.config
	printf '# SPDX\n# Big.\n# base: defconfig\n# missing: fun.\nCONFIG_RUST=y\n' >any/big.config
	DMA_MAP_CONFIGS_TEST=1
	# shellcheck source=../configs
	. "$TOOLS/configs"
	CONFIGS=$PWD ANY=$PWD/any RESULTS=$PWD PAGE=$PWD/page.txt
	: >page.txt
}

test_configs_fragments_of_a_configuration() {
	fake_configs
	expect "$PWD/base.config $PWD/any/small.config $PWD/any/all.config" "$(any_fragments all | paste -sd' ')"
	expect "$PWD/any/big.config" "$(any_fragments big)"
	expect "tinyconfig defconfig" "$(any_base all) $(any_base big)"
	expect "CONFIG_X CONFIG_Y" "$(any_undefined all | paste -sd' ')"
	expect '' "$(any_undefined big)"
}

test_configs_of_a_whole_kernel() {
	fake_configs
	printf '# SPDX\n# Booted.\n# boots: demo\nCONFIG_A=y\n' >any/whole.config
	kernel=$PWD out=$PWD/any-whole
	echo CONFIG_MODVERSIONS=y >.config
	touch Module.symvers
	expect '' "$(any_arguments whole)"
	KERNEL=whole check_boot
	KERNEL=small expect_error 'no kernel that boots' check_boot
}

test_configs_arguments_of_a_configuration() {
	fake_configs
	kernel=$PWD out=$PWD/any-all
	: >.config
	expect KBUILD_MODPOST_WARN=1 "$(any_arguments big)"
	expect "KBUILD_MODPOST_WARN=1 KCFLAGS=-include $PWD/any-all.undefined.h" "$(any_arguments all | paste -sd' ')"
	expect '#undef CONFIG_X #undef CONFIG_Y' "$(paste -sd' ' any-all.undefined.h)"
}

test_configs_versions_of_a_kernel_that_is_not_there() {
	fake_configs
	kernel=$PWD out=$PWD/any-big
	echo CONFIG_MODVERSIONS=y >.config
	expect "KBUILD_MODPOST_WARN=1 KBUILD_EXTRA_SYMBOLS=$PWD/any-big.symvers" "$(any_arguments big | paste -sd' ')"
	expect module_layout "$(cut -f2 any-big.symvers)"
}

test_configs_have_a_compiler() {
	fake_configs
	expect any-small "$(KERNEL=small flavour)"
	expect any-checked "$(KERNEL=checked LLVM=1 flavour)"
	KERNEL=small LLVM=1 expect_error 'built with gcc: leave LLVM=1 out' flavour
	KERNEL=checked expect_error 'built with clang: add LLVM=1' flavour
	KERNEL=small BENCH=1 expect_error 'leave BENCH and KDIR out' flavour
	KERNEL=other expect_error 'configs --list' flavour
}

test_configs_list_says_what_each_is_for() {
	fake_configs
	expect 'Less of it' "$(purpose small)"
	expect 'Checks' "$(purpose checked)"
	expect 'stock stock-cloud stock-rt all big checked small' "$(all_names | paste -sd' ')"
}

test_configs_warnings_are_found() {
	fake_configs
	cat >log <<-'END'
		WARNING: modpost: "kfree" [dma_map.ko] undefined!
		warning: unused import: `a`
		x.c:3:1: warning: unused variable
		x.o: warning: objtool: f() falls through
		warning: 1 warning emitted
		warning: `dma_map` (lib) generated 1 warning
	END
	expect 3 "$(warnings log | wc -l)"
	echo nothing >log
	expect '' "$(warnings log)"
}

test_configs_table() {
	fake_configs
	echo "ok 12 dma_map.ko dma_map_edu.ko" >small.result
	echo "FAILED 3 the modules do not build (see above)." >all.result
	expect "configuration     result  seconds  reason
small             ok           12  dma_map.ko dma_map_edu.ko
all               FAILED        3  the modules do not build (see above).
1 passed, 1 failed" "$(table small all || true)"
	table small >/dev/null
	! table small all >/dev/null
}

test_configs_that_can_not_be_had() {
	fake_configs
	printf '# SPDX\n# Far.\n# skipped: nobody has that compiler.\nCONFIG_FAR=y\n' >any/far.config
	one far
	expect 'skipped 0 nobody has that compiler.' "$(cat far.result)"
	echo "ok 12 dma_map.ko" >small.result
	expect '1 skipped|1 passed, 0 failed' "$(table small far | tail -n 2 | paste -sd'|')"
	expect 1 "$(page | grep -c '^ *Not built: nobody has that compiler')"
}

test_configs_page() {
	fake_configs
	echo "ok 12 dma_map.ko dma_map_edu.ko" >small.result
	write_page
	expect 'small              gcc       ok         12  Less of it' "$(grep '^small' page.txt)"
	expect 'checked            clang     unknown     -  Checks' "$(grep '^checked' page.txt)"
	# What was only seen as a part of another one.
	rm small.result
	write_page
	expect 'small              gcc       ok         12  Less of it' "$(grep '^small' page.txt)"
	: >page.txt
	write_page
	expect 'small              gcc       all         -  Less of it' "$(grep '^small' page.txt)"
	echo "ok 12 dma_map.ko dma_map_edu.ko" >small.result
	write_page
	expect 'Missing: fun.' "$(sed -n '/^big/{n;s/^ *//p}' page.txt)"
	# What was not run here keeps what the page says, and the rest comes from the fragments.
	rm small.result
	sed -i 's/Less/More/' page.txt
	write_page
	expect 'small              gcc       ok         12  Less of it' "$(grep '^small' page.txt)"
}

test_configs_inside_a_tree() {
	fake_configs
	printf '# SPDX\n# In.\n# tree: make overlay\nCONFIG_DMA_MAP=m\n' >any/in.config
	KERNEL=in expect_error 'built inside a kernel tree.*make configs NAMES=in' flavour
	expect_error 'name a configuration that is built inside a kernel tree' "$TOOLS/tree_modules" least
	expect_error 'name a configuration that is built inside a kernel tree' "$TOOLS/tree_modules"
	expect_error 'name a configuration that is built inside a kernel tree' "$TOOLS/tree_modules" nonsense
	[ -n "$(sed -n '/^# tree: /p' "$TOP/tools/testing/dma_map/configs/any/tree-y-m.config")" ]
}

test_configs_name_that_is_none() {
	expect_error 'no configuration nonsense: ' "$TOOLS/configs" nonsense
}

test_configs_symbols_of_other_crates() {
	mkdir -p kernel/rust
	printf '.globl _RN_kernel\n_RN_kernel:\n.quad 0\n' | gcc -x assembler -c -o kernel/rust/kernel.o -
	printf '.globl _RN_ours\n_RN_ours:\n.quad _RN_kernel, _RN_ours, memcpy\n' | gcc -x assembler -c -o lib.o -
	check_any_symbols kernel lib.o
	printf '.quad _RN_ours, _RN_missing\n' | gcc -x assembler -c -o client.o -
	expect _RN_missing "$(any_misfits kernel lib.o client.o)"
	expect_error 'import 1 Rust symbols' check_any_symbols kernel lib.o client.o
}

# The page of the documentation has each configuration, with what its fragment says.
test_configs_page_that_is_there() {
	fake_configs
	ANY=$TOP/tools/testing/dma_map/configs/any PAGE=$TOP/Documentation/dma_map/configs.txt
	expect "$(page)" "$(cat "$PAGE")"
}

# The real ones: each says what it is for, and refers to what is there.
test_configs_that_are_there() {
	local fragment name other
	for fragment in "$ANY"/*.config; do
		name=$(basename "$fragment" .config)
		[ -n "$(sed -n '2s/^# //p' "$fragment")" ]
		for other in $(any_note "$name" with); do [ -r "$ANY/$other.config" ]; done
	done
}
