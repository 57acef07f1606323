/* SPDX-License-Identifier: BSD-3-Clause */
/* The source of a migration. */
#include <errno.h>
#include <string.h>

#include "migrate_priv.h"

#define PAGE 4096u

struct source {
	struct siov_vm *vm;
	struct siov_migrate_conf conf;
	struct siov_migrate_stats stats;
	struct wire wire;
	uint64_t *bitmap; /* pages to send */
	uint64_t nb_pages; /* of the VM */
	bool is_logging, is_paused;
	uint32_t nb_suspended; /* slots below have been */
};

/* ---- what it is ---- */

static int
send_hello(struct source *source)
{
	struct wire_hello hello = {
		.ram_bytes = source->vm->ram_bytes,
		.nb_vcpus = source->vm->nb_vcpus,
		.nb_vdevs = source->vm->stats.nb_vdevs,
		.page_shift = source->vm->page_shift,
	};

	memcpy(hello.name, source->vm->name, sizeof(hello.name));
	memcpy(wire_room(&source->wire), &hello, sizeof(hello));
	return wire_send(&source->wire, WIRE_HELLO, sizeof(hello));
}

static int
send_vdev(struct source *source, uint32_t slot)
{
	struct siov_vdev_info info;
	struct wire_vdev vdev;
	unsigned int i;

	siov_vdev_get_info(source->vm->slots[slot], &info);
	vdev = (struct wire_vdev){
		.bdf = info.rid,
		.nb_dwqs = info.nb_wqs - (info.type->has_swq ? 1 : 0),
		.nb_fns = info.nb_fns,
		.page_bytes = info.page_bytes,
		.flags = info.flags,
		.version = info.generation.version,
		.gencap = info.generation.gencap,
		.xfer_max = info.generation.xfer_max,
		.batch_max = info.generation.batch_max,
		.qos = {info.qos.max_outstanding, info.qos.weight, info.qos.priority,
			info.qos.rate_ops, info.qos.burst_ops, info.qos.rate_bytes,
			info.qos.burst_bytes},
	};
	for (i = 0; i < RTE_DIM(vdev.opcap); i++)
		vdev.opcap[i] = info.generation.opcap[i];
	snprintf(vdev.type, sizeof(vdev.type), "%s", info.type->name);
	memcpy(wire_room(&source->wire), &vdev, sizeof(vdev));
	return wire_send(&source->wire, WIRE_VDEV, sizeof(vdev));
}

static int
send_description(struct source *source)
{
	uint32_t slot;
	int ret;

	ret = send_hello(source);
	for (slot = 0; slot < SIOV_VM_VDEVS_MAX && ret == 0; slot++) {
		if (source->vm->slots[slot] != NULL)
			ret = send_vdev(source, slot);
	}
	return ret;
}

/* ---- memory ---- */

static bool
is_marked(const struct source *source, uint64_t page)
{
	return source->bitmap[page / 64] >> page % 64 & 1;
}

/* Copied first: it may change while its checksum is made. */
static int
send_run(struct source *source, uint64_t first, uint64_t nb)
{
	uint8_t *room = wire_room(&source->wire);

	memcpy(room, &first, sizeof(first));
	memcpy(room + sizeof(first), source->vm->ram + first * PAGE, nb * PAGE);
	source->stats.nb_pages += nb;
	if (source->is_paused)
		source->stats.nb_pages_stopped += nb;
	return wire_send(&source->wire, WIRE_PAGES_OF, (uint32_t)(sizeof(first) + nb * PAGE));
}

static bool
is_zero(const uint8_t *page)
{
	return page[0] == 0 && memcmp(page, page + 1, PAGE - 1) == 0;
}

/* In the first round pages of zeros are as they are there. */
static int
send_pages(struct source *source, bool is_first)
{
	uint64_t page = 0, nb;
	int ret = 0;

	while (page < source->nb_pages && ret == 0) {
		if (page % 64 == 0 && source->bitmap[page / 64] == 0) {
			page += 64;
			continue;
		}
		nb = 0;
		while (nb < WIRE_PAGES && page + nb < source->nb_pages &&
		       is_marked(source, page + nb) &&
		       !(is_first && is_zero(source->vm->ram + (page + nb) * PAGE)))
			nb++;
		if (nb != 0)
			ret = send_run(source, page, nb);
		page += RTE_MAX(nb, (uint64_t)1);
	}
	return ret;
}

/* Rounds, until little enough is left. On return the bitmap is what is left. */
static int
send_rounds(struct source *source)
{
	int64_t left = 0;
	int ret;

	memset(source->bitmap, 0xff, source->nb_pages / 8);
	do {
		ret = send_pages(source, source->stats.nb_rounds == 0);
		if (ret != 0)
			return ret;
		source->stats.nb_rounds++;
		left = siov_vm_log_fetch(source->vm, source->bitmap);
		if (left < 0)
			return (int)left;
	} while ((uint64_t)left * PAGE > source->conf.stop_bytes &&
		 source->stats.nb_rounds < source->conf.rounds_max);
	return 0;
}

/* ---- while it stands still ---- */

static int
suspend_all(struct source *source)
{
	int ret = 0;

	for (; source->nb_suspended < SIOV_VM_VDEVS_MAX && ret == 0; source->nb_suspended++) {
		struct siov_vdev *vdev = source->vm->slots[source->nb_suspended];

		if (vdev != NULL)
			ret = siov_vdev_suspend(vdev, source->conf.pause_ms);
		if (ret != 0)
			return ret;
	}
	return ret;
}

/* What was written up to the last moment; bits of the round before may be there yet. */
static int
send_last_pages(struct source *source)
{
	uint64_t *last = source->bitmap + source->nb_pages / 64, i;
	int64_t nb;

	nb = siov_vm_log_fetch(source->vm, last);
	if (nb < 0)
		return (int)nb;
	for (i = 0; i < source->nb_pages / 64; i++)
		source->bitmap[i] |= last[i];
	return send_pages(source, false);
}

static int
send_vcpus(struct source *source)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < source->vm->nb_vcpus && ret == 0; i++) {
		struct wire_vcpu vcpu = {.index = i};

		vcpu_peek_vectors(source->vm->vcpus[i], vcpu.vectors);
		memcpy(wire_room(&source->wire), &vcpu, sizeof(vcpu));
		ret = wire_send(&source->wire, WIRE_VCPU, sizeof(vcpu));
	}
	return ret;
}

static int
send_state(struct source *source, uint64_t slot)
{
	uint8_t *room = wire_room(&source->wire);
	int64_t bytes;

	bytes = siov_vdev_save(source->vm->slots[slot], room + sizeof(slot),
			       WIRE_MAX - sizeof(slot));
	if (bytes < 0)
		return (int)bytes;
	memcpy(room, &slot, sizeof(slot));
	return wire_send(&source->wire, WIRE_STATE, (uint32_t)(sizeof(slot) + (uint64_t)bytes));
}

static int
send_states(struct source *source)
{
	uint32_t slot;
	int ret = 0;

	for (slot = 0; slot < SIOV_VM_VDEVS_MAX && ret == 0; slot++) {
		if (source->vm->slots[slot] != NULL)
			ret = send_state(source, slot);
	}
	return ret == 0 ? wire_send(&source->wire, WIRE_END, 0) : ret;
}

static int
await_record(struct source *source, enum wire_type wanted)
{
	enum wire_type type;
	uint32_t len;
	int ret;

	ret = wire_receive(&source->wire, &type, &len);
	if (ret == -EBADMSG || ret == -ENOTSUP || (ret == 0 && type != wanted))
		return -EPROTO;
	return ret;
}

/* All that must not be done twice. -EINPROGRESS: nobody knows here whether it runs there. */
static int
hand_over(struct source *source)
{
	int ret;

	ret = await_record(source, WIRE_READY);
	if (ret == 0)
		ret = wire_send(&source->wire, WIRE_GO, 0);
	/* A part of the record may have been sent: it is no record there, but who knows. */
	if (ret != 0)
		return ret;
	return await_record(source, WIRE_DONE) == 0 ? 0 : -EINPROGRESS;
}

static int
stand_still(struct source *source)
{
	uint64_t begin_ns = clock_ns();
	int ret;

	ret = siov_vm_pause(source->vm, source->conf.pause_ms);
	if (ret != 0)
		return ret;
	source->is_paused = true;
	ret = suspend_all(source);
	if (ret == 0)
		ret = send_last_pages(source);
	if (ret == 0)
		ret = send_vcpus(source);
	if (ret == 0)
		ret = send_states(source);
	if (ret == 0)
		ret = hand_over(source);
	source->stats.downtime_ns = clock_ns() - begin_ns;
	return ret;
}

/* It goes on here. */
static void
undo(struct source *source, int error)
{
	int64_t word = error;
	uint32_t slot;

	memcpy(wire_room(&source->wire), &word, sizeof(word));
	wire_send(&source->wire, WIRE_FAIL, sizeof(word));
	for (slot = 0; slot < source->nb_suspended; slot++) {
		if (source->vm->slots[slot] != NULL)
			siov_vdev_resume(source->vm->slots[slot]);
	}
	if (source->is_paused)
		siov_vm_unpause(source->vm);
}

static int
send_vm(struct source *source)
{
	int ret;

	ret = siov_vm_log_start(source->vm);
	source->is_logging = ret == 0;
	if (ret == 0)
		ret = send_description(source);
	if (ret == 0)
		ret = send_rounds(source);
	if (ret == 0)
		ret = stand_still(source);
	if (ret == 0 || ret == -EINPROGRESS)
		siov_vm_stop(source->vm);
	else
		undo(source, ret);
	if (source->is_logging)
		siov_vm_log_stop(source->vm);
	return ret;
}

int
migrate_conf(const struct siov_migrate_conf *conf, struct siov_migrate_conf *own)
{
	*own = conf != NULL ? *conf : (struct siov_migrate_conf){0};
	if (own->rounds_max > 100)
		return -EINVAL;
	if (own->rounds_max == 0)
		own->rounds_max = 10;
	if (own->stop_bytes == 0)
		own->stop_bytes = UINT64_C(4) << 20;
	if (own->pause_ms == 0)
		own->pause_ms = 1000;
	if (own->io_ms == 0)
		own->io_ms = 10000;
	return 0;
}

int
siov_migrate_send(struct siov_vm *vm, int fd, const struct siov_migrate_conf *conf,
		  struct siov_migrate_stats *stats)
{
	struct source source = {.vm = vm, .nb_pages = vm->ram_bytes / PAGE};
	const struct siov_mem *mem = vm->vmm->mem;
	uint64_t begin_ns = clock_ns();
	int ret;

	if (vm->is_process)
		return -ENOTSUP;
	ret = migrate_conf(conf, &source.conf);
	if (ret != 0)
		return ret;
	source.wire = (struct wire){.fd = fd, .io_ms = source.conf.io_ms};
	source.wire.buffer =
		siov_mem_alloc(mem, "siov_migrate", WIRE_HEAD + WIRE_MAX, RTE_CACHE_LINE_SIZE, -1);
	/* One for what is left of a round, one for what was written since. */
	source.bitmap = siov_mem_alloc(mem, "siov_migrate", 2 * (source.nb_pages / 8),
				       RTE_CACHE_LINE_SIZE, -1);
	ret = source.wire.buffer != NULL && source.bitmap != NULL ? send_vm(&source) : -ENOMEM;
	siov_mem_free(mem, source.bitmap);
	siov_mem_free(mem, source.wire.buffer);
	source.stats.bytes = source.wire.bytes_sent;
	source.stats.total_ns = clock_ns() - begin_ns;
	if (stats != NULL)
		*stats = source.stats;
	return ret;
}
