/* SPDX-License-Identifier: BSD-3-Clause */
#include "comp_priv.h"
#include "guard_priv.h"
#include "guard_small_priv.h"

#if GUARD_HAS_SMALL

bool
comp_write_guarded(uint8_t *comp, const struct comp_words *words)
{
	return guard_small_store(comp, words->word) == 0;
}

bool
comp_is_writable(uint8_t *comp)
{
	return guard_small_touch(comp) == 0;
}

#else

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

static void
touch_record(void *arg)
{
	guard_touch(arg);
}

bool
comp_is_writable(uint8_t *comp)
{
	struct guard guard;

	guard.nb_spans = 0;
	guard_cover(&guard, (uintptr_t)comp, sizeof(struct comp_words));
	return guard_call(&guard, touch_record, comp);
}

#endif
