# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2016,SC2034,SC2317
# What is built in, and what is a module: outside of a kernel tree, and in one.

# options OPTION=VALUE... [-- VARIABLE=VALUE...]: what the Kbuild at the top makes of a
# kernel with these options, in the environment that people set.
options() {
	: >auto.conf
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		echo "$1" >>auto.conf
		shift
	done
	[ $# = 0 ] || shift
	printf '%s\n' 'include auto.conf' "include $TOP/Kbuild" \
		'all: ; @env | sed -n "s/^CONFIG_DMA_MAP/DMA_MAP/p" | LC_ALL=C sort | paste -sd" "' >makefile
	env "$@" make --no-print-directory -f makefile objtree=. 2>&1
}

# modules OPTION=VALUE...: obj-y and obj-m of drivers/dma_map/Kbuild.
modules() {
	printf '%s\n' "$@" >auto.conf
	printf '%s\n' 'include auto.conf' 'obj := .' "include $TOP/drivers/dma_map/Kbuild" \
		'.DEFAULT_GOAL := show' 'show: ; @echo "y: $(strip $(obj-y)) m: $(strip $(obj-m))"' >makefile
	make --no-print-directory -f makefile show
}

test_kbuild_outside_of_a_tree() {
	expect 'DMA_MAP=m DMA_MAP_BENCH=m DMA_MAP_DEBUGFS=y DMA_MAP_EDU=m DMA_MAP_KUNIT_TEST=m DMA_MAP_NIC=m DMA_MAP_NVME=m' "$(options CONFIG_BLOCK=y CONFIG_DEBUG_FS=y CONFIG_KUNIT=y)"
	# Suites of a modular KUnit would be empty.
	expect 'DMA_MAP=m DMA_MAP_BENCH=m DMA_MAP_DEBUGFS=y DMA_MAP_EDU=m DMA_MAP_KUNIT_TEST= DMA_MAP_NIC=m DMA_MAP_NVME=m' "$(options CONFIG_BLOCK=y CONFIG_DEBUG_FS=y CONFIG_KUNIT=m)"
	# A benchmark without its files would show nothing.
	expect 'DMA_MAP=m DMA_MAP_BENCH= DMA_MAP_DEBUGFS= DMA_MAP_EDU=m DMA_MAP_KUNIT_TEST=m DMA_MAP_NIC=m DMA_MAP_NVME=m' "$(options CONFIG_BLOCK=y CONFIG_KUNIT=y)"
	expect 'DMA_MAP=m DMA_MAP_BENCH= DMA_MAP_DEBUGFS=y DMA_MAP_EDU=m DMA_MAP_KUNIT_TEST= DMA_MAP_NIC= DMA_MAP_NVME=' \
		"$(options CONFIG_DEBUG_FS=y CONFIG_KUNIT=y -- DMA_MAP_CLIENTS=edu)"
	expect 'DMA_MAP=m DMA_MAP_BENCH=m DMA_MAP_DEBUGFS=y DMA_MAP_EDU= DMA_MAP_KUNIT_TEST=m DMA_MAP_NIC= DMA_MAP_NVME=' \
		"$(options CONFIG_DEBUG_FS=y CONFIG_KUNIT=y -- DMA_MAP_CLIENTS='bench kunit')"
}

# What is measured has no counts.
test_kbuild_counts_in_debugfs() {
	expect DMA_MAP_DEBUGFS=y "$(options CONFIG_DEBUG_FS=y | grep -o 'DMA_MAP_DEBUGFS=[^ ]*')"
	expect DMA_MAP_DEBUGFS= "$(options CONFIG_DEBUG_FS=y -- BENCH=1 | grep -o 'DMA_MAP_DEBUGFS=[^ ]*')"
}

test_kbuild_without_pci() {
	expect 1 "$(options CONFIG_RUST=y | grep -c 'has no CONFIG_PCI=y, which dma_map needs')"
	expect 'DMA_MAP=m DMA_MAP_BENCH= DMA_MAP_DEBUGFS= DMA_MAP_EDU=m DMA_MAP_KUNIT_TEST= DMA_MAP_NIC=m DMA_MAP_NVME=m' "$(options CONFIG_BLOCK=y CONFIG_RUST=y CONFIG_PCI=y)"
}

test_kbuild_outside_of_a_tree_that_has_the_library() {
	expect 'DMA_MAP=m DMA_MAP_BENCH=m DMA_MAP_DEBUGFS=y DMA_MAP_EDU=m DMA_MAP_KUNIT_TEST= DMA_MAP_NIC=m DMA_MAP_NVME=m' "$(options CONFIG_BLOCK=y CONFIG_DEBUG_FS=y CONFIG_DMA_MAP=m)"
	expect 1 "$(options CONFIG_DMA_MAP=y | grep -c 'has dma_map built in (CONFIG_DMA_MAP=y)')"
}

test_kbuild_inside_a_tree() {
	local all='dma_map.o dma_map_edu.o dma_map_nic.o dma_map_nvme.o dma_map_kunit.o dma_map_bench.o'
	expect "y: $all m: " \
		"$(modules CONFIG_DMA_MAP=y CONFIG_DMA_MAP_EDU=y CONFIG_DMA_MAP_NIC=y CONFIG_DMA_MAP_NVME=y CONFIG_DMA_MAP_KUNIT_TEST=y CONFIG_DMA_MAP_BENCH=y)"
	expect "y:  m: $all" \
		"$(modules CONFIG_DMA_MAP=m CONFIG_DMA_MAP_EDU=m CONFIG_DMA_MAP_NIC=m CONFIG_DMA_MAP_NVME=m CONFIG_DMA_MAP_KUNIT_TEST=m CONFIG_DMA_MAP_BENCH=m)"
	expect 'y: dma_map.o m: dma_map_edu.o' "$(modules CONFIG_DMA_MAP=y CONFIG_DMA_MAP_EDU=m)"
	expect 'y:  m: ' "$(modules '')"
}

# counts OPTION=VALUE... [-- VARIABLE=VALUE...]: the flags by which the library differs with the counts.
counts() {
	: >auto.conf
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		echo "$1" >>auto.conf
		shift
	done
	[ $# = 0 ] || shift
	printf '%s\n' 'include auto.conf' 'obj := .' "include $TOP/drivers/dma_map/Kbuild" '.DEFAULT_GOAL := show' \
		'show: ; @echo "$(filter --cfg% -Cmetadata%,$(RUSTFLAGS_$(lib)/dma_map.o))"' >makefile
	env "$@" make --no-print-directory -f makefile show
}

test_kbuild_names_of_a_library_with_counts_are_its_own() {
	expect '' "$(counts '' -- CONFIG_DMA_MAP_DEBUGFS=)"
	expect '--cfg=CONFIG_DMA_MAP_DEBUGFS -Cmetadata=counts' "$(counts '' -- CONFIG_DMA_MAP_DEBUGFS=y)"
	# In a tree the compiler is told of the option by the kernel.
	expect -Cmetadata=counts "$(counts CONFIG_DMA_MAP_DEBUGFS=y)"
}

# exported OPTION=VALUE... [-- VARIABLE=VALUE...]: what the library exports to a client that
# imports one of its symbols.
exported() {
	mkdir -p rust/dma_map drivers/dma_map/edu
	echo 'int _Rwanted, _Rother, _RINvCs_7dma_map6DmaMap, other;' | gcc -x c -c -o rust/dma_map/dma_map.o -
	echo 'extern int _Rwanted; int use(void) { return _Rwanted; }' |
		gcc -x c -c -o drivers/dma_map/edu/dma_map_edu.o -
	: >auto.conf
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		echo "$1" >>auto.conf
		shift
	done
	[ $# = 0 ] || shift
	printf '%s\n' 'include auto.conf' 'NM := nm' 'obj := drivers/dma_map' 'if_changed = $(cmd_$(1))' \
		"include $TOP/drivers/dma_map/Kbuild" 'FORCE:' >makefile
	make -s -f makefile "$@" drivers/dma_map/../../rust/dma_map/exports_generated.h
	LC_ALL=C sort rust/dma_map/exports_generated.h | sed 's/EXPORT_SYMBOL_RUST_GPL(\(.*\));/\1/' | paste -sd' '
}

test_kbuild_exports_what_clients_import() {
	expect '_Rother _Rwanted' "$(exported CONFIG_DMA_MAP=m CONFIG_DMA_MAP_EDU=m -- KBUILD_EXTMOD=x)"
	expect _Rwanted "$(exported CONFIG_DMA_MAP=m CONFIG_DMA_MAP_EDU=m)"
	expect _Rwanted "$(exported CONFIG_DMA_MAP=y CONFIG_DMA_MAP_EDU=m)"
	expect '' "$(exported CONFIG_DMA_MAP=y)"
}
