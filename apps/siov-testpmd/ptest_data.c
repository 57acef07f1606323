/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * --data: a real file's bytes, moved chunk by chunk with copy and CRC. Every byte that arrives, and
 * every CRC32C, is compared with the program's own copy and computation.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "checked.h"
#include "complain.h"
#include "ptest.h"

#define CHUNK_DEFAULT (64u * 1024)
#define CHUNK_MAX (16u << 20)

/* The file, as the one client that reads it sees it. */
struct data {
	const char *path;
	FILE *f;
	uint32_t chunk; /* bytes */
	uint8_t *copies; /* of each slot's chunk, as read */
	uint8_t *seen;
	uint64_t bytes; /* read so far */
	uint32_t crc; /* of all of them */
	int err; /* of reading, a positive errno */
};

static uint32_t
chunk_bytes(const struct options *o)
{
	return o->is_given[OPT_BUF_SZ] ? (uint32_t)o->buf_sz.v[0] : CHUNK_DEFAULT;
}

static uint64_t
arena_bytes(const struct options *o)
{
	return 2 * RTE_ALIGN_CEIL((uint64_t)chunk_bytes(o), UINT64_C(4096));
}

static bool
prepare(struct checked *c, struct checked_slot *slot)
{
	struct data *d = c->ctx;
	uint64_t dst = slot->arena + c->arena_bytes / 2;
	uint8_t *copy;
	size_t n;

	if (d == NULL || d->err != 0)
		return false;
	copy = d->copies + (size_t)(slot - c->slots) * d->chunk;
	n = fread(copy, 1, d->chunk, d->f);
	if (n == 0) {
		d->err = ferror(d->f) ? EIO : 0;
		return false;
	}
	d->bytes += n;
	d->crc = work_crc32c(d->crc, copy, n);
	guest_write(c->client->guest, slot->arena, copy, n);
	/* What was there before must not look like what is to arrive. */
	memset(d->seen, ~copy[0], n);
	guest_write(c->client->guest, dst, d->seen, n);
	slot->desc.opcode = DSA_OPCODE_COPY_CRC;
	slot->desc.src_addr = guest_iova(c->client->guest, slot->arena);
	slot->desc.dst_addr = guest_iova(c->client->guest, dst);
	slot->desc.xfer_size = (uint32_t)n;
	slot->expected = DSA_COMP_SUCCESS | (uint64_t)n << 32;
	slot->has_crc = true;
	slot->crc = work_crc32c(0, copy, n);
	return true;
}

static bool
check(struct checked *c, struct checked_slot *slot)
{
	struct data *d = c->ctx;
	const uint8_t *copy = d->copies + (size_t)(slot - c->slots) * d->chunk;
	uint32_t n = slot->desc.xfer_size;

	guest_read(c->client->guest, slot->arena + c->arena_bytes / 2, d->seen, n);
	return memcmp(d->seen, copy, n) == 0;
}

static const struct checked_ops data_ops = {
	.prepare = prepare,
	.check = check,
};

/* The first client has the file; the others have nothing to do. */
static int
open_client(struct checked *c, unsigned int idx, void *arg)
{
	c->ctx = idx == 0 ? arg : NULL;
	return 0;
}

static void
close_client(struct checked *c)
{
	c->ctx = NULL;
}

static int
open_file(struct data *d, const struct options *o)
{
	struct stat st;

	d->path = o->data_file;
	d->chunk = chunk_bytes(o);
	d->f = fopen(d->path, "rb");
	if (d->f == NULL || fstat(fileno(d->f), &st) != 0)
		return complain("--data=%s: cannot be read: %s", d->path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return complain("--data=%s: cannot be read: %s", d->path, strerror(EISDIR));
	d->copies = malloc((size_t)CHECKED_SLOTS * d->chunk);
	d->seen = malloc(d->chunk);
	return d->copies != NULL && d->seen != NULL ? 0 : complain("--data: too little memory");
}

static void
close_file(struct data *d)
{
	if (d->f != NULL)
		fclose(d->f);
	free(d->copies);
	free(d->seen);
}

static int
run_data(struct job *job, struct data *d)
{
	const struct checked_conf conf = {
		.ops = &data_ops,
		.arena_bytes = arena_bytes(job->opts),
		.is_scattered = job->opts->iommu == SIOV_DOMAIN_SECOND_STAGE,
		.total_ops = UINT64_MAX,
		.open = open_client,
		.close = close_client,
		.arg = d,
	};
	int err = checked_run(job, &conf);

	if (d->err != 0)
		return complain("--data=%s: cannot be read: %s", d->path, strerror(d->err));
	if (err == 0 && job->stopper->is_stopped)
		return complain("--data=%s: stopped after %" PRIu64 " bytes", d->path, d->bytes);
	if (err == 0 && !(job->opts->json && job->opts->json_path == NULL) &&
	    !(job->opts->csv && job->opts->csv_path == NULL))
		printf("%s: %" PRIu64 " bytes moved and compared, CRC32C 0x%08x\n", d->path,
		       d->bytes, d->crc);
	return err;
}

static int
run(struct job *job)
{
	struct data data = {.f = NULL};
	int err = open_file(&data, job->opts);

	if (err == 0)
		err = run_data(job, &data);
	close_file(&data);
	return err;
}

static void
tune(struct options *o)
{
	o->op = work_op_find("copycrc");
	o->duration_s = 0; /* until the file ends */
	if (!o->is_given[OPT_NB_PASIDS])
		o->nb_pasids = 1;
	if (!o->is_given[OPT_NB_SUBMITTERS] && o->submit_cores.nb == 0)
		o->nb_submitters = 1;
}

static int
check_options(const struct options *o)
{
	static const enum option_id others[] = {OPT_DURATION, OPT_QDEPTH,    OPT_ARRIVAL,
						OPT_REPEAT,   OPT_TOTAL_OPS, OPT_WARMUP};
	static const char *const names[] = {"duration", "qdepth",    "arrival",
					    "repeat",   "total-ops", "warmup"};
	unsigned int i;

	for (i = 0; i < RTE_DIM(others); i++) {
		if (o->is_given[others[i]])
			return complain("--%s with --data: the file is moved once, as fast as it "
					"goes",
					names[i]);
	}
	if (o->buf_sz.nb > 1 || chunk_bytes(o) > CHUNK_MAX)
		return complain("--buf-sz with --data: allowed: one size, at most 16M");
	return 0;
}

static uint64_t
extra_bytes(const struct options *o)
{
	return RTE_MAX(o->nb_submitters, 4u) * checked_region_bytes(arena_bytes(o));
}

const struct ptest ptest_data = {
	.name = "data",
	.tune = tune,
	.check = check_options,
	.extra_bytes = extra_bytes,
	.run = run,
};
