/* SPDX-License-Identifier: BSD-3-Clause */
/* The control lcore of a device as a part of a loop that serves others too. */
#ifndef DEV_CONTROL_H
#define DEV_CONTROL_H

#include <stdbool.h>

struct siov_dev;
struct dev_control;

/* Begin nothing so far. 0, -ENOMEM or a negative errno. */
int dev_control_open(struct siov_dev *dev, struct dev_control **out);

/* Readable when there is something to serve. */
int dev_control_fd(const struct dev_control *control);

/*
 * Serve once; the calling thread is the device's control lcore from the first time on. Returns
 * whether to come again within a millisecond, readable or not.
 */
bool dev_control_serve(struct dev_control *control);

/* Be the control lcore no longer. Thread: that which served. */
void dev_control_stop(struct dev_control *control);

/* NULL is fine. */
void dev_control_close(struct dev_control *control);

#endif /* DEV_CONTROL_H */
