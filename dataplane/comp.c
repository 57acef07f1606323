/* SPDX-License-Identifier: BSD-3-Clause */
#include "comp_priv.h"
#include "guard_priv.h"

struct guarded_write {
	uint8_t *comp;
	const struct comp_words *words;
};

static void
write_record(void *arg)
{
	const struct guarded_write *write = arg;

	comp_write(write->comp, write->words);
}

bool
comp_write_guarded(uint8_t *comp, const struct comp_words *words)
{
	struct guarded_write write = {.comp = comp, .words = words};
	struct guard guard;

	guard.nb_spans = 0;
	guard_cover(&guard, (uintptr_t)comp, sizeof(*words));
	return guard_call(&guard, write_record, &write);
}

/*
 * The processor asks for a writable page even if the comparison fails. An addition of 0 would not
 * do: compilers make a fence and a load of it.
 */
static void
touch(void *arg)
{
	SIOV_ATOMIC(uint64_t) *word = arg;
	uint64_t value = siov_atomic_load(word, relaxed);

	(void)siov_atomic_cas(word, &value, value, relaxed, relaxed);
}

bool
comp_is_writable(uint8_t *comp)
{
	struct guard guard;

	guard.nb_spans = 0;
	guard_cover(&guard, (uintptr_t)comp, sizeof(struct comp_words));
	return guard_call(&guard, touch, comp);
}
