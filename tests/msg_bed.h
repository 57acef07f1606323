/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A remapping unit whose entry i raises vector VECTOR + i of one destination, for requester RID
 * alone. The clock has 1,000 cycles a microsecond.
 */
#ifndef MSG_BED_H
#define MSG_BED_H

#include "fake_mem.h"
#include "siov_ir.h"

#define RID 0x0142
#define HZ UINT64_C(1000000000)
#define US(n) (UINT64_C(1000) * (n))
#define VECTOR 32
#define NB_VECTORS 200u

struct msg_bed {
	struct fake_mem fm;
	struct siov_ir *ir;
	struct siov_intr_dest *dest;
};

void msg_bed_init(struct msg_bed *bed);
/* Everything that was allocated must have been freed. */
void msg_bed_fini(struct msg_bed *bed);
/* Messages delivered so far. */
uint64_t msg_bed_nb_delivered(struct msg_bed *bed);
/* Entry whose message came, of the highest vector; -1: none. */
int msg_bed_take(struct msg_bed *bed);

#endif /* MSG_BED_H */
