/* SPDX-License-Identifier: BSD-3-Clause */
/* EAL with the driver, and ports of it; what goes wrong here fails the test. */
#ifndef PORT_RIG_H
#define PORT_RIG_H

#include <stddef.h>
#include <stdint.h>

#include <rte_dmadev.h>
#include <rte_eal.h>
#include <rte_version.h>

#define PORT "dma_siov_t"
#define SIZE 1024u
#define BURST 32u

/* What the driver takes for DPDK's month of release and for the kind of process. */
extern unsigned int port_month;
extern enum rte_proc_type_t port_type;

extern const struct rte_dma_conf port_one_vchan;

/* Group fixtures: EAL on its own memory, its log kept. */
int port_setup(void **state);
int port_teardown(void **state);

/* Probe a port; then configure and start it with nb_desc operations in each vchan. */
int16_t port_probe(const char *name, const char *args);
void port_start(int16_t dev_id, const struct rte_dma_conf *conf, uint16_t nb_desc);

/* Both, for PORT with one vchan. */
int16_t port_open(const char *args, uint16_t nb_desc);

/* Ring the doorbell until nothing is in flight. */
void port_wait(int16_t dev_id, uint16_t vchan);

/* One copy of memory that EAL knows nothing of, compared. */
void port_copy(int16_t dev_id, uint16_t vchan, unsigned int seed);

rte_iova_t port_addr(const void *p);

/* len bytes, the caller's to free. */
uint8_t *port_pattern(size_t len, unsigned int seed);

/* Lines of the driver's log since the last call; port_log_line is the last one. */
extern char port_log_line[512];
unsigned int port_log_lines(void);

#endif /* PORT_RIG_H */
