/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A machine moves between two processes while its VDEV works, over each kind of socket; connections
 * break at any byte, and processes die. Children are forked before there is any thread.
 */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "mover.h"
#include "siov_migrate.h"

#define MOVES 6u
#define OPS 200u /* done between two moves */

static const struct siov_migrate_conf quick = {.pause_ms = HOST_BED_MS, .io_ms = HOST_BED_MS};
static const struct host_bed_conf bed_conf = {.nb_fns = 1, .has_loop = true};

/* ---- connections ---- */

/* The parent accepts, children connect. */
struct place {
	union {
		struct sockaddr any;
		struct sockaddr_un local;
		struct sockaddr_in inet;
	} addr;
	socklen_t len;
	char dir[64];
	int listener;
};

static void
listen_at(struct place *place, bool is_tcp)
{
	const struct timeval patience = {.tv_sec = HOST_BED_MS / 1000};

	memset(place, 0, sizeof(*place));
	if (is_tcp) {
		place->addr.inet.sin_family = AF_INET;
		place->addr.inet.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		place->len = sizeof(place->addr.inet);
	} else {
		const char *base = getenv("TMPDIR");

		snprintf(place->dir, sizeof(place->dir), "%.40s/siov_move_XXXXXX",
			 base != NULL ? base : "/tmp");
		assert_non_null(mkdtemp(place->dir));
		place->addr.local.sun_family = AF_UNIX;
		snprintf(place->addr.local.sun_path, sizeof(place->addr.local.sun_path), "%s/s",
			 place->dir);
		place->len = sizeof(place->addr.local);
	}
	place->listener = socket(place->addr.any.sa_family, SOCK_STREAM, 0);
	assert_int_equal(bind(place->listener, &place->addr.any, place->len), 0);
	assert_int_equal(getsockname(place->listener, &place->addr.any, &place->len), 0);
	assert_int_equal(listen(place->listener, 8), 0);
	assert_int_equal(
		setsockopt(place->listener, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)),
		0);
}

static void
close_place(struct place *place)
{
	close(place->listener);
	if (place->dir[0] == '\0')
		return;
	unlink(place->addr.local.sun_path);
	rmdir(place->dir);
}

static int
connect_to(const struct place *place)
{
	int fd = socket(place->addr.any.sa_family, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, &place->addr.any, place->len), 0);
	return fd;
}

static int
accept_at(const struct place *place)
{
	int fd = accept(place->listener, NULL, NULL);

	assert_true(fd >= 0);
	return fd;
}

/* ---- children ---- */

/* Where the stream breaks, as the destination sees it. UINT64_MAX: nowhere. */
struct cut {
	uint64_t at; /* byte that comes from the source */
	uint64_t back_at; /* byte that goes to the source: 0 "ready", 20 "done" */
	bool is_kill; /* the destination dies */
};

struct child {
	pid_t pid;
	int begin; /* a byte lets it begin */
	const struct place *place;
	struct cut cut;
	SIOV_ATOMIC(uint8_t) *witness;
};

static struct child *self; /* in a child */

/* A child is a group of one test, so that what fails there fails here. */
static void
fork_child(struct child *child, void (*test)(void **state))
{
	const struct CMUnitTest tests[] = {{"child", test, NULL, NULL, NULL}};
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	fflush(NULL);
	child->pid = fork();
	assert_true(child->pid >= 0);
	if (child->pid == 0) {
		uint8_t byte;
		int ret;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(fds[1]);
		self = child;
		ret = read(fds[0], &byte, 1) != 1;
		if (ret == 0)
			ret = cmocka_run_group_tests_name("child", tests, NULL, NULL);
		fflush(NULL);
		_exit(ret != 0);
	}
	close(fds[0]);
	child->begin = fds[1];
}

static void
begin_child(struct child *child)
{
	assert_int_equal(write(child->begin, "", 1), 1);
	close(child->begin);
}

static void
await_child(struct child *child)
{
	int status;

	assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
	if (child->cut.is_kill)
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	else
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* ---- moves ---- */

static void
send_away(struct mover *mover, int fd)
{
	struct siov_migrate_stats stats;

	mover_await(mover, OPS);
	assert_int_equal(siov_migrate_send(mover->vm, fd, &quick, &stats), 0);
	close(fd);
	assert_true(stats.nb_rounds > 0 && stats.nb_pages > 0);
	mover_join(mover);
	mover_free(mover);
}

static void
take_in(struct mover *mover, int fd)
{
	assert_int_equal(siov_migrate_receive(mover->bed->vmm, fd, &quick, NULL, &mover->vm), 0);
	close(fd);
	mover_start(mover);
}

static void
test_child_ping_pong(void **state)
{
	struct mover mover = {.witness = self->witness};
	unsigned int i;

	(void)state;
	mover.bed = host_bed_open(&bed_conf);
	for (i = 0; i < MOVES; i++) {
		if (i % 2 == 0)
			take_in(&mover, connect_to(self->place));
		else
			send_away(&mover, connect_to(self->place));
	}
	host_bed_close(mover.bed);
}

static void
check_ping_pong(bool is_tcp)
{
	struct child child = {.cut = {UINT64_MAX, UINT64_MAX, false}};
	struct mover mover = {.witness = mover_witness()};
	struct place place;
	unsigned int i;

	listen_at(&place, is_tcp);
	child.place = &place;
	child.witness = mover.witness;
	fork_child(&child, test_child_ping_pong);
	mover_create(&mover, host_bed_open(&bed_conf));
	mover_start(&mover);
	begin_child(&child);
	for (i = 0; i < MOVES; i++) {
		if (i % 2 == 0)
			send_away(&mover, accept_at(&place));
		else
			take_in(&mover, accept_at(&place));
	}
	mover_await(&mover, OPS);
	mover_finish(&mover);
	await_child(&child);
	mover_free(&mover);
	host_bed_close(mover.bed);
	close_place(&place);
}

static void
test_s6_2_6_a_machine_moves_between_processes_by_a_local_socket(void **state)
{
	(void)state;
	check_ping_pong(false);
}

static void
test_s6_2_6_a_machine_moves_between_processes_by_tcp(void **state)
{
	(void)state;
	check_ping_pong(true);
}

/* ---- connections that break ---- */

struct pump {
	int outer, inner;
	struct cut cut;
};

/* Passes bytes on, one way, up to a place. False: it ends here. */
static bool
pass(int from, int to, uint64_t *left)
{
	uint8_t bytes[4096];
	size_t most = *left < sizeof(bytes) ? (size_t)*left : sizeof(bytes);
	ssize_t nb;

	if (most == 0)
		return false;
	nb = recv(from, bytes, most, 0);
	if (nb <= 0)
		return false;
	*left -= *left == UINT64_MAX ? 0 : (uint64_t)nb;
	return send(to, bytes, (size_t)nb, MSG_NOSIGNAL) == nb;
}

static void *
run_pump(void *arg)
{
	struct pump *pump = arg;
	bool ok = true;

	while (ok) {
		struct pollfd waits[2] = {
			{.fd = pump->outer, .events = POLLIN},
			{.fd = pump->inner, .events = POLLIN},
		};

		poll(waits, 2, -1);
		if (waits[1].revents != 0)
			ok = pass(pump->inner, pump->outer, &pump->cut.back_at);
		if (ok && waits[0].revents != 0)
			ok = pass(pump->outer, pump->inner, &pump->cut.at);
	}
	if (pump->cut.is_kill)
		kill(getpid(), SIGKILL);
	shutdown(pump->outer, SHUT_RDWR);
	shutdown(pump->inner, SHUT_RDWR);
	return NULL;
}

static void
test_child_breaks(void **state)
{
	struct pump pump = {.outer = connect_to(self->place), .cut = self->cut};
	struct mover mover = {.witness = self->witness};
	pthread_t thread;
	int fds[2], ret;

	(void)state;
	mover.bed = host_bed_open(&bed_conf);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	pump.inner = fds[0];
	assert_int_equal(pthread_create(&thread, NULL, run_pump, &pump), 0);
	ret = siov_migrate_receive(mover.bed->vmm, fds[1], &quick, NULL, &mover.vm);
	pthread_join(thread, NULL);
	close(pump.outer);
	close(fds[0]);
	close(fds[1]);
	if (self->cut.back_at == 20) {
		/* Nobody there knows, but it runs here. */
		assert_int_equal(ret, 0);
		mover_start(&mover);
		send_away(&mover, connect_to(self->place));
	} else {
		assert_true(ret < 0);
	}
	host_bed_close(mover.bed);
}

static void
check_break(struct mover *mover, struct child *child)
{
	int fd, ret;

	begin_child(child);
	fd = accept_at(child->place);
	ret = siov_migrate_send(mover->vm, fd, &quick, NULL);
	close(fd);
	if (child->cut.back_at == 20) {
		assert_int_equal(ret, -EINPROGRESS);
		mover_join(mover);
		mover_free(mover);
		take_in(mover, accept_at(child->place));
	} else {
		assert_true(ret == -EPIPE || ret == -EPROTO);
	}
	await_child(child);
	mover_await(mover, OPS);
}

static void
make_cuts(struct child *children, unsigned int nb)
{
	unsigned int i;

	srand(20);
	for (i = 0; i < nb; i++) {
		/* There are a megabyte and more before anything is paused. */
		children[i].cut = (struct cut){
			.at = (uint64_t)rand() % (UINT64_C(1) << 20),
			.back_at = UINT64_MAX,
			.is_kill = i % 2 == 1,
		};
	}
	/* All was sent, it stands still; and: it was let go. */
	children[0].cut = (struct cut){UINT64_MAX, 0, false};
	children[1].cut = (struct cut){UINT64_MAX, 0, true};
	children[2].cut = (struct cut){UINT64_MAX, 20, false};
}

static void
test_s6_2_6_a_broken_connection_leaves_one_machine_at_work(void **state)
{
	struct mover mover = {.witness = mover_witness()};
	struct child children[12] = {0};
	struct place place;
	unsigned int i;

	(void)state;
	listen_at(&place, false);
	make_cuts(children, RTE_DIM(children));
	for (i = 0; i < RTE_DIM(children); i++) {
		children[i].place = &place;
		children[i].witness = mover.witness;
		fork_child(&children[i], test_child_breaks);
	}
	mover_create(&mover, host_bed_open(&bed_conf));
	mover_start(&mover);
	mover_await(&mover, OPS);
	for (i = 0; i < RTE_DIM(children); i++)
		check_break(&mover, &children[i]);
	mover_finish(&mover);
	mover_free(&mover);
	host_bed_close(mover.bed);
	close_place(&place);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s6_2_6_a_machine_moves_between_processes_by_a_local_socket),
		cmocka_unit_test(test_s6_2_6_a_machine_moves_between_processes_by_tcp),
		cmocka_unit_test(test_s6_2_6_a_broken_connection_leaves_one_machine_at_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
