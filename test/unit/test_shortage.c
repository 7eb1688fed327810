#include "tools/tenure/shortage.h"

#include "test/harness.h"

static struct shortage shortage;
static struct schedule_demand demand = {.profile = OFFERS_PROFILE_F32V1,
                                        .memory_mib = 100,
                                        .work = 5000000000, /* in 2 s: 2,500 * 10^6 a second */
                                        .segment_ms = 2000,
                                        .deadline_ms = 9000};

/* An offer of two slots that fits, for the tests to spoil. */
static struct offers_offer offer = {.kind = OFFERS_COMPUTE,
                                    .profile = OFFERS_PROFILE_F32V1,
                                    .terms = {.slots = 2, .until_ms = 9000, .expires_ms = 9000},
                                    .status = OFFERS_LISTED};
static struct offers_compute machine = {.memory_mib = 100, .rate_mmacs = 2500};
static struct members_account provider = {.roles = MEMBERS_ROLE_PROVIDER};

static void setup(void)
{
    demand.price_max = units_amount(50);
    demand.stake = units_amount(10);
    offer.terms.price = units_amount(10); /* 50 a segment */
    offer.terms.stake_max = units_amount(10);
    provider.balance = units_amount(25);
}

static void add(void)
{
    shortage_add(&shortage, &demand, &offer, &machine, &provider, 1000);
}

static void expect(uint32_t wanted, const char *sentence)
{
    struct text text;

    text_init(&text, 1024);
    shortage_text(&text, &shortage, &demand, wanted);
    ck_assert_str_eq(text_string(&text), sentence);
    text_release(&text);
}

START_TEST(offer_on_the_edge_of_all_terms_fits)
{
    setup();
    add();
    ck_assert_uint_eq(shortage.slots, 2);
    expect(3, "3 machines; 2 slots of 1 compute offer fit");
}
END_TEST

START_TEST(want_of_memory_is_named_with_what_there_is)
{
    setup();
    machine.memory_mib = 64;
    add();
    machine.memory_mib = 99;
    add();
    expect(1,
           "1 machine; 0 slots of 2 compute offers fit: 2 have less memory than it needs (100 MiB; "
           "the most is 99)");
}
END_TEST

START_TEST(each_offer_counts_under_the_first_term_that_it_misses)
{
    setup();
    machine.rate_mmacs--;
    add();
    machine.rate_mmacs++;
    offer.terms.price = units_amount(11);
    add();
    offer.terms.price = units_amount(10);
    offer.terms.stake_max = units_amount(9);
    add();
    offer.terms.stake_max = units_amount(10);
    offer.terms.until_ms--;
    add();
    offer.terms.until_ms++;
    provider.balance = units_amount(9);
    add();
    provider.balance = units_amount(19);
    add();
    offer.leased = 2;
    add();
    for (int i = 0; i < SHORTAGE_TERMS; i++)
        ck_assert_uint_eq(shortage.missing[i], i != SHORTAGE_MEMORY);
    ck_assert_uint_eq(shortage.slots, 1);
    ck_assert_uint_eq(shortage.offers, 7);
}
END_TEST

START_TEST(what_is_not_listed_does_not_count)
{
    setup();
    offer.status = OFFERS_ENDED;
    add();
    offer.status = OFFERS_LISTED;
    offer.terms.expires_ms = 1000;
    add();
    expect(1, "1 machine; 0 slots of 0 compute offers fit");
}
END_TEST

START_TEST(what_a_list_can_not_tell_is_said)
{
    setup();
    add();
    expect(2, "2 machines; 2 slots of 1 compute offer fit; a provider may be barred or stake for "
              "another job, or have too few replayers that are independent of it");
}
END_TEST

HARNESS_MAIN("shortage", offer_on_the_edge_of_all_terms_fits,
             want_of_memory_is_named_with_what_there_is,
             each_offer_counts_under_the_first_term_that_it_misses,
             what_is_not_listed_does_not_count, what_a_list_can_not_tell_is_said)
