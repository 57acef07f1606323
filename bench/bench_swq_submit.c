/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What does one submission cost? No-op descriptors with a completion record each, one descriptor a
 * submission, submitted to completed.
 *
 * Everybody shares the same two bodies: the submitter's (clear a record, submit, reap the oldest
 * records when its window is full) and the consumer's (take a burst, write each descriptor's
 * 32-byte record). Only the queue between them differs. Rows with path=device run our whole engine
 * as the consumer: translation, checks, statistics.
 *
 * The limit is a single-producer ring for each submitter, with its share of the entries: no atomic
 * read-modify-write anywhere, slots prefetched for write, the patience of our engine.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_pause.h>
#include <rte_ring.h>
#include <rte_ring_elem.h>

#ifdef BENCH_HAVE_CK
#include <ck_ring.h>
#endif

#include "bench.h"
#include "bench_dev.h"

#define WINDOW 4096u /* completion records of a submitter */
#define CHUNK 32u /* reaped together */
#define BURST 32u
#define PASIDS_MAX 64u
#define MEM_BYTES (4u << 20)

struct args {
	uint32_t entries;
	unsigned int nb_submitters;
	unsigned int nb_pasids;
};

/* A ring of one producer and one consumer: the limit. */
struct sp_ring {
	struct siov_desc_words *slots;
	uint32_t mask, log2, entries;
	uint64_t tail __attribute__((aligned(64)));
	uint64_t cached_head;
	SIOV_ATOMIC(uint64_t) head __attribute__((aligned(64)));
	struct siov_gather gather;
};

struct submitter;
struct run;

typedef bool (*push_fn)(struct submitter *s, struct dsa_hw_desc *desc);
typedef unsigned int (*pop_fn)(struct run *run, struct siov_desc_words *out, uint64_t now);

struct submitter {
	struct run *run;
	struct dsa_completion_record *records; /* WINDOW of them */
	uint64_t record_iova;
	struct siov_portal *portals; /* ours */
	struct siov_portal *dev_portals[PASIDS_MAX];
	struct sp_ring sp;
	uint32_t next_pasid;
	SIOV_ATOMIC(uint64_t) submitted;
} __attribute__((aligned(64)));

struct run {
	/* const once all run */
	const struct args *args;
	uint8_t *memory;
	struct siov_wq *wq;
	struct rte_ring *ring;
#ifdef BENCH_HAVE_CK
	struct siov_desc_words *ck_slots;
#endif

	struct submitter submitters[BENCH_SUBMITTERS_MAX];

	/* owner: who keeps the time */
	SIOV_ATOMIC(uint32_t) is_over __attribute__((aligned(64)));
	SIOV_ATOMIC(uint32_t) consumer_stop;

	/* owner: consumer */
	SIOV_ATOMIC(uint64_t) consumed __attribute__((aligned(64)));
	struct siov_wq_granter granter;

#ifdef BENCH_HAVE_CK
	ck_ring_t ck __attribute__((aligned(64)));
#endif
	struct bench_dev bd;
};

/* ---- the two bodies ---- */

/* Wait until the CHUNK oldest records are written. False: the run is over and they never will be. */
static inline bool
reap(struct submitter *s, uint64_t first)
{
	bool shares = s->run->args->nb_submitters > 1 || bench_opt->shares_cpus;
	unsigned int rounds = 0;
	int i;

	/* The youngest first: once it is there, the others mostly are. */
	for (i = CHUNK - 1; i >= 0; i--) {
		struct dsa_completion_record *rec = &s->records[(first + i) % WINDOW];

		while (siov_atomic_load(&rec->status, acquire) == DSA_COMP_NONE)
			bench_relax(&rounds, shares);
		if (rec->status != DSA_COMP_SUCCESS)
			return false;
	}
	return true;
}

static __rte_always_inline int
submit_body(struct submitter *s, push_fn push)
{
	struct run *run = s->run;
	bool shares = run->args->nb_submitters > 1 || bench_opt->shares_cpus;
	struct dsa_hw_desc desc __attribute__((aligned(64)));
	unsigned int rounds = 0;
	uint64_t i = 0, reaped = 0;

	memset(&desc, 0, sizeof(desc));
	desc.flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR;
	while (!siov_atomic_load(&run->is_over, relaxed) || i % CHUNK != 0) {
		struct dsa_completion_record *rec = &s->records[i % WINDOW];

		if (i - reaped == WINDOW) {
			if (!reap(s, reaped))
				return -1;
			reaped += CHUNK;
		}
		siov_atomic_store(&rec->status, DSA_COMP_NONE, relaxed);
		desc.completion_addr = s->record_iova + (i % WINDOW) * sizeof(*rec);
		while (!push(s, &desc))
			bench_relax(&rounds, shares);
		i++;
		/* For the one who measures; its own line, once in a while. */
		if (i % CHUNK == 0)
			siov_atomic_store(&s->submitted, i, relaxed);
	}
	for (; reaped < i; reaped += CHUNK) {
		if (!reap(s, reaped))
			return -1;
	}
	return 0;
}

static inline void
complete(const struct siov_desc_words *desc, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		uint64_t *rec = (uint64_t *)(uintptr_t)desc[i].word[0];

		rec[1] = 0;
		rec[2] = 0;
		rec[3] = 0;
		siov_atomic_store((SIOV_ATOMIC(uint64_t) *)rec, DSA_COMP_SUCCESS, release);
	}
}

static __rte_always_inline int
consume_body(struct run *run, pop_fn pop)
{
	struct siov_desc_words burst[BURST];
	unsigned int rounds = 0;
	uint64_t consumed = 0;

	while (!siov_atomic_load(&run->consumer_stop, relaxed)) {
		unsigned int n = pop(run, burst, rte_rdtsc());

		if (n == 0) {
			bench_relax(&rounds, bench_opt->shares_cpus);
			continue;
		}
		complete(burst, n);
		consumed += n;
		siov_atomic_store(&run->consumed, consumed, relaxed);
	}
	return 0;
}

/* ---- ours ---- */

static __rte_always_inline struct siov_portal *
next_portal(struct submitter *s)
{
	uint32_t i = s->next_pasid;

	s->next_pasid = i + 1 == s->run->args->nb_pasids ? 0 : i + 1;
	return &s->portals[i];
}

static __rte_always_inline bool
push_ours(struct submitter *s, struct dsa_hw_desc *desc)
{
	struct siov_portal *portal = next_portal(s);

	if (siov_enqcmd(portal, desc) == SIOV_DMWR_SUCCESS)
		return true;
	s->next_pasid = (uint32_t)(portal - s->portals);
	return false;
}

static __rte_always_inline unsigned int
pop_ours(struct run *run, struct siov_desc_words *out, uint64_t now)
{
	static const struct siov_lane_limits limits = {.nb_max = BURST, .long_bytes = UINT32_MAX};
	static __thread uint32_t next;
	uint32_t nb = siov_atomic_load(&run->wq->nb_lanes, acquire);
	struct siov_lane *lane;
	unsigned int n;

	next = next + 1 >= nb ? 0 : next + 1;
	lane = run->wq->lanes[next];
	if (!siov_lane_is_published_sc(lane, 0) || !siov_gather_is_ripe(&lane->gather, now))
		return 0;
	n = siov_lane_pop_sc(lane, &limits, out, NULL);
	siov_gather_popped(&lane->gather, n, now);
	siov_wq_give_back(run->wq, &run->granter, n, now);
	return n;
}

static bool
setup_ours(struct run *run)
{
	const struct args *args = run->args;
	struct siov_wq_conf conf;
	unsigned int i, p;

	siov_wq_conf_init(&conf);
	conf.size = args->entries;
	if (siov_wq_create(&conf, &run->wq) != 0)
		return false;
	for (i = 0; i < args->nb_submitters; i++) {
		struct submitter *s = &run->submitters[i];
		struct siov_lane *lane;

		s->portals = rte_zmalloc(NULL, args->nb_pasids * sizeof(s->portals[0]), 64);
		if (s->portals == NULL || siov_wq_attach(siov_mem_eal(), run->wq, 0, &lane) != 0)
			return false;
		for (p = 0; p < args->nb_pasids; p++)
			siov_portal_init(&s->portals[p], lane, p + 1, SIOV_PORTAL_F_PASID);
	}
	return siov_wq_set_state(run->wq, SIOV_WQ_ENABLED) == 0;
}

/* ---- the limit ---- */

static __rte_always_inline bool
push_sp(struct submitter *s, struct dsa_hw_desc *desc)
{
	struct sp_ring *r = &s->sp;
	struct siov_desc_words *slot = &r->slots[r->tail & r->mask];
	const void *bytes = desc;

	if (r->tail - r->cached_head >= r->entries) {
		r->cached_head = siov_atomic_load(&r->head, acquire);
		if (r->tail - r->cached_head >= r->entries)
			return false;
	}
	s->next_pasid = s->next_pasid + 1 == s->run->args->nb_pasids ? 0 : s->next_pasid + 1;
	siov_prefetch_write(&r->slots[(r->tail + SIOV_LANE_AHEAD) & r->mask]);
	siov_desc_copy_tail(slot, bytes);
	siov_atomic_store(&slot->word0,
			  siov_desc_load_word(bytes) | s->next_pasid |
				  siov_lane_tag(r->tail, r->log2),
			  release);
	r->tail++;
	return true;
}

static __rte_always_inline unsigned int
pop_sp(struct run *run, struct siov_desc_words *out, uint64_t now)
{
	static __thread unsigned int next;
	struct sp_ring *r;
	uint64_t head;
	unsigned int n;

	next = next + 1 >= run->args->nb_submitters ? 0 : next + 1;
	r = &run->submitters[next].sp;
	head = siov_atomic_load(&r->head, relaxed);
	for (n = 0; n < BURST; n++) {
		struct siov_desc_words *slot = &r->slots[(head + n) & r->mask];
		uint64_t word0 = siov_atomic_load(&slot->word0, acquire);

		if ((word0 & SIOV_DESC_RSVD_MASK) != siov_lane_tag(head + n, r->log2))
			break;
		if (n == 0 && !siov_gather_is_ripe(&r->gather, now))
			break;
		siov_desc_copy_tail(&out[n], slot);
	}
	if (n == 0)
		return 0;
	siov_gather_popped(&r->gather, n, now);
	siov_atomic_store(&r->head, head + n, release);
	return n;
}

static bool
setup_sp(struct run *run)
{
	unsigned int i, nb = run->args->nb_submitters;

	for (i = 0; i < nb; i++) {
		struct sp_ring *r = &run->submitters[i].sp;

		r->entries = RTE_MAX(run->args->entries / nb, 1u);
		/* Twice the slots: none that was asked for ahead is still to be read. */
		r->log2 = rte_log2_u32(r->entries) + (r->entries >= 64);
		r->mask = (1u << r->log2) - 1;
		r->slots = rte_zmalloc(NULL, sizeof(r->slots[0]) << r->log2, 64);
		if (r->slots == NULL)
			return false;
	}
	return true;
}

/* ---- rte_ring ---- */

static __rte_always_inline bool
push_ring(struct submitter *s, struct dsa_hw_desc *desc)
{
	uint32_t next = s->next_pasid + 1 == s->run->args->nb_pasids ? 0 : s->next_pasid + 1;

	desc->pasid = next;
	if (rte_ring_enqueue_elem(s->run->ring, desc, SIOV_DESC_SIZE) != 0)
		return false;
	s->next_pasid = next;
	return true;
}

static __rte_always_inline unsigned int
pop_ring(struct run *run, struct siov_desc_words *out, uint64_t now)
{
	RTE_SET_USED(now);
	return rte_ring_dequeue_burst_elem(run->ring, out, SIOV_DESC_SIZE, BURST, NULL);
}

static bool
setup_ring(struct run *run, unsigned int flags)
{
	run->ring = rte_ring_create_elem("bench_swq", SIOV_DESC_SIZE, run->args->entries,
					 SOCKET_ID_ANY, flags | RING_F_SC_DEQ | RING_F_EXACT_SZ);
	return run->ring != NULL;
}

static bool
setup_ring_mp(struct run *run)
{
	return setup_ring(run, 0);
}

static bool
setup_ring_hts(struct run *run)
{
	return setup_ring(run, RING_F_MP_HTS_ENQ);
}

static bool
setup_ring_rts(struct run *run)
{
	return setup_ring(run, RING_F_MP_RTS_ENQ);
}

/* ---- ck_ring: holds one element less than its power of two ---- */

#ifdef BENCH_HAVE_CK
CK_RING_PROTOTYPE(words, siov_desc_words)

static __rte_always_inline bool
push_ck(struct submitter *s, struct dsa_hw_desc *desc)
{
	struct run *run = s->run;
	void *words = desc;
	uint32_t next = s->next_pasid + 1 == run->args->nb_pasids ? 0 : s->next_pasid + 1;

	desc->pasid = next;
	if (!CK_RING_ENQUEUE_MPSC(words, &run->ck, run->ck_slots, words))
		return false;
	s->next_pasid = next;
	return true;
}

static __rte_always_inline unsigned int
pop_ck(struct run *run, struct siov_desc_words *out, uint64_t now)
{
	unsigned int n = 0;

	RTE_SET_USED(now);
	while (n < BURST && CK_RING_DEQUEUE_MPSC(words, &run->ck, run->ck_slots, &out[n]))
		n++;
	return n;
}

static bool
setup_ck(struct run *run)
{
	uint32_t size = rte_align32pow2(run->args->entries);

	ck_ring_init(&run->ck, size);
	run->ck_slots = rte_zmalloc(NULL, size * sizeof(run->ck_slots[0]), 64);
	return run->ck_slots != NULL;
}
#endif

/* ---- the whole device ---- */

static __rte_always_inline bool
push_device(struct submitter *s, struct dsa_hw_desc *desc)
{
	uint32_t i = s->next_pasid;

	if (siov_enqcmd(s->dev_portals[i], desc) != SIOV_DMWR_SUCCESS)
		return false;
	s->next_pasid = i + 1 == s->run->args->nb_pasids ? 0 : i + 1;
	return true;
}

/* The engine runs from here on. */
static bool
setup_device(struct run *run)
{
	const struct args *args = run->args;
	unsigned int i, p;

	if (!bench_dev_start(&run->bd, args->entries, MEM_BYTES, args->nb_pasids))
		return false;
	for (i = 0; i < args->nb_submitters; i++) {
		struct submitter *s = &run->submitters[i];
		struct siov_lane *lane;

		s->records = (struct dsa_completion_record *)run->bd.hva + i * WINDOW;
		s->record_iova = run->bd.iova + (uint64_t)i * WINDOW * SIOV_COMP_SIZE;
		if (siov_dev_attach(run->bd.dev, 0, 0, &lane) != 0)
			return false;
		for (p = 0; p < args->nb_pasids; p++) {
			if (siov_dev_portal_open(run->bd.dev, lane, p + 1, SIOV_PORTAL_F_PASID,
						 &s->dev_portals[p]) != 0)
				return false;
		}
	}
	return true;
}

/* ---- one measurement ---- */

static void
free_run(struct run *run)
{
	unsigned int i;

	for (i = 0; i < run->args->nb_submitters; i++) {
		rte_free(run->submitters[i].portals);
		rte_free(run->submitters[i].sp.slots);
	}
	siov_wq_free(siov_mem_eal(), run->wq);
	rte_ring_free(run->ring);
#ifdef BENCH_HAVE_CK
	rte_free(run->ck_slots);
#endif
	rte_free(run->memory);
	rte_free(run);
}

static uint64_t
sum_submitted(struct run *run)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < run->args->nb_submitters; i++)
		sum += siov_atomic_load(&run->submitters[i].submitted, relaxed);
	return sum;
}

/* Completed so far; a whole device has no such counter in reach, so there it is those submitted. */
static uint64_t
sum_done(struct run *run)
{
	return run->bd.dev != NULL ? sum_submitted(run) : siov_atomic_load(&run->consumed, relaxed);
}

struct clockwork {
	struct run *run;
	uint64_t descs, cycles;
};

/* Lets the others run for the warm-up and the measured time. Runs as a control thread. */
static void *
keep_time(void *arg)
{
	struct clockwork *clock = arg;
	struct run *run = clock->run;
	uint64_t descs, start;

	rte_delay_us_sleep((unsigned int)(bench_opt->seconds * 0.3e6));
	descs = sum_done(run);
	start = rte_rdtsc();
	rte_delay_us_sleep((unsigned int)(bench_opt->seconds * 1e6));
	clock->descs = sum_done(run) - descs;
	clock->cycles = rte_rdtsc() - start;
	siov_atomic_store(&run->is_over, 1, relaxed);
	return NULL;
}

static struct run *
alloc_run(const struct args *args)
{
	struct run *run = rte_zmalloc("bench_run", sizeof(*run), 64);
	unsigned int i;

	if (run == NULL)
		return NULL;
	run->args = args;
	run->memory = rte_zmalloc(NULL, MEM_BYTES, 4096);
	for (i = 0; i < args->nb_submitters; i++) {
		struct submitter *s = &run->submitters[i];

		s->run = run;
		s->records = (struct dsa_completion_record *)run->memory + i * WINDOW;
		s->record_iova = (uint64_t)(uintptr_t)s->records;
	}
	if (run->memory != NULL)
		return run;
	free_run(run);
	return NULL;
}

/* All submitters until the clock stops them. Every one has seen each of its records written. */
static bool
run_submitters(struct run *run, lcore_function_t *submit, struct clockwork *clock)
{
	unsigned int i, nb = run->args->nb_submitters;
	pthread_t timer;
	int bad;

	if (pthread_create(&timer, NULL, keep_time, clock) != 0)
		return false;
	for (i = 1; i < nb; i++)
		rte_eal_remote_launch(submit, &run->submitters[i], bench_submitter_lcore(i));
	bad = submit(&run->submitters[0]);
	for (i = 1; i < nb; i++)
		bad |= rte_eal_wait_lcore(bench_submitter_lcore(i));
	pthread_join(timer, NULL);
	return bad == 0;
}

/* Stop who consumes. The consumer must have counted what the submitters did. */
static bool
stop_consumer(struct run *run)
{
	if (run->bd.dev != NULL)
		return bench_dev_stop(&run->bd, sum_submitted(run));
	siov_atomic_store(&run->consumer_stop, 1, relaxed);
	rte_eal_wait_lcore(bench_engine_lcore());
	return run->consumed == sum_submitted(run);
}

/* Million descriptors a second, or a failure. consume is NULL where setup starts an engine. */
static double
run_all(const struct args *args, bool (*setup)(struct run *), lcore_function_t *submit,
	lcore_function_t *consume)
{
	struct run *run = alloc_run(args);
	struct clockwork clock = {.run = run};
	bool ok, is_consumed;

	if (run == NULL)
		return BENCH_FAILED;
	is_consumed =
		setup(run) &&
		(consume == NULL || rte_eal_remote_launch(consume, run, bench_engine_lcore()) == 0);
	ok = is_consumed && run_submitters(run, submit, &clock);
	if (is_consumed || run->bd.dev != NULL)
		ok = stop_consumer(run) && ok;
	free_run(run);
	return ok ? (double)clock.descs / bench_seconds(clock.cycles) / 1e6 : BENCH_FAILED;
}

#define CONTESTANT(name, setup, push, pop) \
	static int submit_##name(void *arg) \
	{ \
		return submit_body(arg, push); \
	} \
	static int consume_##name(void *arg) \
	{ \
		return consume_body(arg, pop); \
	} \
	static double measure_##name(const void *args) \
	{ \
		return run_all(args, setup, submit_##name, consume_##name); \
	}

CONTESTANT(ours, setup_ours, push_ours, pop_ours)
CONTESTANT(sp, setup_sp, push_sp, pop_sp)
CONTESTANT(ring_mp, setup_ring_mp, push_ring, pop_ring)
CONTESTANT(ring_hts, setup_ring_hts, push_ring, pop_ring)
CONTESTANT(ring_rts, setup_ring_rts, push_ring, pop_ring)
#ifdef BENCH_HAVE_CK
CONTESTANT(ck, setup_ck, push_ck, pop_ck)
#else
static double
measure_ck(const void *args)
{
	RTE_SET_USED(args);
	return BENCH_UNSUPPORTED;
}
#endif

static int
submit_device(void *arg)
{
	return submit_body(arg, push_device);
}

static double
measure_device(const void *args)
{
	return run_all(args, setup_device, submit_device, NULL);
}

static void
run_case(uint32_t entries, unsigned int nb_submitters, unsigned int nb_pasids, bool device)
{
	const struct args args = {
		.entries = entries,
		.nb_submitters = nb_submitters,
		.nb_pasids = nb_pasids,
	};
	char name[96];
	const struct bench_row row = {
		.bench = "swq_submit",
		.name = name,
		.unit = "Mops",
		.ours = {"siov", device ? measure_device : measure_ours},
		.peers = {{"rte_ring_mp", measure_ring_mp},
			  {"rte_ring_hts", measure_ring_hts},
			  {"rte_ring_rts", measure_ring_rts},
			  {"ck_ring", measure_ck}},
		.limit = {"sp_ring", measure_sp},
		.args = &args,
	};

	snprintf(name, sizeof(name), "entries=%u,submitters=%u,pasids=%u%s", entries, nb_submitters,
		 nb_pasids, device ? ",path=device" : "");
	bench_row_run(&row);
}

void
bench_swq_submit(void)
{
	/* volatile: no case is compiled apart */
	static const volatile uint32_t sizes[] = {16, 32, 64, 128, 256, 1024, 4096, 16384, 65536};
	static const volatile unsigned int submitters[] = {1, 2, 4};
	unsigned int i, s;

	for (i = 0; i < RTE_DIM(sizes); i++) {
		for (s = 0; s < RTE_DIM(submitters); s++) {
			if (bench_opt->quick && s > 0 && sizes[i] != 1024)
				continue;
			run_case(sizes[i], submitters[s], 64, false);
			if (!bench_opt->quick)
				run_case(sizes[i], submitters[s], 1, false);
		}
	}
	for (s = 0; s < RTE_DIM(submitters); s++)
		run_case(1024, submitters[s], 64, true);
}
