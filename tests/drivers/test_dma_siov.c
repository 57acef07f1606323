/* SPDX-License-Identifier: BSD-3-Clause */
/* The driver as an application meets it: loaded with -d, used through rte_dmadev. */
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include <rte_bus_vdev.h>
#include <rte_dmadev.h>
#include <rte_malloc.h>

#include "port_rig.h"
#include "siov_compat.h"

#define ROUNDS 1000u /* of probe and remove */
#define TRIES 2000000u /* until a queue of one entry must have said Retry */

/* ---- what is refused ---- */

static void
assert_refused(const char *name, const char *args)
{
	port_log_lines();
	if (rte_vdev_init(name, args) == 0)
		fail_msg("taken: %s", args);
	if (port_log_lines() != 1)
		fail_msg("not one line: %s", args);
	assert_true(rte_dma_get_dev_id_by_name(name) < 0);
}

static void
test_bad_arguments_get_one_line(void **state)
{
	static const char *const bad[] = {
		"colour=blue",
		"mode=both",
		"mode",
		"mode=",
		"mode=swq,mode=swq",
		"entries=0",
		"entries=65537",
		"entries=-1",
		"entries=4k",
		"entries=99999999999999999999",
		"pasid=0",
		"pasid=1048576",
		"dwqs=17",
		"dwqs=0,mode=dwq",
		"profile=mixed",
		"profile=dwq,mode=swq",
		"profile=dynamic,mode=dwq",
		"weight=256",
		"priority=16",
		"ops=-1",
		"bytes=1e9",
		"outstanding=4294967296",
		"pasid=x",
		"engine=fast",
		"engine=inline,lcore=0",
		"lcore=99999",
		"device=",
		"device=a-b",
		"device=a_name_that_is_longer_than_any_device_has",
	};
	char no_lcore[16];
	unsigned int i;

	(void)state;
	snprintf(no_lcore, sizeof(no_lcore), "lcore=%d", RTE_MAX_LCORE - 1);
	for (i = 0; i < RTE_DIM(bad); i++)
		assert_refused(PORT, bad[i]);
	if (sysconf(_SC_NPROCESSORS_CONF) < RTE_MAX_LCORE) {
		assert_refused(PORT, no_lcore);
		assert_non_null(strstr(port_log_line, "no such lcore"));
	}
}

static void
test_wrong_surroundings_get_one_line(void **state)
{
	(void)state;
	port_month = RTE_VER_MONTH + 1;
	assert_refused(PORT, "");
	assert_non_null(strstr(port_log_line, "built for DPDK"));
	port_month = RTE_VER_MONTH;
	port_type = RTE_PROC_SECONDARY;
	assert_refused(PORT, "");
	assert_non_null(strstr(port_log_line, "primary process"));
	port_type = RTE_PROC_PRIMARY;
}

static void
test_a_dedicated_queue_has_one_port(void **state)
{
	(void)state;
	port_probe("dma_siov_t0", "device=d,mode=dwq");
	assert_refused("dma_siov_t1", "device=d,mode=dwq");
	assert_refused("dma_siov_t1", "device=d,profile=dwq");
	assert_refused("dma_siov_t1", "device=d,dwqs=2");
	port_probe("dma_siov_t1", "device=d"); /* its shared queue */
	assert_int_equal(rte_vdev_uninit("dma_siov_t0"), 0);
	port_probe("dma_siov_t0", "device=d,profile=dwq");
	assert_int_equal(rte_vdev_uninit("dma_siov_t0"), 0);
	assert_int_equal(rte_vdev_uninit("dma_siov_t1"), 0);
}

/* ---- what works ---- */

static void
test_two_ports_share_a_device(void **state)
{
	int16_t a, b;
	int i;

	(void)state;
	a = port_probe("dma_siov_t0", "device=d,entries=64");
	b = port_probe("dma_siov_t1", "device=d");
	assert_refused("dma_siov_t2", "device=d,entries=65");
	assert_refused("dma_siov_t2", "device=d,profile=dwq"); /* it has none */
	port_start(a, &port_one_vchan, BURST);
	port_start(b, &port_one_vchan, BURST);
	for (i = 0; i < 100; i++)
		port_copy(i % 2 == 0 ? a : b, 0, (unsigned int)i);
	assert_int_equal(rte_vdev_uninit("dma_siov_t0"), 0);
	port_copy(b, 0, 1); /* the device stays for the other */
	assert_int_equal(rte_vdev_uninit("dma_siov_t1"), 0);
}

/* A shared queue and two dedicated ones, all of them at work. */
static void
test_ports_have_queues_of_either_kind(void **state)
{
	int16_t a, b, c;
	int i;

	(void)state;
	a = port_probe("dma_siov_t0", "device=d,dwqs=2,entries=64");
	b = port_probe("dma_siov_t1", "device=d,mode=dwq");
	c = port_probe("dma_siov_t2", "device=d,profile=dwq");
	assert_refused("dma_siov_t3", "device=d,mode=dwq");
	port_start(a, &port_one_vchan, BURST);
	port_start(b, &port_one_vchan, BURST);
	port_start(c, &port_one_vchan, BURST);
	for (i = 0; i < 30; i++)
		port_copy(i % 3 == 0 ? a : i % 3 == 1 ? b : c, 0, (unsigned int)i);
	assert_int_equal(rte_vdev_uninit("dma_siov_t1"), 0);
	port_copy(c, 0, 1);
	assert_int_equal(rte_vdev_uninit("dma_siov_t2"), 0);
	assert_int_equal(rte_vdev_uninit("dma_siov_t0"), 0);
}

/* Each port is a guest of its own: what one calls PASID 9 is not what another does. */
static void
test_ports_have_pasids_of_their_own(void **state)
{
	int16_t a, b;

	(void)state;
	a = port_probe("dma_siov_t0", "device=d,pasid=9");
	b = port_probe("dma_siov_t1", "device=d,pasid=9,profile=swq");
	port_start(a, &port_one_vchan, BURST);
	port_start(b, &port_one_vchan, BURST);
	port_copy(a, 0, 1);
	assert_int_equal(rte_dma_stop(a), 0);
	port_copy(b, 0, 2);
	assert_int_equal(rte_vdev_uninit("dma_siov_t0"), 0);
	assert_int_equal(rte_vdev_uninit("dma_siov_t1"), 0);
}

static void
assert_profile(const char *args, uint16_t vchans_max, const char *type)
{
	int16_t dev_id = port_open(args, BURST);
	struct rte_dma_info info;
	char *text = NULL;
	size_t len = 0;
	FILE *f;

	assert_int_equal(rte_dma_info_get(dev_id, &info), 0);
	assert_int_equal(info.max_vchans, vchans_max);
	f = open_memstream(&text, &len);
	assert_non_null(f);
	assert_int_equal(rte_dma_dump(dev_id, f), 0);
	fclose(f);
	if (strstr(text, type) == NULL)
		fail_msg("%s: no %s in %s", args, type, text);
	free(text);
	port_copy(dev_id, 0, vchans_max);
	assert_int_equal(rte_vdev_uninit(PORT), 0);
}

static void
test_a_profile_is_the_type_of_the_vdev(void **state)
{
	(void)state;
	assert_profile("", 64, ": dynamic,");
	assert_profile("mode=swq", 64, ": dynamic,");
	assert_profile("profile=swq", 1, ": swq,");
	assert_profile("profile=dwq", 1, ": dwq,");
	assert_profile("mode=dwq", 1, ": dwq,");
}

/* One that may have one submission in flight is told Retry, on a queue with room for 64 and a ring for more. */
static void
test_limits_hold_for_each_channel(void **state)
{
	const struct rte_dma_conf conf = {.nb_vchans = 2};
	const uint32_t len = 1u << 20;
	uint8_t *src = port_pattern(len, 1), *dst = calloc(2, len);
	int16_t dev_id = port_probe(PORT, "entries=64,outstanding=1,engine=inline");
	int nb = 0, ret = 0;

	(void)state;
	assert_non_null(dst);
	port_start(dev_id, &conf, 256);
	while (ret >= 0) {
		assert_true(nb < 256);
		ret = rte_dma_copy(dev_id, 0, port_addr(src), port_addr(dst), len,
				   RTE_DMA_OP_FLAG_SUBMIT);
		nb += ret >= 0;
	}
	assert_int_equal(ret, -ENOSPC);
	assert_true(nb < 256);
	assert_int_equal(rte_dma_copy(dev_id, 1, port_addr(src), port_addr(dst + len), len,
				      RTE_DMA_OP_FLAG_SUBMIT),
			 0);
	port_wait(dev_id, 0);
	port_wait(dev_id, 1);
	assert_int_equal(rte_dma_completed(dev_id, 0, 256, NULL, NULL), nb);
	assert_memory_equal(src, dst, len);
	assert_memory_equal(src, dst + len, len);
	assert_int_equal(rte_vdev_uninit(PORT), 0);
	free(src);
	free(dst);
}

static void
test_each_vchan_has_a_pasid(void **state)
{
	const struct rte_dma_conf conf = {.nb_vchans = 4};
	char *text = NULL, expected[32];
	size_t len = 0;
	int16_t dev_id;
	uint16_t i;
	FILE *f;

	(void)state;
	dev_id = port_probe(PORT, "pasid=100");
	port_start(dev_id, &conf, BURST);
	f = open_memstream(&text, &len);
	assert_non_null(f);
	assert_int_equal(rte_dma_dump(dev_id, f), 0);
	fclose(f);
	for (i = 0; i < conf.nb_vchans; i++) {
		struct rte_dma_stats stats;

		snprintf(expected, sizeof(expected), "channel %u: pasid %u,", i, 100u + i);
		assert_non_null(strstr(text, expected));
		port_copy(dev_id, i, i);
		assert_int_equal(rte_dma_stats_get(dev_id, i, &stats), 0);
		assert_int_equal(stats.completed, 1);
	}
	free(text);
	assert_int_equal(rte_vdev_uninit(PORT), 0);
}

/* As rte_dma_port_param has it; two channels cannot have the same. */
static void
test_a_channel_may_name_its_pasid(void **state)
{
	struct rte_dma_vchan_conf conf = {.direction = RTE_DMA_DIR_MEM_TO_MEM, .nb_desc = BURST};
	const struct rte_dma_conf two = {.nb_vchans = 2};
	int16_t dev_id = port_probe(PORT, "pasid=100");
	char *text = NULL;
	size_t len = 0;
	FILE *f;

	(void)state;
	assert_int_equal(rte_dma_configure(dev_id, &two), 0);
	assert_int_equal(rte_dma_vchan_setup(dev_id, 0, &conf), 0);
	conf.src_port.pcie.pasid = 7777;
	conf.dst_port.pcie.pasid = 7778;
	port_log_lines();
	assert_int_equal(rte_dma_vchan_setup(dev_id, 1, &conf), -EINVAL);
	assert_int_equal(port_log_lines(), 1);
	conf.dst_port.pcie.pasid = 0;
	assert_int_equal(rte_dma_vchan_setup(dev_id, 1, &conf), 0);
	assert_int_equal(rte_dma_start(dev_id), 0);
	f = open_memstream(&text, &len);
	assert_non_null(f);
	assert_int_equal(rte_dma_dump(dev_id, f), 0);
	fclose(f);
	assert_non_null(strstr(text, "channel 0: pasid 100,"));
	assert_non_null(strstr(text, "channel 1: pasid 7777,"));
	free(text);
	port_copy(dev_id, 0, 1);
	port_copy(dev_id, 1, 2);
	assert_int_equal(rte_dma_stop(dev_id), 0);
	conf.src_port.pcie.pasid = 100;
	assert_int_equal(rte_dma_vchan_setup(dev_id, 1, &conf), 0);
	assert_int_equal(rte_dma_start(dev_id), -EEXIST);
	assert_int_equal(port_log_lines(), 1);
	assert_int_equal(rte_vdev_uninit(PORT), 0);
}

static void
test_a_full_ring_is_enospc(void **state)
{
	static uint8_t buf[64];
	int16_t dev_id = port_open("engine=inline", 4);
	int i;

	(void)state;
	for (i = 0; i < 4; i++) {
		assert_int_equal(rte_dma_burst_capacity(dev_id, 0), 4 - i);
		assert_int_equal(rte_dma_fill(dev_id, 0, 0, port_addr(buf), 64, 0), i);
	}
	assert_int_equal(rte_dma_fill(dev_id, 0, 0, port_addr(buf), 64, 0), -ENOSPC);
	port_wait(dev_id, 0);
	assert_int_equal(rte_dma_completed(dev_id, 0, BURST, NULL, NULL), 4);
	assert_int_equal(rte_dma_fill(dev_id, 0, 0, port_addr(buf), 64, 0), 4);
	assert_int_equal(rte_vdev_uninit(PORT), 0);
}

/* Each operation has a byte of its own: what was told Retry must be sent again, nothing else. */
static void
test_retry_is_enospc_and_nothing_is_lost(void **state)
{
	static uint8_t marks[TRIES];
	int16_t dev_id = port_open("entries=1", 1024);
	uint32_t nb = 0, done = 0, nb_retries = 0;

	(void)state;
	while (nb < TRIES && nb_retries < 1000) {
		int ret = rte_dma_fill(dev_id, 0, 0x5a, port_addr(&marks[nb]), 1, 0);

		if (ret == -ENOSPC) {
			nb_retries += nb - done < 1024;
			done += rte_dma_completed(dev_id, 0, 1024, NULL, NULL);
			sched_yield();
			continue;
		}
		assert_int_equal(ret, (uint16_t)nb);
		nb++;
	}
	assert_true(nb_retries > 0);
	port_wait(dev_id, 0);
	done += rte_dma_completed(dev_id, 0, 1024, NULL, NULL);
	assert_int_equal(done, nb);
	while (nb-- > 0)
		assert_int_equal(marks[nb], 0x5a);
	assert_int_equal(rte_vdev_uninit(PORT), 0);
}

/* An address that was mapped once. */
static rte_iova_t
hole(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(p != MAP_FAILED);
	munmap(p, 4096);
	return port_addr(p);
}

static void
enqueue_errors(int16_t dev_id, uint8_t *src, uint8_t *dst)
{
	struct rte_dma_sge from[] = {{port_addr(src), 64}, {hole(), 64}};
	struct rte_dma_sge to[] = {{port_addr(dst), 128}};

	assert_int_equal(rte_dma_copy(dev_id, 0, port_addr(src), port_addr(dst), 64, 0), 0);
	assert_int_equal(rte_dma_copy(dev_id, 0, 0, port_addr(dst), 64, 0), 1);
	assert_int_equal(rte_dma_copy(dev_id, 0, port_addr(src), port_addr(dst), 64, 0), 2);
	assert_int_equal(rte_dma_copy(dev_id, 0, port_addr(src), hole(), 64, 0), 3);
	assert_int_equal(rte_dma_fill(dev_id, 0, 1, 0, 64, 0), 4);
	assert_int_equal(rte_dma_copy(dev_id, 0, port_addr(src), port_addr(dst), 0, 0), 5);
	assert_int_equal(rte_dma_copy_sg(dev_id, 0, from, to, 2, 1, 0), 6);
	assert_int_equal(rte_dma_copy(dev_id, 0, port_addr(src), port_addr(dst), 64, 0), 7);
}

static void
test_each_operation_has_its_error(void **state)
{
	static const enum rte_dma_status_code expected[] = {
		RTE_DMA_STATUS_PAGE_FAULT, RTE_DMA_STATUS_SUCCESSFUL,     RTE_DMA_STATUS_PAGE_FAULT,
		RTE_DMA_STATUS_PAGE_FAULT, RTE_DMA_STATUS_INVALID_LENGTH, RTE_DMA_STATUS_PAGE_FAULT,
		RTE_DMA_STATUS_SUCCESSFUL,
	};
	static uint8_t src[128], dst[128];
	enum rte_dma_status_code status[8];
	int16_t dev_id = port_open("", BURST);
	struct rte_dma_stats stats;
	bool error = false;
	uint16_t last, i;

	(void)state;
	enqueue_errors(dev_id, src, dst);
	port_wait(dev_id, 0);
	assert_int_equal(rte_dma_completed(dev_id, 0, 8, &last, &error), 1);
	assert_true(error);
	assert_int_equal(last, 0);
	assert_int_equal(rte_dma_completed_status(dev_id, 0, 8, &last, status), 7);
	assert_int_equal(last, 7);
	for (i = 0; i < RTE_DIM(expected); i++)
		if (status[i] != expected[i])
			fail_msg("operation %u: status %d, not %d", i + 1, (int)status[i],
				 (int)expected[i]);
	assert_int_equal(rte_dma_stats_get(dev_id, 0, &stats), 0);
	assert_int_equal(stats.submitted, 8);
	assert_int_equal(stats.completed, 8);
	assert_int_equal(stats.errors, 5);
	assert_int_equal(rte_vdev_uninit(PORT), 0);
}

static void
test_scatter_gather_is_one_operation(void **state)
{
	uint8_t *src = port_pattern(4096, 3), *dst = calloc(1, 4096);
	struct rte_dma_sge from[] = {
		{port_addr(src), 100}, {port_addr(src + 100), 1}, {port_addr(src + 101), 899}};
	struct rte_dma_sge to[] = {
		{port_addr(dst), 7}, {port_addr(dst + 7), 0}, {port_addr(dst + 7), 993}};
	struct rte_dma_sge many[17] = {{port_addr(src), 1}};
	int16_t dev_id = port_open("", BURST);

	(void)state;
	assert_non_null(dst);
	assert_int_equal(rte_dma_copy_sg(dev_id, 0, from, to, 3, 3, 0), 0);
	port_wait(dev_id, 0);
	assert_int_equal(rte_dma_completed(dev_id, 0, BURST, NULL, NULL), 1);
	assert_memory_equal(src, dst, 1000);
	assert_int_equal(dst[1000], 0);
	assert_int_equal(rte_dma_copy_sg(dev_id, 0, from, to, 3, 2, 0), -EINVAL);
	assert_int_equal(rte_dma_copy_sg(dev_id, 0, many, to, 17, 3, 0), -EINVAL);
	assert_int_equal(rte_dma_copy_sg(dev_id, 0, from, to, 1, 1, 0), -EINVAL);
	assert_int_equal(rte_vdev_uninit(PORT), 0);
	free(src);
	free(dst);
}

/* 4 MiB take many slices, and a short copy does not wait for them but behind a fence. */
static void
test_a_fence_orders(void **state)
{
	const size_t len = 4u << 20;
	uint8_t *src = port_pattern(len, 5), *mid = calloc(1, len), *dst = calloc(1, 64);
	int16_t dev_id = port_open("", BURST);

	(void)state;
	assert_true(mid != NULL && dst != NULL);
	assert_int_equal(rte_dma_copy(dev_id, 0, port_addr(src), port_addr(mid), (uint32_t)len, 0),
			 0);
	assert_int_equal(rte_dma_copy(dev_id, 0, port_addr(mid + len - 64), port_addr(dst), 64,
				      RTE_DMA_OP_FLAG_FENCE),
			 1);
	port_wait(dev_id, 0);
	assert_int_equal(rte_dma_completed(dev_id, 0, BURST, NULL, NULL), 2);
	assert_memory_equal(src + len - 64, dst, 64);
	assert_int_equal(rte_vdev_uninit(PORT), 0);
	free(src);
	free(mid);
	free(dst);
}

static void
test_silent_mode_asks_for_nothing(void **state)
{
	const struct rte_dma_conf conf = {.nb_vchans = 1, SIOV_DMA_CONF_SILENT};
	static uint8_t marks[10000];
	struct rte_dma_stats stats;
	int16_t dev_id;
	unsigned int i;

	(void)state;
	dev_id = port_probe(PORT, "");
	port_start(dev_id, &conf, BURST);
	for (i = 0; i < RTE_DIM(marks);) {
		if (rte_dma_fill(dev_id, 0, 0x77, port_addr(&marks[i]), 1, 0) >= 0)
			i++;
		else
			sched_yield();
	}
	port_wait(dev_id, 0);
	for (i = 0; i < RTE_DIM(marks); i++)
		assert_int_equal(marks[i], 0x77);
	assert_int_equal(rte_dma_burst_capacity(dev_id, 0), BURST);
	assert_int_equal(rte_dma_stats_get(dev_id, 0, &stats), 0);
	assert_int_equal(stats.completed, RTE_DIM(marks));
	assert_int_equal(rte_vdev_uninit(PORT), 0);
}

/* A doorbell that a full queue does not take is not rung again: nobody has a reason to call. */
static void
test_a_silent_doorbell_is_heard(void **state)
{
	const struct rte_dma_conf conf = {.nb_vchans = 1, SIOV_DMA_CONF_SILENT};
	const char *const args[] = {"entries=1", "entries=1,engine=inline", "ops=100000"};
	enum rte_dma_vchan_status status;
	static uint8_t marks[200];
	unsigned int i, k;
	int16_t dev_id;

	(void)state;
	for (k = 0; k < RTE_DIM(args); k++) {
		memset(marks, 0, sizeof(marks));
		dev_id = port_probe(PORT, args[k]);
		port_start(dev_id, &conf, 256);
		for (i = 0; i < RTE_DIM(marks); i++)
			assert_true(rte_dma_fill(dev_id, 0, 0x33, port_addr(&marks[i]), 1,
						 i % 3 == 0 ? RTE_DMA_OP_FLAG_SUBMIT : 0) >= 0);
		assert_int_equal(rte_dma_submit(dev_id, 0), 0);
		do {
			assert_int_equal(rte_dma_vchan_status(dev_id, 0, &status), 0);
			sched_yield();
		} while (status != RTE_DMA_VCHAN_IDLE);
		for (i = 0; i < RTE_DIM(marks); i++)
			assert_int_equal(marks[i], 0x33);
		assert_int_equal(rte_vdev_uninit(PORT), 0);
	}
}

/* ---- more than there is ---- */

/* Rings of 64 channels with 32768 operations each: the machine's memory ends before. */
static void
test_more_than_the_memory_gets_one_line(void **state)
{
	const struct rte_dma_conf conf = {.nb_vchans = 64};
	struct rte_dma_vchan_conf vchan_conf = {.direction = RTE_DMA_DIR_MEM_TO_MEM,
						.nb_desc = 32768};
	int16_t dev_id = port_probe(PORT, "");
	uint16_t i = 0;
	int ret = 0;

	(void)state;
	assert_int_equal(rte_dma_configure(dev_id, &conf), 0);
	port_log_lines();
	while (ret == 0 && i < conf.nb_vchans)
		ret = rte_dma_vchan_setup(dev_id, i++, &vchan_conf);
	assert_int_equal(ret, -ENOMEM);
	assert_int_equal(port_log_lines(), 1);
	assert_non_null(strstr(port_log_line, "no memory"));
	/* What was set up stays, and goes with the next configuration. */
	assert_int_equal(rte_dma_configure(dev_id, &port_one_vchan), 0);
	vchan_conf.nb_desc = BURST;
	assert_int_equal(rte_dma_vchan_setup(dev_id, 0, &vchan_conf), 0);
	assert_int_equal(rte_dma_start(dev_id), 0);
	port_copy(dev_id, 0, 1);
	assert_int_equal(rte_vdev_uninit(PORT), 0);
}

/* 128 threads of a VDCM can submit: channels of all ports of a device. */
static void
test_more_channels_than_a_device_has_get_one_line(void **state)
{
	const struct rte_dma_conf conf = {.nb_vchans = 64};
	const struct rte_dma_vchan_conf vchan_conf = {.direction = RTE_DMA_DIR_MEM_TO_MEM,
						      .nb_desc = BURST};
	static const char *const names[] = {"dma_siov_t0", "dma_siov_t1", "dma_siov_t2"};
	int16_t dev_ids[3];
	unsigned int i;
	uint16_t k;

	(void)state;
	for (i = 0; i < 3; i++) {
		dev_ids[i] = port_probe(names[i], "device=d");
		assert_int_equal(rte_dma_configure(dev_ids[i], &conf), 0);
		for (k = 0; k < conf.nb_vchans; k++)
			assert_int_equal(rte_dma_vchan_setup(dev_ids[i], k, &vchan_conf), 0);
	}
	assert_int_equal(rte_dma_start(dev_ids[0]), 0);
	port_log_lines();
	while (rte_dma_start(dev_ids[1]) == 0 && rte_dma_start(dev_ids[2]) == 0)
		fail_msg("192 channels");
	assert_int_equal(port_log_lines(), 1);
	port_copy(dev_ids[0], 63, 1);
	for (i = 0; i < 3; i++)
		assert_int_equal(rte_vdev_uninit(names[i]), 0);
}

/* ---- how it goes ---- */

static void
remove_at_work(const char *args)
{
	const uint32_t len = 1u << 20;
	uint8_t *src = port_pattern(len, 9), *dst = calloc(BURST, len);
	int16_t dev_id = port_open(args, BURST);
	unsigned int i;

	assert_non_null(dst);
	for (i = 0; i < BURST; i++)
		assert_int_equal(
			rte_dma_copy(dev_id, 0, port_addr(src), port_addr(dst + i * len), len, 0),
			(int)i);
	assert_int_equal(rte_vdev_uninit(PORT), 0);
	for (i = 0; i < BURST; i++)
		assert_memory_equal(src, dst + i * len, len);
	free(src);
	free(dst);
}

static void
test_removal_lets_what_flies_end(void **state)
{
	(void)state;
	remove_at_work("");
	remove_at_work("engine=inline");
	remove_at_work("mode=dwq");
}

/* Its PASID comes back, indices begin anew, and statistics go on. */
static void
test_a_port_starts_again(void **state)
{
	int16_t dev_id = port_open("pasid=5", BURST);
	struct rte_dma_stats stats;
	static uint8_t buf[64];
	unsigned int i;

	(void)state;
	for (i = 0; i < 20; i++) {
		assert_int_equal(rte_dma_fill(dev_id, 0, i, port_addr(buf), 64, 0), 0);
		port_wait(dev_id, 0);
		assert_int_equal(rte_dma_completed(dev_id, 0, BURST, NULL, NULL), 1);
		assert_int_equal(rte_dma_stop(dev_id), 0);
		assert_int_equal(rte_dma_fill(dev_id, 0, i, port_addr(buf), 64, 0), -ENOSPC);
		assert_int_equal(rte_dma_start(dev_id), 0);
	}
	assert_int_equal(rte_dma_stats_get(dev_id, 0, &stats), 0);
	assert_int_equal(stats.submitted, 20);
	assert_int_equal(stats.completed, 20);
	assert_int_equal(rte_vdev_uninit(PORT), 0);
}

static unsigned int
count_entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned int nb = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		nb++;
	closedir(dir);
	return nb;
}

struct held {
	size_t heap;
	unsigned int fds, threads;
};

static struct held
held_now(void)
{
	struct rte_malloc_socket_stats stats;

	assert_int_equal(rte_malloc_get_socket_stats(0, &stats), 0);
	return (struct held){stats.heap_allocsz_bytes, count_entries("/proc/self/fd"),
			     count_entries("/proc/self/task")};
}

static void
test_probe_and_remove_leak_nothing(void **state)
{
	static const char *const args[] = {"", "engine=inline", "mode=dwq", "entries=16"};
	struct held before, after;
	unsigned int i;

	(void)state;
	port_copy(port_open("", BURST), 0, 0);
	assert_int_equal(rte_vdev_uninit(PORT), 0);
	before = held_now();
	for (i = 0; i < ROUNDS; i++) {
		port_copy(port_open(args[i % RTE_DIM(args)], BURST), 0, i);
		assert_int_equal(rte_vdev_uninit(PORT), 0);
		assert_true(rte_vdev_init(PORT, "entries=0") < 0);
	}
	after = held_now();
	assert_int_equal(after.heap, before.heap);
	assert_int_equal(after.fds, before.fds);
	assert_int_equal(after.threads, before.threads);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_arguments_get_one_line),
		cmocka_unit_test(test_wrong_surroundings_get_one_line),
		cmocka_unit_test(test_a_dedicated_queue_has_one_port),
		cmocka_unit_test(test_two_ports_share_a_device),
		cmocka_unit_test(test_ports_have_queues_of_either_kind),
		cmocka_unit_test(test_ports_have_pasids_of_their_own),
		cmocka_unit_test(test_a_profile_is_the_type_of_the_vdev),
		cmocka_unit_test(test_limits_hold_for_each_channel),
		cmocka_unit_test(test_each_vchan_has_a_pasid),
		cmocka_unit_test(test_a_channel_may_name_its_pasid),
		cmocka_unit_test(test_a_full_ring_is_enospc),
		cmocka_unit_test(test_retry_is_enospc_and_nothing_is_lost),
		cmocka_unit_test(test_each_operation_has_its_error),
		cmocka_unit_test(test_scatter_gather_is_one_operation),
		cmocka_unit_test(test_a_fence_orders),
		cmocka_unit_test(test_silent_mode_asks_for_nothing),
		cmocka_unit_test(test_a_silent_doorbell_is_heard),
		cmocka_unit_test(test_more_than_the_memory_gets_one_line),
		cmocka_unit_test(test_more_channels_than_a_device_has_get_one_line),
		cmocka_unit_test(test_removal_lets_what_flies_end),
		cmocka_unit_test(test_a_port_starts_again),
		cmocka_unit_test(test_probe_and_remove_leak_nothing),
	};

	return cmocka_run_group_tests(tests, port_setup, port_teardown);
}
