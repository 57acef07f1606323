/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports, and which way packets go between them. */
#ifndef PORTS_H
#define PORTS_H

#include <stdbool.h>
#include <stdint.h>

#include "options.h"

struct pools;

/* One way: packets that rx receives leave by tx. */
struct route {
	uint16_t rx;
	uint16_t tx;
};

struct ports {
	struct route routes[2];
	unsigned int nb_routes;
	uint16_t started[2];
	unsigned int nb_started;
};

/* Find the ports that the options name. 0 or -1 after one line. */
int ports_find(struct ports *ports, const struct options *o);

/* Set them up, one queue each way, and start them. 0 or -1 after one line; ports_stop is due. */
int ports_start(struct ports *ports, const struct pools *pools);
void ports_stop(struct ports *ports);

/* Name of a port, 64 bytes. */
const char *ports_name(uint16_t port, char *name);

#endif /* PORTS_H */
