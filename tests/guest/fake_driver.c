/* SPDX-License-Identifier: BSD-3-Clause */
#include "fake_driver.h"

static void
on_interrupt(void *arg, struct siov_guest *guest, unsigned int wq)
{
	struct told *told = arg;

	(void)guest;
	assert_true(wq < SIOV_GUEST_WQS_MAX);
	told->nb_interrupts[wq]++;
}

static void
on_halt(void *arg, struct siov_guest *guest)
{
	struct told *told = arg;

	(void)guest;
	told->nb_halts++;
	if (told->halts_again)
		fake_cause(told->vcpu, SIOV_INTCAUSE_HALT);
}

static void
on_handles(void *arg, struct siov_guest *guest)
{
	struct told *told = arg;

	(void)guest;
	told->nb_handles++;
}

static void
on_error(void *arg, struct siov_guest *guest, uint8_t code, uint64_t addr)
{
	struct told *told = arg;

	(void)guest;
	told->nb_errors++;
	told->code = code;
	told->addr = addr;
}

static void
on_page(void *arg, struct siov_guest *guest, const struct siov_guest_page *page)
{
	struct told *told = arg;

	(void)guest;
	assert_int_equal(page->n, told->nb_pages);
	told->nb_pages++;
	told->addr = page->addr;
}

static const struct siov_guest_ops ops = {
	.on_interrupt = on_interrupt,
	.on_halt = on_halt,
	.on_handles = on_handles,
	.on_error = on_error,
	.on_page = on_page,
};

struct siov_guest_conf
conf_of(struct told *told)
{
	return (struct siov_guest_conf){
		.bdf = FAKE_BDF,
		.state_gpa = STATE,
		.first_vector = VECTOR,
		.ops = told != NULL ? &ops : NULL,
		.arg = told,
	};
}

int
probe(struct siov_vcpu *vcpu, struct siov_guest **guest)
{
	const struct siov_guest_conf conf = conf_of(NULL);

	return siov_guest_probe(vcpu, &conf, guest);
}

struct siov_guest *
must_probe(struct siov_vcpu *vcpu, struct told *told)
{
	const struct siov_guest_conf conf = conf_of(told);
	struct siov_guest *guest;

	if (told != NULL)
		told->vcpu = vcpu;
	assert_int_equal(siov_guest_probe(vcpu, &conf, &guest), 0);
	return guest;
}
