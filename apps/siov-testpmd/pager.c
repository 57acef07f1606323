/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_errno.h>

#include "complain.h"
#include "pager.h"
#include "siov_prq.h"

#define TAKE_MAX 32u /* requests at a time */

/* Buffers that are mapped together: a page, as far as one client's buffers reach. */
struct block {
	uint64_t start; /* offset in the guest's memory */
	uint64_t end;
};

struct pager {
	struct rig *rig;
	struct clients *clients;
	struct siov_prq **queues; /* by guest */
	unsigned int nb_guests;
	pthread_t thread;
	bool has_thread;
	int stop_fd;
	struct pollfd *fds; /* those of the queues, then stop_fd */
	pthread_mutex_t lock;
	uint8_t **is_mapped; /* by guest and page: whether a block that begins there is */
};

int
pager_create(struct rig *rig, unsigned int nb_guests, struct pager **out)
{
	struct pager *pager = calloc(1, sizeof(*pager));
	int ret = 0;

	*out = pager;
	if (pager == NULL)
		return complain("pager: too little memory");
	pager->rig = rig;
	pthread_mutex_init(&pager->lock, NULL);
	pager->queues = calloc(nb_guests, sizeof(pager->queues[0]));
	pager->fds = calloc(nb_guests + 1, sizeof(pager->fds[0]));
	pager->is_mapped = calloc(nb_guests, sizeof(pager->is_mapped[0]));
	pager->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (pager->queues == NULL || pager->fds == NULL || pager->is_mapped == NULL ||
	    pager->stop_fd < 0)
		return complain("pager: too little memory");
	for (; pager->nb_guests < nb_guests && ret == 0; pager->nb_guests++)
		ret = siov_prq_create(rig->iommu, NULL, &pager->queues[pager->nb_guests]);
	return ret == 0 ? 0 : complain("page-request queue: %s", rte_strerror(-ret));
}

int
pager_free(struct pager *pager)
{
	unsigned int i;
	int ret, err = 0;

	if (pager == NULL)
		return 0;
	pager_stop(pager);
	for (i = 0; i < pager->nb_guests; i++) {
		ret = siov_prq_free(pager->queues[i]);
		if (ret != 0)
			err = complain("page-request queue cannot be freed: %s",
				       rte_strerror(-ret));
		free(pager->is_mapped[i]);
	}
	free(pager->queues);
	free(pager->fds);
	free(pager->is_mapped);
	if (pager->stop_fd >= 0)
		close(pager->stop_fd);
	pthread_mutex_destroy(&pager->lock);
	free(pager);
	return err;
}

struct siov_prq **
pager_queues(struct pager *pager)
{
	return pager->queues;
}

/* ---- blocks ---- */

/* The block of buffers at an offset; false: no buffers are there. */
static bool
find_block(const struct pager *pager, const struct guest *guest, uint64_t offset,
	   struct block *block)
{
	uint64_t page = UINT64_C(1) << guest->page_shift;
	unsigned int i;

	for (i = 0; i < pager->clients->nb_clients; i++) {
		const struct client *client = &pager->clients->client[i];

		if (client->guest != guest || offset < client->region || offset >= client->windows)
			continue;
		block->start = RTE_MAX(RTE_ALIGN_FLOOR(offset, page), client->region);
		block->end = RTE_MIN(RTE_ALIGN_FLOOR(offset, page) + page, client->windows);
		return true;
	}
	return false;
}

static int
map_range(const struct guest *guest, uint64_t start, uint64_t end)
{
	return space_map(guest->space, guest_iova(guest, start), guest_hva(guest, start),
			 end - start, SIOV_PERM_R | SIOV_PERM_W);
}

static enum siov_page_answer
map_block(struct pager *pager, unsigned int idx, uint64_t addr)
{
	const struct guest *guest = &pager->clients->guests[idx];
	struct block block;
	uint8_t *is_mapped;

	if (addr < guest->iova || addr - guest->iova >= guest->size ||
	    !find_block(pager, guest, addr - guest->iova, &block))
		return SIOV_PAGE_INVALID;
	is_mapped = &pager->is_mapped[idx][block.start / GUEST_PAGE];
	/* Several operations ask for the same page. */
	if (*is_mapped)
		return SIOV_PAGE_SUCCESS;
	if (map_range(guest, block.start, block.end) != 0)
		return SIOV_PAGE_FAILURE;
	*is_mapped = true;
	return SIOV_PAGE_SUCCESS;
}

/* ---- the thread ---- */

/* Answer what is there; returns how many. */
static unsigned int
serve(struct pager *pager, unsigned int idx)
{
	struct siov_vtd_page_request requests[TAKE_MAX];
	unsigned int i, nb = siov_prq_take(pager->queues[idx], requests, TAKE_MAX);

	pthread_mutex_lock(&pager->lock);
	for (i = 0; i < nb; i++) {
		uint64_t addr = siov_page_request_addr(&requests[i]);
		enum siov_page_answer answer = map_block(pager, idx, addr);
		struct siov_vtd_page_response resp = siov_page_response(&requests[i], answer);

		siov_prq_respond(pager->queues[idx], &resp);
	}
	pthread_mutex_unlock(&pager->lock);
	return nb;
}

static void *
pager_main(void *arg)
{
	struct pager *pager = arg;
	unsigned int i;
	uint64_t count;

	for (;;) {
		for (i = 0; i < pager->nb_guests; i++) {
			do {
				while (serve(pager, i) > 0)
					;
			} while (!siov_prq_arm(pager->queues[i]));
		}
		if (poll(pager->fds, pager->nb_guests + 1, -1) < 0 && errno != EINTR)
			return NULL;
		if (pager->fds[pager->nb_guests].revents != 0)
			return NULL;
		for (i = 0; i < pager->nb_guests; i++) {
			if (pager->fds[i].revents != 0 &&
			    read(pager->fds[i].fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
				return NULL;
		}
	}
}

static int
map_records(struct pager *pager)
{
	unsigned int i;
	int ret;

	for (i = 0; i < pager->clients->nb_clients; i++) {
		const struct client *client = &pager->clients->client[i];

		ret = map_range(client->guest, client->windows, client->end);
		if (ret != 0)
			return complain("completion records: %s", rte_strerror(-ret));
	}
	return 0;
}

int
pager_start(struct pager *pager, struct clients *clients)
{
	unsigned int i;
	int ret;

	pager->clients = clients;
	for (i = 0; i < pager->nb_guests; i++) {
		pager->is_mapped[i] = calloc(clients->guests[i].size / GUEST_PAGE, 1);
		if (pager->is_mapped[i] == NULL)
			return complain("pager: too little memory");
		pager->fds[i] = (struct pollfd){
			.fd = siov_prq_fd(pager->queues[i]),
			.events = POLLIN,
		};
	}
	pager->fds[i] = (struct pollfd){.fd = pager->stop_fd, .events = POLLIN};
	if (map_records(pager) != 0)
		return -1;
	ret = pthread_create(&pager->thread, NULL, pager_main, pager);
	if (ret != 0)
		return complain("pager's thread: %s", strerror(ret));
	pager->has_thread = true;
	return 0;
}

void
pager_stop(struct pager *pager)
{
	const uint64_t one = 1;

	if (!pager->has_thread)
		return;
	if (write(pager->stop_fd, &one, sizeof(one)) != (ssize_t)sizeof(one))
		warn("pager: cannot be stopped");
	pthread_join(pager->thread, NULL);
	pager->has_thread = false;
}

/* ---- all pages away ---- */

/* A guest that changes its own tables has to tell. */
static int
invalidate(const struct pager *pager, const struct guest *guest)
{
	const struct clients *clients = pager->clients;
	uint32_t i;
	int ret = 0;

	if (guest->kind != SIOV_DOMAIN_NESTED)
		return 0;
	for (i = 0; i < clients->nb_pasids && ret == 0; i++) {
		if (clients->pasids[i].guest == guest)
			ret = siov_pasid_invalidate(pager->rig->iommu, clients->pasids[i].pasid,
						    guest->iova, guest->size);
	}
	return ret;
}

static int
reset_guest(struct pager *pager, unsigned int idx)
{
	const struct guest *guest = &pager->clients->guests[idx];
	uint64_t offset;
	bool is_changed = false;
	int ret = 0;

	for (offset = 0; offset < guest->size && ret == 0; offset += GUEST_PAGE) {
		uint8_t *is_mapped = &pager->is_mapped[idx][offset / GUEST_PAGE];
		struct block block;

		if (!*is_mapped || !find_block(pager, guest, offset, &block))
			continue;
		ret = space_unmap(guest->space, guest_iova(guest, block.start),
				  block.end - block.start);
		*is_mapped = false;
		is_changed = true;
	}
	return ret == 0 && is_changed ? invalidate(pager, guest) : ret;
}

int
pager_reset(struct pager *pager)
{
	unsigned int i;
	int ret = 0;

	if (pager == NULL)
		return 0;
	pthread_mutex_lock(&pager->lock);
	for (i = 0; i < pager->nb_guests && ret == 0; i++)
		ret = reset_guest(pager, i);
	pthread_mutex_unlock(&pager->lock);
	return ret == 0 ? 0 : complain("pages cannot be taken away: %s", rte_strerror(-ret));
}
