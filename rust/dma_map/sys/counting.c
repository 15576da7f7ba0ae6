// SPDX-License-Identifier: GPL-2.0
/*
 * The switch of the counts in debugfs: with CONFIG_DMA_MAP_DEBUGFS only. The
 * key is on as long as there is a binding whose handles are counted.
 */

#include <linux/export.h>
#include <linux/jump_label.h>
#include <linux/moduleparam.h>

#include "helpers.h"

static bool count_handles;
module_param(count_handles, bool, 0644);
MODULE_PARM_DESC(count_handles,
		 "Count the handles of devices that are bound from now on, in debugfs (default: N)");

DEFINE_STATIC_KEY_FALSE(dma_map_counting);
EXPORT_SYMBOL_GPL(dma_map_counting);

bool dma_map_helper_begin_counting(void)
{
	if (!READ_ONCE(count_handles))
		return false;
	static_branch_inc(&dma_map_counting);
	return true;
}

void dma_map_helper_end_counting(void)
{
	static_branch_dec(&dma_map_counting);
}
