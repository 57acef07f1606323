/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a VDEV costs its guest: the direct path against the ADI itself, what is intercepted against two
 * threads that wake each other, registers against memory; VDEVs that come and go, many of them, and the
 * loss of a function.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/eventfd.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>

#include "bench.h"
#include "bench_host.h"

#define TIMEOUT_MS 5000u
#define PASID 5u
#define DEPTH 256u
#define RECORDS UINT64_C(0x10000) /* guest memory: records, then data */
#define SRC UINT64_C(0x2000000)
#define DST UINT64_C(0x4000000)
#define HALF_BYTES (UINT64_C(32) << 20)

static uint64_t
budget(void)
{
	return (uint64_t)((double)rte_get_tsc_hz() * bench_opt->seconds);
}

/* ---- the direct path ---- */

/* Through a guest's queue, or straight on the portal behind it. */
struct path {
	struct bench_host *host;
	struct siov_guest_queue queue;
	struct siov_portal *portal;
	uint32_t size;
};

static struct dsa_completion_record *
record_at(const struct path *path, uint64_t i)
{
	return (struct dsa_completion_record *)(path->host->ram + RECORDS) + i % DEPTH;
}

static bool
reap(const struct path *path, uint64_t i)
{
	struct dsa_completion_record *rec = record_at(path, i);
	unsigned int rounds = 0;

	while (siov_atomic_load(&rec->status, acquire) == DSA_COMP_NONE)
		bench_relax(&rounds, bench_opt->shares_cpus);
	return rec->status == DSA_COMP_SUCCESS;
}

static inline void
submit(struct path *path, uint64_t i, bool is_straight)
{
	uint64_t offset = i * path->size % HALF_BYTES;
	const struct dsa_hw_desc desc __attribute__((aligned(64))) = {
		.opcode = path->size != 0 ? DSA_OPCODE_MEMMOVE : DSA_OPCODE_NOOP,
		.flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR,
		.completion_addr = RECORDS + i % DEPTH * sizeof(struct dsa_completion_record),
		.src_addr = path->size != 0 ? SRC + offset : 0,
		.dst_addr = path->size != 0 ? DST + offset : 0,
		.xfer_size = path->size,
	};
	unsigned int rounds = 0;

	record_at(path, i)->status = DSA_COMP_NONE;
	while ((is_straight ? siov_enqcmd(path->portal, &desc) :
			      siov_guest_submit(&path->queue, &desc)) != SIOV_DMWR_SUCCESS)
		bench_relax(&rounds, bench_opt->shares_cpus);
}

static double
run_path(struct path *path, bool is_straight)
{
	uint64_t start = rte_rdtsc(), i, done, cycles;
	bool ok = true;

	for (i = 0; i % 64 != 0 || rte_rdtsc() - start < budget(); i++) {
		if (i >= DEPTH)
			ok &= reap(path, i - DEPTH);
		submit(path, i, is_straight);
	}
	for (done = i > DEPTH ? i - DEPTH : 0; done < i; done++)
		ok &= reap(path, done);
	cycles = rte_rdtsc() - start;
	return ok ? (double)i / bench_seconds(cycles) / 1e6 : BENCH_FAILED;
}

static double
measure_path(uint32_t size, bool is_straight)
{
	struct bench_host host;
	struct path path = {.host = &host, .size = size};
	struct siov_guest *guest = NULL;
	double figure = BENCH_FAILED;
	uint16_t bdf;

	if (bench_host_open(&host, 1, bench_submitter_lcore(1)))
		guest = bench_host_guest(&host, "swq", 0, &bdf);
	if (guest != NULL && siov_guest_wq_enable(guest, 0, PASID) == 0 &&
	    siov_guest_open(guest, host.vcpu, 0, PASID, &path.queue) == 0) {
		/* The ADI's own portal, with the host's PASID. */
		path.portal = siov_vm_portal_target(path.queue.portal);
		run_path(&path, is_straight); /* warm-up */
		figure = run_path(&path, is_straight);
		siov_guest_close(&path.queue);
	}
	if (guest != NULL && !bench_host_end(&host, guest, bdf))
		figure = BENCH_FAILED;
	bench_host_close(&host);
	return figure;
}

static double
measure_guest(const void *arg)
{
	return measure_path(*(const uint32_t *)arg, false);
}

static double
measure_straight(const void *arg)
{
	return measure_path(*(const uint32_t *)arg, true);
}

/* ---- accesses ---- */

enum access { INTERCEPTED, REGISTER, MEMORY_PAGE };

static double
run_accesses(struct bench_host *host, uint16_t bdf, enum access access)
{
	uint64_t gpa, bytes, start, nb = 0, sum = 0;
	const SIOV_ATOMIC(uint32_t) *page;
	unsigned int i;

	siov_vdev_bar(siov_vm_vdev(host->vm, bdf), 0, &gpa, &bytes);
	page = siov_vcpu_map(host->vcpu,
			     gpa + (access == MEMORY_PAGE ? SIOV_VDEV_PAGE_CHANNEL : 0) * 4096,
			     4096, false);
	if (page == NULL)
		return BENCH_FAILED;
	start = rte_rdtsc();
	while (rte_rdtsc() - start < budget()) {
		for (i = 0; i < (access == INTERCEPTED ? 1u : 1024u); i++, nb++) {
			if (access == INTERCEPTED)
				sum += siov_vcpu_mmio_read(host->vcpu, gpa + 4096, 4);
			else
				sum += siov_atomic_load(&page[i % 256], relaxed);
		}
	}
	return sum != 1 ? bench_seconds(rte_rdtsc() - start) * 1e9 / (double)nb : BENCH_FAILED;
}

static double
measure_access(enum access access, unsigned int control_lcore)
{
	struct siov_vdev_stats before, after;
	struct siov_guest *guest = NULL;
	double figure = BENCH_FAILED;
	struct bench_host host;
	uint16_t bdf;

	if (bench_host_open(&host, 1, control_lcore))
		guest = bench_host_guest(&host, "swq", 0, &bdf);
	if (guest != NULL) {
		siov_vdev_get_stats(siov_vm_vdev(host.vm, bdf), &before);
		figure = run_accesses(&host, bdf, access);
		siov_vdev_get_stats(siov_vm_vdev(host.vm, bdf), &after);
		/* None, or each. */
		if ((after.nb_reads[1] == before.nb_reads[1]) != (access != INTERCEPTED))
			figure = BENCH_FAILED;
		if (!bench_host_end(&host, guest, bdf))
			figure = BENCH_FAILED;
	}
	bench_host_close(&host);
	return figure;
}

static double
measure_intercepted_near(const void *arg)
{
	RTE_SET_USED(arg);
	return measure_access(INTERCEPTED, bench_submitter_lcore(1));
}

static double
measure_intercepted_far(const void *arg)
{
	RTE_SET_USED(arg);
	return measure_access(INTERCEPTED, bench_engine_lcore());
}

static double
measure_register(const void *arg)
{
	RTE_SET_USED(arg);
	return measure_access(REGISTER, bench_submitter_lcore(1));
}

static double
measure_memory_page(const void *arg)
{
	RTE_SET_USED(arg);
	return measure_access(MEMORY_PAGE, bench_submitter_lcore(1));
}

static double
measure_load(const void *arg)
{
	SIOV_ATOMIC(uint32_t) *page = aligned_alloc(4096, 4096);
	uint64_t start, nb = 0, sum = 0;
	unsigned int i;

	RTE_SET_USED(arg);
	if (page == NULL)
		return BENCH_FAILED;
	memset((void *)(uintptr_t)page, 1, 4096);
	start = rte_rdtsc();
	while (rte_rdtsc() - start < budget()) {
		for (i = 0; i < 1024u; i++, nb++)
			sum += siov_atomic_load(&page[i % 256], relaxed);
	}
	free((void *)(uintptr_t)page);
	return sum != 1 ? bench_seconds(rte_rdtsc() - start) * 1e9 / (double)nb : BENCH_FAILED;
}

struct pong {
	int ping, pong;
};

static int
run_pong(void *arg)
{
	const struct pong *pong = arg;
	eventfd_t value;

	while (eventfd_read(pong->ping, &value) == 0 && value != 2)
		eventfd_write(pong->pong, 1);
	return 0;
}

/* Two threads that wake each other by eventfds. */
static double
measure_pong(unsigned int lcore)
{
	struct pong pong = {eventfd(0, 0), eventfd(0, 0)};
	uint64_t start, nb = 0;
	eventfd_t value;
	double seconds;

	rte_eal_remote_launch(run_pong, &pong, lcore);
	start = rte_rdtsc();
	while (rte_rdtsc() - start < budget()) {
		eventfd_write(pong.ping, 1);
		eventfd_read(pong.pong, &value);
		nb++;
	}
	seconds = bench_seconds(rte_rdtsc() - start);
	eventfd_write(pong.ping, 2);
	rte_eal_wait_lcore(lcore);
	close(pong.ping);
	close(pong.pong);
	return seconds * 1e9 / (double)nb;
}

static double
measure_pong_near(const void *arg)
{
	RTE_SET_USED(arg);
	return measure_pong(bench_submitter_lcore(1));
}

static double
measure_pong_far(const void *arg)
{
	RTE_SET_USED(arg);
	return measure_pong(bench_engine_lcore());
}

/* ---- many ---- */

struct crowd {
	struct bench_host host;
	uint32_t nb;
	struct siov_guest **guests;
	uint16_t *bdfs;
};

static bool
open_crowd(struct crowd *crowd, uint32_t nb)
{
	crowd->guests = calloc(nb, sizeof(crowd->guests[0]));
	crowd->bdfs = calloc(nb, sizeof(crowd->bdfs[0]));
	if (!bench_host_open(&crowd->host, 1, bench_submitter_lcore(1)) || crowd->guests == NULL ||
	    crowd->bdfs == NULL)
		return false;
	for (; crowd->nb < nb; crowd->nb++) {
		crowd->guests[crowd->nb] =
			bench_host_guest(&crowd->host, "swq", crowd->nb, &crowd->bdfs[crowd->nb]);
		if (crowd->guests[crowd->nb] == NULL)
			return false;
	}
	return true;
}

static bool
close_crowd(struct crowd *crowd)
{
	bool ok = true;

	while (crowd->nb > 0) {
		crowd->nb--;
		ok &= bench_host_end(&crowd->host, crowd->guests[crowd->nb],
				     crowd->bdfs[crowd->nb]);
	}
	bench_host_close(&crowd->host);
	free(crowd->guests);
	free(crowd->bdfs);
	return ok;
}

#define STAYING 1000u

/* Created, probed by a guest driver, removed and destroyed, a second. */
static double
measure_life(const void *arg)
{
	struct crowd crowd = {0};
	double figure = BENCH_FAILED;
	uint64_t start, nb = 0;
	bool ok;

	RTE_SET_USED(arg);
	ok = open_crowd(&crowd, STAYING);
	start = rte_rdtsc();
	for (; ok && rte_rdtsc() - start < budget(); nb++) {
		struct siov_guest *guest;
		uint16_t bdf;

		guest = bench_host_guest(&crowd.host, "swq", STAYING, &bdf);
		ok = guest != NULL && bench_host_end(&crowd.host, guest, bdf);
	}
	if (ok)
		figure = (double)nb / bench_seconds(rte_rdtsc() - start);
	return close_crowd(&crowd) ? figure : BENCH_FAILED;
}

#define ALIVE 10000u
#define PER_VM 5000u

/* Bytes that the process has: resident, and in DPDK's heaps where these are huge pages and not counted. */
static double
count_bytes(void)
{
	unsigned long total, resident = 0;
	struct rte_malloc_socket_stats stats;
	double bytes = 0;
	unsigned int i;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f == NULL || fscanf(f, "%lu %lu", &total, &resident) != 2)
		resident = 0;
	if (f != NULL)
		fclose(f);
	for (i = 0; i < rte_socket_count() && rte_eal_has_hugepages(); i++) {
		if (rte_malloc_get_socket_stats(rte_socket_id_by_idx(i), &stats) == 0)
			bytes += (double)stats.heap_allocsz_bytes;
	}
	return bytes + (double)resident * (double)sysconf(_SC_PAGESIZE);
}

/* Bytes that the process has more of for each of 10,000, which are all there at once. */
static double
measure_alive(const void *arg)
{
	const struct siov_vm_conf vm_conf = {
		.name = "second",
		.ram_bytes = 2u << 20,
		.nb_vcpus = 1,
		.socket_id = -1,
	};
	const struct siov_vdev_conf conf = {.type = siov_vdcm_type_find("swq")};
	struct siov_vm *vms[2] = {NULL};
	double figure = BENCH_FAILED, before;
	struct bench_host host;
	uint16_t *bdfs = calloc(ALIVE, sizeof(*bdfs));
	uint32_t nb = 0;
	bool ok;

	RTE_SET_USED(arg);
	ok = bench_host_open(&host, 1, bench_submitter_lcore(1)) && bdfs != NULL &&
	     siov_vm_create(host.vmm, &vm_conf, &vms[1]) == 0;
	vms[0] = host.vm;
	before = count_bytes();
	for (; ok && nb < ALIVE; nb++)
		ok = siov_vm_plug(vms[nb / PER_VM], &conf, &bdfs[nb]) == 0;
	if (ok)
		figure = (count_bytes() - before) / ALIVE;
	for (; nb > 0; nb--)
		siov_vm_unplug(vms[(nb - 1) / PER_VM], bdfs[nb - 1], TIMEOUT_MS);
	siov_vm_free(vms[1]);
	bench_host_close(&host);
	free(bdfs);
	return figure;
}

/* ---- a function is lost ---- */

static void
count_halt(void *arg, struct siov_guest *guest)
{
	RTE_SET_USED(guest);
	*(unsigned int *)arg += 1;
}

static bool
copy_once(struct path *path)
{
	submit(path, 0, false);
	return reap(path, 0);
}

/* Milliseconds from the loss until a copy is done by the other function. */
static double
measure_loss(const void *arg)
{
	const struct siov_guest_ops ops = {.on_halt = count_halt};
	struct siov_guest_conf guest_conf = {
		.state_gpa = BENCH_HOST_STATES,
		.first_vector = 64,
		.ops = &ops,
	};
	const struct siov_vdev_conf conf = {
		.type = siov_vdcm_type_find("swq"),
		.nb_fns = 2,
	};
	struct bench_host host;
	struct path path = {.host = &host, .size = 4096};
	struct siov_guest *guest = NULL;
	double figure = BENCH_FAILED;
	unsigned int nb_halts = 0;
	uint64_t start;

	RTE_SET_USED(arg);
	guest_conf.arg = &nb_halts;
	if (bench_host_open(&host, 2, bench_submitter_lcore(1)) &&
	    siov_vm_plug(host.vm, &conf, &guest_conf.bdf) == 0 &&
	    siov_guest_probe(host.vcpu, &guest_conf, &guest) == 0 &&
	    siov_guest_wq_enable(guest, 0, PASID) == 0 &&
	    siov_guest_open(guest, host.vcpu, 0, PASID, &path.queue) == 0 && copy_once(&path)) {
		start = rte_rdtsc();
		siov_pci_fail(host.pci, 0);
		while (nb_halts == 0 && bench_seconds(rte_rdtsc() - start) < 5) {
			siov_vcpu_wait(host.vcpu, 100);
			siov_guest_poll(guest);
		}
		if (nb_halts == 1 && copy_once(&path))
			figure = bench_seconds(rte_rdtsc() - start) * 1e3;
		siov_guest_close(&path.queue);
	}
	if (guest != NULL && !bench_host_end(&host, guest, guest_conf.bdf))
		figure = BENCH_FAILED;
	bench_host_close(&host);
	return figure;
}

void
bench_vdev(void)
{
	static const uint32_t sizes[] = {0, 4096};
	static const struct bench_row rows[] = {
		{
			.bench = "vdev",
			.name = "path=direct,op=noop",
			.unit = "Mops",
			.ours = {"guest", measure_guest},
			.limit = {"adi", measure_straight},
			.args = &sizes[0],
		},
		{
			.bench = "vdev",
			.name = "path=direct,size=4096",
			.unit = "Mops",
			.ours = {"guest", measure_guest},
			.limit = {"adi", measure_straight},
			.args = &sizes[1],
		},
		{
			.bench = "vdev",
			.name = "read=intercepted,cpus=1",
			.unit = "ns",
			.less_is_better = true,
			.ours = {"guest", measure_intercepted_near},
			.limit = {"eventfd_ping_pong", measure_pong_near},
		},
		{
			.bench = "vdev",
			.name = "read=intercepted,cpus=2",
			.unit = "ns",
			.less_is_better = true,
			.ours = {"guest", measure_intercepted_far},
			.limit = {"eventfd_ping_pong", measure_pong_far},
		},
		{
			.bench = "vdev",
			.name = "read=register",
			.unit = "ns",
			.less_is_better = true,
			.ours = {"guest", measure_register},
			.limit = {"load", measure_load},
		},
		{
			.bench = "vdev",
			.name = "read=memory_page",
			.unit = "ns",
			.less_is_better = true,
			.ours = {"guest", measure_memory_page},
			.limit = {"load", measure_load},
		},
		{
			.bench = "vdev",
			.name = "life=create+probe+destroy,staying=1000",
			.unit = "/s",
			.ours = {"guest", measure_life},
		},
		{
			.bench = "vdev",
			.name = "memory,alive=10000",
			.unit = "B",
			.less_is_better = true,
			.ours = {"all", measure_alive},
		},
		{
			.bench = "vdev",
			.name = "loss=one_of_two_functions",
			.unit = "ms",
			.less_is_better = true,
			.ours = {"guest", measure_loss},
		},
	};
	unsigned int i;

	for (i = 0; i < RTE_DIM(rows); i++)
		bench_row_run(&rows[i]);
}
