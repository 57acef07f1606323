/* SPDX-License-Identifier: BSD-3-Clause */
/* Machines that move between two hosts of this process while they work, and streams that are damaged. */
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include <sys/socket.h>

#include "siov_migrate.h"
#include "vdev_user.h"

#define PASID 5u
#define SLOTS 32u
#define BYTES 512u
#define DONE_AT UINT64_C(0x8000) /* in guest memory: copies done so far */

/* ---- a guest that works ---- */

struct worker {
	struct vdev_user user;
	struct siov_vm_portal *portal;
	pthread_t thread;
};

static uint64_t *
done(struct worker *worker)
{
	return siov_vcpu_ram(worker->user.vcpu, DONE_AT, sizeof(uint64_t));
}

static void
fill(struct worker *worker, uint64_t gpa, uint64_t value)
{
	uint64_t *words = siov_vcpu_ram(worker->user.vcpu, gpa, BYTES);
	unsigned int i;

	for (i = 0; i < BYTES / 8; i++)
		words[i] = value + i;
	siov_vcpu_wrote(worker->user.vcpu, gpa, BYTES);
}

/* A copy is accepted; what it writes is compared before the next. */
static bool
submit(struct worker *worker, uint64_t nb)
{
	struct siov_vcpu *vcpu = worker->user.vcpu;
	uint64_t src = USER_SRC + nb % SLOTS * 4096, dst = USER_DST + nb % SLOTS * 4096;

	struct dsa_hw_desc desc __attribute__((aligned(64))) =
		vdev_user_copy(&worker->user, 0, UINT32_MAX);

	siov_vcpu_wrote(vcpu, USER_RECORD, SIOV_COMP_SIZE);
	desc.src_addr = src;
	desc.dst_addr = dst;
	desc.xfer_size = BYTES;
	fill(worker, src, nb * 1000);
	fill(worker, dst, 0);
	while (siov_vm_enqcmd(worker->portal, &desc) != SIOV_DMWR_SUCCESS) {
		if (!siov_vcpu_poll(vcpu))
			return false;
		sched_yield();
	}
	done(worker)[1] = nb + 1;
	siov_vcpu_wrote(vcpu, DONE_AT, 2 * sizeof(uint64_t));
	return true;
}

/*
 * Where the guest is in its program is in its memory: it may be taken away between any two polls, and
 * goes on elsewhere. What it had accepted is done then; nothing may be lost, doubled or another's.
 */
static bool
work_once(struct worker *worker)
{
	uint64_t nb = *done(worker);
	uint64_t src = USER_SRC + nb % SLOTS * 4096, dst = USER_DST + nb % SLOTS * 4096;
	struct siov_vcpu *vcpu = worker->user.vcpu;

	if (done(worker)[1] == nb && !submit(worker, nb))
		return false;
	while (!vdev_user_is_done(&worker->user, 0)) {
		if (!siov_vcpu_poll(vcpu))
			return false;
		sched_yield();
	}
	assert_memory_equal(siov_vcpu_ram(vcpu, src, BYTES), siov_vcpu_ram(vcpu, dst, BYTES),
			    BYTES);
	*done(worker) = nb + 1;
	siov_vcpu_wrote(vcpu, DONE_AT, sizeof(uint64_t));
	return true;
}

static void *
run_worker(void *arg)
{
	struct worker *worker = arg;

	assert_int_equal(siov_vcpu_enter(worker->user.vcpu), 0);
	if (worker->user.regs == NULL)
		vdev_user_adopt(&worker->user, &worker->user, worker->user.vm, worker->user.bdf);
	worker->portal = vdev_user_portal(&worker->user, 0, PASID);
	while (siov_vcpu_poll(worker->user.vcpu) && work_once(worker))
		;
	siov_vcpu_portal_close(worker->user.vcpu, worker->portal);
	siov_vcpu_leave(worker->user.vcpu);
	return NULL;
}

static void
start(struct worker *worker)
{
	assert_int_equal(pthread_create(&worker->thread, NULL, run_worker, worker), 0);
}

static void
make_worker(struct worker *worker, struct host_bed *bed)
{
	struct siov_vm *vm = host_bed_vm(bed, 1);
	uint16_t bdf = host_bed_plug(vm, "swq", 0);

	assert_int_equal(siov_vcpu_enter(siov_vm_vcpu(vm, 0)), 0);
	vdev_user_open(&worker->user, bed, vm, bdf);
	assert_int_equal(vdev_user_enable(&worker->user, 0, PASID), 0);
	siov_vcpu_leave(worker->user.vcpu);
}

static void
free_machine(struct worker *worker)
{
	host_bed_unplug(worker->user.vm, worker->user.bdf);
	assert_int_equal(siov_vm_free(worker->user.vm), 0);
}

/* ---- both sides ---- */

struct side {
	struct host_bed *bed;
	int fd;
	int ret;
	struct siov_vm *vm;
	pthread_t thread;
};

static const struct siov_migrate_conf quick = {.pause_ms = HOST_BED_MS, .io_ms = HOST_BED_MS};

static void *
run_receiver(void *arg)
{
	struct side *side = arg;

	side->ret = siov_migrate_receive(side->bed->vmm, side->fd, &quick, NULL, &side->vm);
	close(side->fd);
	return NULL;
}

static int
migrate(struct worker *worker, struct host_bed *to, struct siov_vm **vm)
{
	struct side side = {.bed = to};
	struct siov_migrate_stats stats;
	int fds[2], ret;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	side.fd = fds[1];
	assert_int_equal(pthread_create(&side.thread, NULL, run_receiver, &side), 0);
	ret = siov_migrate_send(worker->user.vm, fds[0], &quick, &stats);
	close(fds[0]);
	pthread_join(side.thread, NULL);
	assert_int_equal(side.ret, ret);
	*vm = side.vm;
	return ret;
}

static void
await_progress(struct worker *worker, uint64_t than)
{
	while (siov_atomic_load((SIOV_ATOMIC(uint64_t) *)done(worker), relaxed) < than)
		host_bed_nap();
}

static void
test_s6_2_6_a_machine_moves_while_it_works(void **state)
{
	const struct host_bed_conf conf = {.nb_fns = 1, .has_loop = true};
	struct host_bed *beds[2];
	struct worker worker = {0};
	struct siov_vm *vm;
	unsigned int i;

	(void)state;
	beds[0] = host_bed_open(&conf);
	beds[1] = host_bed_open(&conf);
	make_worker(&worker, beds[0]);
	start(&worker);
	for (i = 0; i < 6; i++) {
		uint64_t nb;

		await_progress(&worker, *done(&worker) + 50);
		assert_int_equal(migrate(&worker, beds[(i + 1) % 2], &vm), 0);
		pthread_join(worker.thread, NULL);
		nb = *done(&worker);
		/* A record that was asked for is there, on either side. */
		assert_true(done(&worker)[1] == nb || vdev_user_is_done(&worker.user, 0));
		free_machine(&worker);
		worker.user.vm = vm;
		worker.user.vcpu = siov_vm_vcpu(vm, 0);
		worker.user.bed = beds[(i + 1) % 2];
		worker.user.regs = NULL;
		assert_int_equal(*done(&worker), nb);
		start(&worker);
	}
	await_progress(&worker, *done(&worker) + 50);
	siov_vm_stop(worker.user.vm);
	pthread_join(worker.thread, NULL);
	free_machine(&worker);
	host_bed_close(beds[0]);
	host_bed_close(beds[1]);
}

/* ---- streams that are cut and damaged ---- */

enum damage { CUT, FLIP, REPEAT, DROP, DAMAGES };

struct proxy {
	int from, to; /* the source's end, the destination's */
	enum damage damage;
	uint64_t at; /* byte of the source's stream */
};

static void
pass_back(struct proxy *proxy)
{
	uint8_t bytes[256];
	ssize_t nb = recv(proxy->to, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (nb > 0)
		send(proxy->from, bytes, (size_t)nb, MSG_NOSIGNAL);
}

/* Passes bytes on, but for one place. */
static void *
run_proxy(void *arg)
{
	struct proxy *proxy = arg;
	uint8_t bytes[1024];
	uint64_t seen = 0;

	for (;;) {
		struct pollfd waits[2] = {
			{.fd = proxy->from, .events = POLLIN},
			{.fd = proxy->to, .events = POLLIN},
		};
		ssize_t nb;

		poll(waits, 2, -1);
		if (waits[1].revents & POLLIN)
			pass_back(proxy);
		if (waits[1].revents & (POLLHUP | POLLERR))
			break;
		nb = recv(proxy->from, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (nb < 0)
			continue;
		if (nb == 0)
			break;
		if (proxy->at >= seen && proxy->at < seen + (uint64_t)nb) {
			if (proxy->damage == CUT)
				break;
			if (proxy->damage == FLIP)
				bytes[proxy->at - seen] ^= 0x40;
			if (proxy->damage == REPEAT)
				send(proxy->to, bytes, (size_t)nb, MSG_NOSIGNAL);
			if (proxy->damage == DROP)
				nb -= RTE_MIN(nb, (ssize_t)64);
		}
		seen += (uint64_t)nb;
		send(proxy->to, bytes, (size_t)nb, MSG_NOSIGNAL);
	}
	shutdown(proxy->from, SHUT_RDWR);
	shutdown(proxy->to, SHUT_RDWR);
	return NULL;
}

static void
check_damage(struct worker *worker, struct host_bed *to, enum damage damage, uint64_t at)
{
	struct side side = {.bed = to};
	struct proxy proxy = {.damage = damage, .at = at};
	pthread_t thread;
	int left[2], right[2], ret;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, left), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, right), 0);
	proxy.from = left[1];
	proxy.to = right[0];
	side.fd = right[1];
	assert_int_equal(pthread_create(&thread, NULL, run_proxy, &proxy), 0);
	assert_int_equal(pthread_create(&side.thread, NULL, run_receiver, &side), 0);
	ret = siov_migrate_send(worker->user.vm, left[0], &quick, NULL);
	assert_true(ret < 0 && ret != -EINPROGRESS);
	close(left[0]);
	pthread_join(side.thread, NULL);
	pthread_join(thread, NULL);
	close(left[1]);
	close(right[0]);
	assert_true(side.ret < 0);
	/* It goes on where it is. */
	await_progress(worker, *done(worker) + 5);
}

static void
test_a_damaged_stream_leaves_the_machine_where_it_is(void **state)
{
	const struct host_bed_conf conf = {.nb_fns = 1, .has_loop = true};
	static const uint64_t places[] = {0, 5, 9, 13, 17, 25, 60, 300, 5000, 70000, 150000};
	struct host_bed *beds[2];
	struct worker worker = {0};
	unsigned int i, k;
	struct siov_vm *vm;

	(void)state;
	beds[0] = host_bed_open(&conf);
	beds[1] = host_bed_open(&conf);
	make_worker(&worker, beds[0]);
	start(&worker);
	await_progress(&worker, 2 * SLOTS);
	for (i = 0; i < RTE_DIM(places); i++) {
		for (k = 0; k < DAMAGES; k++)
			check_damage(&worker, beds[1], (enum damage)k, places[i]);
	}
	/* And can still be moved. */
	assert_int_equal(migrate(&worker, beds[1], &vm), 0);
	pthread_join(worker.thread, NULL);
	free_machine(&worker);
	worker.user.vm = vm;
	free_machine(&worker);
	host_bed_close(beds[0]);
	host_bed_close(beds[1]);
}

/* A guest that does not let go of its processor cannot be moved, and nobody waits for it. */
static void
test_a_stuck_guest_stays(void **state)
{
	const struct siov_migrate_conf conf = {.pause_ms = 20};
	const struct host_bed_conf bed_conf = {.nb_fns = 1, .has_loop = true};
	struct worker worker = {0};
	struct host_bed *bed;
	struct side side;
	int fds[2];

	(void)state;
	bed = host_bed_open(&bed_conf);
	make_worker(&worker, bed);
	assert_int_equal(siov_vcpu_enter(worker.user.vcpu), 0);
	side = (struct side){.bed = bed};
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	side.fd = fds[1];
	assert_int_equal(pthread_create(&side.thread, NULL, run_receiver, &side), 0);
	assert_int_equal(siov_migrate_send(worker.user.vm, fds[0], &conf, NULL), -ETIMEDOUT);
	close(fds[0]);
	pthread_join(side.thread, NULL);
	assert_int_equal(side.ret, -ETIMEDOUT);
	assert_true(siov_vcpu_poll(worker.user.vcpu));
	siov_vcpu_leave(worker.user.vcpu);
	free_machine(&worker);
	host_bed_close(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s6_2_6_a_machine_moves_while_it_works),
		cmocka_unit_test(test_a_damaged_stream_leaves_the_machine_where_it_is),
		cmocka_unit_test(test_a_stuck_guest_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
