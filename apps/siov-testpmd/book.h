/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The prompt's book of what was made by hand: PASIDs, the address spaces they are bound to, and what
 * is mapped there.
 *
 *     PASID ── bound to ── space (space.h) ── mappings, each with memory of its own
 *
 * In a nested space a mapping is memory that the guest is given, and an entry in its own tables.
 *
 * Thread: the prompt's.
 */
#ifndef BOOK_H
#define BOOK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "space.h"

struct book;

/* 0 or -ENOMEM. */
int book_create(struct siov_iommu *iommu, struct book **out);
/* Unbind, unmap and free everything. NULL is fine. 0, or -1 after one line. */
int book_free(struct book *book);

/* Each returns 0 or a negative errno: that of the siov_iommu call, or
 * -ENOENT: no such PASID in the book, or not bound, or no such mapping.
 * -ENOTSUP: the address space has no tables.
 */

/* *pasid 0: any free one. */
int book_alloc(struct book *book, uint32_t *pasid);
int book_release(struct book *book, uint32_t pasid);
/* To a new address space. */
int book_bind(struct book *book, uint32_t pasid, const struct space_conf *conf);
/* To that of another PASID of the book. */
int book_bind_with(struct book *book, uint32_t pasid, uint32_t with);
int book_unbind(struct book *book, uint32_t pasid);
/* New memory at iova. */
int book_map(struct book *book, uint32_t pasid, uint64_t iova, uint64_t len, unsigned int perm);
/* Exactly one mapping; nothing is in any cache afterwards. */
int book_unmap(struct book *book, uint32_t pasid, uint64_t iova, uint64_t len);

/* Print one PASID and its mappings; returns false if the book does not have it. */
bool book_print(FILE *f, const struct book *book, uint32_t pasid);
/* Print all PASIDs. */
void book_print_all(FILE *f, const struct book *book);

#endif /* BOOK_H */
