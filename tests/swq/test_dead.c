/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A submitter that stops for ever, at every instruction of a submission.
 *
 * The queue lies in memory that a child process shares. The child sets the trap flag and submits;
 * after each instruction it copies the shared memory as it is then, and then it is gone. For each
 * of these copies, which are what a thread that died there would have left behind, the parent goes
 * on as the other submitter, the engine and control. Needs single steps: x86 has them.
 */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wq_bed.h"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#define SIZE 64u
#define ARENA_BYTES (32u << 10)
#define TRAP_FLAG 0x100u
#define STEPS_MAX 16384u
#define SURVIVED 4 /* the child's exit status: answered as expected */

/* Both processes' view: queue, lanes, portals; nothing is freed one by one. */
struct arena {
	struct siov_mem mem;
	uint8_t *base;
	size_t used;
};

struct scene {
	struct arena arena;
	struct siov_wq *wq;
	struct siov_lane *victim_lane, *other_lane;
	struct siov_portal *victim, *other;
	struct siov_wq_granter granter;
	uint64_t now_cycles;
	unsigned int nb_victim_popped; /* since the child was started */
};

/* What the child's submission finds, and what must come of it if it survives. */
struct plot {
	const char *name;
	void (*prepare)(struct scene *scene);
	enum siov_dmwr answer;
};

/* What the child leaves: the arena after each of its instructions. */
struct trail {
	unsigned int nb_steps;
	uint8_t arena[STEPS_MAX][ARENA_BYTES];
};

static struct trail *trail;
static const uint8_t *stepped_arena;

static void *
alloc_arena(void *ctx, const char *name, size_t size, size_t align, int socket_id)
{
	struct arena *arena = ctx;
	size_t start = RTE_ALIGN_CEIL(arena->used, align);

	RTE_SET_USED(name);
	RTE_SET_USED(socket_id);
	if (start + size > ARENA_BYTES)
		return NULL;
	arena->used = start + size;
	return arena->base + start;
}

static void
free_arena(void *ctx, void *ptr)
{
	RTE_SET_USED(ctx);
	RTE_SET_USED(ptr);
}

static struct siov_portal *
make_portal(struct scene *scene, struct siov_lane *lane, uint32_t pasid)
{
	struct siov_portal *portal =
		siov_mem_alloc(&scene->arena.mem, "portal", sizeof(*portal), 64, -1);

	assert_non_null(portal);
	assert_int_equal(siov_portal_init(portal, lane, pasid, SIOV_PORTAL_F_PASID), 0);
	return portal;
}

static void
open_scene(struct scene *scene, uint32_t flags)
{
	struct siov_wq_conf conf = wq_bed_conf(SIZE, flags);
	uint8_t *base = scene->arena.base;

	memset(scene, 0, sizeof(*scene));
	memset(base, 0, ARENA_BYTES);
	scene->arena.base = base;
	scene->arena.mem.alloc = alloc_arena;
	scene->arena.mem.free = free_arena;
	scene->arena.mem.ctx = &scene->arena;
	scene->now_cycles = 1000;
	conf.mem = &scene->arena.mem;
	conf.lanes_max = 2;
	assert_int_equal(siov_wq_create(&conf, &scene->wq), 0);
	assert_int_equal(siov_wq_attach(conf.mem, scene->wq, 0, &scene->victim_lane), 0);
	assert_int_equal(siov_wq_attach(conf.mem, scene->wq, 0, &scene->other_lane), 0);
	scene->victim = make_portal(scene, scene->victim_lane, 1);
	scene->other = make_portal(scene, scene->other_lane, 2);
	assert_int_equal(siov_wq_set_state(scene->wq, SIOV_WQ_ENABLED), 0);
}

static enum siov_dmwr
submit(struct siov_portal *portal, uint64_t id)
{
	struct siov_desc_words desc;

	wq_bed_desc(&desc, id);
	return siov_enqcmd(portal, (const struct dsa_hw_desc *)&desc);
}

/* As many as get in. */
static unsigned int
fill(struct siov_portal *portal)
{
	unsigned int n = 0;

	while (submit(portal, 1000 + n) == SIOV_DMWR_SUCCESS)
		n++;
	return n;
}

/* What one lane has published, at most @p max; each must be whole. */
static unsigned int
dispatch(struct scene *scene, struct siov_lane *lane, unsigned int max)
{
	const struct siov_lane_limits limits = {
		.nb_max = max, .long_bytes = UINT32_MAX, .nb_long_max = UINT32_MAX};
	struct siov_desc_words out[SIZE];
	uint64_t stamps[SIZE];
	unsigned int n = siov_lane_pop_sc(lane, &limits, out, stamps), i;

	for (i = 0; i < n; i++)
		assert_true(wq_bed_is_whole(&out[i], lane == scene->victim_lane ? 1 : 2));
	siov_wq_give_back(scene->wq, &scene->granter, n, scene->now_cycles);
	return n;
}

static void
expire_grants(struct scene *scene)
{
	scene->now_cycles += UINT64_C(1) << 26;
	siov_wq_expire_grant(scene->wq, &scene->granter, scene->now_cycles);
}

/* ---- what the victim finds ---- */

static void
prepare_lease(struct scene *scene)
{
	RTE_SET_USED(scene);
}

/* A lease of several is spent but for some; the ring has gone round. */
static void
prepare_credits_in_hand(struct scene *scene)
{
	unsigned int i;

	for (i = 0; i < 3 * SIZE; i++) {
		assert_int_equal(submit(scene->victim, i), SIOV_DMWR_SUCCESS);
		dispatch(scene, scene->victim_lane, 1);
	}
	while (scene->victim_lane->credits == 0) {
		assert_int_equal(submit(scene->victim, i), SIOV_DMWR_SUCCESS);
		dispatch(scene, scene->victim_lane, 1);
	}
}

/* The pool names a lease of the other lane, and the victim has leased before. */
static void
prepare_second_lease(struct scene *scene)
{
	assert_int_equal(submit(scene->victim, 0), SIOV_DMWR_SUCCESS);
	while (scene->victim_lane->credits != 0)
		assert_int_equal(submit(scene->victim, 0), SIOV_DMWR_SUCCESS);
	assert_int_equal(submit(scene->other, 0), SIOV_DMWR_SUCCESS);
	dispatch(scene, scene->victim_lane, SIZE);
	dispatch(scene, scene->other_lane, SIZE);
}

static void
prepare_full(struct scene *scene)
{
	assert_int_equal(fill(scene->other), SIZE);
}

static void
prepare_grant(struct scene *scene)
{
	prepare_full(scene);
	siov_atomic_store(&scene->other_lane->hungry, 0, relaxed);
	assert_int_equal(submit(scene->victim, 0), SIOV_DMWR_RETRY_CAPACITY);
	assert_int_equal(dispatch(scene, scene->other_lane, 3), 3);
	assert_int_equal(siov_atomic_load(&scene->victim_lane->grant, relaxed) & 1, 1);
}

/* ---- the child ---- */

#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
#define CAN_STEP 1

static void
keep_step(int sig)
{
	RTE_SET_USED(sig);
	if (trail->nb_steps == STEPS_MAX)
		_exit(1);
	memcpy(trail->arena[trail->nb_steps++], stepped_arena, ARENA_BYTES);
}

/* Submit one descriptor, step by step, and be gone. Never returns. */
static void
submit_in_steps(struct scene *scene, enum siov_dmwr expected)
{
	struct sigaction action = {.sa_handler = keep_step};
	struct siov_desc_words desc;
	enum siov_dmwr answer;

	signal(SIGSEGV, SIG_DFL);
	wq_bed_desc(&desc, 4711);
	stepped_arena = scene->arena.base;
	if (sigaction(SIGTRAP, &action, NULL) != 0)
		_exit(1);
	__writeeflags(__readeflags() | TRAP_FLAG);
	answer = siov_enqcmd(scene->victim, (const struct dsa_hw_desc *)&desc);
	__writeeflags(__readeflags() & ~(unsigned long long)TRAP_FLAG);
	_exit(answer == expected ? SURVIVED : 1);
}

#else
#define CAN_STEP 0

static void
submit_in_steps(struct scene *scene, enum siov_dmwr expected)
{
	RTE_SET_USED(scene);
	RTE_SET_USED(expected);
	_exit(1);
}

#endif

/* Let the child fill the trail. */
static void
run_child(struct scene *scene, enum siov_dmwr expected)
{
	int status = 0;
	pid_t pid;

	trail->nb_steps = 0;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		submit_in_steps(scene, expected);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), SURVIVED);
}

/* ---- those who stay ---- */

/* The other submitter and the engine go on beside the dead one. */
static void
expect_others_go_on(struct scene *scene)
{
	unsigned int round, n;

	for (round = 0; round < 3; round++) {
		scene->nb_victim_popped += dispatch(scene, scene->victim_lane, SIZE);
		dispatch(scene, scene->other_lane, SIZE);
		n = fill(scene->other);
		/* All but what the dead one may hold: its last lease, or its grant. */
		assert_true(n >= SIZE - 9);
		assert_true(n <= SIZE);
	}
	scene->nb_victim_popped += dispatch(scene, scene->victim_lane, SIZE);
}

static void
expect_reclaim(struct scene *scene)
{
	assert_true(siov_lane_is_empty(scene->victim_lane));
	assert_int_equal(siov_wq_detach(scene->victim_lane), 0);
	dispatch(scene, scene->other_lane, SIZE);
	expire_grants(scene);
	assert_int_equal(siov_wq_free_credits(scene->wq) + scene->other_lane->credits, SIZE);
	assert_int_equal(fill(scene->other), SIZE);
	assert_int_equal(dispatch(scene, scene->other_lane, SIZE), SIZE);
	assert_int_equal(siov_wq_detach(scene->other_lane), 0);
	expire_grants(scene);
	assert_int_equal(siov_wq_free_credits(scene->wq), SIZE);
	assert_int_equal(siov_atomic_load(&scene->wq->pool, relaxed) >> 17 & 0x1ffff, 0);
}

/* The dead one's lane serves the next thread as a new one would. */
static void
expect_lane_is_usable(struct scene *scene)
{
	struct siov_lane *lane;

	assert_int_equal(siov_wq_attach(&scene->arena.mem, scene->wq, 0, &lane), 0);
	assert_ptr_equal(lane, scene->victim_lane);
	assert_int_equal(fill(scene->victim), SIZE);
	assert_int_equal(dispatch(scene, lane, SIZE), SIZE);
	assert_int_equal(siov_wq_detach(lane), 0);
	assert_int_equal(siov_wq_free_credits(scene->wq), SIZE);
}

/* With and without somebody who leases, and so helps, before control comes. */
static void
go_on_without(struct scene *scene, bool is_helped)
{
	if (is_helped)
		expect_others_go_on(scene);
	else
		scene->nb_victim_popped += dispatch(scene, scene->victim_lane, SIZE);
	expect_reclaim(scene);
	expect_lane_is_usable(scene);
}

static void *
map_shared(size_t bytes)
{
	void *ptr = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	assert_true(ptr != MAP_FAILED);
	return ptr;
}

static void
play_every_instruction(const struct plot *plot, uint32_t flags, bool is_helped)
{
	unsigned int was_published = 0, k;
	struct scene scene, start;

	if (!CAN_STEP)
		skip();
	trail = map_shared(sizeof(*trail));
	scene.arena.base = map_shared(ARENA_BYTES);
	open_scene(&scene, flags);
	plot->prepare(&scene);
	start = scene;
	run_child(&scene, plot->answer);
	for (k = 0; k < trail->nb_steps; k++) {
		scene = start;
		memcpy(scene.arena.base, trail->arena[k], ARENA_BYTES);
		go_on_without(&scene, is_helped);
		/* There once, whole, or not at all; and once there, there for every later k. */
		assert_true(scene.nb_victim_popped <= 1);
		assert_true(scene.nb_victim_popped >= was_published);
		was_published = scene.nb_victim_popped;
	}
	assert_int_equal(was_published, plot->answer == SIOV_DMWR_SUCCESS);
	print_message("%s: %u instructions\n", plot->name, trail->nb_steps);
	assert_true(trail->nb_steps > 30);
	munmap(scene.arena.base, ARENA_BYTES);
	munmap(trail, sizeof(*trail));
}

static void
play_all_ways(const struct plot *plot)
{
	play_every_instruction(plot, 0, true);
	play_every_instruction(plot, 0, false);
	play_every_instruction(plot, SIOV_WQ_F_EXACT | SIOV_WQ_F_STAMPS, true);
}

static void
test_s7_3_1_dead_with_credits_in_hand_blocks_nobody(void **state)
{
	static const struct plot plot = {"credits in hand", prepare_credits_in_hand,
					 SIOV_DMWR_SUCCESS};

	RTE_SET_USED(state);
	play_every_instruction(&plot, 0, true);
	play_every_instruction(&plot, 0, false);
	play_every_instruction(&plot, SIOV_WQ_F_STAMPS, true);
}

static void
test_s7_3_1_dead_in_a_lease_blocks_nobody(void **state)
{
	static const struct plot plot = {"first lease", prepare_lease, SIOV_DMWR_SUCCESS};

	RTE_SET_USED(state);
	play_all_ways(&plot);
}

static void
test_s7_3_1_dead_in_a_later_lease_blocks_nobody(void **state)
{
	static const struct plot plot = {"later lease", prepare_second_lease, SIOV_DMWR_SUCCESS};

	RTE_SET_USED(state);
	play_all_ways(&plot);
}

static void
test_s7_3_1_dead_while_taking_a_grant_blocks_nobody(void **state)
{
	static const struct plot plot = {"grant", prepare_grant, SIOV_DMWR_SUCCESS};

	RTE_SET_USED(state);
	play_all_ways(&plot);
}

static void
test_s7_3_1_dead_while_told_to_retry_blocks_nobody(void **state)
{
	static const struct plot plot = {"retry", prepare_full, SIOV_DMWR_RETRY_CAPACITY};

	RTE_SET_USED(state);
	play_all_ways(&plot);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s7_3_1_dead_with_credits_in_hand_blocks_nobody),
		cmocka_unit_test(test_s7_3_1_dead_in_a_lease_blocks_nobody),
		cmocka_unit_test(test_s7_3_1_dead_in_a_later_lease_blocks_nobody),
		cmocka_unit_test(test_s7_3_1_dead_while_taking_a_grant_blocks_nobody),
		cmocka_unit_test(test_s7_3_1_dead_while_told_to_retry_blocks_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
