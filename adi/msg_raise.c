/* SPDX-License-Identifier: BSD-3-Clause */
/* Interrupt messages, the engines' side: who may raise what, send, hold back, and the wheel. */
#include "msg.h"
#include "siov_ir.h"

#define ANY_PASID UINT32_MAX

/* An entry as one raiser sees it. */
struct view {
	uint64_t raw; /* the control word */
	uint64_t ctl; /* with the bits of host memory, if they are not in it */
	uint64_t addr;
	uint32_t data;
};

static bool
is_allowed(uint64_t ctl, uint32_t pasid)
{
	if (pasid == ANY_PASID || (ctl & MSG_IGNORE) != 0)
		return true;
	return ((ctl | MSG_USED | MSG_CACHED) & MSG_CHECKED) == msg_wanted(pasid);
}

int
msg_check_slow(struct msg_table *t, uint32_t handle, uint32_t pasid)
{
	uint64_t ctl = siov_atomic_load(&t->entries[handle].ctl, acquire);
	uint64_t addr;
	uint32_t data;

	if ((ctl & MSG_USED) == 0)
		return -ENOENT;
	if ((ctl & MSG_CACHED) == 0)
		ctl = (ctl & ~MSG_HOST_BITS) | msg_host_fetch(t, handle, &addr, &data);
	return is_allowed(ctl, pasid) ? 0 : -EACCES;
}

/* End FILLING; the copy counts unless the entry was invalidated or changed hands meanwhile. */
static void
end_fill(struct msg_entry *e, const struct view *v)
{
	unsigned int copy = ((v->raw >> MSG_SEQ_SHIFT) + 1) & 1;
	uint64_t cur = v->raw;
	uint64_t next;

	siov_atomic_store(&e->addr[copy], v->addr, release); /* M3 */
	siov_atomic_store(&e->data[copy], v->data, release);
	do {
		next = cur & ~MSG_FILLING;
		if (((cur ^ v->raw) & (MSG_SEQ | MSG_GEN)) == 0)
			next = (next & ~MSG_HOST_BITS) + MSG_SEQ_ONE +
			       (MSG_CACHED | (v->ctl & MSG_HOST_BITS));
	} while (!siov_atomic_cas(&e->ctl, &cur, next, acq_rel, relaxed));
}

/* Read an entry that is not cached; false: the device has a copy now, look at that. */
static bool
fetch(struct msg_table *t, struct msg_port *port, uint32_t handle, struct view *v)
{
	struct msg_entry *e = &t->entries[handle];
	bool fills = false;

	if ((v->raw & MSG_FILLING) == 0) {
		/* M8: pairs with M7 */
		if (!siov_atomic_cas(&e->ctl, &v->raw, v->raw | MSG_FILLING, acq_rel, acquire))
			return false;
		v->raw |= MSG_FILLING;
		fills = true;
	}
	msg_count(port, SIOV_IMS_FETCHED);
	v->ctl = (v->raw & ~MSG_HOST_BITS) | msg_host_fetch(t, handle, &v->addr, &v->data);
	if (fills)
		end_fill(e, v);
	return !fills;
}

static void
look(struct msg_table *t, struct msg_port *port, uint32_t handle, struct view *v)
{
	struct msg_entry *e = &t->entries[handle];
	unsigned int copy;

	do {
		v->raw = siov_atomic_load(&e->ctl, acquire); /* M2, M8 */
		v->ctl = v->raw;
		if (likely((v->raw & MSG_CACHED) != 0)) {
			copy = v->raw >> MSG_SEQ_SHIFT & 1;
			v->addr = siov_atomic_load(&e->addr[copy], acquire); /* M4: with M3 */
			v->data = siov_atomic_load(&e->data[copy], acquire);
			return;
		}
	} while ((v->raw & MSG_USED) != 0 && !fetch(t, port, handle, v));
}

static void
send(struct msg_table *t, struct msg_port *port, const struct view *v)
{
	bool is_sent = siov_ir_deliver(t->ir, t->rid, v->addr, v->data) == 0;

	msg_count(port, is_sent ? SIOV_IMS_SENT : SIOV_IMS_BLOCKED);
}

/* 0: go on; else why the event has no effect. */
static int
examine(const struct view *v, uint32_t pasid, uint64_t gen)
{
	if (unlikely((v->raw & MSG_USED) == 0 || (v->raw & MSG_GEN) != gen))
		return -ENOENT;
	if (unlikely(!is_allowed(v->ctl, pasid)))
		return -EACCES;
	return 0;
}

static int
drop(struct msg_port *port, bool has_event, int why)
{
	if (has_event)
		msg_count(port, why == -EACCES ? SIOV_IMS_REFUSED : SIOV_IMS_DROPPED);
	return why;
}

/* Send for an event, or only for PENDING. Repeats only if somebody else changed the entry. */
static int
emit(struct msg_table *t, struct msg_port *port, uint32_t handle, uint32_t pasid, uint64_t gen,
     bool has_event)
{
	struct msg_entry *e = &t->entries[handle];
	struct view v;
	uint64_t raw;
	int ret;

	for (;;) {
		look(t, port, handle, &v);
		ret = examine(&v, pasid, gen);
		if (unlikely(ret != 0))
			return drop(port, has_event, ret);
		if (unlikely((v.raw & MSG_OFF) != 0))
			return drop(port, has_event, 0);
		raw = v.raw;
		if (unlikely((v.ctl & MSG_MASKS) != 0)) {
			if (!has_event)
				return 0;
			/* M2: pairs with M1 */
			if (siov_atomic_cas(&e->ctl, &raw, raw | MSG_PENDING, acq_rel, relaxed)) {
				msg_count(port, SIOV_IMS_PENDED);
				return 0;
			}
		} else if (unlikely((v.raw & MSG_PENDING) != 0)) {
			has_event |= siov_atomic_cas(&e->ctl, &raw, raw & ~MSG_PENDING, acq_rel,
						     relaxed);
		} else if (!has_event) {
			return 0;
		} else if (likely(((siov_atomic_load(&e->ctl, relaxed) ^ raw) &
				   (MSG_SEQ | MSG_GEN)) == 0)) {
			send(t, port, &v);
			return 0;
		}
	}
}

void
msg_settle(struct msg_table *t, struct msg_port *port, uint32_t handle)
{
	uint64_t ctl = siov_atomic_load(&t->entries[handle].ctl, relaxed);

	if ((ctl & MSG_PENDING) != 0)
		emit(t, port, handle, ANY_PASID, ctl & MSG_GEN, false);
}

/* Ticks since the stamp of @mod; clocks of two cores may differ by a little. */
static uint64_t
ticks_since(uint64_t mod, uint64_t tick)
{
	uint64_t diff = (tick - mod) & MSG_STAMP;

	return diff > MSG_STAMP / 2 ? 0 : diff;
}

static void
add_to_wheel(struct msg_table *t, struct msg_port *port, uint32_t handle, uint64_t ticks,
	     uint64_t now_cycles)
{
	uint64_t slot = (now_cycles + (ticks << MSG_TICK_SHIFT)) >> t->slot_shift;
	uint32_t *head = &port->slots[slot % MSG_WHEEL_SLOTS];

	if (port->nb_waiting++ == 0)
		port->cursor = now_cycles >> t->slot_shift;
	t->entries[handle].link = *head;
	*head = handle + 1;
}

/* An event of a moderated entry: true, send now; false, it was counted (or was nobody's). */
static bool
passes(struct msg_table *t, struct msg_port *port, uint32_t handle, uint64_t gen, uint64_t limits,
       uint64_t now_cycles)
{
	struct msg_entry *e = &t->entries[handle];
	uint64_t tick = now_cycles >> MSG_TICK_SHIFT & MSG_STAMP;
	uint64_t interval = (uint32_t)limits, max = limits >> 32;
	uint64_t mod = siov_atomic_load(&e->mod, acquire);
	uint64_t next, count, since;
	bool is_now;

	do {
		if (unlikely((mod & MSG_MOD_GEN) >> MSG_MOD_GEN_SHIFT != gen >> MSG_GEN_SHIFT)) {
			msg_count(port, SIOV_IMS_DROPPED);
			return false;
		}
		count = ((mod & MSG_COUNT) >> MSG_COUNT_SHIFT) + 1;
		since = ticks_since(mod, tick);
		is_now =
			(mod & MSG_STAMPED) == 0 || since >= interval || (max != 0 && count >= max);
		next = (mod & (MSG_HELD | MSG_MOD_GEN)) | MSG_STAMPED | tick;
		if (!is_now)
			next = (mod & ~MSG_COUNT) | MSG_HELD |
			       RTE_MIN(count, (uint64_t)MSG_COUNT_MAX) << MSG_COUNT_SHIFT;
		/* M9: pairs with M10; the engine that sends shows what was written before */
	} while (!siov_atomic_cas(&e->mod, &mod, next, acq_rel, acquire));
	if (is_now)
		return true;
	msg_count(port, SIOV_IMS_HELD);
	if ((mod & MSG_HELD) == 0)
		add_to_wheel(t, port, handle, interval - since, now_cycles);
	return false;
}

int
msg_raise(struct msg_table *t, uint32_t engine, uint32_t handle, uint32_t pasid,
	  uint64_t now_cycles)
{
	struct msg_port *port = &t->ports[engine];
	uint64_t ctl, limits;
	int ret;

	if (unlikely(handle >= t->nb))
		return drop(port, true, -ENOENT);
	ctl = siov_atomic_load(&t->entries[handle].ctl, acquire);
	limits = siov_atomic_load(&t->entries[handle].limits, relaxed);
	/* The mask bits of an entry that is not cached say nothing. */
	if (limits != 0 && ((ctl & MSG_CACHED) == 0 || (ctl & (MSG_MASKS | MSG_OFF)) == 0)) {
		ret = msg_check(t, handle, pasid);
		if (unlikely(ret != 0))
			return drop(port, true, ret);
		if (!passes(t, port, handle, ctl & MSG_GEN, limits, now_cycles))
			return 0;
	}
	return emit(t, port, handle, pasid, ctl & MSG_GEN, true);
}

/* The turn of an entry that is out of the wheel. */
static void
visit(struct msg_table *t, struct msg_port *port, uint32_t handle, uint64_t now_cycles,
      bool is_forced)
{
	struct msg_entry *e = &t->entries[handle];
	uint64_t tick = now_cycles >> MSG_TICK_SHIFT & MSG_STAMP;
	uint64_t interval = (uint32_t)siov_atomic_load(&e->limits, relaxed);
	uint64_t mod = siov_atomic_load(&e->mod, acquire);
	uint64_t next, since;

	do {
		since = ticks_since(mod, tick);
		if ((mod & MSG_COUNT) != 0 && since < interval && !is_forced) {
			add_to_wheel(t, port, handle, interval - since, now_cycles);
			return;
		}
		next = mod & ~MSG_HELD;
		if ((mod & MSG_COUNT) != 0)
			next = (mod & MSG_MOD_GEN) | MSG_STAMPED | tick;
		/* M10: pairs with M9 */
	} while (!siov_atomic_cas(&e->mod, &mod, next, acq_rel, acquire));
	if ((mod & MSG_COUNT) != 0)
		emit(t, port, handle, ANY_PASID,
		     (mod & MSG_MOD_GEN) >> MSG_MOD_GEN_SHIFT << MSG_GEN_SHIFT, true);
}

static uint32_t
take_from_wheel(struct msg_table *t, struct msg_port *port, uint64_t slot)
{
	uint32_t *head = &port->slots[slot % MSG_WHEEL_SLOTS];
	uint32_t handle = *head - 1;

	*head = t->entries[handle].link;
	port->nb_waiting--;
	return handle;
}

unsigned int
msg_poll_slow(struct msg_table *t, struct msg_port *port, uint64_t now_cycles)
{
	uint64_t end = now_cycles >> t->slot_shift;
	unsigned int nb_slots = 0, nb_entries = 0;

	if (end > port->cursor + MSG_WHEEL_SLOTS)
		port->cursor = end - MSG_WHEEL_SLOTS; /* every slot once */
	while (port->cursor < end && nb_slots < MSG_POLL_SLOTS && nb_entries < MSG_POLL_ENTRIES &&
	       port->nb_waiting != 0) {
		if (port->slots[port->cursor % MSG_WHEEL_SLOTS] == 0) {
			port->cursor++;
			nb_slots++;
			continue;
		}
		visit(t, port, take_from_wheel(t, port, port->cursor), now_cycles, false);
		nb_entries++;
	}
	return nb_entries;
}

void
msg_flush(struct msg_table *t, uint32_t engine, uint64_t now_cycles)
{
	struct msg_port *port = &t->ports[engine];
	uint64_t slot;

	for (slot = 0; slot < MSG_WHEEL_SLOTS; slot++)
		while (port->slots[slot] != 0)
			visit(t, port, take_from_wheel(t, port, slot), now_cycles, true);
}

int
msg_trigger(struct msg_table *t, uint32_t handle, uint64_t now_cycles)
{
	uint64_t ctl = siov_atomic_load(&t->entries[handle].ctl, acquire);
	uint64_t addr;
	uint32_t data, ctrl, pasid;
	int ret;

	/* Of an entry that no engine has read from host memory so far, the device knows nothing. */
	if (!(ctl & MSG_CACHED)) {
		msg_host_read(t, handle, &addr, &data, &ctrl);
		ctl = ctrl;
	}
	pasid = (uint32_t)((ctl & MSG_PASID) >> MSG_PASID_SHIFT);
	if ((ctl & (MSG_PASID_EN | MSG_IGNORE)) != MSG_PASID_EN)
		pasid = 0;
	ret = msg_raise(t, t->nb_engines, handle, pasid, now_cycles);
	msg_flush(t, t->nb_engines, now_cycles);
	return ret;
}
