/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The pager: makes pages present when engines ask for them.
 *
 *     engine ── page request ──► queue of a guest ──► pager's thread: maps the page, answers
 *
 * One thread, asleep while nobody asks. It is the host's for first-stage and second-stage tables;
 * for nested ones it stands for the guest, and changes nothing but the guest's own tables.
 *
 * Buffers are mapped so; completion records always are.
 */
#ifndef PAGER_H
#define PAGER_H

#include "clients.h"

struct pager;

/* Make queues for so many guests. 0, or -1 after one line. */
int pager_create(struct rig *rig, unsigned int nb_guests, struct pager **out);
/* The clients are freed before. NULL is fine. 0, or -1 after one line. */
int pager_free(struct pager *pager);

/* Queues, by guest, for clients_conf. */
struct siov_prq **pager_queues(struct pager *pager);

/* Answer for these clients from now on, until pager_stop. 0, or -1 after one line. */
int pager_start(struct pager *pager, struct clients *clients);
void pager_stop(struct pager *pager);

/* Take all buffers' pages away again; no submitter runs. NULL is fine. 0, or -1 after one line. */
int pager_reset(struct pager *pager);

#endif /* PAGER_H */
