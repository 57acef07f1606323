/* SPDX-License-Identifier: BSD-3-Clause */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <rte_bus_vdev.h>
#include <rte_log.h>

#include "port_rig.h"

/* ---- surroundings that the driver refuses: it finds this program's functions first ---- */

unsigned int port_month = RTE_VER_MONTH;
enum rte_proc_type_t port_type = RTE_PROC_PRIMARY;

unsigned int
rte_version_month(void)
{
	return port_month;
}

enum rte_proc_type_t
rte_eal_process_type(void)
{
	return port_type;
}

/* ---- a port ---- */

const struct rte_dma_conf port_one_vchan = {.nb_vchans = 1};

int16_t
port_probe(const char *name, const char *args)
{
	int dev_id;

	assert_int_equal(rte_vdev_init(name, args), 0);
	dev_id = rte_dma_get_dev_id_by_name(name);
	assert_true(dev_id >= 0);
	return (int16_t)dev_id;
}

void
port_start(int16_t dev_id, const struct rte_dma_conf *conf, uint16_t nb_desc)
{
	const struct rte_dma_vchan_conf vchan_conf = {.direction = RTE_DMA_DIR_MEM_TO_MEM,
						      .nb_desc = nb_desc};
	uint16_t i;

	assert_int_equal(rte_dma_configure(dev_id, conf), 0);
	for (i = 0; i < conf->nb_vchans; i++)
		assert_int_equal(rte_dma_vchan_setup(dev_id, i, &vchan_conf), 0);
	assert_int_equal(rte_dma_start(dev_id), 0);
}

int16_t
port_open(const char *args, uint16_t nb_desc)
{
	int16_t dev_id = port_probe(PORT, args);

	port_start(dev_id, &port_one_vchan, nb_desc);
	return dev_id;
}

rte_iova_t
port_addr(const void *p)
{
	return (uintptr_t)p;
}

void
port_wait(int16_t dev_id, uint16_t vchan)
{
	enum rte_dma_vchan_status status = RTE_DMA_VCHAN_ACTIVE;

	while (status != RTE_DMA_VCHAN_IDLE) {
		/* Also what a queue that was full has not taken so far. */
		assert_int_equal(rte_dma_submit(dev_id, vchan), 0);
		assert_int_equal(rte_dma_vchan_status(dev_id, vchan, &status), 0);
		sched_yield();
	}
}

uint8_t *
port_pattern(size_t len, unsigned int seed)
{
	uint8_t *p = malloc(len);
	size_t i;

	assert_non_null(p);
	for (i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 7 + (i >> 8) + seed);
	return p;
}

/* One copy of memory that EAL knows nothing of. */
void
port_copy(int16_t dev_id, uint16_t vchan, unsigned int seed)
{
	uint8_t *src = port_pattern(SIZE, seed), *dst = calloc(1, SIZE);
	bool error = false;

	assert_non_null(dst);
	assert_true(rte_dma_copy(dev_id, vchan, port_addr(src), port_addr(dst), SIZE,
				 RTE_DMA_OP_FLAG_SUBMIT) >= 0);
	port_wait(dev_id, vchan);
	assert_int_equal(rte_dma_completed(dev_id, vchan, BURST, NULL, &error), 1);
	assert_false(error);
	assert_memory_equal(src, dst, SIZE);
	free(src);
	free(dst);
}

/* ---- the log, and EAL ---- */

static FILE *log_file;
char port_log_line[512];

/* Lines of the driver since the last call. */
unsigned int
port_log_lines(void)
{
	char line[sizeof(port_log_line)];
	unsigned int nb = 0;

	fflush(log_file);
	rewind(log_file);
	while (fgets(line, sizeof(line), log_file) != NULL) {
		if (strncmp(line, "dma_siov: ", 10) != 0)
			continue;
		memcpy(port_log_line, line, sizeof(line));
		nb++;
	}
	assert_int_equal(ftruncate(fileno(log_file), 0), 0);
	rewind(log_file);
	return nb;
}

int
port_setup(void **state)
{
	static char prefix[32];
	char *argv[] = {(char *)(uintptr_t) "test",
			(char *)(uintptr_t) "--no-pci",
			(char *)(uintptr_t) "--no-huge",
			(char *)(uintptr_t) "-m",
			(char *)(uintptr_t) "256",
			(char *)(uintptr_t) "--iova-mode=va",
			(char *)(uintptr_t) "--no-telemetry",
			(char *)(uintptr_t) "--lcores=0",
			(char *)(uintptr_t) "-d",
			(char *)(uintptr_t) "librte_dma_siov.so",
			(char *)(uintptr_t) "--file-prefix",
			prefix};

	(void)state;
	snprintf(prefix, sizeof(prefix), "dma-siov-%d", (int)getpid());
	log_file = tmpfile();
	if (log_file == NULL || rte_openlog_stream(log_file) != 0)
		return -1;
	return rte_eal_init(RTE_DIM(argv), argv) < 0 ? -1 : 0;
}

int
port_teardown(void **state)
{
	(void)state;
	rte_openlog_stream(NULL);
	fclose(log_file);
	return rte_eal_cleanup();
}
