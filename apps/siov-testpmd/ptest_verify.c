/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All operations, with random sizes, alignments and page crossings, in memory whose pages lie
 * scattered; each result, and every byte of the memory around it, is compared with a model of that
 * memory on which the program did the same.
 */
#include <stdlib.h>
#include <string.h>

#include "checked.h"
#include "complain.h"
#include "ptest.h"

#define SIZE_MAX_DEFAULT (100u * 1024) /* more than an engine does in one slice */
#define MARGIN 4096u /* around source and destination */

/* One client's model. */
struct verify {
	uint64_t state; /* of the random numbers */
	const struct work_op *op; /* NULL: all of them */
	uint32_t size_max;
	uint64_t arena_bytes;
	uint8_t *model; /* the arenas of all slots */
	uint8_t *seen; /* one arena as the device left it */
};

static uint32_t
max_size(const struct options *o)
{
	uint64_t size = 0;
	unsigned int i;

	if (!o->is_given[OPT_BUF_SZ])
		return SIZE_MAX_DEFAULT;
	for (i = 0; i < o->buf_sz.nb; i++)
		size = RTE_MAX(size, o->buf_sz.v[i]);
	return (uint32_t)size;
}

/* Room for a source and two destinations apart from each other. */
static uint64_t
arena_bytes(const struct options *o)
{
	return 3 * RTE_ALIGN_CEIL((uint64_t)max_size(o) + MARGIN, UINT64_C(4096));
}

/* ---- one operation ---- */

static uint64_t
random_below(struct verify *v, uint64_t bound)
{
	return (work_random(&v->state) >> 11) % bound;
}

static bool
toss(struct verify *v)
{
	return random_below(v, 2) == 0;
}

/* Small and large alike: each power of two as often as the next. */
static uint32_t
random_size(struct verify *v)
{
	unsigned int bits = 1;
	uint64_t bound;

	while (bits < 31 && (UINT32_C(1) << bits) < v->size_max)
		bits++;
	bound = RTE_MIN(UINT64_C(1) << random_below(v, bits + 1), (uint64_t)v->size_max);
	return (uint32_t)(1 + random_below(v, bound));
}

static uint8_t *
model_of(struct checked *c, const struct checked_slot *slot)
{
	struct verify *v = c->ctx;

	return v->model + (size_t)(slot - c->slots) * v->arena_bytes;
}

/* Change the contents of a stretch, in model and memory. */
static void
put(struct checked *c, struct checked_slot *slot, uint64_t at, const uint8_t *bytes, uint32_t len)
{
	memmove(model_of(c, slot) + at, bytes, len);
	guest_write(c->client->guest, slot->arena + at, model_of(c, slot) + at, len);
}

static void
put_random(struct checked *c, struct checked_slot *slot, uint64_t at, uint32_t len)
{
	struct verify *v = c->ctx;
	uint8_t *model = model_of(c, slot) + at;
	uint64_t bits = 0;
	uint32_t i;

	for (i = 0; i < len; i++) {
		if (i % sizeof(bits) == 0)
			bits = work_random(&v->state);
		model[i] = (uint8_t)(bits >> (i % sizeof(bits) * 8));
	}
	guest_write(c->client->guest, slot->arena + at, model, len);
}

static void
put_pattern(uint8_t *dst, uint32_t len, uint64_t pattern)
{
	uint32_t i;

	for (i = 0; i < len; i++)
		dst[i] = (uint8_t)(pattern >> (i % 8 * 8));
}

/* Where source and destinations lie in the arena; those lie alike in their pages. */
struct places {
	uint64_t src;
	uint64_t dst;
	uint64_t dst2;
};

static struct places
choose_places(struct verify *v, bool may_overlap, uint32_t size)
{
	uint64_t third = v->arena_bytes / 3;
	struct places p = {.dst2 = 0};

	if (may_overlap && toss(v)) {
		p.src = random_below(v, v->arena_bytes - size + 1);
		p.dst = random_below(v, v->arena_bytes - size + 1);
		return p;
	}
	p.src = random_below(v, third - size + 1);
	p.dst = third + random_below(v, third - size + 1);
	p.dst2 = p.dst + third;
	return p;
}

/* Length of the equal start. */
static uint32_t
equal_bytes(const uint8_t *a, const uint8_t *b, uint32_t len)
{
	uint32_t i;

	for (i = 0; i < len && a[i] == b[i]; i++)
		;
	return i;
}

/* Compare a with b, equal or with one byte changed, and perhaps ask for one of the results. */
static void
prepare_compare(struct checked *c, struct checked_slot *slot, const uint8_t *a, const uint8_t *b,
		uint64_t a_at)
{
	struct verify *v = c->ctx;
	uint32_t size = slot->desc.xfer_size, equal;
	unsigned int status = DSA_COMP_SUCCESS;

	if (toss(v)) {
		uint64_t at = random_below(v, size);
		uint8_t other = (uint8_t)~a[at];

		put(c, slot, a_at + at, &other, 1);
	}
	equal = equal_bytes(a, b, size);
	if (toss(v)) {
		slot->desc.flags |= IDXD_OP_FLAG_CR;
		slot->desc.expected_res = (uint8_t)random_below(v, 2);
		if (slot->desc.expected_res != (equal < size))
			status = DSA_COMP_SUCCESS_PRED;
	}
	slot->expected = status | (uint64_t)(equal < size) << 8 | (uint64_t)equal << 32;
}

/* Descriptor, and the same done to the model. */
static void
prepare_data(struct checked *c, struct checked_slot *slot, const struct work_op *op)
{
	struct verify *v = c->ctx;
	uint32_t size = random_size(v);
	struct places p = choose_places(v, op->opcode == DSA_OPCODE_MEMMOVE, size);
	uint8_t *model = model_of(c, slot);
	struct dsa_hw_desc *desc = &slot->desc;
	uint64_t pattern = work_random(&v->state);

	desc->xfer_size = size;
	slot->expected = DSA_COMP_SUCCESS | (uint64_t)size << 32;
	desc->src_addr = guest_iova(c->client->guest, slot->arena + p.src);
	if (toss(v))
		put_random(c, slot, p.src, size);
	if (op->opcode != DSA_OPCODE_CRCGEN)
		desc->dst_addr = guest_iova(c->client->guest, slot->arena + p.dst);
	if (op->has_crc) {
		desc->crc_seed = (uint32_t)(pattern >> 8);
		slot->has_crc = true;
		slot->crc = work_crc32c(desc->crc_seed, model + p.src, size);
	}
	switch (op->opcode) {
	case DSA_OPCODE_MEMMOVE:
	case DSA_OPCODE_COPY_CRC:
		memmove(model + p.dst, model + p.src, size);
		break;
	case DSA_OPCODE_DUALCAST:
		desc->dest2 = guest_iova(c->client->guest, slot->arena + p.dst2);
		memcpy(model + p.dst, model + p.src, size);
		memcpy(model + p.dst2, model + p.src, size);
		break;
	case DSA_OPCODE_CFLUSH:
		desc->src_addr = 0;
		break;
	case DSA_OPCODE_MEMFILL:
		desc->pattern = pattern;
		put_pattern(model + p.dst, size, pattern);
		break;
	case DSA_OPCODE_COMPARE:
		put(c, slot, p.dst, model + p.src, size);
		prepare_compare(c, slot, model + p.src, model + p.dst, p.src);
		break;
	case DSA_OPCODE_COMPVAL:
		desc->comp_pattern = pattern;
		put_pattern(v->seen, size, pattern);
		put(c, slot, p.src, v->seen, size);
		prepare_compare(c, slot, model + p.src, v->seen, p.src);
		break;
	default:
		break;
	}
}

static bool
prepare(struct checked *c, struct checked_slot *slot)
{
	struct verify *v = c->ctx;
	const struct work_op *op = v->op != NULL ? v->op : &work_ops[random_below(v, nb_work_ops)];

	slot->desc.opcode = op->opcode;
	slot->expected = DSA_COMP_SUCCESS;
	if (op->has_data)
		prepare_data(c, slot, op);
	return true;
}

/* The whole arena, not only what the operation should have touched. */
static bool
check_arena(struct checked *c, struct checked_slot *slot)
{
	struct verify *v = c->ctx;

	guest_read(c->client->guest, slot->arena, v->seen, v->arena_bytes);
	return memcmp(v->seen, model_of(c, slot), v->arena_bytes) == 0;
}

static const struct checked_ops verify_ops = {
	.prepare = prepare,
	.check = check_arena,
};

/* ---- the workload ---- */

static void
close_client(struct checked *c)
{
	struct verify *v = c->ctx;

	if (v == NULL)
		return;
	free(v->model);
	free(v->seen);
	free(v);
}

static int
open_client(struct checked *c, unsigned int idx, void *arg)
{
	const struct options *o = arg;
	struct verify *v = calloc(1, sizeof(*v));
	unsigned int i;

	c->ctx = v;
	if (v == NULL)
		return complain("verify: too little memory");
	v->state = (o->seed + idx) * 2 + 1;
	v->op = o->is_given[OPT_OP] ? o->op : NULL;
	v->size_max = max_size(o);
	v->arena_bytes = c->arena_bytes;
	v->model = malloc(CHECKED_SLOTS * v->arena_bytes);
	v->seen = malloc(v->arena_bytes);
	if (v->model == NULL || v->seen == NULL)
		return complain("verify: too little memory");
	for (i = 0; i < CHECKED_SLOTS; i++)
		put_random(c, &c->slots[i], 0, (uint32_t)v->arena_bytes);
	return 0;
}

static int
run(struct job *job)
{
	const struct options *o = job->opts;
	unsigned int nb = job->rig->placement->nb_submitters;
	const struct checked_conf conf = {
		.ops = &verify_ops,
		.arena_bytes = arena_bytes(o),
		.is_scattered = options_iommu_has_tables(o->iommu),
		.total_ops = o->total_ops == 0 ? UINT64_MAX : (o->total_ops + nb - 1) / nb,
		.open = open_client,
		.close = close_client,
		.arg = (void *)(uintptr_t)o,
	};

	return checked_run(job, &conf);
}

static int
check_options(const struct options *o)
{
	if (o->is_given[OPT_QDEPTH] || o->arrival != ARRIVAL_CLOSED || o->is_given[OPT_REPEAT])
		return complain("--%s with --ptest=verify: it has a closed loop of its own, once",
				o->is_given[OPT_QDEPTH] ? "qdepth" :
				o->is_given[OPT_REPEAT] ? "repeat" :
							  "arrival");
	if (max_size(o) > (64u << 20))
		return complain("--buf-sz with --ptest=verify: allowed: at most 64M");
	return 0;
}

static uint64_t
extra_bytes(const struct options *o)
{
	unsigned int nb = RTE_MAX(o->nb_submitters, 4u);

	return nb * checked_region_bytes(arena_bytes(o));
}

const struct ptest ptest_verify = {
	.name = "verify",
	.check = check_options,
	.extra_bytes = extra_bytes,
	.run = run,
};
