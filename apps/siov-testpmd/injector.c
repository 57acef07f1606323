/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <time.h>

#include <rte_errno.h>

#include "complain.h"
#include "injector.h"
#include "work_op.h"

/* A PASID in an address space of its own. */
struct injection {
	LIST_ENTRY(injection) next;
	struct client_pasid *pasid;
	struct space *space;
};

struct injector {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* under the lock; NULL: no workload */
	struct clients *clients;
	struct phase *phase;
	const struct work_op *op;
	LIST_HEAD(, injection) injections;
};

/* What is to be wrong, in guest addresses. */
struct damage {
	enum inject_reason reason;
	uint64_t start; /* offset in the guest's memory, of whole pages */
	uint64_t end;
};

int
injector_create(struct injector **out)
{
	struct injector *injector = calloc(1, sizeof(*injector));

	if (injector == NULL)
		return -ENOMEM;
	pthread_mutex_init(&injector->lock, NULL);
	pthread_cond_init(&injector->changed, NULL);
	LIST_INIT(&injector->injections);
	*out = injector;
	return 0;
}

void
injector_free(struct injector *injector)
{
	if (injector == NULL)
		return;
	pthread_cond_destroy(&injector->changed);
	pthread_mutex_destroy(&injector->lock);
	free(injector);
}

static int
explain(char *why, int err, const char *what)
{
	snprintf(why, INJECT_WHY, "%s: %s", what, rte_strerror(-err));
	return err;
}

/* ---- from one address space to the other ---- */

/* Submitters wait meanwhile: between the two the PASID has no address space at all. */
static int
move_pasid(struct injector *injector, uint32_t pasid, struct siov_domain *domain)
{
	struct siov_iommu *iommu = injector->clients->rig->iommu;
	int ret;

	ret = siov_pasid_unbind(iommu, pasid);
	return ret != 0 ? ret : siov_pasid_bind(iommu, pasid, domain, 0);
}

/* Bind the PASID to its guest's address space again, and free the copy. */
static int
undo(struct injector *injector, struct injection *injection)
{
	struct client_pasid *pasid = injection->pasid;
	int ret;

	ret = phase_hold(injector->phase);
	if (ret == 0)
		ret = move_pasid(injector, pasid->pasid, pasid->guest->domain);
	phase_resume(injector->phase);
	if (ret == 0)
		ret = space_free(injection->space);
	if (ret != 0)
		return ret;
	LIST_REMOVE(injection, next);
	free(injection);
	return 0;
}

static int
undo_some(struct injector *injector, uint32_t pasid, unsigned int *nb)
{
	struct injection *injection = LIST_FIRST(&injector->injections);
	int ret, first = 0;

	for (*nb = 0; injection != NULL;) {
		struct injection *next = LIST_NEXT(injection, next);

		if (pasid == 0 || injection->pasid->pasid == pasid) {
			ret = undo(injector, injection);
			first = first != 0 ? first : ret;
			++*nb;
		}
		injection = next;
	}
	return first;
}

/* ---- a copy with something wrong ---- */

static int
map_damaged(const struct guest *guest, struct space *space, const struct damage *damage)
{
	uint64_t offset, len = damage->end - damage->start;
	int ret = 0;

	if (damage->reason == INJECT_READ_ONLY)
		return space_map(space, guest_iova(guest, damage->start),
				 guest_hva(guest, damage->start), len, SIOV_PERM_R);
	for (offset = damage->start;
	     damage->reason == INJECT_RESERVED && offset < damage->end && ret == 0;
	     offset += GUEST_PAGE)
		ret = space_spoil(space, guest_iova(guest, offset));
	return ret;
}

static int
map_piece(const struct guest *guest, struct space *space, uint64_t start, uint64_t end)
{
	if (start == end)
		return 0;
	return space_map(space, guest_iova(guest, start), guest_hva(guest, start), end - start,
			 SIOV_PERM_R | SIOV_PERM_W);
}

static int
copy_space(const struct guest *guest, const struct damage *damage, struct space **out)
{
	const struct space_conf conf = {
		.kind = guest->kind,
		.page_shift = guest->page_shift,
		.levels = guest->levels,
		.flags = guest->flags,
		.max_bytes = guest->size,
	};
	int ret;

	ret = space_create(guest->rig->iommu, &conf, out);
	if (ret != 0)
		return ret;
	ret = space_add_memory(*out, guest->hva, guest->size);
	if (ret == 0)
		ret = map_piece(guest, *out, 0, damage->start);
	if (ret == 0)
		ret = map_damaged(guest, *out, damage);
	if (ret == 0)
		ret = map_piece(guest, *out, damage->end, guest->size);
	if (ret != 0)
		space_free(*out);
	return ret;
}

static int
inject(struct injector *injector, struct client_pasid *pasid, const struct damage *damage)
{
	struct injection *injection = calloc(1, sizeof(*injection));
	int ret;

	if (injection == NULL)
		return -ENOMEM;
	injection->pasid = pasid;
	ret = copy_space(pasid->guest, damage, &injection->space);
	if (ret != 0) {
		free(injection);
		return ret;
	}
	LIST_INSERT_HEAD(&injector->injections, injection, next);
	ret = phase_hold(injector->phase);
	if (ret == 0) {
		pasid->is_injected = true;
		ret = move_pasid(injector, pasid->pasid, space_domain(injection->space));
	}
	phase_resume(injector->phase);
	return ret;
}

/* ---- what makes sense ---- */

static struct client_pasid *
find_pasid(const struct clients *clients, uint32_t number)
{
	uint32_t i;

	for (i = 0; i < clients->nb_pasids; i++) {
		if (clients->pasids[i].pasid == number)
			return &clients->pasids[i];
	}
	return NULL;
}

/* The client that submits for a PASID; there is one. */
static const struct client *
find_client(const struct clients *clients, const struct client_pasid *pasid)
{
	unsigned int i;

	for (i = 0; i + 1 < clients->nb_clients; i++) {
		if (clients->client[i].guest == pasid->guest)
			break;
	}
	return &clients->client[i];
}

/* All buffers, or one page of them: records must stay, or nobody would be told of anything. */
static int
find_damage(const struct clients *clients, const struct client_pasid *pasid, uint64_t addr,
	    struct damage *damage, char why[INJECT_WHY])
{
	const struct client *client = find_client(clients, pasid);
	const struct guest *guest = pasid->guest;
	uint64_t first = client->region, last = client->windows;

	damage->start = first;
	damage->end = last;
	if (addr == 0)
		return 0;
	if (addr < guest_iova(guest, first) || addr >= guest_iova(guest, last)) {
		snprintf(why, INJECT_WHY,
			 "addr 0x%" PRIx64 ": allowed: 0x%" PRIx64 " to 0x%" PRIx64
			 ", the buffers of PASID %u",
			 addr, guest_iova(guest, first), guest_iova(guest, last) - 1, pasid->pasid);
		return -ERANGE;
	}
	damage->start = (addr - guest->iova) & ~(uint64_t)(GUEST_PAGE - 1);
	damage->end = damage->start + GUEST_PAGE;
	return 0;
}

static int
check_sense(const struct injector *injector, const struct client_pasid *pasid,
	    enum inject_reason reason, char why[INJECT_WHY])
{
	enum siov_domain_kind kind = pasid->guest->kind;

	if (pasid->guest->vm != NULL)
		snprintf(why, INJECT_WHY, "the tables are a VM's; allowed: with --via=adi");
	else if (!options_iommu_has_tables(kind))
		snprintf(why, INJECT_WHY,
			 "--iommu=%s has no tables to change; allowed: first, second, nested",
			 options_iommu_name(kind));
	else if (reason == INJECT_RESERVED && kind != SIOV_DOMAIN_NESTED)
		snprintf(why, INJECT_WHY,
			 "reason reserved: the tables are the platform's, which writes no such "
			 "entry; allowed: with --iommu=nested");
	else if (pasid->guest->space != NULL)
		snprintf(why, INJECT_WHY, "allowed: without --prs");
	else if (!injector->op->has_data)
		snprintf(why, INJECT_WHY, "--op=%s has no buffers", injector->op->name);
	else if (reason == INJECT_READ_ONLY && !injector->op->writes)
		snprintf(why, INJECT_WHY, "reason read-only: --op=%s does not write",
			 injector->op->name);
	else
		return 0;
	return -EINVAL;
}

static int
inject_locked(struct injector *injector, uint32_t number, uint64_t addr, enum inject_reason reason,
	      char why[INJECT_WHY])
{
	struct client_pasid *pasid;
	struct damage damage = {.reason = reason};
	unsigned int nb;
	int ret;

	if (injector->clients == NULL) {
		snprintf(why, INJECT_WHY, "no workload runs; start begins one");
		return -ENOENT;
	}
	pasid = find_pasid(injector->clients, number);
	if (pasid == NULL) {
		snprintf(why, INJECT_WHY, "PASID %u: not of the workload; allowed: %u to %u",
			 number, injector->clients->pasids[0].pasid,
			 injector->clients->pasids[injector->clients->nb_pasids - 1].pasid);
		return -ENOENT;
	}
	ret = check_sense(injector, pasid, reason, why);
	if (ret == 0)
		ret = find_damage(injector->clients, pasid, addr, &damage, why);
	if (ret != 0)
		return ret;
	ret = undo_some(injector, number, &nb);
	if (ret == 0)
		ret = inject(injector, pasid, &damage);
	return ret == 0 ? 0 : explain(why, ret, "PASID's address space");
}

/* ---- for others ---- */

void
injector_attach(struct injector *injector, struct clients *clients, struct phase *phase,
		const struct work_op *op)
{
	if (injector == NULL)
		return;
	pthread_mutex_lock(&injector->lock);
	injector->clients = clients;
	injector->phase = phase;
	injector->op = op;
	pthread_cond_broadcast(&injector->changed);
	pthread_mutex_unlock(&injector->lock);
}

int
injector_detach(struct injector *injector)
{
	unsigned int nb;
	int ret = 0;

	if (injector == NULL)
		return 0;
	pthread_mutex_lock(&injector->lock);
	if (injector->clients != NULL)
		ret = undo_some(injector, 0, &nb);
	injector->clients = NULL;
	injector->phase = NULL;
	pthread_mutex_unlock(&injector->lock);
	return ret == 0 ? 0 :
			  complain("injected faults cannot be taken back: %s", rte_strerror(-ret));
}

bool
injector_wait(struct injector *injector, unsigned int timeout_s)
{
	struct timespec until;
	bool is_attached;
	int ret = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += timeout_s;
	pthread_mutex_lock(&injector->lock);
	while (injector->clients == NULL && ret == 0)
		ret = pthread_cond_timedwait(&injector->changed, &injector->lock, &until);
	is_attached = injector->clients != NULL;
	pthread_mutex_unlock(&injector->lock);
	return is_attached;
}

int
injector_fault(struct injector *injector, uint32_t pasid, uint64_t addr, enum inject_reason reason,
	       char why[INJECT_WHY])
{
	int ret;

	pthread_mutex_lock(&injector->lock);
	ret = inject_locked(injector, pasid, addr, reason, why);
	pthread_mutex_unlock(&injector->lock);
	return ret;
}

int
injector_clear(struct injector *injector, uint32_t pasid, char why[INJECT_WHY])
{
	unsigned int nb = 0;
	int ret = 0;

	pthread_mutex_lock(&injector->lock);
	if (injector->clients != NULL)
		ret = undo_some(injector, pasid, &nb);
	pthread_mutex_unlock(&injector->lock);
	if (ret != 0)
		return explain(why, ret, "PASID's address space");
	if (nb > 0)
		return 0;
	snprintf(why, INJECT_WHY, "nothing is injected");
	return -ENOENT;
}
