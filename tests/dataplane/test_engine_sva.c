/* SPDX-License-Identifier: BSD-3-Clause */
/* The calling process's own address space: what is valid works, what is not is a page fault. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/wait.h>

#include "guard_priv.h"
#include "sva_bed.h"

#define KERNEL UINT64_C(0xffff888000001000)
#define NON_CANONICAL UINT64_C(0x0000900000000000)
#define STRESS_RUNS 3000u
#define STRESS_MOST (1000u * STRESS_RUNS)

/* ---- what is valid ---- */

static void
check_move(struct sva_bed *bed, const uint8_t *src, uint8_t *dst, uint32_t len)
{
	struct dsa_hw_desc desc =
		sva_desc(bed, DSA_OPCODE_MEMMOVE, addr_of(src), addr_of(dst), len);
	struct dsa_completion_record rec = sva_run(bed, &desc);

	assert_int_equal(rec.status, DSA_COMP_SUCCESS);
	assert_memory_equal(src, dst, len);
}

static void
test_s9_4_4_1_heap_stack_and_static_memory_need_no_registration(void **state)
{
	static uint8_t fixed[300000];
	struct sva_bed *bed = sva_open();
	uint8_t *heap = malloc(sizeof(fixed));
	uint8_t local[5000];

	(void)state;
	assert_non_null(heap);
	rig_random_bytes(bed->rig, fixed, sizeof(fixed));
	check_move(bed, fixed, heap, sizeof(fixed));
	check_move(bed, heap + 7, local, sizeof(local));
	check_move(bed, local, fixed + 12345, sizeof(local));
	free(heap);
	sva_close(bed);
}

static bool
is_resident(uint8_t *page)
{
	unsigned char vec;

	assert_int_equal(mincore(page, RIG_PAGE, &vec), 0);
	return vec & 1;
}

static void
test_s9_4_4_1_pages_that_are_not_present_come_by_being_touched(void **state)
{
	struct sva_bed *bed = sva_open();
	uint8_t *src = sva_map(RIG_2M), *dst = sva_map(RIG_2M);

	(void)state;
	assert_int_equal(madvise(dst, RIG_2M, MADV_NOHUGEPAGE), 0);
	memset(src, 0x11, RIG_2M);
	assert_false(is_resident(dst));
	check_move(bed, src, dst, RIG_2M);
	assert_true(is_resident(dst));
	/* Nothing is pinned: the pages can be taken away again, and come back. */
	assert_int_equal(madvise(dst, RIG_2M, MADV_DONTNEED), 0);
	assert_false(is_resident(dst));
	check_move(bed, src, dst, RIG_2M);
	munmap(src, RIG_2M);
	munmap(dst, RIG_2M);
	sva_close(bed);
}

/* ---- what is not ---- */

static void
check_bad(struct sva_bed *bed, uint64_t bad)
{
	static uint8_t buf[64];
	struct dsa_hw_desc desc = sva_desc(bed, DSA_OPCODE_MEMMOVE, bad, addr_of(buf), 64);
	struct dsa_completion_record rec = sva_run(bed, &desc);

	sva_check_fault(&rec, READ_FAULT, bad, 0);
	desc = sva_desc(bed, DSA_OPCODE_MEMFILL, 0, bad, 64);
	rec = sva_run(bed, &desc);
	sva_check_fault(&rec, WRITE_FAULT, bad, 0);
	desc = sva_desc(bed, DSA_OPCODE_COMPARE, addr_of(buf), bad, 64);
	rec = sva_run(bed, &desc);
	sva_check_fault(&rec, READ_FAULT, bad, 0);
}

static void
test_s9_4_4_1_addresses_that_no_process_has_are_page_faults(void **state)
{
	static const uint64_t bad[] = {0, 8, KERNEL, NON_CANONICAL, UINT64_MAX - 63};
	struct sva_bed *bed = sva_open();
	unsigned int i;

	(void)state;
	/* Twice: the second time translations are cached. */
	for (i = 0; i < 2 * RTE_DIM(bad); i++)
		check_bad(bed, bad[i % RTE_DIM(bad)]);
	sva_close(bed);
}

/* Every length of a small move, and moves within a page that can only be read: the write is at fault. */
static void
test_s9_4_4_1_small_moves_are_exact(void **state)
{
	struct sva_bed *bed = sva_open();
	uint8_t *page = sva_map(RIG_PAGE);
	struct dsa_completion_record rec;
	static uint8_t src[600], dst[600];
	struct dsa_hw_desc desc;
	uint32_t len;

	(void)state;
	rig_random_bytes(bed->rig, src, sizeof(src));
	for (len = 1; len <= 530; len++) {
		memset(dst, 0, sizeof(dst));
		check_move(bed, src + 3, dst + 1, len);
		assert_int_equal(dst[0], 0);
		assert_int_equal(dst[1 + len], 0);
	}
	assert_int_equal(mprotect(page, RIG_PAGE, PROT_READ), 0);
	for (len = 1; len <= 512; len += 7) {
		desc = sva_desc(bed, DSA_OPCODE_MEMMOVE, addr_of(page), addr_of(page + 1000), len);
		rec = sva_run(bed, &desc);
		sva_check_fault(&rec, WRITE_FAULT, addr_of(page + 1000), 0);
	}
	munmap(page, RIG_PAGE);
	sva_close(bed);
}

static void
test_s9_4_4_1_hole_in_a_long_transfer_gives_exact_bytes(void **state)
{
	struct sva_bed *bed = sva_open();
	uint8_t *src = sva_map(RIG_2M), *dst = sva_map(RIG_2M);
	uint32_t hole = 300 * 4096;
	struct dsa_completion_record rec;
	struct dsa_hw_desc desc;

	(void)state;
	munmap(src + hole, RIG_PAGE);
	memset(src, 0x22, hole);
	desc = sva_desc(bed, DSA_OPCODE_MEMMOVE, addr_of(src + 10), addr_of(dst + 1), RIG_2M - 10);
	rec = sva_run(bed, &desc);
	sva_check_fault(&rec, READ_FAULT, addr_of(src + hole), hole - 10);
	assert_memory_equal(dst + 1, src + 10, hole - 10);
	assert_int_equal(dst[1 + hole - 10], 0);
	munmap(dst + hole, RIG_PAGE);
	desc = sva_desc(bed, DSA_OPCODE_MEMFILL, UINT64_MAX, addr_of(dst), RIG_2M);
	rec = sva_run(bed, &desc);
	sva_check_fault(&rec, WRITE_FAULT, addr_of(dst + hole), hole);
	munmap(src, RIG_2M);
	munmap(dst, RIG_2M);
	sva_close(bed);
}

static void
test_s9_4_4_1_truncated_file_is_a_page_fault(void **state)
{
	struct sva_bed *bed = sva_open();
	int fd = memfd_create("sva", 0);
	struct dsa_completion_record rec;
	struct dsa_hw_desc desc;
	uint8_t *map, *dst = sva_map(4 * RIG_PAGE);

	(void)state;
	assert_int_equal(ftruncate(fd, 4 * RIG_PAGE), 0);
	map = mmap(NULL, 4 * RIG_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	memset(map, 0x33, 4 * RIG_PAGE);
	assert_int_equal(ftruncate(fd, 2 * RIG_PAGE), 0);
	desc = sva_desc(bed, DSA_OPCODE_COPY_CRC, addr_of(map + 5), addr_of(dst), 3 * RIG_PAGE);
	rec = sva_run(bed, &desc);
	sva_check_fault(&rec, READ_FAULT, addr_of(map + 2 * RIG_PAGE), 2 * RIG_PAGE - 5);
	assert_int_equal(rec.crc_val, ~rig_crc32c(UINT32_MAX, map + 5, 2 * RIG_PAGE - 5));
	munmap(map, 4 * RIG_PAGE);
	munmap(dst, 4 * RIG_PAGE);
	close(fd);
	sva_close(bed);
}

/* ---- completion records ---- */

static void
check_bad_comp(struct sva_bed *bed, uint64_t comp, uint32_t len)
{
	uint8_t *dst = sva_map(len);
	struct dsa_hw_desc desc = sva_desc(bed, DSA_OPCODE_MEMFILL, UINT64_MAX, addr_of(dst), len);
	struct siov_error error;

	desc.completion_addr = comp;
	sva_run(bed, &desc);
	error = rig_one_error(bed->rig);
	assert_int_equal(error.code, DSA_COMP_CRA_XLAT);
	assert_int_equal(error.fault_addr, comp);
	assert_int_equal(error.pasid, SVA_PASID);
	assert_int_equal(dst[0], 0);
	assert_int_equal(dst[len - 1], 0);
	munmap(dst, len);
}

static void
test_s9_4_4_1_nothing_is_done_if_the_record_has_no_place(void **state)
{
	struct sva_bed *bed = sva_open();
	uint8_t *page = sva_map(3 * RIG_PAGE);
	struct siov_stats stats;

	(void)state;
	mprotect(page, RIG_PAGE, PROT_READ);
	mprotect(page + RIG_PAGE, RIG_PAGE, PROT_NONE);
	check_bad_comp(bed, addr_of(page), 64);
	check_bad_comp(bed, addr_of(page + RIG_PAGE), 64);
	check_bad_comp(bed, 0, 64);
	check_bad_comp(bed, 0, 64);
	check_bad_comp(bed, KERNEL, 64);
	check_bad_comp(bed, NON_CANONICAL, 64);
	check_bad_comp(bed, addr_of(page + RIG_PAGE), 200000);
	stats = rig_stats(bed->rig, 0, SVA_PASID);
	assert_int_equal(stats.failed, 7);
	assert_int_equal(stats.failed_by[DSA_COMP_CRA_XLAT], 7);
	munmap(page, 3 * RIG_PAGE);
	sva_close(bed);
}

static void
test_s9_4_4_1_record_whose_place_went_away_is_reported(void **state)
{
	struct sva_bed *bed = sva_open();
	uint8_t *page = sva_map(RIG_PAGE), *dst = sva_map(RIG_2M);
	struct dsa_hw_desc desc =
		sva_desc(bed, DSA_OPCODE_MEMFILL, UINT64_MAX, addr_of(dst), RIG_2M);

	(void)state;
	desc.completion_addr = addr_of(page);
	rig_submit(bed->guest, &desc);
	rig_poll(bed->rig);
	munmap(page, RIG_PAGE);
	rig_settle(bed->rig);
	assert_int_equal(rig_one_error(bed->rig).code, DSA_COMP_CRA_XLAT);
	munmap(dst, RIG_2M);
	sva_close(bed);
}

/* A list of pointers, which ends where the next page is missing. */
static void
test_s9_4_4_1_lists_of_batches_are_read_where_they_are(void **state)
{
	struct sva_bed *bed = sva_open();
	uint8_t *area = sva_map(4 * RIG_PAGE);
	struct dsa_hw_desc *list = (void *)(area + 2 * RIG_PAGE - 4 * sizeof(*list));
	struct dsa_completion_record *recs = (void *)area, rec;
	struct dsa_hw_desc desc = sva_desc(bed, DSA_OPCODE_BATCH, addr_of(list), 0, 8);
	unsigned int i;

	(void)state;
	for (i = 0; i < 8; i++) {
		list[i] = sva_desc(bed, DSA_OPCODE_MEMFILL, UINT64_C(0x0101010101010101) * i,
				   addr_of(area + 1024 + 64 * i), 64);
		list[i].completion_addr = addr_of(&recs[i]);
	}
	rec = sva_run(bed, &desc);
	assert_int_equal(rec.status, DSA_COMP_SUCCESS);
	assert_int_equal(rec.bytes_completed, 8);
	for (i = 0; i < 8; i++) {
		assert_int_equal(recs[i].status, DSA_COMP_SUCCESS);
		assert_int_equal(area[1024 + 64 * i], i);
	}
	munmap(area + 2 * RIG_PAGE, RIG_PAGE);
	rec = sva_run(bed, &desc);
	assert_int_equal(rec.status, DSA_COMP_BATCH_PAGE_FAULT);
	assert_int_equal(rec.bytes_completed, 4);
	assert_true(rec.fault_addr == addr_of(area + 2 * RIG_PAGE));
	munmap(area, 4 * RIG_PAGE);
	sva_close(bed);
}

/* ---- while memory comes and goes ---- */

struct changer {
	uint8_t *page;
	SIOV_ATOMIC(uint32_t) stop;
};

static void *
change_pages(void *arg)
{
	struct changer *c = arg;

	while (!siov_atomic_load(&c->stop, relaxed)) {
		munmap(c->page, RIG_PAGE);
		sched_yield();
		mmap(c->page, RIG_PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	}
	return NULL;
}

/* One page of the source, the destination or the records goes and comes all the time. */
static void
run_stress(uint32_t which)
{
	struct sva_bed *bed = sva_open();
	uint8_t *area = sva_map(64 * RIG_PAGE);
	uint8_t *src = area, *dst = area + 20 * RIG_PAGE, *comp = area + 50 * RIG_PAGE;
	uint8_t *const pages[] = {src + 2 * RIG_PAGE, dst + 2 * RIG_PAGE, comp};
	struct changer c = {.page = pages[which]};
	unsigned int i, nb_ok = 0, nb_bad = 0;
	struct siov_error error;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, change_pages, &c), 0);
	/* At least that many; on a machine with more to do until the other thread had its turn. */
	for (i = 0; i < STRESS_RUNS || (nb_bad == 0 && i < STRESS_MOST); i++) {
		struct dsa_hw_desc desc = sva_desc(bed, DSA_OPCODE_COPY_CRC, addr_of(src),
						   addr_of(dst), 16 * RIG_PAGE);
		struct dsa_completion_record rec;

		if (which == 2)
			desc.completion_addr = addr_of(comp);
		rec = sva_run(bed, &desc);
		if (engine_take_errors(bed->rig->engines[0], &error, 1) == 1) {
			assert_int_equal(which, 2);
			assert_int_equal(error.code, DSA_COMP_CRA_XLAT);
			nb_bad++;
		} else if (which != 2 && rec.status != DSA_COMP_SUCCESS) {
			sva_check_fault(&rec, which == 0 ? READ_FAULT : WRITE_FAULT,
					addr_of(pages[which]), 2 * RIG_PAGE);
			nb_bad++;
		} else {
			nb_ok++;
		}
	}
	siov_atomic_store(&c.stop, 1, relaxed);
	pthread_join(thread, NULL);
	print_message("%u whole, %u faulted\n", nb_ok, nb_bad);
	assert_int_equal(nb_ok + nb_bad, i);
	assert_int_not_equal(nb_bad, 0);
	munmap(area, 64 * RIG_PAGE);
	sva_close(bed);
}

static void
test_s9_4_4_1_memory_unmapped_during_copies_never_crashes(void **state)
{
	(void)state;
	run_stress(0);
	run_stress(1);
	run_stress(2);
}

/* ---- faults that are not ours ---- */

/* What a child ended with: the signal, or 256 plus its answer. */
static int
run_child(void (*fn)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);
		signal(SIGBUS, SIG_DFL);
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 256 + WEXITSTATUS(status);
}

static void
touch_nothing(void)
{
	uint8_t *page = sva_map(RIG_PAGE);

	mprotect(page, RIG_PAGE, PROT_NONE);
	memset(page, 1, 1);
}

static void
crash_outside(void)
{
	sva_open();
	touch_nothing();
}

static void
send_signal(void)
{
	sva_open();
	kill(getpid(), SIGSEGV);
	pause();
}

/* Memory that a domain maps and the process cannot read is an error of the emulator's user. */
static void
crash_in_another_address_space(void)
{
	struct sva_bed *bed = sva_open();
	uint8_t *page = rig_take(bed->rig, RIG_PAGE, false);
	struct dsa_hw_desc desc = rig_desc(DSA_OPCODE_MEMFILL);

	rig_map_at(bed->foreign, 0x10000, page, RIG_PAGE, SIOV_PERM_R | SIOV_PERM_W);
	mprotect(page, RIG_PAGE, PROT_NONE);
	desc.dst_addr = 0x10000;
	desc.xfer_size = 64;
	rig_run(bed->foreign, &desc);
}

static void
test_fault_outside_an_operation_still_kills(void **state)
{
	(void)state;
	assert_int_equal(run_child(touch_nothing), SIGSEGV);
	assert_int_equal(run_child(crash_outside), SIGSEGV);
	assert_int_equal(run_child(send_signal), SIGSEGV);
	assert_int_equal(run_child(crash_in_another_address_space), SIGSEGV);
}

static void
answer_7(int sig)
{
	(void)sig;
	_exit(7);
}

static void
answer_8(int sig, siginfo_t *info, void *context)
{
	(void)context;
	_exit(sig == SIGSEGV && info->si_code == SEGV_ACCERR ? 8 : 9);
}

static void
crash_with_handler(void)
{
	signal(SIGSEGV, answer_7);
	crash_outside();
}

static void
crash_with_info_handler(void)
{
	struct sigaction action = {.sa_flags = SA_SIGINFO, .sa_sigaction = answer_8};

	sigaction(SIGSEGV, &action, NULL);
	crash_outside();
}

static void
test_fault_outside_an_operation_reaches_the_handler_before(void **state)
{
	(void)state;
	assert_int_equal(run_child(crash_with_handler), 256 + 7);
	assert_int_equal(run_child(crash_with_info_handler), 256 + 8);
}

static void
fault_with_signals_blocked(void)
{
	struct dsa_completion_record rec;
	struct dsa_hw_desc desc;
	struct sva_bed *bed;
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	bed = sva_open();
	desc = sva_desc(bed, DSA_OPCODE_MEMFILL, 0, 4096, 64);
	rec = sva_run(bed, &desc);
	_exit(rec.status == WRITE_FAULT ? 3 : 4);
}

static void
test_blocked_signals_do_not_make_a_fault_fatal(void **state)
{
	(void)state;
	assert_int_equal(run_child(fault_with_signals_blocked), 256 + 3);
}

static void
test_handlers_are_put_back_by_the_last_engine(void **state)
{
	struct sigaction before, during, after;
	struct sva_bed *a, *b;

	(void)state;
	sigaction(SIGBUS, NULL, &before);
	a = sva_open();
	b = sva_open();
	sva_close(a);
	sigaction(SIGBUS, NULL, &during);
	assert_ptr_not_equal(during.sa_sigaction, before.sa_sigaction);
	check_bad(b, 4096);
	sva_close(b);
	sigaction(SIGBUS, NULL, &after);
	assert_ptr_equal(after.sa_sigaction, before.sa_sigaction);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s9_4_4_1_heap_stack_and_static_memory_need_no_registration),
		cmocka_unit_test(test_s9_4_4_1_pages_that_are_not_present_come_by_being_touched),
		cmocka_unit_test(test_s9_4_4_1_addresses_that_no_process_has_are_page_faults),
		cmocka_unit_test(test_s9_4_4_1_small_moves_are_exact),
		cmocka_unit_test(test_s9_4_4_1_hole_in_a_long_transfer_gives_exact_bytes),
		cmocka_unit_test(test_s9_4_4_1_truncated_file_is_a_page_fault),
		cmocka_unit_test(test_s9_4_4_1_nothing_is_done_if_the_record_has_no_place),
		cmocka_unit_test(test_s9_4_4_1_record_whose_place_went_away_is_reported),
		cmocka_unit_test(test_s9_4_4_1_lists_of_batches_are_read_where_they_are),
		cmocka_unit_test(test_s9_4_4_1_memory_unmapped_during_copies_never_crashes),
		cmocka_unit_test(test_fault_outside_an_operation_still_kills),
		cmocka_unit_test(test_fault_outside_an_operation_reaches_the_handler_before),
		cmocka_unit_test(test_blocked_signals_do_not_make_a_fault_fatal),
		cmocka_unit_test(test_handlers_are_put_back_by_the_last_engine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
