// SPDX-License-Identifier: GPL-2.0
/*
 * Interface of upstream's DMA mapping benchmark (kernel/dma/map_benchmark.c),
 * for a driver in Rust: the file in debugfs and the threads, for which the
 * kernel crate has nothing.
 */

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/nodemask.h>
#include <linux/pci.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/stddef.h>
#include <linux/topology.h>
#include <linux/uaccess.h>
#include <uapi/linux/map_benchmark.h>

#include "uapi.h"

/* uapi/param.rs has the same structure. */
static_assert(sizeof(struct map_benchmark) == 136);
static_assert(offsetof(struct map_benchmark, threads) == 32);
static_assert(offsetof(struct map_benchmark, dma_dir) == 48);
static_assert(offsetof(struct map_benchmark, map_mode) == 60);

static int run(struct pci_dev *pdev, struct map_benchmark *param)
{
	struct device *dev = &pdev->dev;
	u64 mask = dma_get_mask(dev);
	u64 coherent_mask = dev->coherent_dma_mask;
	void *data = dev_get_drvdata(dev);
	int ret;

	/*
	 * Limits are set in probe only, where a device has no driver data yet. The
	 * lock is held, so nothing else uses the driver data meanwhile.
	 */
	dev_set_drvdata(dev, NULL);
	ret = dma_map_bench_uapi_run(pdev, param);
	dev_set_drvdata(dev, data);

	/* The next driver must not find the masks of this run. */
	dma_set_mask(dev, mask);
	dma_set_coherent_mask(dev, coherent_mask);
	return ret;
}

static long uapi_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct pci_dev *pdev = file->private_data;
	void __user *argp = (void __user *)arg;
	struct map_benchmark param;
	int ret;

	if (copy_from_user(&param, argp, sizeof(param)))
		return -EFAULT;
	if (cmd != DMA_MAP_BENCHMARK)
		return -EINVAL;

	/*
	 * The file cannot be removed during this call, so the driver stays bound.
	 * The lock keeps probe and unbind out. Do not wait for it: unbind holds it
	 * while it waits for this call.
	 */
	if (!device_trylock(&pdev->dev))
		return -EBUSY;
	ret = run(pdev, &param);
	device_unlock(&pdev->dev);

	if (!ret && copy_to_user(argp, &param, sizeof(param)))
		ret = -EFAULT;
	return ret;
}

static const struct file_operations uapi_operations = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.unlocked_ioctl = uapi_ioctl,
};

/* Creates the file; fails if another driver has it. */
struct dentry *dma_map_bench_uapi_create(struct pci_dev *pdev)
{
	return debugfs_create_file("dma_map_benchmark", 0600, NULL, pdev, &uapi_operations);
}

/* Removes the file, and waits for calls in progress. */
void dma_map_bench_uapi_remove(struct dentry *file)
{
	debugfs_remove(file);
}

bool dma_map_bench_uapi_node_possible(int node)
{
	return node == NUMA_NO_NODE ||
	       (node >= 0 && node < MAX_NUMNODES && node_possible(node));
}

/* Returns whether the thread has to do another round. */
bool dma_map_bench_uapi_go_on(void)
{
	/* On a kernel without preemption, lets the thread run that ends this one. */
	cond_resched();
	return !kthread_should_stop();
}

void dma_map_bench_uapi_delay(unsigned int ns)
{
	ndelay(ns);
}

/*
 * Runs @fn with @arg in @threads threads for @seconds. The threads are gone on
 * return. Returns an error that one of them returned, or 0.
 */
int dma_map_bench_uapi_threads(int (*fn)(void *arg), void *arg, unsigned int threads, int node,
			       unsigned int seconds)
{
	struct task_struct **tasks = kmalloc_objs(*tasks, threads);
	unsigned int i;
	int ret = 0;

	if (!tasks)
		return -ENOMEM;

	for (i = 0; i < threads; i++) {
		tasks[i] = kthread_create_on_node(fn, arg, node, "dma-map-benchmark/%u", i);
		if (IS_ERR(tasks[i])) {
			ret = PTR_ERR(tasks[i]);
			while (i--)
				kthread_stop(tasks[i]);
			goto out;
		}
		if (node != NUMA_NO_NODE)
			set_cpus_allowed_ptr(tasks[i], cpumask_of_node(node));
	}
	for (i = 0; i < threads; i++) {
		get_task_struct(tasks[i]);
		wake_up_process(tasks[i]);
	}

	msleep_interruptible(seconds * 1000);

	for (i = 0; i < threads; i++)
		ret = kthread_stop_put(tasks[i]) ?: ret;
out:
	kfree(tasks);
	return ret;
}
