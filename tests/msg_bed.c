/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "msg_bed.h"

void
msg_bed_init(struct msg_bed *bed)
{
	struct siov_ir_entry entry = {.svt = SIOV_IR_SVT_SID, .sid = RID};
	struct siov_ir_conf conf;
	uint32_t i;

	fake_mem_init(&bed->fm);
	siov_ir_conf_init(&conf);
	conf.mem = &bed->fm.mem;
	assert_int_equal(siov_ir_create(&conf, &bed->ir), 0);
	assert_int_equal(siov_intr_dest_create(bed->ir, 0, &bed->dest), 0);
	entry.dest = bed->dest;
	for (i = 0; i < NB_VECTORS; i++) {
		entry.vector = (uint8_t)(VECTOR + i);
		assert_int_equal(siov_ir_set(bed->ir, i, &entry), 0);
	}
}

void
msg_bed_fini(struct msg_bed *bed)
{
	siov_ir_free(bed->ir);
	assert_int_equal(bed->fm.nb_live, 0);
}

uint64_t
msg_bed_nb_delivered(struct msg_bed *bed)
{
	struct siov_ir_stats stats;

	siov_ir_stats(bed->ir, &stats);
	return stats.nb_remapped;
}

int
msg_bed_take(struct msg_bed *bed)
{
	int vector = siov_intr_take(bed->dest);

	return vector < 0 ? -1 : vector - VECTOR;
}
