/* SPDX-License-Identifier: BSD-3-Clause */
/* What memory the machine has to offer. */
#ifndef HUGEPAGES_H
#define HUGEPAGES_H

#include <stdint.h>

/* Bytes of free hugepages for which there is a hugetlbfs that this process may write to. */
uint64_t hugepages_free_bytes(void);

/* Bytes of ordinary memory that can be had without swapping. */
uint64_t hugepages_available_bytes(void);

#endif /* HUGEPAGES_H */
