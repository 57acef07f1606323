/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long a guest stands still when its machine moves to another process while its VDEV works. The
 * other process is this program once more, on the same CPUs the other way round: what sends and what
 * receives do not share one. The guest takes the time itself: from its last submission there to its
 * first one here.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/wait.h>

#include <rte_cycles.h>
#include <rte_lcore.h>

#include "bench.h"
#include "bench_mover.h"
#include "siov_migrate.h"

#define MOVES_MAX 64u
#define PLAIN_BYTES (UINT32_C(1) << 20) /* at once */
#define WARM_US 200000u
#define GAP_S 10 /* patience with the first submission */
#define GOAL_MS 20.0

enum ask { ASK_RECEIVE, ASK_SEND, ASK_PLAIN, ASK_END };

struct request {
	enum ask ask;
	uint64_t bytes; /* ASK_PLAIN */
};

/* What one side knows of a move. */
struct half {
	int ret;
	struct siov_migrate_stats stats; /* the sender's */
	double ops_before, ops_during; /* a second; the sender's */
	uint64_t gap_ns; /* the receiver's */
	struct mover_end end; /* ASK_END */
};

struct load {
	const char *name;
	uint64_t rate, nb_pages;
};

static struct {
	struct mover mover;
	pid_t other;
	int ask_fd, data_fd;
	bool is_here; /* the VM */
	const struct load *load;
	unsigned int nb;
	struct half sent[MOVES_MAX];
	uint64_t last_bytes; /* of the latest, while it stood still */
} here;

/* ---- bytes ---- */

static bool
put(int fd, const void *bytes, size_t len)
{
	const uint8_t *from = bytes;
	ssize_t nb = 1;

	for (; len != 0 && nb > 0; from += nb, len -= (size_t)nb)
		nb = send(fd, from, len, MSG_NOSIGNAL);
	return nb > 0;
}

static bool
get(int fd, void *bytes, size_t len)
{
	return recv(fd, bytes, len, MSG_WAITALL) == (ssize_t)len;
}

/* ---- what both sides do ---- */

static void
send_away(struct mover *mover, int fd, struct half *half)
{
	struct mover_program *program = mover_program(mover);
	uint64_t nb = siov_atomic_load(&program->nb_submitted, relaxed), begin_ns;
	double seconds;

	begin_ns = mover_now_ns();
	rte_delay_us_sleep(WARM_US);
	seconds = (double)(mover_now_ns() - begin_ns) / 1e9;
	half->ops_before = (double)(program->nb_submitted - nb) / seconds;
	nb = siov_atomic_load(&program->nb_submitted, relaxed);
	half->ret = siov_migrate_send(mover->host.vm, fd, NULL, &half->stats);
	if (half->ret != 0)
		return;
	seconds = (double)(half->stats.total_ns - half->stats.downtime_ns) / 1e9;
	half->ops_during = (double)(program->nb_submitted - nb) / seconds;
	if (!mover_drop(mover))
		half->ret = -1;
}

static void
take_in(struct mover *mover, int fd, struct half *half)
{
	uint64_t begin_ns = mover_now_ns();
	struct mover_program *program;

	half->ret = siov_migrate_receive(mover->host.vmm, fd, NULL, NULL, &mover->host.vm);
	if (half->ret != 0)
		return;
	program = mover_program(mover);
	siov_atomic_store(&program->gap_ns, 0, relaxed);
	mover_start(mover);
	while (half->gap_ns == 0 && mover_now_ns() - begin_ns < UINT64_C(1000000000) * GAP_S) {
		rte_delay_us_sleep(1000);
		half->gap_ns = siov_atomic_load(&program->gap_ns, acquire);
	}
	if (half->gap_ns == 0)
		half->ret = -1;
}

/* ---- the other process ---- */

static bool
take_plain(int fd, uint64_t bytes)
{
	static uint8_t room[PLAIN_BYTES];
	uint8_t last = 0;

	while (bytes != 0) {
		size_t nb = RTE_MIN(bytes, (uint64_t)sizeof(room));

		if (!get(fd, room, nb))
			return false;
		bytes -= nb;
	}
	return put(fd, &last, 1);
}

int
bench_migrate_serve(int ask_fd, int data_fd)
{
	struct request request = {.ask = ASK_RECEIVE};
	struct mover mover;
	bool ok = mover_open(&mover);

	ok = put(ask_fd, &ok, sizeof(ok)) && ok;
	while (ok && request.ask != ASK_END && get(ask_fd, &request, sizeof(request))) {
		struct half half = {0};

		if (request.ask == ASK_RECEIVE)
			take_in(&mover, data_fd, &half);
		else if (request.ask == ASK_SEND)
			send_away(&mover, data_fd, &half);
		else if (request.ask == ASK_PLAIN)
			ok = take_plain(data_fd, request.bytes);
		else if (mover.host.vm != NULL)
			half.end = mover_finish(&mover);
		if (request.ask != ASK_PLAIN)
			ok = put(ask_fd, &half, sizeof(half)) && half.ret == 0;
	}
	mover_close(&mover);
	return ok ? 0 : 1;
}

/* The same lcores, but those of the first CPU have the second. */
static void
swap_lcores(char *out, size_t len)
{
	unsigned int lcore, cpu;
	size_t at = 0;

	RTE_LCORE_FOREACH(lcore) {
		unsigned int as = lcore == bench_engine_lcore() ? bench_submitter_lcore(0) :
								  bench_engine_lcore();
		rte_cpuset_t set = rte_lcore_cpuset(as);

		for (cpu = 0; cpu < CPU_SETSIZE && !CPU_ISSET(cpu, &set); cpu++)
			;
		at += (size_t)snprintf(out + at, len - at, "%s%u@%u", at == 0 ? "" : ",", lcore,
				       cpu);
	}
}

static void
run_other(int ask_fd, int data_fd)
{
	char lcores[128], fds[32];
	const char *args[] = {
		"siov-bench",
		"--no-pci",
		"--no-telemetry",
		"--iova-mode=va",
		"--log-level",
		"lib.eal:error",
		"--lcores",
		lcores,
		bench_opt->has_huge ? "--in-memory" : "--no-shconf",
		bench_opt->has_huge ? "--socket-mem=512" : "--no-huge",
		bench_opt->has_huge ? "--huge-unlink" : "-m1024",
		"--",
		"--serve",
		fds,
		NULL,
	};

	swap_lcores(lcores, sizeof(lcores));
	snprintf(fds, sizeof(fds), "%d,%d", ask_fd, data_fd);
	execv("/proc/self/exe", (char **)(uintptr_t)args);
	_exit(127);
}

static bool
begin_other(void)
{
	int ask[2], data[2];
	bool ok = false;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ask) != 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, data) != 0)
		return false;
	here.ask_fd = ask[0];
	here.data_fd = data[0];
	here.other = fork();
	if (here.other == 0) {
		close(ask[0]);
		close(data[0]);
		run_other(ask[1], data[1]);
	}
	close(ask[1]);
	close(data[1]);
	return here.other > 0 && get(here.ask_fd, &ok, sizeof(ok)) && ok;
}

static bool
end_other(void)
{
	int status = 1;

	close(here.ask_fd);
	close(here.data_fd);
	return here.other > 0 && waitpid(here.other, &status, 0) == here.other && status == 0;
}

/* ---- contestants ---- */

/* One move, to where the VM is not. Milliseconds. */
static double
measure_move(const void *arg)
{
	const struct request request = {.ask = here.is_here ? ASK_RECEIVE : ASK_SEND};
	struct half mine = {0}, other = {0};
	const struct half *sent = here.is_here ? &mine : &other;

	RTE_SET_USED(arg);
	if (!put(here.ask_fd, &request, sizeof(request)))
		return BENCH_FAILED;
	if (here.is_here)
		send_away(&here.mover, here.data_fd, &mine);
	else
		take_in(&here.mover, here.data_fd, &mine);
	if (!get(here.ask_fd, &other, sizeof(other)) || mine.ret != 0 || other.ret != 0)
		return BENCH_FAILED;
	here.last_bytes = sent->stats.nb_pages_stopped * 4096;
	if (here.nb < MOVES_MAX)
		here.sent[here.nb++] = *sent;
	here.is_here = !here.is_here;
	return (double)(mine.gap_ns + other.gap_ns) / 1e6;
}

/* What was left when it stood still, as plain bytes, until one comes back. */
static double
measure_plain(const void *arg)
{
	const struct request request = {ASK_PLAIN, here.last_bytes};
	static uint8_t room[PLAIN_BYTES];
	uint64_t bytes = here.last_bytes, begin_ns = mover_now_ns();

	RTE_SET_USED(arg);
	if (!put(here.ask_fd, &request, sizeof(request)))
		return BENCH_FAILED;
	while (bytes != 0) {
		size_t nb = RTE_MIN(bytes, (uint64_t)sizeof(room));

		if (!put(here.data_fd, room, nb))
			return BENCH_FAILED;
		bytes -= nb;
	}
	return get(here.data_fd, room, 1) ? (double)(mover_now_ns() - begin_ns) / 1e6 :
					    BENCH_FAILED;
}

static double
goal(const void *arg)
{
	RTE_SET_USED(arg);
	return GOAL_MS;
}

/* ---- the row ---- */

static int
compare_words(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Median of a member of all moves. */
static uint64_t
middle(size_t offset)
{
	uint64_t words[MOVES_MAX];
	unsigned int i;

	for (i = 0; i < here.nb; i++)
		memcpy(&words[i], (const uint8_t *)&here.sent[i].stats + offset, 8);
	qsort(words, here.nb, sizeof(words[0]), compare_words);
	return words[here.nb / 2];
}

static void
print_moves(const struct mover_end *end)
{
	unsigned int i, least = UINT32_MAX, most = 0;
	double before = 0, during = 0;

	for (i = 0; i < here.nb; i++) {
		least = RTE_MIN(least, here.sent[i].stats.nb_rounds);
		most = RTE_MAX(most, here.sent[i].stats.nb_rounds);
		before += here.sent[i].ops_before / here.nb;
		during += here.sent[i].ops_during / here.nb;
	}
	printf("# %s: %u moves, rounds %u to %u, medians: %.0f ms and %.1f MiB in all, %.0f KiB "
	       "while it stood still, %.2f ms as the sender sees it; ops/s before %.0f, during "
	       "%.0f; %" PRIu64 " copies, lost %" PRIu64 ", doubled %" PRIu64 "\n",
	       here.load->name, here.nb, least, most,
	       (double)middle(offsetof(struct siov_migrate_stats, total_ns)) / 1e6,
	       (double)middle(offsetof(struct siov_migrate_stats, bytes)) / 1048576,
	       (double)middle(offsetof(struct siov_migrate_stats, nb_pages_stopped)) * 4,
	       (double)middle(offsetof(struct siov_migrate_stats, downtime_ns)) / 1e6, before,
	       during, end->nb, end->nb_lost, end->nb_doubled);
	fflush(stdout);
}

/* Wherever it is now, it ends there. */
static bool
finish(void)
{
	const struct request request = {.ask = ASK_END};
	struct mover_end end = {0};
	struct half other = {0};

	if (here.is_here && here.mover.host.vm != NULL)
		end = mover_finish(&here.mover);
	if (!put(here.ask_fd, &request, sizeof(request)) ||
	    !get(here.ask_fd, &other, sizeof(other)))
		return false;
	if (!here.is_here)
		end = other.end;
	if (here.nb != 0)
		print_moves(&end);
	return end.ok && end.nb_lost == 0 && end.nb_doubled == 0;
}

static void
run_load(const struct load *load)
{
	const struct bench_row row = {
		.bench = "vdev",
		.name = load->name,
		.unit = "ms",
		.less_is_better = true,
		.ours = {"guest", measure_move},
		.peers = {{"plain_send", measure_plain}},
		.limit = {"goal", goal},
	};
	bool is_open = false, ok;

	memset(&here, 0, sizeof(here));
	here.load = load;
	here.is_here = true;
	ok = begin_other();
	if (ok) {
		is_open = true;
		ok = mover_open(&here.mover) &&
		     mover_create(&here.mover, load->rate, load->nb_pages);
	}
	if (ok) {
		mover_start(&here.mover);
		rte_delay_us_sleep(WARM_US);
		bench_row_run(&row);
		ok = finish();
	}
	if (is_open)
		mover_close(&here.mover);
	ok = end_other() && ok;
	if (!ok)
		bench_row_fail(&row, "a copy was lost or doubled, or a process failed");
}

void
bench_migrate(void)
{
	static const struct load loads[] = {
		{"migration=downtime,memory=256M,quantile=p50,rate=20000,pages=57344", 20000,
		 28672},
		{"migration=downtime,memory=256M,quantile=p50,rate=full,pages=1024", 0, 512},
	};
	unsigned int i;

	for (i = 0; i < RTE_DIM(loads); i++)
		run_load(&loads[i]);
}
