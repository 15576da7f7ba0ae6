// SPDX-License-Identifier: GPL-2.0
/* Timing of a function, in one thread or in several at once. */

#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/timex.h>

#include "threads.h"

struct moment {
	u64 cycles;
	u64 ns;
};

struct race {
	int (*fn)(void *arg);
	struct completion ready;
	struct completion go;
	struct completion done;
};

struct runner {
	struct race *race;
	struct task_struct *task;
	void *arg;
	struct moment begin;
	struct moment end;
};

/* The counter is read inside of the clock, so that it does not count reading the clock. */
static __always_inline void begin(struct moment *moment)
{
	moment->ns = ktime_get_ns();
	barrier();
	moment->cycles = get_cycles();
}

static __always_inline void end(struct moment *moment)
{
	moment->cycles = get_cycles();
	barrier();
	moment->ns = ktime_get_ns();
}

static int timed(struct runner *runner, int (*fn)(void *arg))
{
	int ret;

	begin(&runner->begin);
	ret = fn(runner->arg);
	end(&runner->end);
	return ret;
}

static int runner_thread(void *data)
{
	struct runner *runner = data;
	struct race *race = runner->race;
	int ret;

	complete(&race->ready);
	wait_for_completion(&race->go);
	ret = timed(runner, race->fn);
	complete(&race->done);
	return ret;
}

/* From the first begin to the last end: the TSCs of different CPUs agree. */
static void measure(struct dma_map_bench_span *span, const struct runner *runners,
		    unsigned int count)
{
	struct moment first = runners[0].begin;
	struct moment last = runners[0].end;
	unsigned int i;

	for (i = 1; i < count; i++) {
		first.cycles = min(first.cycles, runners[i].begin.cycles);
		first.ns = min(first.ns, runners[i].begin.ns);
		last.cycles = max(last.cycles, runners[i].end.cycles);
		last.ns = max(last.ns, runners[i].end.ns);
	}
	span->cycles = last.cycles - first.cycles;
	span->ns = last.ns - first.ns;
}

/* Creates the threads asleep, each on a CPU of its own as long as there are enough. */
static int create(struct runner *runners, unsigned int count)
{
	int cpu = cpumask_first(cpu_online_mask);
	unsigned int i;

	for (i = 0; i < count; i++) {
		struct task_struct *task = kthread_create(runner_thread, &runners[i],
							  "dma_map_bench/%u", i);

		if (IS_ERR(task))
			return PTR_ERR(task);
		runners[i].task = get_task_struct(task);
		kthread_bind(task, cpu);
		cpu = cpumask_next_wrap(cpu, cpu_online_mask);
	}
	return 0;
}

/* Ends the threads, which are done or were never woken. Returns one of their errors, or 0. */
static int reap(struct runner *runners, unsigned int count)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < count && runners[i].task; i++)
		ret = kthread_stop_put(runners[i].task) ?: ret;
	return ret;
}

static int run_threads(struct race *race, struct runner *runners, unsigned int count)
{
	unsigned int i;
	int ret;

	init_completion(&race->ready);
	init_completion(&race->go);
	init_completion(&race->done);

	ret = create(runners, count);
	if (ret) {
		reap(runners, count);
		return ret;
	}

	for (i = 0; i < count; i++)
		wake_up_process(runners[i].task);
	for (i = 0; i < count; i++)
		wait_for_completion(&race->ready);
	complete_all(&race->go);
	for (i = 0; i < count; i++)
		wait_for_completion(&race->done);

	return reap(runners, count);
}

/*
 * Runs @fn with each of @args, of which there is at least one: a single one in
 * the caller's thread, several in threads of their own, which are gone on return.
 */
int dma_map_bench_run(unsigned int threads, int (*fn)(void *arg), void *const *args,
		      struct dma_map_bench_span *span)
{
	struct race race = { .fn = fn };
	struct runner *runners;
	unsigned int i;
	int ret;

	runners = kzalloc_objs(*runners, threads);
	if (!runners)
		return -ENOMEM;
	for (i = 0; i < threads; i++) {
		runners[i].race = &race;
		runners[i].arg = args[i];
	}

	if (threads == 1)
		ret = timed(&runners[0], fn);
	else
		ret = run_threads(&race, runners, threads);
	if (!ret)
		measure(span, runners, threads);
	kfree(runners);
	return ret;
}
