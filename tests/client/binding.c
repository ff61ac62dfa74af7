/* SPDX-License-Identifier: Apache-2.0 */
/* What a name was found to stand for: which of its places is gone to, and which answer is newer. */
#include "client/binding.h"

#include <criterion/criterion.h>
#include <string.h>

#define HOLDERS_MAX 4

static uint8_t store_a[PYR__STORE_ID_BYTES] = "the first store",
	       store_b[PYR__STORE_ID_BYTES] = "another";

/* A binding of holders with a reference each, up to NULL. */
static pyr__binding *binding_of(uint8_t *store_id, uint64_t revision, char *references[])
{
	Pyrite__Holder holders[HOLDERS_MAX], *pointers[HOLDERS_MAX];
	Pyrite__Name name = PYRITE__NAME__INIT;
	name.holders = pointers;
	for (; references[name.n_holders]; name.n_holders++) {
		size_t i = name.n_holders;
		holders[i] = (Pyrite__Holder)PYRITE__HOLDER__INIT;
		holders[i].references = &references[i];
		holders[i].n_references = 1;
		pointers[i] = &holders[i];
	}
	pyr__binding *b = pyr__binding_new("name:a@127.0.0.1:4710");
	ProtobufCBinaryData id = {PYR__STORE_ID_BYTES, store_id};
	pyr__binding_set_version(b, &id, revision);
	pyr__binding_add(b, &name);
	return b;
}

/* The object's name of whom it is gone to this time; "" if to nobody. */
static const char *chosen(const pyr__binding *b, uint32_t turn)
{
	static pyr_reference reference;
	return pyr__binding_choose(b, turn, &reference) ? reference.target : "";
}

static void fails(pyr__binding *b, const char *text)
{
	pyr_reference place;
	cr_assert_eq(pyr_reference_parse(text, &place, NULL), PYR_OK);
	pyr__binding_failed(b, &place);
}

static char *three[] = {"pyr:a@127.0.0.1:1", "pyr:b@127.0.0.1:2", "pyr:c@127.0.0.1:3", NULL};

Test(binding, gives_its_holders_in_turn)
{
	pyr__binding *b = binding_of(store_a, 1, three);
	cr_assert_str_eq(chosen(b, 0), "a");
	cr_assert_str_eq(chosen(b, 1), "b");
	cr_assert_str_eq(chosen(b, 2), "c");
	cr_assert_str_eq(chosen(b, 3), "a");
	pyr__binding_free(b);
}

Test(binding, passes_over_what_failed_until_all_have)
{
	pyr__binding *b = binding_of(store_a, 1, three);
	fails(b, "pyr:b@127.0.0.1:2");
	cr_assert_str_eq(chosen(b, 1), "c");
	fails(b, "pyr:c@127.0.0.1:3");
	cr_assert_str_eq(chosen(b, 1), "a");
	fails(b, "pyr:a@127.0.0.1:1");
	b->places[2].failed_us -= 1000; /* the longest ago */
	cr_assert_str_eq(chosen(b, 0), "c");
	pyr__binding_free(b);
}

Test(binding, keeps_what_can_be_followed_and_grpc_only_of_who_speaks_nothing_else)
{
	char *wrong[] = {"no reference", "name:other", "grpc:b@127.0.0.1:2", NULL};
	pyr__binding *b = binding_of(store_a, 1, wrong);
	cr_assert_eq(b->holder_count, 1);
	cr_assert_str_eq(chosen(b, 5), "b");
	pyr__binding_free(b);
	char *both[] = {"grpc:g@127.0.0.1:2", "pyr:p@127.0.0.1:3"};
	Pyrite__Holder holder = PYRITE__HOLDER__INIT, *holders[] = {&holder};
	Pyrite__Name name = PYRITE__NAME__INIT;
	holder.references = both;
	holder.n_references = 2;
	name.holders = holders;
	name.n_holders = 1;
	b = pyr__binding_new("key");
	cr_assert_str_eq(chosen(b, 0), "");
	pyr__binding_add(b, &name);
	cr_assert_eq(b->place_count, 1);
	cr_assert_str_eq(chosen(b, 0), "p");
	pyr__binding_free(b);
}

Test(binding, a_newer_answer_knows_what_has_failed_before_it)
{
	pyr__binding *known = binding_of(store_a, 1, three), *heard = binding_of(store_a, 2, three);
	fails(known, "pyr:a@127.0.0.1:1");
	pyr__binding *kept = pyr__binding_newer(known, heard);
	cr_assert_eq(kept, heard);
	cr_assert_str_eq(chosen(kept, 0), "b");
	cr_assert_str_eq(chosen(kept, 2), "c");
	pyr__binding_free(kept);
}

Test(binding, an_older_answer_is_not_believed_unless_the_store_is_another)
{
	char *one[] = {"pyr:d@127.0.0.1:4", NULL};
	pyr__binding *known = binding_of(store_a, 7, three), *heard = binding_of(store_a, 6, one);
	cr_assert_eq(pyr__binding_newer(known, heard), known);
	heard = binding_of(store_b, 1, one);
	cr_assert_eq(pyr__binding_newer(known, heard), heard);
	cr_assert_str_eq(chosen(heard, 0), "d");
	known = heard;
	heard = binding_of(store_b, 1, three); /* as new: the later one */
	cr_assert_eq(pyr__binding_newer(known, heard), heard);
	cr_assert_eq(pyr__binding_newer(NULL, heard), heard);
	pyr__binding_free(heard);
	pyr__binding_free(NULL);
}
