// SPDX-License-Identifier: GPL-2.0
/*
 * The misuse that kernel/dma/debug.c complains of, committed on purpose: proof
 * that DMA debugging is alive on the machine that calls the library clean. Each
 * is harmless for a PCI function that does nothing, with a direct mapping.
 *
 * What can't be committed is here as well where it can be tried: misuse.py says
 * of it why nothing is printed.
 */

#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/scatterlist.h>
#include <linux/vmalloc.h>

#define PCI_TESTDEV 0x0005

/* Four pages that nothing else uses. */
static struct page *pages;
/* What the driver leaves mapped when it goes. */
static dma_addr_t leaked;

static dma_addr_t map(struct device *dev, size_t size, enum dma_data_direction dir)
{
	dma_addr_t addr = dma_map_page(dev, pages, 0, size, dir);

	WARN_ON(dma_mapping_error(dev, addr));
	return addr;
}

/* A table of two entries that are not neighbours. */
static void map_two(struct device *dev, struct scatterlist *sg, enum dma_data_direction dir)
{
	sg_init_table(sg, 2);
	sg_set_page(&sg[0], pages, 64, 0);
	sg_set_page(&sg[1], pages + 2, 64, 0);
	WARN_ON(dma_map_sg(dev, sg, 2, dir) != 2);
}

static void map_one(struct device *dev, unsigned int len, unsigned int offset)
{
	struct scatterlist sg;

	sg_init_table(&sg, 1);
	sg_set_page(&sg, pages, len, offset);
	WARN_ON(dma_map_sg(dev, &sg, 1, DMA_TO_DEVICE) != 1);
	dma_unmap_sg(dev, &sg, 1, DMA_TO_DEVICE);
}

static void overlapping_cachelines(struct device *dev)
{
	dma_addr_t one = map(dev, 64, DMA_FROM_DEVICE);
	dma_addr_t two = map(dev, 64, DMA_FROM_DEVICE);

	dma_unmap_page(dev, two, 64, DMA_FROM_DEVICE);
	dma_unmap_page(dev, one, 64, DMA_FROM_DEVICE);
}

static void free_invalid_address(struct device *dev)
{
	dma_unmap_page(dev, DMA_MAPPING_ERROR, 64, DMA_TO_DEVICE);
}

static void free_not_allocated(struct device *dev)
{
	dma_unmap_page(dev, page_to_phys(pages), 64, DMA_TO_DEVICE);
}

static void free_different_size(struct device *dev)
{
	dma_unmap_page(dev, map(dev, 4096, DMA_TO_DEVICE), 2048, DMA_TO_DEVICE);
}

static void free_wrong_function(struct device *dev)
{
	struct scatterlist sg;

	sg_init_table(&sg, 1);
	sg_set_page(&sg, pages, 4096, 0);
	sg_dma_address(&sg) = map(dev, 4096, DMA_TO_DEVICE);
	sg_dma_len(&sg) = 4096;
	dma_unmap_sg(dev, &sg, 1, DMA_TO_DEVICE);
}

static void free_different_cpu_address(struct device *dev)
{
	dma_addr_t addr;
	struct page *mine = dma_alloc_pages(dev, PAGE_SIZE, &addr, DMA_BIDIRECTIONAL, GFP_KERNEL);
	struct page *other = alloc_page(GFP_KERNEL);

	if (!WARN_ON(!mine || !other)) {
		dma_free_pages(dev, PAGE_SIZE, other, addr, DMA_BIDIRECTIONAL);
		__free_page(mine);
	}
}

static void free_different_entry_count(struct device *dev)
{
	struct scatterlist sg[2];

	map_two(dev, sg, DMA_TO_DEVICE);
	dma_unmap_sg(dev, &sg[0], 1, DMA_TO_DEVICE);
	dma_unmap_sg(dev, &sg[1], 1, DMA_TO_DEVICE);
}

static void free_different_direction(struct device *dev)
{
	dma_unmap_page(dev, map(dev, 64, DMA_TO_DEVICE), 64, DMA_FROM_DEVICE);
}

static void map_error_unchecked(struct device *dev)
{
	dma_unmap_page(dev, dma_map_page(dev, pages, 0, 64, DMA_TO_DEVICE), 64, DMA_TO_DEVICE);
}

static void free_different_attributes(struct device *dev)
{
	dma_addr_t addr = dma_map_page_attrs(dev, pages, 0, 64, DMA_TO_DEVICE, DMA_ATTR_PRIVILEGED);

	WARN_ON(dma_mapping_error(dev, addr));
	dma_unmap_page_attrs(dev, addr, 64, DMA_TO_DEVICE, 0);
}

static void map_from_stack(struct device *dev)
{
	char on_stack[64];
	bool vmalloced = is_vmalloc_addr(on_stack);
	struct page *page = vmalloced ? vmalloc_to_page(on_stack) : virt_to_page(on_stack);
	dma_addr_t addr = dma_map_page(dev, page, offset_in_page(on_stack), 8, DMA_TO_DEVICE);

	WARN_ON(dma_mapping_error(dev, addr));
	dma_unmap_page(dev, addr, 8, DMA_TO_DEVICE);
}

static void map_kernel_image(struct device *dev)
{
	/* The text of the kernel: a function of it. */
	dma_addr_t addr = dma_map_phys(dev, __pa((unsigned long)pci_read_config_word), 64,
				       DMA_TO_DEVICE, 0);

	WARN_ON(dma_mapping_error(dev, addr));
	dma_unmap_phys(dev, addr, 64, DMA_TO_DEVICE, 0);
}

static void sync_not_allocated(struct device *dev)
{
	dma_sync_single_for_cpu(dev, page_to_phys(pages), 64, DMA_TO_DEVICE);
}

static void sync_outside_range(struct device *dev)
{
	dma_addr_t addr = map(dev, 64, DMA_TO_DEVICE);

	dma_sync_single_for_device(dev, addr, 128, DMA_TO_DEVICE);
	dma_unmap_page(dev, addr, 64, DMA_TO_DEVICE);
}

static void sync_different_direction(struct device *dev)
{
	dma_addr_t addr = map(dev, 64, DMA_TO_DEVICE);

	dma_sync_single_for_cpu(dev, addr, 64, DMA_FROM_DEVICE);
	dma_unmap_page(dev, addr, 64, DMA_TO_DEVICE);
}

static void sync_read_only_for_cpu(struct device *dev)
{
	dma_addr_t addr = map(dev, 64, DMA_TO_DEVICE);

	dma_sync_single_for_cpu(dev, addr, 64, DMA_BIDIRECTIONAL);
	dma_unmap_page(dev, addr, 64, DMA_TO_DEVICE);
}

static void sync_write_only_for_device(struct device *dev)
{
	dma_addr_t addr = map(dev, 64, DMA_FROM_DEVICE);

	dma_sync_single_for_device(dev, addr, 64, DMA_BIDIRECTIONAL);
	dma_unmap_page(dev, addr, 64, DMA_FROM_DEVICE);
}

static void sync_different_entry_count(struct device *dev)
{
	struct scatterlist sg[2];

	map_two(dev, sg, DMA_TO_DEVICE);
	dma_sync_sg_for_device(dev, sg, 1, DMA_TO_DEVICE);
	dma_unmap_sg(dev, sg, 2, DMA_TO_DEVICE);
}

static void segment_too_long(struct device *dev)
{
	unsigned int before = dma_get_max_seg_size(dev);

	dma_set_max_seg_size(dev, 4096);
	map_one(dev, 8192, 0);
	dma_set_max_seg_size(dev, before);
}

static void segment_across_boundary(struct device *dev)
{
	unsigned long before = dma_get_seg_boundary(dev);

	dma_set_seg_boundary(dev, 0xfff);
	map_one(dev, 128, 4096 - 64);
	dma_set_seg_boundary(dev, before);
}

/*
 * What dma_map_single() calls first. It would go on with the memory map of a page
 * that there is none of, or, for vmalloc memory, have returned before.
 */
static void map_invalid_area(struct device *dev)
{
	debug_dma_map_single(dev, (void *)PAGE_SIZE, 64);
}

static void map_vmalloc(struct device *dev)
{
	void *addr = vmalloc(64);

	debug_dma_map_single(dev, addr, 64);
	vfree(addr);
}

static void map_ram_as_resource(struct device *dev)
{
	dma_addr_t addr = dma_map_resource(dev, page_to_phys(pages), 64, DMA_TO_DEVICE, 0);

	WARN_ON(dma_mapping_error(dev, addr));
	dma_unmap_resource(dev, addr, 64, DMA_TO_DEVICE, 0);
}

struct misuse {
	const char *id;
	void (*commit)(struct device *dev);
};

#define MISUSE(name, function) { .id = name, .commit = function }

static const struct misuse all[] = {
	MISUSE("overlapping-cachelines", overlapping_cachelines),
	MISUSE("free-invalid-address", free_invalid_address),
	MISUSE("free-not-allocated", free_not_allocated),
	MISUSE("free-different-size", free_different_size),
	MISUSE("free-wrong-function", free_wrong_function),
	MISUSE("free-different-cpu-address", free_different_cpu_address),
	MISUSE("free-different-entry-count", free_different_entry_count),
	MISUSE("free-different-direction", free_different_direction),
	MISUSE("map-error-unchecked", map_error_unchecked),
	MISUSE("free-different-attributes", free_different_attributes),
	MISUSE("map-stack", map_from_stack),
	MISUSE("map-vmapped-stack", map_from_stack),
	MISUSE("map-kernel-image", map_kernel_image),
	MISUSE("sync-not-allocated", sync_not_allocated),
	MISUSE("sync-outside-range", sync_outside_range),
	MISUSE("sync-different-direction", sync_different_direction),
	MISUSE("sync-read-only-for-cpu", sync_read_only_for_cpu),
	MISUSE("sync-write-only-for-device", sync_write_only_for_device),
	MISUSE("sync-different-entry-count", sync_different_entry_count),
	MISUSE("segment-too-long", segment_too_long),
	MISUSE("segment-across-boundary", segment_across_boundary),
	MISUSE("map-invalid-area", map_invalid_area),
	MISUSE("map-vmalloc", map_vmalloc),
	MISUSE("map-ram-as-resource", map_ram_as_resource),
};

/* Committed by the driver core, when the driver goes. */
static const struct misuse last = MISUSE("pending-at-release", NULL);

static int control_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		pr_info("dma_map_control: begin %s\n", all[i].id);
		all[i].commit(&pdev->dev);
		pr_info("dma_map_control: end %s\n", all[i].id);
	}
	leaked = map(&pdev->dev, 64, DMA_TO_DEVICE);
	return 0;
}

static const struct pci_device_id control_ids[] = {
	{ PCI_DEVICE(PCI_VENDOR_ID_REDHAT, PCI_TESTDEV) },
	{ }
};

static struct pci_driver control_driver = {
	.name = "dma_map_control",
	.id_table = control_ids,
	.probe = control_probe,
};

static int __init control_init(void)
{
	int ret;

	pages = alloc_pages(GFP_KERNEL, 2);
	if (!pages)
		return -ENOMEM;

	ret = pci_register_driver(&control_driver);
	if (!ret) {
		pr_info("dma_map_control: begin %s\n", last.id);
		pci_unregister_driver(&control_driver);
		pr_info("dma_map_control: end %s\n", last.id);
	}
	__free_pages(pages, 2);
	return ret ?: -ECANCELED;
}
module_init(control_init);

MODULE_DESCRIPTION("Misuse of the DMA API, to see DMA debugging complain");
MODULE_LICENSE("GPL");
