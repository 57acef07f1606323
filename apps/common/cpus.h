/* SPDX-License-Identifier: BSD-3-Clause */
/* CPUs of this process, and of its lcores. */
#ifndef CPUS_H
#define CPUS_H

#include <stdbool.h>
#include <stddef.h>

/* CPUs that this process may use, in rising order. Returns how many, at most max; 0: unknown. */
unsigned int cpus_list(unsigned int *cpus, unsigned int max);

/* Whether two lcores may run on the same CPU. Thread: any, once EAL has started. */
bool cpus_are_shared(unsigned int lcore_a, unsigned int lcore_b);

/* The CPUs of an lcore as text, "0" or "0,1". */
void cpus_print(unsigned int lcore, char *text, size_t size);

#endif /* CPUS_H */
