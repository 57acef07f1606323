/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Interrupt messages of a function, as engines see them: the one core of siov_ims.h and siov_msix.h.
 *
 *     engine --check(handle, pasid)--> [ entry: control | moderation | two messages ] --> siov_ir
 *            --raise----------------->      masked: PENDING        \ held: the engine's wheel
 *            --poll: what was held and is due
 *
 * Sent once, never lost. The mask bits and PENDING are one word. A raiser that sees a mask bit sets
 * PENDING by a compare-and-swap against the word it saw, so never in an entry that was unmasked
 * meanwhile. Who unmasks looks for PENDING afterwards; whoever clears PENDING in a word without mask
 * bits, by compare-and-swap, is the only one to send for it. The swap is made also when PENDING is
 * set already: without it what the raiser wrote before need not be visible to who takes the vector.
 *
 * Never half a message. Each entry has two copies of (address, data); the sequence number in the
 * control word says which is valid. A writer fills the other one, then counts. A reader looks at
 * the control word before and after: unchanged means that no writer was in the copy it read, because
 * the one that fills it comes after a count. A writer that stops anywhere keeps nobody waiting.
 *
 * An entry that changes hands gets a new generation, first in the moderation word, then in the
 * control word. A raiser swaps the moderation word only if its generation is that of the control
 * word it was checked against: no event of the old owner is counted for the new one. Generations
 * have 8 bits, sequence numbers 24: one caller would have to sleep through all of them.
 *
 * Entries in host memory. The line of the entry is then the device's copy of what lies there, and
 * CACHED says whether there is one. Who finds none reads host memory; of several the one that sets
 * FILLING keeps what it read. An invalidation clears CACHED and counts, which spoils a copy that is
 * being made. Host entries are versioned, so what is read is one version.
 *
 * Moderation. An event sooner than the interval after the last message is counted, and sent with
 * those that follow: when enough of them came, or when the interval is over. The engine that sets
 * HELD has the entry in its wheel and alone touches the link, until it clears HELD.
 *
 * Thread: check, raise: any engine. poll, flush: the engine that owns the port. The rest: control,
 * under the lock of the table's owner.
 */
#ifndef MSG_H
#define MSG_H

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_bitops.h>
#include <rte_branch_prediction.h>
#include <rte_common.h>

#include "siov_ims.h"

/* The control word, low half: the third and fourth word of an entry in DSA's format. */
#define MSG_MASK ((uint64_t)SIOV_IMS_CTRL_MASK)
#define MSG_PENDING ((uint64_t)SIOV_IMS_CTRL_PENDING)
#define MSG_IGNORE ((uint64_t)SIOV_IMS_CTRL_IGNORE)
#define MSG_PASID_EN ((uint64_t)SIOV_IMS_CTRL_PASID_EN)
#define MSG_PASID_SHIFT SIOV_IMS_CTRL_PASID_SHIFT
#define MSG_PASID ((uint64_t)SIOV_IMS_CTRL_PASID)
/* Reserved there; ours. */
#define MSG_USED RTE_BIT64(4)
#define MSG_CACHED RTE_BIT64(5)
#define MSG_FUNCTION_MASK RTE_BIT64(6)
#define MSG_OFF RTE_BIT64(7) /* the function sends no messages */
#define MSG_FILLING RTE_BIT64(8)
/* High half. */
#define MSG_GEN_SHIFT 32
#define MSG_GEN (UINT64_C(0xff) << MSG_GEN_SHIFT)
#define MSG_SEQ_SHIFT 40
#define MSG_SEQ_ONE RTE_BIT64(MSG_SEQ_SHIFT)
#define MSG_SEQ (~UINT64_C(0) << MSG_SEQ_SHIFT)

#define MSG_MASKS (MSG_MASK | MSG_FUNCTION_MASK)
#define MSG_HOST_BITS (MSG_MASK | MSG_IGNORE | MSG_PASID_EN | MSG_PASID)
#define MSG_CHECKED (MSG_USED | MSG_CACHED | MSG_IGNORE | MSG_PASID_EN | MSG_PASID)

/* The moderation word. */
#define MSG_HELD RTE_BIT64(63)
#define MSG_STAMPED RTE_BIT64(62)
#define MSG_COUNT_SHIFT 48
#define MSG_COUNT_MAX SIOV_IMS_EVENTS_MAX
#define MSG_COUNT ((uint64_t)MSG_COUNT_MAX << MSG_COUNT_SHIFT)
#define MSG_MOD_GEN_SHIFT 40
#define MSG_MOD_GEN (UINT64_C(0xff) << MSG_MOD_GEN_SHIFT)
#define MSG_STAMP (RTE_BIT64(MSG_MOD_GEN_SHIFT) - 1)
#define MSG_TICK_SHIFT 8 /* stamps count 256 cycles */

/* The wheel: as many slots cover the longest interval. */
#define MSG_WHEEL_SLOTS 4096u
#define MSG_POLL_SLOTS 64u /* of one poll at most */
#define MSG_POLL_ENTRIES 32u

#define MSG_NONE UINT32_MAX

struct msg_entry {
	SIOV_ATOMIC(uint64_t) ctl; /* shared: atomic */
	SIOV_ATOMIC(uint64_t) mod; /* shared: atomic */
	SIOV_ATOMIC(uint64_t) limits; /* owner: control; ticks | events << 32; 0 no moderation */
	SIOV_ATOMIC(uint64_t) addr[2]; /* owner: control, or who set FILLING */
	SIOV_ATOMIC(uint32_t) data[2];
	uint32_t link; /* owner: the engine that set HELD; index + 1 of the next in the slot */
	uint32_t next_free; /* owner: control; index of the next free entry */
	uint32_t owner; /* owner: control */
	uint32_t rsvd;
} __attribute__((aligned(64)));

static_assert(sizeof(struct msg_entry) == SIOV_IMS_ENTRY_BYTES, "one cache line an entry");
static_assert(offsetof(struct msg_entry, addr) == 24, "what every event reads comes first");

/* What one engine has: counters and what it holds back. The last port is control's. */
struct msg_port {
	/* owner: engine lcore */
	uint32_t nb_waiting __rte_cache_aligned;
	uint64_t cursor; /* slot that is looked at next, not masked */
	SIOV_ATOMIC(uint64_t) counts[SIOV_IMS_NB_COUNTS];
	uint32_t slots[MSG_WHEEL_SLOTS]; /* index + 1 of the first entry; 0: empty */
};

struct msg_table {
	/* const after create */
	struct msg_entry *entries;
	struct siov_ims_host_entry *host; /* NULL: entries live in the device */
	struct msg_port *ports; /* nb_engines + 1 */
	struct siov_ir *ir;
	const struct siov_mem *mem;
	uint64_t hz;
	uint32_t nb;
	uint32_t nb_engines;
	uint32_t slot_shift; /* cycles of a slot */
	uint16_t rid;
};

struct msg_table_conf {
	const struct siov_mem *mem;
	struct siov_ir *ir;
	struct siov_ims_host_entry *host;
	uint64_t hz;
	int socket_id;
	uint32_t nb;
	uint32_t nb_engines;
	uint16_t rid;
};

/* Entries begin masked and unused. 0; -ENOMEM. */
int msg_table_init(struct msg_table *t, const struct msg_table_conf *conf);
void msg_table_fini(struct msg_table *t);
uint64_t msg_table_bytes(const struct msg_table *t);
void msg_table_counts(const struct msg_table *t, uint64_t counts[SIOV_IMS_NB_COUNTS]);

/* Out of line: an entry that is not cached, or not checked by PASID. 0; -EACCES; -ENOENT. */
int msg_check_slow(struct msg_table *t, uint32_t handle, uint32_t pasid);

/* Send for PENDING unless masked. @port: the caller's own. */
void msg_settle(struct msg_table *t, struct msg_port *port, uint32_t handle);
/* Whole words of one version of a host entry; masked if it does not hold still. */
uint64_t msg_host_fetch(const struct msg_table *t, uint32_t handle, uint64_t *addr, uint32_t *data);

/* What the checked bits must be for work of @pasid (0: work without PASID). */
static inline uint64_t
msg_wanted(uint32_t pasid)
{
	uint64_t wanted = MSG_USED | MSG_CACHED;

	return pasid == 0 ? wanted : wanted | MSG_PASID_EN | (uint64_t)pasid << MSG_PASID_SHIFT;
}

/*
 * May work of @pasid name @handle? 0; -EACCES: it is another's; -ENOENT: nobody's (7.5.8).
 * Counted by the caller's completion status.
 */
static inline int
msg_check(struct msg_table *t, uint32_t handle, uint32_t pasid)
{
	uint64_t ctl;

	if (unlikely(handle >= t->nb))
		return -ENOENT;
	ctl = siov_atomic_load(&t->entries[handle].ctl, relaxed);
	if (likely((ctl & MSG_CHECKED) == msg_wanted(pasid)))
		return 0;
	return msg_check_slow(t, handle, pasid);
}

/*
 * An event of @pasid for @handle: send, hold back, or leave pending. Checks again: 0; -EACCES;
 * -ENOENT. @engine: below nb_engines, the caller's own.
 */
int msg_raise(struct msg_table *t, uint32_t engine, uint32_t handle, uint32_t pasid,
	      uint64_t now_cycles);

/* Send what is due; how many entries were looked at. */
unsigned int msg_poll_slow(struct msg_table *t, struct msg_port *port, uint64_t now_cycles);

static inline unsigned int
msg_poll(struct msg_table *t, uint32_t engine, uint64_t now_cycles)
{
	struct msg_port *port = &t->ports[engine];

	if (likely(port->nb_waiting == 0))
		return 0;
	return msg_poll_slow(t, port, now_cycles);
}

/* Send all that the engine holds back, due or not: before it stops polling. */
void msg_flush(struct msg_table *t, uint32_t engine, uint64_t now_cycles);

/*
 * Control, under the lock of the table's owner: an event as work of the entry's own PASID causes it,
 * not held back by moderation. As msg_raise().
 */
int msg_trigger(struct msg_table *t, uint32_t handle, uint64_t now_cycles);

/* Control. Each of these is for entries in use or not, while engines raise. */

/* Change control bits; a pending entry that is not masked then is sent, once. */
void msg_change(struct msg_table *t, uint32_t handle, uint64_t clear, uint64_t set);
/* The same with a new generation: nothing is held back any more. Sends nothing. */
void msg_renew(struct msg_table *t, uint32_t handle, uint64_t clear, uint64_t set);
/* Write the message of an entry of the device. */
void msg_write(struct msg_table *t, uint32_t handle, uint64_t addr, uint32_t data);
void msg_read(const struct msg_table *t, uint32_t handle, uint64_t *addr, uint32_t *data);
/* Write an entry in host memory; nobody sees it before msg_invalidate(). */
void msg_host_write(struct msg_table *t, uint32_t handle, uint64_t addr, uint32_t data,
		    uint32_t ctrl);
void msg_host_read(const struct msg_table *t, uint32_t handle, uint64_t *addr, uint32_t *data,
		   uint32_t *ctrl);
/* Forget the device's copy; a pending entry is read again at once, and sent if unmasked. */
void msg_invalidate(struct msg_table *t, uint32_t handle);
/* Ticks of an interval, rounded up. */
uint32_t msg_ticks(const struct msg_table *t, uint32_t interval_us);

static inline struct msg_port *
msg_control_port(struct msg_table *t)
{
	return &t->ports[t->nb_engines];
}

/* One writer a port. */
static inline void
msg_count(struct msg_port *port, enum siov_ims_count which)
{
	uint64_t n = siov_atomic_load(&port->counts[which], relaxed);

	siov_atomic_store(&port->counts[which], n + 1, relaxed);
}

#endif /* MSG_H */
