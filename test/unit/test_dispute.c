#include "contracts/dispute.h"

#include "test/unit/studio.h"

static struct market m;

static uint64_t balance(uint8_t seat)
{
    return market_balance(&m, MARKET_REPLAYER_0 + seat);
}

/* Job 1, slot 0, with a commitment whose leaves are false from `false_from` on; seats 1 and 2 are assigned. */
static void committed(uint32_t false_from)
{
    studio_start(&m, 1, 1, 0);
    studio_offer(&m, MARKET_PROVIDER_D, STUDIO_PRICE, 1);
    ck_assert_int_eq(studio_commit(&m, MARKET_PROVIDER_A, 1, 0, false_from), VERDICT_OK);
}

static void sealed(uint32_t lie_1, uint32_t lie_2)
{
    ck_assert_int_eq(studio_seal(&m, 1, 0, 1, lie_1), VERDICT_OK);
    ck_assert_int_eq(studio_seal(&m, 1, 0, 2, lie_2), VERDICT_OK);
}

static enum leases_reason item_reason(uint32_t number)
{
    struct leases_item item;
    ck_assert(leases_get_item(&m.view, 1, number, &item));
    return (enum leases_reason)item.reason;
}

START_TEST(a_lying_replayer_is_outvoted_and_pays)
{
    committed(UINT32_MAX);
    sealed(4, UINT32_MAX);
    ck_assert_int_eq(studio_open(&m, 1, 0, 1, 4), VERDICT_OK);
    ck_assert_int_eq(studio_slot(&m, 1, 0).status, JOBS_SLOT_VOTING);
    ck_assert_int_eq(studio_slot(&m, 1, 0).disputed, 4);
    ck_assert_int_eq(studio_open(&m, 1, 0, 2, UINT32_MAX), VERDICT_OK); /* a vote, too */
    ck_assert_int_eq(studio_vote(&m, 1, 0, 1, studio_leaf(0, 0, 5)), VERDICT_ALREADY_DONE);
    ck_assert_int_eq(studio_vote(&m, 1, 0, 2, studio_leaf(0, 0, 5)), VERDICT_ALREADY_DONE);
    ck_assert_int_eq(studio_slot(&m, 1, 0).status, JOBS_SLOT_VOTING);
    ck_assert_int_eq(studio_vote(&m, 1, 0, 0, studio_leaf(0, 0, 5)), VERDICT_OK);
    ck_assert_int_eq(studio_slot(&m, 1, 0).status,
                     JOBS_SLOT_SEALING); /* seat 3 replays in the liar's place */
    ck_assert_uint_eq(balance(1), MARKET_FORTUNE - 100);
    ck_assert_uint_eq(balance(0),
                      MARKET_FORTUNE + 12); /* half of 25 % of the stake, rounded down */
    studio_replay(&m, 1, 0);
    ck_assert_int_eq(studio_slot(&m, 1, 0).status, JOBS_SLOT_VERIFIED);
    ck_assert_uint_eq(balance(2), MARKET_FORTUNE + 12 + STUDIO_INTERVALS * STUDIO_FEE);
    ck_assert_uint_eq(balance(3), MARKET_FORTUNE + STUDIO_INTERVALS * STUDIO_FEE);
    ck_assert_uint_eq(market_balance(&m, MARKET_PROVIDER_A),
                      MARKET_FORTUNE - 10 - STUDIO_STAKE + STUDIO_SEGMENT_PRICE);
    market_step(&m, 1);
    market_release(&m);
}
END_TEST

START_TEST(who_agreed_with_a_falsehood_is_outvoted_too)
{
    committed(3);
    /* Seat 1 colludes: it answers what the worker made up. */
    struct jobs_answer answers[STUDIO_INTERVALS];
    struct jobs_segment segment = studio_segment(&m, 1, 0);
    struct address colluder = market_address(MARKET_REPLAYER_1);
    for (uint16_t i = 0; i < STUDIO_INTERVALS; i++) {
        answers[i] = (struct jobs_answer){.interval = i, .leaf = studio_leaf(0, 0, i + 1u)};
        if (i + 1u >= 3)
            answers[i].leaf.state_root = studio_hash("made up", 0, 0, i + 1u);
    }
    struct jobs_seal seal = {.segment = segment};
    seal.seal = jobs_seal_of(&m.context.chain, &colluder, &segment, answers, STUDIO_INTERVALS,
                             &digest_zero);
    ck_assert_int_eq(market_call(&m, MARKET_REPLAYER_1, CATALOG_JOBS, JOBS_SEAL, &seal),
                     VERDICT_OK);
    ck_assert_int_eq(studio_seal(&m, 1, 0, 2, UINT32_MAX), VERDICT_OK);
    struct jobs_open_seal open = {
        .segment = segment, .answers = answers, .answer_count = STUDIO_INTERVALS};
    ck_assert_int_eq(market_call(&m, MARKET_REPLAYER_1, CATALOG_JOBS, JOBS_OPEN, &open),
                     VERDICT_OK);
    ck_assert_int_eq(studio_open(&m, 1, 0, 2, UINT32_MAX), VERDICT_OK);
    ck_assert_int_eq(studio_slot(&m, 1, 0).disputed, 2);
    ck_assert_int_eq(studio_vote(&m, 1, 0, 3, studio_leaf(0, 0, 3)), VERDICT_OK);
    ck_assert_int_eq(item_reason(0), LEASES_FRAUD);
    ck_assert_uint_eq(balance(1), MARKET_FORTUNE - 100);
    uint64_t fee = STUDIO_INTERVALS * STUDIO_FEE; /* for the replay, out of the worker's stake; who was outvoted has none */
    ck_assert_uint_eq(balance(2), MARKET_FORTUNE + 12 + fee + (STUDIO_STAKE - fee) / 8);
    ck_assert_uint_eq(market_balance(&m, MARKET_PROVIDER_A), MARKET_FORTUNE - 10 - STUDIO_STAKE);
    market_step(&m, 1);
    market_release(&m);
}
END_TEST

START_TEST(a_vote_without_majority_costs_who_did_not_vote_and_bars_who_asked_for_it)
{
    committed(UINT32_MAX);
    sealed(UINT32_MAX, 4);
    ck_assert_int_eq(studio_open(&m, 1, 0, 2, 4), VERDICT_OK);
    ck_assert_int_eq(studio_vote(&m, 1, 0, 0, studio_leaf(0, 0, 9)), VERDICT_OK);
    market_step(&m, STUDIO_REPLAY);
    ck_assert_int_eq(item_reason(0), LEASES_UNDECIDED);
    ck_assert_uint_eq(balance(0), MARKET_FORTUNE);
    ck_assert_uint_eq(balance(1), MARKET_FORTUNE - 20); /* of its audit's stake */
    uint64_t fee = STUDIO_INTERVALS * STUDIO_FEE; /* out of what the escrow has beyond the plan */
    ck_assert_uint_eq(balance(2), MARKET_FORTUNE + fee);
    struct jobs_progress progress = studio_progress(&m, 1);
    ck_assert_uint_eq(market_number(&progress.fees), fee);
    ck_assert_uint_eq(balance(3), MARKET_FORTUNE - 20); /* of its balance */
    ck_assert_uint_eq(market_balance(&m, MARKET_PROVIDER_A), MARKET_FORTUNE - 10);
    ck_assert_uint_eq(studio_progress(&m, 1).barred, 1u << 2);
    market_step(&m, 1);
    ck_assert_int_eq(studio_slot(&m, 1, 0).status, JOBS_SLOT_TRAINING);
    ck_assert_uint_ne(studio_worker(&m, 1, 0), MARKET_PROVIDER_A); /* barred from this job */
    studio_honest(&m, 1, 0);
    ck_assert_uint_eq(balance(2), MARKET_FORTUNE + fee); /* passed over, though it was its turn */
    market_release(&m);
}
END_TEST

/* The attack: a consumer and a cheat bind the replayers' balances before the fraud. */
START_TEST(votes_count_when_every_balance_is_bound_elsewhere)
{
    struct credits_transfer args = {.to = market_address(MARKET_AUDITOR)};
    committed(3);
    for (uint8_t seat = 0; seat < MARKET_SEATS; seat++) {
        args.amount = units_amount(balance(seat) - 1);
        ck_assert_int_eq(
            market_call(&m, MARKET_REPLAYER_0 + seat, CATALOG_CREDITS, CREDITS_TRANSFER, &args),
            VERDICT_OK);
    }
    ck_assert_int_eq(studio_seal(&m, 1, 0, 1, UINT32_MAX), VERDICT_OK);
    market_step(&m,
                STUDIO_REPLAY); /* seat 2 is mute, and nobody else covers a stake: all are asked */
    ck_assert_int_eq(studio_seal(&m, 1, 0, 0, UINT32_MAX), VERDICT_OK);
    market_step(&m, STUDIO_REPLAY);
    ck_assert_int_eq(studio_open(&m, 1, 0, 1, UINT32_MAX), VERDICT_OK);
    ck_assert_int_eq(studio_vote(&m, 1, 0, 3, studio_leaf(0, 0, 3)), VERDICT_OK);
    ck_assert_int_eq(item_reason(0), LEASES_FRAUD);
    market_step(&m, 1);
    market_release(&m);
}
END_TEST

START_TEST(unavailable_states_are_the_workers_fault_but_cost_less_than_fraud)
{
    committed(UINT32_MAX);
    struct trace_leaf nothing = {.state_root = digest_zero};
    sealed(4, UINT32_MAX);
    ck_assert_int_eq(studio_open(&m, 1, 0, 1, 4), VERDICT_OK);
    ck_assert_int_eq(studio_vote(&m, 1, 0, 0, nothing), VERDICT_OK);
    ck_assert_int_eq(studio_vote(&m, 1, 0, 3, nothing), VERDICT_OK);
    ck_assert_int_eq(item_reason(0), LEASES_WITHHELD);
    ck_assert_uint_eq(market_balance(&m, MARKET_PROVIDER_A),
                      MARKET_FORTUNE - 10 - STUDIO_STAKE * 80 / 100);
    ck_assert_uint_eq(balance(1), MARKET_FORTUNE + STUDIO_INTERVALS * STUDIO_FEE); /* it may have been served */
    market_step(&m, 1);
    market_release(&m);
}
END_TEST

START_TEST(an_outvoted_unavailable_pays_as_a_mute_does)
{
    committed(UINT32_MAX);
    struct trace_leaf nothing = {.state_root = digest_zero};
    sealed(4, UINT32_MAX);
    ck_assert_int_eq(studio_open(&m, 1, 0, 1, 4), VERDICT_OK);
    ck_assert_int_eq(studio_vote(&m, 1, 0, 0, nothing), VERDICT_OK);
    ck_assert_int_eq(studio_vote(&m, 1, 0, 2, studio_leaf(0, 0, 5)), VERDICT_OK);
    for (uint8_t seat = 0; seat <= 2; seat += 2) { /* seat 2 has its audit's stake */
        struct credits_place place = {CREDITS_VOTE, 1, seat};
        struct amount stake = credits_locked(&m.view, place);
        ck_assert_uint_eq(market_number(&stake), seat == 0 ? 100 : 0);
    }
    ck_assert_int_eq(studio_vote(&m, 1, 0, 3, studio_leaf(0, 0, 5)), VERDICT_OK);
    ck_assert_uint_eq(balance(0), MARKET_FORTUNE - 20);
    ck_assert_uint_eq(balance(1), MARKET_FORTUNE - 100);
    market_step(&m, 1);
    market_release(&m);
}
END_TEST

START_TEST(only_replayers_of_validators_vote_and_only_on_the_disputed_interval)
{
    committed(UINT32_MAX);
    sealed(4, UINT32_MAX);
    ck_assert_int_eq(studio_open(&m, 1, 0, 1, 4), VERDICT_OK);
    struct jobs_cast vote = {.segment = studio_segment(&m, 1, 0), .answer = {.interval = 3}};
    ck_assert_int_eq(market_call(&m, MARKET_REPLAYER_0, CATALOG_JOBS, JOBS_VOTE, &vote),
                     VERDICT_WRONG_INTERVALS);
    ck_assert_int_eq(market_call(&m, MARKET_PROVIDER_A, CATALOG_JOBS, JOBS_VOTE, &vote),
                     VERDICT_NOT_PERMITTED);
    struct members_set_roles roles = {.address = market_address(MARKET_AUDITOR),
                                      .roles = MEMBERS_ROLE_REPLAYER};
    ck_assert_int_eq(market_call(&m, MARKET_OPERATOR_A, CATALOG_MEMBERS, MEMBERS_SET_ROLES, &roles),
                     VERDICT_OK);
    ck_assert_int_eq(market_call(&m, MARKET_AUDITOR, CATALOG_JOBS, JOBS_VOTE, &vote),
                     VERDICT_NOT_REPLAYER);
    market_release(&m);
}
END_TEST

START_TEST(two_liars_on_two_intervals_are_heard_one_after_the_other)
{
    committed(UINT32_MAX);
    sealed(4, 6);
    ck_assert_int_eq(studio_open(&m, 1, 0, 1, 4), VERDICT_OK);
    ck_assert_int_eq(studio_open(&m, 1, 0, 2, 6), VERDICT_OK);
    ck_assert_int_eq(studio_vote(&m, 1, 0, 0, studio_leaf(0, 0, 5)), VERDICT_OK);
    ck_assert_int_eq(studio_vote(&m, 1, 0, 3, studio_leaf(0, 0, 5)), VERDICT_OK);
    ck_assert_int_eq(studio_slot(&m, 1, 0).status, JOBS_SLOT_VOTING);
    ck_assert_int_eq(studio_slot(&m, 1, 0).disputed, 6);
    ck_assert_int_eq(studio_vote(&m, 1, 0, 0, studio_leaf(0, 0, 7)), VERDICT_OK);
    ck_assert_int_eq(studio_vote(&m, 1, 0, 3, studio_leaf(0, 0, 7)), VERDICT_OK);
    ck_assert_int_eq(studio_slot(&m, 1, 0).status, JOBS_SLOT_SEALING);
    ck_assert_uint_eq(balance(1), MARKET_FORTUNE - 100);
    ck_assert_uint_eq(balance(2), MARKET_FORTUNE - 100);
    studio_replay(&m, 1, 0); /* seats 3 and 0 */
    ck_assert_int_eq(studio_slot(&m, 1, 0).status, JOBS_SLOT_VERIFIED);
    market_step(&m, 1);
    market_release(&m);
}
END_TEST

HARNESS_MAIN("dispute", a_lying_replayer_is_outvoted_and_pays,
             who_agreed_with_a_falsehood_is_outvoted_too,
             a_vote_without_majority_costs_who_did_not_vote_and_bars_who_asked_for_it,
             votes_count_when_every_balance_is_bound_elsewhere,
             unavailable_states_are_the_workers_fault_but_cost_less_than_fraud,
             an_outvoted_unavailable_pays_as_a_mute_does,
             only_replayers_of_validators_vote_and_only_on_the_disputed_interval,
             two_liars_on_two_intervals_are_heard_one_after_the_other)
