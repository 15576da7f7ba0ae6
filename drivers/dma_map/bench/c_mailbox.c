// SPDX-License-Identifier: GPL-2.0
/* Benchmark: post a request, answer it in the device's place, and take and check the response. */

#include <linux/array_size.h>
#include <linux/compiler.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <asm/barrier.h>

#include "c_bench.h"
#include "c_mailbox.h"

struct mailbox {
	struct device *dev;
	struct dma_map_bench_head *request;
	struct dma_map_bench_head *response;
	dma_addr_t dma;
	size_t size;		/* of a slot */
	size_t capacity;
	u32 sequence;
	u8 data[] __counted_by(capacity);
};

struct message {
	size_t length;
	u32 words[DMA_MAP_BENCH_WORDS];
};

noinline void dma_map_bench_answer(const struct dma_map_bench_head *request,
				   struct dma_map_bench_head *response)
{
	WRITE_ONCE(response->length, READ_ONCE(request->length));
	WRITE_ONCE(response->words[0], READ_ONCE(request->words[0]));
	WRITE_ONCE(response->words[1], READ_ONCE(request->words[1]));
	WRITE_ONCE(response->sequence, READ_ONCE(request->sequence));
	dma_wmb();
	WRITE_ONCE(response->status, DMA_MAP_BENCH_POSTED);
}

static void *prepare(const struct dma_map_bench_op *op, struct device *dev, void *shared)
{
	struct mailbox *mailbox = kzalloc_flex(*mailbox, data, op->size);
	void *memory;

	if (!mailbox)
		return ERR_PTR(-ENOMEM);
	mailbox->capacity = op->size;
	mailbox->size = sizeof(struct dma_map_bench_head) + op->size;
	mailbox->dev = dev;

	memory = dma_alloc_coherent(dev, 2 * mailbox->size, &mailbox->dma, GFP_KERNEL);
	if (!memory) {
		kfree(mailbox);
		return ERR_PTR(-ENOMEM);
	}
	mailbox->request = memory;
	mailbox->response = memory + mailbox->size;
	return mailbox;
}

static void finish(void *state)
{
	struct mailbox *mailbox = state;

	dma_free_coherent(mailbox->dev, 2 * mailbox->size, mailbox->request, mailbox->dma);
	kfree(mailbox);
}

static int post(struct mailbox *mailbox, const u32 *words, unsigned int count, const void *data,
		size_t length)
{
	struct dma_map_bench_head *request = mailbox->request;
	struct dma_map_bench_head *response = mailbox->response;
	unsigned int i;

	if (length > mailbox->capacity || count > DMA_MAP_BENCH_WORDS)
		return -EMSGSIZE;
	mailbox->sequence = mailbox->sequence + 1 ?: 1;

	WRITE_ONCE(request->status, DMA_MAP_BENCH_EMPTY);
	memcpy(request + 1, data, length);
	WRITE_ONCE(request->sequence, cpu_to_le32(mailbox->sequence));
	WRITE_ONCE(request->length, cpu_to_le32(length));
	for (i = 0; i < count; i++)
		WRITE_ONCE(request->words[i], cpu_to_le32(words[i]));
	for (; i < DMA_MAP_BENCH_WORDS; i++)
		WRITE_ONCE(request->words[i], 0);

	/* If no answer arrives, the last one must not be taken for it. */
	WRITE_ONCE(response->status, DMA_MAP_BENCH_EMPTY);
	WRITE_ONCE(response->sequence, 0);
	dma_wmb();
	WRITE_ONCE(request->status, DMA_MAP_BENCH_POSTED);
	return 0;
}

static int take(struct mailbox *mailbox, struct message *message)
{
	const struct dma_map_bench_head *response = mailbox->response;
	unsigned int i;

	switch (READ_ONCE(response->status)) {
	case DMA_MAP_BENCH_EMPTY:
		return -EAGAIN;
	case DMA_MAP_BENCH_POSTED:
		break;
	default:
		return -EBADMSG;
	}

	dma_rmb();
	if (READ_ONCE(response->sequence) != cpu_to_le32(mailbox->sequence))
		return -EBADMSG;

	dma_rmb();
	message->length = le32_to_cpu(READ_ONCE(response->length));
	if (message->length > mailbox->capacity)
		return -EBADMSG;
	for (i = 0; i < DMA_MAP_BENCH_WORDS; i++)
		message->words[i] = le32_to_cpu(READ_ONCE(response->words[i]));
	return 0;
}

static __always_inline int post_take(struct mailbox *mailbox, unsigned long loops, size_t length)
{
	static const u32 words[] = { 7, 11 };

	while (loops--) {
		struct message message;
		int ret;

		/* As in a driver, the compiler does not know the length. */
		OPTIMIZER_HIDE_VAR(length);
		ret = post(mailbox, words, ARRAY_SIZE(words), mailbox->data, length);
		if (ret)
			return ret;
		dma_map_bench_answer(mailbox->request, mailbox->response);
		ret = take(mailbox, &message);
		if (ret)
			return ret;
		if (message.words[0] != words[0] || message.length != length)
			return -EBADMSG;
		memcpy(mailbox->data, mailbox->response + 1, message.length);
	}
	return 0;
}

DMA_MAP_BENCH_C(mailbox_words)
{
	return post_take(state, loops, 0);
}

DMA_MAP_BENCH_C(mailbox_1k)
{
	return post_take(state, loops, 1024);
}

const struct dma_map_bench_op dma_map_bench_c_mailbox_table[] = {
	{
		.name = "mailbox_words",
		.size = 1024,
		.prepare = prepare,
		.run = dma_map_bench_c_mailbox_words,
		.finish = finish,
	},
	{
		.name = "mailbox_1k",
		.size = 1024,
		.prepare = prepare,
		.run = dma_map_bench_c_mailbox_1k,
		.finish = finish,
	},
	{ }
};
