/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

#include "complain.h"
#include "pools.h"
#include "ports.h"
#include "sweep.h"

#define DESCRIPTORS 512u /* of a queue, if the port allows it */

/* ---- which ---- */

static int
find_named(const char *option, const char *text, uint16_t *port)
{
	const struct sweep_limits limits = {.max = UINT16_MAX, .k = 1};
	uint64_t number;

	if (rte_eth_dev_get_port_by_name(text, port) == 0)
		return 0;
	if (number_parse(text, &limits, &number) == 0 &&
	    rte_eth_dev_is_valid_port((uint16_t)number)) {
		*port = (uint16_t)number;
		return 0;
	}
	return complain("--%s=%s: no such port; allowed: a name or number of %u that there are",
			option, text, rte_eth_dev_count_avail());
}

int
ports_find(struct ports *ports, const struct options *o)
{
	uint16_t first = (uint16_t)rte_eth_find_next(0), second;
	struct route *route = &ports->routes[0];

	*ports = (struct ports){.nb_routes = o->is_bidir ? 2 : 1};
	if (rte_eth_dev_count_avail() == 0)
		return complain("no port; EAL's --vdev makes one: --vdev=net_pcap0,rx_pcap=in.pcap,"
				"tx_pcap=out.pcap");
	second = (uint16_t)rte_eth_find_next((uint16_t)(first + 1));
	*route = (struct route){.rx = first, .tx = second < RTE_MAX_ETHPORTS ? second : first};
	if (o->rx != NULL && find_named("rx", o->rx, &route->rx) != 0)
		return -1;
	if (o->tx != NULL && find_named("tx", o->tx, &route->tx) != 0)
		return -1;
	ports->routes[1] = (struct route){.rx = route->tx, .tx = route->rx};
	if (o->is_bidir && route->rx == route->tx)
		return complain("--bidir: needs two ports, and --rx and --tx are the same one");
	return 0;
}

/* ---- set-up ---- */

static int
complain_port(uint16_t port, const char *what, int err)
{
	char name[RTE_ETH_NAME_MAX_LEN];

	return complain("port %s: %s: %s", ports_name(port, name), what, rte_strerror(-err));
}

static int
set_queues(uint16_t port, struct rte_mempool *pool)
{
	uint16_t nb_rxd = DESCRIPTORS, nb_txd = DESCRIPTORS;
	int socket = rte_eth_dev_socket_id(port);
	int ret = rte_eth_dev_adjust_nb_rx_tx_desc(port, &nb_rxd, &nb_txd);

	if (ret == 0)
		ret = rte_eth_rx_queue_setup(port, 0, nb_rxd, (unsigned int)socket, NULL, pool);
	if (ret == 0)
		ret = rte_eth_tx_queue_setup(port, 0, nb_txd, (unsigned int)socket, NULL);
	return ret;
}

static int
start_port(uint16_t port, struct rte_mempool *pool)
{
	struct rte_eth_conf conf = {.txmode.offloads = 0};
	struct rte_eth_dev_info info;
	int ret = rte_eth_dev_info_get(port, &info);

	if (ret != 0)
		return complain_port(port, "no information", ret);
	conf.txmode.offloads = info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	ret = rte_eth_dev_configure(port, 1, 1, &conf);
	if (ret != 0)
		return complain_port(port, "one queue each way", ret);
	ret = set_queues(port, pool);
	if (ret != 0)
		return complain_port(port, "queues", ret);
	ret = rte_eth_dev_start(port);
	if (ret != 0)
		return complain_port(port, "start", ret);
	/* Packets for others are what is forwarded; a file has no such mode. */
	ret = rte_eth_promiscuous_enable(port);
	return ret == 0 || ret == -ENOTSUP ? 0 : complain_port(port, "promiscuous mode", ret);
}

int
ports_start(struct ports *ports, const struct pools *pools)
{
	const struct route *route = &ports->routes[0];

	ports->started[ports->nb_started++] = route->rx;
	if (start_port(route->rx, pools->rx) != 0)
		return -1;
	if (route->tx == route->rx)
		return 0;
	ports->started[ports->nb_started++] = route->tx;
	return start_port(route->tx, pools->rx);
}

void
ports_stop(struct ports *ports)
{
	while (ports->nb_started > 0) {
		uint16_t port = ports->started[--ports->nb_started];

		/* What has not been started is told so in its log, and is closed all the same. */
		rte_eth_dev_stop(port);
		rte_eth_dev_close(port);
	}
}

const char *
ports_name(uint16_t port, char *name)
{
	if (rte_eth_dev_get_name_by_port(port, name) != 0)
		snprintf(name, RTE_ETH_NAME_MAX_LEN, "%u", port);
	return name;
}
