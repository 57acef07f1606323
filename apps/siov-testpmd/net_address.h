/* SPDX-License-Identifier: BSD-3-Clause */
/* Stream sockets by address: a path, or host:port. */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

/* Connected, or a negative errno; it tries for some seconds. */
int net_connect(const char *address);

/* The first that connects within a minute, or a negative errno. A path is removed again. */
int net_accept(const char *address);

#endif /* NET_ADDRESS_H */
