# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2317
# That the README's table of the C API has all, and nothing that there is not.

# small_kernel: a source with three exports, one of another API, and an inline.
small_kernel() {
	mkdir -p src/kernel/dma src/mm src/drivers/iommu src/include/linux
	printf 'EXPORT_SYMBOL(dma_set_mask);\n' >src/kernel/dma/mapping.c
	printf 'EXPORT_SYMBOL_GPL(dma_pool_destroy);\n' >src/mm/dmapool.c
	printf 'EXPORT_SYMBOL_GPL(dma_iova_sync);\nEXPORT_SYMBOL(iommu_get_msi_cookie);\n' \
		>src/drivers/iommu/dma-iommu.c
	printf 'static inline void dma_map_single(void) {}\n' >src/include/linux/dma-mapping.h
	touch src/include/linux/dmapool.h src/include/linux/scatterlist.h
}

# table ROW...: a README with these rows.
table() {
	printf '# x\n\n## C DMA API -> here\n\nText.\n\n| C | here |\n|---|---|\n' >README.md
	printf '| %s |\n' "$@" >>README.md
	printf '\n## Next\n' >>README.md
}

c_api() {
	small_kernel
	"$TOOLS/check/c_api" README.md src 2>&1
}

MASK='`dma_set_mask` | `DmaDevice::new` with `DmaLimits`: `EIO`'
POOL='`dma_pool_destroy` | no: the drop of a handle does it'
SYNC='`dma_iova_sync`, `dma_map_single` | `IovaMapping::map`, `DmaPages::alloc`, `with_mapped`'

# expect_complaint LINE ROW...
expect_complaint() {
	local wanted=$1 output
	shift
	table "$@"
	if output=$(c_api); then
		echo "no complaint: $output"
		exit 1
	fi
	expect "$wanted" "$(sed '$d' <<<"$output")"
}

test_c_api_table_with_all_of_it_passes() {
	table "$MASK" "$POOL" "$SYNC"
	expect '3 exported functions, 5 names of the library' "$(c_api)"
}

test_c_api_export_that_is_not_in_the_table() {
	expect_complaint 'dma_iova_sync is exported, and not in the table' "$MASK" "$POOL"
	expect_complaint 'dma_set_mask is exported, and not in the table' "$POOL" "$SYNC"
}

test_c_api_function_that_the_kernel_does_not_have() {
	expect_complaint 'dma_set_musk is not in the kernel' "$MASK" "$POOL" "$SYNC" \
		'`dma_set_musk` | `DmaDevice`'
}

test_c_api_function_that_stands_twice() {
	expect_complaint 'dma_set_mask stands in the table twice' "$MASK" "$POOL" "$SYNC" "$MASK"
}

test_c_api_names_that_the_library_does_not_have() {
	expect_complaint '`dma_set_mask`: there is no DmaDevize::new' "$POOL" "$SYNC" \
		'`dma_set_mask` | `DmaDevize::new`'
	expect_complaint '`dma_set_mask`: there is no DmaDevice::zeroed' "$POOL" "$SYNC" \
		'`dma_set_mask` | `DmaDevice::zeroed`'
	expect_complaint '`dma_set_mask`: there is no new' "$POOL" "$SYNC" '`dma_set_mask` | `new`'
}

test_c_api_neither_name_nor_reason() {
	local wanted='`dma_set_mask`: neither a name of the library nor "no: " and a reason'
	expect_complaint "$wanted" "$POOL" "$SYNC" '`dma_set_mask` | somehow, but it works'
	expect_complaint "$wanted" "$POOL" "$SYNC" '`dma_set_mask` | no: later'
	expect_complaint "$wanted" "$POOL" "$SYNC" '`dma_set_mask` | `EIO`'
}

test_c_api_kernel_that_exports_nothing() {
	table '`dma_map_single` | `DmaMapping`'
	small_kernel
	: >src/kernel/dma/mapping.c
	: >src/mm/dmapool.c
	: >src/drivers/iommu/dma-iommu.c
	output=$("$TOOLS/check/c_api" README.md src) && exit 1
	expect 'the kernel exports nothing' "$(head -n 1 <<<"$output")"
}
