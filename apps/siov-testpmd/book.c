/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/queue.h>

#include <rte_errno.h>

#include "book.h"
#include "complain.h"
#include "options.h"

struct mapping {
	LIST_ENTRY(mapping) next;
	uint64_t iova;
	uint64_t len;
	unsigned int perm;
	void *hva;
	bool is_added; /* to the platform's memory */
	bool is_given; /* to the space */
	bool is_mapped;
};

struct bound_space {
	struct space *space;
	unsigned int nb_pasids; /* bound to it */
	LIST_HEAD(, mapping) mappings;
};

struct entry {
	LIST_ENTRY(entry) next;
	uint32_t pasid;
	struct bound_space *space; /* NULL: not bound */
};

struct book {
	struct siov_iommu *iommu;
	LIST_HEAD(, entry) entries; /* in rising order */
};

int
book_create(struct siov_iommu *iommu, struct book **out)
{
	struct book *book = calloc(1, sizeof(*book));

	if (book == NULL)
		return -ENOMEM;
	book->iommu = iommu;
	LIST_INIT(&book->entries);
	*out = book;
	return 0;
}

static struct entry *
find_entry(const struct book *book, uint32_t pasid)
{
	struct entry *entry;

	LIST_FOREACH(entry, &book->entries, next) {
		if (entry->pasid == pasid)
			return entry;
	}
	return NULL;
}

/* ---- PASIDs ---- */

static void
insert_entry(struct book *book, struct entry *entry)
{
	struct entry *other, *last = NULL;

	LIST_FOREACH(other, &book->entries, next) {
		if (other->pasid > entry->pasid)
			break;
		last = other;
	}
	if (last == NULL)
		LIST_INSERT_HEAD(&book->entries, entry, next);
	else
		LIST_INSERT_AFTER(last, entry, next);
}

int
book_alloc(struct book *book, uint32_t *pasid)
{
	struct entry *entry = calloc(1, sizeof(*entry));
	int ret;

	if (entry == NULL)
		return -ENOMEM;
	if (*pasid == 0)
		ret = siov_pasid_alloc(book->iommu, pasid);
	else
		ret = siov_pasid_alloc_at(book->iommu, *pasid);
	if (ret != 0) {
		free(entry);
		return ret;
	}
	entry->pasid = *pasid;
	insert_entry(book, entry);
	return 0;
}

int
book_release(struct book *book, uint32_t pasid)
{
	struct entry *entry = find_entry(book, pasid);
	int ret;

	if (entry == NULL)
		return -ENOENT;
	ret = siov_pasid_free(book->iommu, pasid);
	if (ret != 0)
		return ret;
	LIST_REMOVE(entry, next);
	free(entry);
	return 0;
}

/* ---- spaces ---- */

/* A guest tells of what it took out of its tables; others do not have to. */
static int
tell_caches(struct book *book, const struct bound_space *space, const struct mapping *mapping)
{
	const struct entry *entry;
	int ret = 0;

	if (space_kind(space->space) != SIOV_DOMAIN_NESTED)
		return 0;
	LIST_FOREACH(entry, &book->entries, next) {
		if (entry->space == space && ret == 0)
			ret = siov_pasid_invalidate(book->iommu, entry->pasid, mapping->iova,
						    mapping->len);
	}
	return ret;
}

/* Undo what was done for a mapping, as far as that goes; frees it if all is undone. */
static int
remove_mapping(struct book *book, struct bound_space *space, struct mapping *mapping)
{
	int ret = 0;

	if (mapping->is_mapped)
		ret = space_unmap(space->space, mapping->iova, mapping->len);
	if (ret == 0 && mapping->is_mapped)
		ret = tell_caches(book, space, mapping);
	if (ret != 0)
		return ret;
	mapping->is_mapped = false;
	if (mapping->is_given)
		ret = space_remove_memory(space->space, mapping->hva);
	if (ret != 0)
		return ret;
	mapping->is_given = false;
	if (mapping->is_added)
		ret = siov_iommu_remove_memory(book->iommu, mapping->hva, mapping->len);
	if (ret != 0)
		return ret;
	siov_mem_free(siov_mem_eal(), mapping->hva);
	LIST_REMOVE(mapping, next);
	free(mapping);
	return 0;
}

static int
free_bound_space(struct book *book, struct bound_space *space)
{
	int ret = 0;

	while (!LIST_EMPTY(&space->mappings) && ret == 0)
		ret = remove_mapping(book, space, LIST_FIRST(&space->mappings));
	if (ret == 0)
		ret = space_free(space->space);
	if (ret == 0)
		free(space);
	return ret;
}

static int
bind_entry(struct book *book, struct entry *entry, struct bound_space *space)
{
	int ret = siov_pasid_bind(book->iommu, entry->pasid, space_domain(space->space), 0);

	if (ret != 0)
		return ret;
	entry->space = space;
	space->nb_pasids++;
	return 0;
}

int
book_bind(struct book *book, uint32_t pasid, const struct space_conf *conf)
{
	struct entry *entry = find_entry(book, pasid);
	struct bound_space *space;
	int ret;

	if (entry == NULL)
		return -ENOENT;
	space = calloc(1, sizeof(*space));
	if (space == NULL)
		return -ENOMEM;
	LIST_INIT(&space->mappings);
	ret = space_create(book->iommu, conf, &space->space);
	if (ret == 0)
		ret = bind_entry(book, entry, space);
	if (ret != 0)
		free_bound_space(book, space);
	return ret;
}

int
book_bind_with(struct book *book, uint32_t pasid, uint32_t with)
{
	struct entry *entry = find_entry(book, pasid), *other = find_entry(book, with);

	if (entry == NULL || other == NULL || other->space == NULL)
		return -ENOENT;
	return bind_entry(book, entry, other->space);
}

int
book_unbind(struct book *book, uint32_t pasid)
{
	struct entry *entry = find_entry(book, pasid);
	struct bound_space *space;
	int ret;

	if (entry == NULL || entry->space == NULL)
		return -ENOENT;
	ret = siov_pasid_unbind(book->iommu, pasid);
	if (ret != 0)
		return ret;
	space = entry->space;
	entry->space = NULL;
	return --space->nb_pasids == 0 ? free_bound_space(book, space) : 0;
}

/* ---- mappings ---- */

static int
add_mapping(struct book *book, struct bound_space *space, struct mapping *mapping)
{
	int ret;

	if (mapping->len == 0 || mapping->len > (UINT64_C(1) << 47))
		return -EINVAL;
	mapping->hva = siov_mem_alloc(siov_mem_eal(), "prompt", mapping->len, 4096, -1);
	if (mapping->hva == NULL)
		return -ENOMEM;
	ret = siov_iommu_add_memory(book->iommu, mapping->hva, mapping->len);
	if (ret != 0)
		return ret;
	mapping->is_added = true;
	ret = space_add_memory(space->space, mapping->hva, mapping->len);
	if (ret != 0)
		return ret;
	mapping->is_given = true;
	ret = space_map(space->space, mapping->iova, mapping->hva, mapping->len, mapping->perm);
	mapping->is_mapped = ret == 0;
	return ret;
}

/* A guest's tables would take the new mapping over the old one. */
static bool
overlaps(const struct bound_space *space, uint64_t iova, uint64_t len)
{
	const struct mapping *mapping;

	LIST_FOREACH(mapping, &space->mappings, next) {
		if (iova < mapping->iova + mapping->len && mapping->iova < iova + len)
			return true;
	}
	return false;
}

int
book_map(struct book *book, uint32_t pasid, uint64_t iova, uint64_t len, unsigned int perm)
{
	struct entry *entry = find_entry(book, pasid);
	struct mapping *mapping;
	int ret;

	if (entry == NULL || entry->space == NULL)
		return -ENOENT;
	if (!options_iommu_has_tables(space_kind(entry->space->space)))
		return -ENOTSUP;
	if (overlaps(entry->space, iova, len))
		return -EEXIST;
	mapping = calloc(1, sizeof(*mapping));
	if (mapping == NULL)
		return -ENOMEM;
	mapping->iova = iova;
	mapping->len = len;
	mapping->perm = perm;
	LIST_INSERT_HEAD(&entry->space->mappings, mapping, next);
	ret = add_mapping(book, entry->space, mapping);
	if (ret != 0)
		remove_mapping(book, entry->space, mapping);
	return ret;
}

int
book_unmap(struct book *book, uint32_t pasid, uint64_t iova, uint64_t len)
{
	struct entry *entry = find_entry(book, pasid);
	struct mapping *mapping;

	if (entry == NULL || entry->space == NULL)
		return -ENOENT;
	if (!options_iommu_has_tables(space_kind(entry->space->space)))
		return -ENOTSUP;
	LIST_FOREACH(mapping, &entry->space->mappings, next) {
		if (mapping->iova == iova && mapping->len == len)
			return remove_mapping(book, entry->space, mapping);
	}
	return -ENOENT;
}

/* ---- telling ---- */

static void
print_entry(FILE *f, const struct entry *entry)
{
	const struct mapping *mapping;

	if (entry->space == NULL) {
		fprintf(f, "PASID %u: made by hand, not bound\n", entry->pasid);
		return;
	}
	fprintf(f, "PASID %u: made by hand, bound to domain %u (%s) of %u PASIDs\n", entry->pasid,
		siov_domain_id(space_domain(entry->space->space)),
		options_iommu_name(space_kind(entry->space->space)), entry->space->nb_pasids);
	LIST_FOREACH(mapping, &entry->space->mappings, next)
		fprintf(f, "  iova 0x%" PRIx64 " len 0x%" PRIx64 " perm %s%s\n", mapping->iova,
			mapping->len, mapping->perm & SIOV_PERM_R ? "r" : "",
			mapping->perm & SIOV_PERM_W ? "w" : "");
}

bool
book_print(FILE *f, const struct book *book, uint32_t pasid)
{
	const struct entry *entry = find_entry(book, pasid);

	if (entry != NULL)
		print_entry(f, entry);
	return entry != NULL;
}

void
book_print_all(FILE *f, const struct book *book)
{
	const struct entry *entry;

	LIST_FOREACH(entry, &book->entries, next)
		print_entry(f, entry);
}

int
book_free(struct book *book)
{
	int err = 0;

	if (book == NULL)
		return 0;
	while (!LIST_EMPTY(&book->entries) && err == 0) {
		uint32_t pasid = LIST_FIRST(&book->entries)->pasid;
		int ret = book_unbind(book, pasid);

		if (ret == 0 || ret == -ENOENT)
			ret = book_release(book, pasid);
		if (ret != 0)
			err = complain("PASID %u cannot be freed: %s", pasid, rte_strerror(-ret));
	}
	if (err == 0)
		free(book);
	return err;
}
