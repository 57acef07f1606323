/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * One body for the stress tests of a shared queue; each variant is a small file with a table of
 * cases. Threads, no EAL: the same body runs under ThreadSanitizer.
 *
 *     submitters ──► lanes ──► engines, which note every id they see in bitmaps of their own
 *          └── now and then a submitter leaves and comes back, maybe to another lane
 *
 * At the end every id of every submitter was seen exactly once and whole, what was accepted was
 * popped, and all credits are back. While it runs, a count that grows after a submission was
 * accepted and shrinks before its credit is given back never exceeds N.
 */
#ifndef STRESS_SWQ_H
#define STRESS_SWQ_H

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "swq/wq_bed.h"

#define STRESS_ENGINES_MAX 2u
#define STRESS_SUBMITTERS_MAX 128u
#define STRESS_BURST 32u
#if defined(__SANITIZE_THREAD__)
#define STRESS_ROUNDS 1u
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define STRESS_ROUNDS 1u
#endif
#endif
#ifndef STRESS_ROUNDS
#define STRESS_ROUNDS 8u /* times that a case is run, each with other stalls and bursts */
#endif
#define STRESS_PASIDS 1000u /* each submitter uses so many, far more than entries */

/** One run. Its length is a number of descriptors, never a time. */
struct stress_case {
	uint32_t size;
	uint32_t threshold; /**< of the limited lanes; 0: the size */
	uint32_t flags; /**< SIOV_WQ_F_* */
	unsigned int nb_submitters;
	unsigned int nb_limited; /**< so many of them have limited lanes */
	unsigned int nb_engines;
	unsigned int nb_descs; /**< per submitter */
	unsigned int reattach_every; /**< descriptors between leaving and coming back; 0: never */
	bool has_stalls; /**< yield or sleep a little now and then */
	bool is_counted; /**< keep the count of what is inside; it makes threads meet more often */
};

struct stress;

struct stress_engine {
	struct stress *stress;
	struct siov_wq_granter granter;
	uint8_t *seen; /* by id, how often */
	uint64_t nb_popped;
	uint64_t nb_broken;
	uint64_t random;
	uint32_t id;
	SIOV_ATOMIC(uint32_t) nb_passes;
	pthread_t thread;
} __attribute__((aligned(64)));

struct stress_submitter {
	struct stress *stress;
	struct siov_lane *lane;
	uint64_t nb_accepted;
	uint64_t nb_too_many; /* times that more than N were inside */
	uint64_t nb_errors; /* answers that may not be */
	uint64_t random;
	unsigned int idx;
	pthread_t thread;
} __attribute__((aligned(64)));

struct stress {
	const struct stress_case *conf;
	struct fake_mem fm;
	struct siov_wq *wq;
	pthread_mutex_t control; /* attach and detach are serialised per queue */
	SIOV_ATOMIC(uint32_t) stop;
	SIOV_ATOMIC(int64_t) nb_inside;
	struct stress_engine engines[STRESS_ENGINES_MAX];
	struct stress_submitter submitters[STRESS_SUBMITTERS_MAX];
};

static uint64_t
stress_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545f4914f6cdd1d) >> 33;
}

/* A yield in 64 and a sleep in 4,096 calls. */
static void
stress_stall(const struct stress_case *conf, uint64_t *random)
{
	uint64_t r = stress_random(random);

	if (!conf->has_stalls || r % 64 != 0)
		return;
	if (r % 4096 == 0)
		usleep(1 + r / 4096 % 50);
	else
		sched_yield();
}

static uint32_t
stress_pasid(uint64_t id)
{
	return id * 7 % STRESS_PASIDS;
}

/* ---- engines ---- */

static void
stress_note(struct stress_engine *engine, const struct siov_desc_words *desc)
{
	const struct stress_case *conf = engine->stress->conf;
	uint64_t id = wq_bed_id(desc);

	if (id >= (uint64_t)conf->nb_submitters * conf->nb_descs ||
	    !wq_bed_is_whole(desc, stress_pasid(id)))
		engine->nb_broken++;
	else
		engine->seen[id]++;
}

static unsigned int
stress_serve_lane(struct stress_engine *engine, struct siov_lane *lane)
{
	struct stress *stress = engine->stress;
	const struct siov_lane_limits limits = {
		.nb_max = 1 + stress_random(&engine->random) % STRESS_BURST,
		.long_bytes = UINT32_MAX,
		.nb_long_max = UINT32_MAX,
	};
	struct siov_desc_words burst[STRESS_BURST];
	uint64_t stamps[STRESS_BURST];
	unsigned int n = siov_lane_pop_sc(lane, &limits, burst, stamps), i;

	if (n == 0)
		return 0;
	if (stress->conf->is_counted)
		siov_atomic_fetch_add(&stress->nb_inside, -(int64_t)n, relaxed);
	stress_stall(stress->conf, &engine->random);
	siov_wq_give_back(stress->wq, &engine->granter, n, rte_rdtsc());
	for (i = 0; i < n; i++)
		stress_note(engine, &burst[i]);
	return n;
}

/* Once over all lanes of this engine. Returns descriptors popped. */
static unsigned int
stress_pass(struct stress_engine *engine)
{
	struct siov_wq *wq = engine->stress->wq;
	uint32_t nb_lanes = siov_atomic_load(&wq->nb_lanes, acquire), i;
	unsigned int n = 0;

	for (i = 0; i < nb_lanes; i++) {
		struct siov_lane *lane = wq->lanes[i];

		if (siov_atomic_load(&lane->attached, acquire) &&
		    siov_atomic_load(&lane->engine_id, relaxed) == engine->id)
			n += stress_serve_lane(engine, lane);
	}
	siov_wq_expire_grant(wq, &engine->granter, rte_rdtsc());
	/* S1: pairs with S2; what this pass read of lanes is not used any more. */
	siov_atomic_fetch_add(&engine->nb_passes, 1u, release);
	return n;
}

static void *
stress_engine_main(void *arg)
{
	struct stress_engine *engine = arg;
	struct stress *stress = engine->stress;

	for (;;) {
		bool is_last = siov_atomic_load(&stress->stop, acquire);
		unsigned int n = stress_pass(engine);

		engine->nb_popped += n;
		if (n != 0)
			continue;
		if (is_last)
			return NULL;
		sched_yield();
	}
}

/* ---- control, by whoever holds the mutex ---- */

/* Before a lane that was detached may get another engine, its former one must look away. */
static void
stress_wait_quiescent(struct stress *stress)
{
	unsigned int i;

	for (i = 0; i < stress->conf->nb_engines; i++) {
		struct stress_engine *engine = &stress->engines[i];
		uint32_t start = siov_atomic_load(&engine->nb_passes, acquire);

		/* S2: pairs with S1. */
		while (siov_atomic_load(&engine->nb_passes, acquire) == start)
			sched_yield();
	}
}

static void
stress_attach(struct stress_submitter *submitter)
{
	struct stress *stress = submitter->stress;
	uint32_t flags = submitter->idx < stress->conf->nb_limited ? SIOV_LANE_F_LIMITED : 0;

	pthread_mutex_lock(&stress->control);
	if (siov_wq_attach(&stress->fm.mem, stress->wq, flags, &submitter->lane) != 0)
		abort();
	pthread_mutex_unlock(&stress->control);
}

static void
stress_detach(struct stress_submitter *submitter)
{
	struct stress *stress = submitter->stress;
	int ret;

	for (;;) {
		pthread_mutex_lock(&stress->control);
		ret = siov_wq_detach(submitter->lane);
		if (ret == 0)
			stress_wait_quiescent(stress);
		pthread_mutex_unlock(&stress->control);
		if (ret == 0)
			return;
		submitter->nb_errors += ret != -EBUSY;
		sched_yield();
	}
}

/* ---- submitters ---- */

static void
stress_submit(struct stress_submitter *submitter, uint64_t id)
{
	struct stress *stress = submitter->stress;
	struct siov_desc_words desc;
	struct siov_portal portal;
	enum siov_dmwr answer;

	wq_bed_desc(&desc, id);
	siov_portal_init(&portal, submitter->lane, stress_pasid(id), SIOV_PORTAL_F_PASID);
	for (;;) {
		answer = siov_enqcmd(&portal, (const struct dsa_hw_desc *)&desc);
		if (answer == SIOV_DMWR_SUCCESS)
			break;
		submitter->nb_errors += answer != SIOV_DMWR_RETRY_CAPACITY;
		sched_yield();
	}
	submitter->nb_accepted++;
	if (stress->conf->is_counted &&
	    siov_atomic_fetch_add(&stress->nb_inside, 1, relaxed) >= (int64_t)stress->wq->size)
		submitter->nb_too_many++;
}

static void *
stress_submitter_main(void *arg)
{
	struct stress_submitter *submitter = arg;
	const struct stress_case *conf = submitter->stress->conf;
	unsigned int i;

	stress_attach(submitter);
	for (i = 0; i < conf->nb_descs; i++) {
		if (conf->reattach_every != 0 && i != 0 && i % conf->reattach_every == 0) {
			stress_detach(submitter);
			stress_stall(conf, &submitter->random);
			stress_attach(submitter);
		}
		stress_submit(submitter, (uint64_t)submitter->idx * conf->nb_descs + i);
		stress_stall(conf, &submitter->random);
	}
	return NULL;
}

/* ---- one run ---- */

static struct stress *
stress_open(const struct stress_case *conf, uint64_t seed)
{
	struct siov_wq_conf wq_conf = wq_bed_conf(conf->size, conf->flags);
	struct stress *stress = NULL;
	unsigned int i;

	assert_int_equal(posix_memalign((void **)&stress, 64, sizeof(*stress)), 0);
	memset(stress, 0, sizeof(*stress));
	stress->conf = conf;
	fake_mem_init(&stress->fm);
	pthread_mutex_init(&stress->control, NULL);
	wq_conf.mem = &stress->fm.mem;
	wq_conf.threshold = conf->threshold;
	wq_conf.nb_engines = conf->nb_engines;
	assert_int_equal(siov_wq_create(&wq_conf, &stress->wq), 0);
	assert_int_equal(siov_wq_set_state(stress->wq, SIOV_WQ_ENABLED), 0);
	for (i = 0; i < conf->nb_engines; i++) {
		struct stress_engine *engine = &stress->engines[i];

		engine->stress = stress;
		engine->id = i;
		engine->random = seed * 1000003 + i + 1;
		engine->seen = calloc(conf->nb_submitters, conf->nb_descs);
		assert_non_null(engine->seen);
	}
	for (i = 0; i < conf->nb_submitters; i++) {
		stress->submitters[i].stress = stress;
		stress->submitters[i].idx = i;
		stress->submitters[i].random = seed * 7919 + i + 1;
	}
	return stress;
}

static void
stress_run_threads(struct stress *stress)
{
	const struct stress_case *conf = stress->conf;
	unsigned int i;

	for (i = 0; i < conf->nb_engines; i++)
		assert_int_equal(pthread_create(&stress->engines[i].thread, NULL,
						stress_engine_main, &stress->engines[i]),
				 0);
	for (i = 0; i < conf->nb_submitters; i++)
		assert_int_equal(pthread_create(&stress->submitters[i].thread, NULL,
						stress_submitter_main, &stress->submitters[i]),
				 0);
	for (i = 0; i < conf->nb_submitters; i++)
		pthread_join(stress->submitters[i].thread, NULL);
	siov_atomic_store(&stress->stop, 1, release);
	for (i = 0; i < conf->nb_engines; i++)
		pthread_join(stress->engines[i].thread, NULL);
}

/* Every id exactly once, over all engines; as many popped as accepted. */
static void
stress_check_ids(const struct stress *stress)
{
	const struct stress_case *conf = stress->conf;
	uint64_t total = (uint64_t)conf->nb_submitters * conf->nb_descs;
	uint64_t nb_accepted = 0, nb_popped = 0, id;
	unsigned int i;

	for (i = 0; i < conf->nb_submitters; i++) {
		nb_accepted += stress->submitters[i].nb_accepted;
		assert_int_equal(stress->submitters[i].nb_too_many, 0);
		assert_int_equal(stress->submitters[i].nb_errors, 0);
	}
	for (i = 0; i < conf->nb_engines; i++) {
		nb_popped += stress->engines[i].nb_popped;
		assert_int_equal(stress->engines[i].nb_broken, 0);
	}
	assert_int_equal(nb_accepted, total);
	assert_int_equal(nb_popped, total);
	for (id = 0; id < total; id++) {
		unsigned int nb = 0;

		for (i = 0; i < conf->nb_engines; i++)
			nb += stress->engines[i].seen[id];
		if (nb != 1)
			fail_msg("descriptor %llu was popped %u times", (unsigned long long)id, nb);
	}
}

/* Every submitter leaves, every grant runs out: N credits are in the pool. */
static void
stress_check_credits(struct stress *stress)
{
	uint64_t never = rte_rdtsc() + (UINT64_C(1) << 40);
	unsigned int i;

	for (i = 0; i < stress->conf->nb_submitters; i++)
		assert_int_equal(siov_wq_detach(stress->submitters[i].lane), 0);
	for (i = 0; i < stress->conf->nb_engines; i++)
		siov_wq_expire_grant(stress->wq, &stress->engines[i].granter, never);
	assert_int_equal(siov_wq_free_credits(stress->wq), stress->wq->size);
	assert_int_equal(siov_atomic_load(&stress->wq->pool, relaxed) >> 17 & 0x1ffff, 0);
	assert_int_equal(siov_atomic_load(&stress->nb_inside, relaxed), 0);
}

static void
stress_run_once(const struct stress_case *conf, uint64_t seed)
{
	struct stress *stress = stress_open(conf, seed);
	unsigned int i;

	stress_run_threads(stress);
	stress_check_ids(stress);
	stress_check_credits(stress);
	for (i = 0; i < conf->nb_engines; i++)
		free(stress->engines[i].seen);
	siov_wq_free(&stress->fm.mem, stress->wq);
	assert_int_equal(stress->fm.nb_live, 0);
	pthread_mutex_destroy(&stress->control);
	free(stress);
}

static void
stress_run(const struct stress_case *cases, unsigned int nb)
{
	unsigned int i, round;

	for (i = 0; i < nb; i++) {
		for (round = 0; round < STRESS_ROUNDS; round++)
			stress_run_once(&cases[i], i * STRESS_ROUNDS + round + 1);
	}
}

#endif /* STRESS_SWQ_H */
