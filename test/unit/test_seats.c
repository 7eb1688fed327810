#include "contracts/seats.h"

#include "contracts/governance.h"
#include "test/unit/studio.h"

static struct market m;

static void begin(void)
{
    struct parameters parameters = parameters_default();
    market_init(&m, &parameters, NULL);
    struct members_set_roles roles = {market_address(MARKET_AUDITOR),
                                      MEMBERS_ROLE_AUDITOR | MEMBERS_ROLE_REPLAYER};
    ck_assert_int_eq(
        market_call(&m, MARKET_OPERATOR_A, CATALOG_MEMBERS, MEMBERS_SET_ROLES, &roles), VERDICT_OK);
}

/* Somebody new whose replayer is the auditor. */
static struct seats_change newcomer(uint32_t key)
{
    return (struct seats_change){
        .public_key = market_public(key),
        .name = bytes_text("node-9"),
        .address = bytes_text("node-9.example:7000"),
        .replayer = market_address(MARKET_AUDITOR),
        .chain_end = digest_of("chain", 5),
    };
}

static struct seats_change leaver(uint32_t seat)
{
    return (struct seats_change){.old_key = market_public(1000 + seat)};
}

static enum verdict propose(uint8_t method, const struct seats_change *change)
{
    return market_call(&m, MARKET_OPERATOR_A, CATALOG_GOVERNANCE, method, change);
}

static enum verdict agree(uint64_t proposal)
{
    struct governance_vote vote = {proposal, true};
    return market_call(&m, MARKET_OPERATOR_B, CATALOG_GOVERNANCE, GOVERNANCE_VOTE, &vote);
}

static struct validator_set set(void)
{
    struct validator_set out;
    ck_assert(validator_set_get(&m.view, &out));
    return out;
}

static struct digest set_digest(void)
{
    struct validator_set now = set();
    return validator_set_digest(&m.arena, &now);
}

/* Proposes and agrees, each in a block of its own. */
static void decide(uint8_t method, const struct seats_change *change, uint64_t proposal)
{
    ck_assert_int_eq(propose(method, change), VERDICT_OK);
    market_step(&m, 1);
    ck_assert_int_eq(agree(proposal), VERDICT_OK);
}

static struct catalog_run run(void)
{
    return (struct catalog_run){&m.view, &m.context, &m.events, &address_zero};
}

START_TEST(a_validator_joins_when_the_operators_agree)
{
    begin();
    struct digest before = set_digest();
    struct seats_change change = newcomer(2000);
    ck_assert_int_eq(propose(GOVERNANCE_PROPOSE_ADD, &change), VERDICT_OK);
    struct digest proposed = set_digest();
    ck_assert(digest_equal(&before, &proposed));
    ck_assert_uint_eq(market_events(&m, EVENT_VALIDATOR_ADDED), 0);
    market_step(&m, 1);
    uint64_t height = m.context.height.n;
    ck_assert_int_eq(agree(1), VERDICT_OK);
    ck_assert_uint_eq(market_events(&m, EVENT_VALIDATOR_ADDED), 1);
    struct validator_set now = set();
    ck_assert_uint_eq(now.member_count, 5);
    ck_assert_uint_eq(now.since, height + 1);
    ck_assert_uint_eq(now.members[4].seat, 4);
    struct digest after = set_digest();
    ck_assert(!digest_equal(&before, &after));
    struct validator validator;
    ck_assert(validator_get(&m.view, (struct seat){4}, &validator));
    ck_assert(bytes_equal(validator.address, bytes_text("node-9.example:7000")));
    ck_assert(bytes_equal(validator.organisation, bytes_text("org-12")));
    market_step(&m, 1);
    market_release(&m);
}
END_TEST

START_TEST(the_same_members_later_are_another_set)
{
    begin();
    struct digest first = set_digest();
    struct seats_change change = newcomer(2000), back = {.old_key = market_public(2000)};
    decide(GOVERNANCE_PROPOSE_ADD, &change, 1);
    market_step(&m, 1);
    decide(GOVERNANCE_PROPOSE_REMOVE, &back, 2);
    ck_assert_uint_eq(set().member_count, 4);
    ck_assert_uint_eq(set().seat_count, 5);
    struct digest second = set_digest();
    ck_assert(!digest_equal(&first, &second));
    market_release(&m);
}
END_TEST

START_TEST(a_seat_that_was_left_is_taken_by_the_next)
{
    begin();
    struct seats_change change = newcomer(2000), leaving = leaver(1);
    struct validator validator;
    decide(GOVERNANCE_PROPOSE_ADD, &change, 1);
    market_step(&m, 1);
    decide(GOVERNANCE_PROPOSE_REMOVE, &leaving, 2);
    struct validator_set now = set();
    ck_assert_uint_eq(now.member_count, 4);
    ck_assert_uint_eq(now.members[1].seat, 2); /* consensus' numbers close up, seats stay */
    ck_assert(!validator_get(&m.view, (struct seat){1}, &validator));
    market_step(&m, 1);
    struct seats_change again = newcomer(2001);
    again.name = bytes_text("node-10");
    again.replayer = market_address(MARKET_REPLAYER_1);
    decide(GOVERNANCE_PROPOSE_ADD, &again, 3);
    ck_assert_uint_eq(set().members[1].seat, 1);
    ck_assert(validator_sits(&m.view, (struct seat){1}, &again.replayer));
    market_release(&m);
}
END_TEST

START_TEST(the_set_changes_at_most_once_a_block)
{
    begin();
    struct seats_change change = newcomer(2000), leaving = leaver(0);
    ck_assert_int_eq(propose(GOVERNANCE_PROPOSE_ADD, &change), VERDICT_OK);
    ck_assert_int_eq(agree(1), VERDICT_OK);
    ck_assert_int_eq(propose(GOVERNANCE_PROPOSE_REMOVE, &leaving), VERDICT_TOO_SOON);
    market_step(&m, 1);
    ck_assert_int_eq(propose(GOVERNANCE_PROPOSE_REMOVE, &leaving), VERDICT_OK);
    market_release(&m);
}
END_TEST

START_TEST(a_vote_that_comes_too_soon_is_cast_again_in_the_next_block)
{
    begin();
    struct seats_change change = newcomer(2000), rekeyed = newcomer(2001);
    struct governance_proposal proposal;
    struct path path = path_1("proposal/", 2);
    rekeyed.old_key = market_public(1003);
    rekeyed.replayer = market_address(MARKET_REPLAYER_3);
    rekeyed.name = bytes_text("node-10");
    rekeyed.chain_end = digest_zero;
    ck_assert_int_eq(propose(GOVERNANCE_PROPOSE_ADD, &change), VERDICT_OK);
    ck_assert_int_eq(propose(GOVERNANCE_PROPOSE_REPLACE, &rekeyed), VERDICT_OK);
    ck_assert_int_eq(agree(1), VERDICT_OK);
    ck_assert_int_eq(agree(2), VERDICT_TOO_SOON);
    ck_assert(view_load(&m.view, path_key(&path), &governance_proposal_record, &proposal));
    ck_assert_int_eq(proposal.status, GOVERNANCE_OPEN);
    ck_assert_uint_eq(proposal.yes, 1);
    market_step(&m, 1);
    ck_assert_int_eq(agree(2), VERDICT_OK);
    ck_assert_int_eq(memcmp(&set().members[3].public_key, &rekeyed.public_key, SIGN_PUBLIC_SIZE), 0);
    market_release(&m);
}
END_TEST

START_TEST(four_members_and_a_quorum_of_taken_seats_are_left)
{
    begin();
    struct seats_change leaving = leaver(3), change = newcomer(2000);
    struct catalog_run direct = run();
    ck_assert_int_eq(propose(GOVERNANCE_PROPOSE_REMOVE, &leaving), VERDICT_TOO_FEW);
    ck_assert_int_eq(seats_vacate(&direct, (struct seat){2}), VERDICT_OK);
    ck_assert_uint_eq(set().member_count, 4);
    market_step(&m, 1);
    ck_assert_int_eq(seats_vacate(&direct, (struct seat){2}), VERDICT_WRONG_STATE);
    ck_assert_int_eq(seats_vacate(&direct, (struct seat){1}), VERDICT_TOO_FEW);
    decide(GOVERNANCE_PROPOSE_ADD, &change, 1);
    market_step(&m, 1);
    /* Five members, one seat vacant: four are a quorum, so only the vacant one can go. */
    ck_assert_int_eq(propose(GOVERNANCE_PROPOSE_REMOVE, &leaving), VERDICT_OK);
    struct seats_change vacant = leaver(2);
    ck_assert_int_eq(propose(GOVERNANCE_PROPOSE_REMOVE, &vacant), VERDICT_OK);
    market_release(&m);
}
END_TEST

START_TEST(a_vacant_seat_is_filled_by_another_key)
{
    begin();
    struct catalog_run direct = run();
    struct seats_change change = newcomer(1002);
    ck_assert_int_eq(seats_vacate(&direct, (struct seat){2}), VERDICT_OK);
    ck_assert_uint_eq(market_events(&m, EVENT_VALIDATOR_VACATED), 1);
    struct sign_public none = {{0}};
    ck_assert_int_eq(memcmp(&set().members[2].public_key, &none, sizeof(none)), 0);
    struct address silent = market_address(MARKET_REPLAYER_2);
    ck_assert(!validator_sits(&m.view, (struct seat){2}, &silent));
    market_step(&m, 1);
    change.old_key = market_public(1002);
    ck_assert_int_eq(propose(GOVERNANCE_PROPOSE_REPLACE, &change), VERDICT_KEY_USED);
    change.public_key = market_public(2000);
    decide(GOVERNANCE_PROPOSE_REPLACE, &change, 1);
    ck_assert_uint_eq(set().member_count, 4);
    ck_assert(validator_sits(&m.view, (struct seat){2}, &change.replayer));
    market_release(&m);
}
END_TEST

START_TEST(a_key_changes_and_the_beacon_stays)
{
    begin();
    struct validator before, after;
    ck_assert(validator_get(&m.view, (struct seat){3}, &before));
    struct seats_change change = newcomer(2000);
    change.old_key = market_public(1003);
    change.replayer = before.replayer;
    ck_assert_int_eq(propose(GOVERNANCE_PROPOSE_REPLACE, &change), VERDICT_OUT_OF_BOUNDS);
    change.chain_end = digest_zero;
    decide(GOVERNANCE_PROPOSE_REPLACE, &change, 1);
    ck_assert(validator_get(&m.view, (struct seat){3}, &after));
    ck_assert(digest_equal(&before.chain_end, &after.chain_end));
    ck_assert_int_eq(memcmp(&set().members[3].public_key, &change.public_key, SIGN_PUBLIC_SIZE), 0);
    market_step(&m, 1);
    /* Another host for the same key is no other set. */
    struct digest now = set_digest();
    change.old_key = change.public_key;
    change.address = bytes_text("10.0.0.9:7001");
    decide(GOVERNANCE_PROPOSE_REPLACE, &change, 2);
    struct digest same = set_digest();
    ck_assert(digest_equal(&now, &same));
    ck_assert_uint_eq(market_events(&m, EVENT_VALIDATOR_REPLACED), 1);
    market_release(&m);
}
END_TEST

#define REFUSED(verdict, field)                                                                    \
    do {                                                                                           \
        struct seats_change change = newcomer(2000);                                               \
        field;                                                                                     \
        ck_assert_int_eq(propose(GOVERNANCE_PROPOSE_ADD, &change), verdict);                       \
    } while (0)

START_TEST(who_cannot_sit_is_not_proposed)
{
    begin();
    REFUSED(VERDICT_BAD_KEY, change.public_key.bytes[0] = 9);
    REFUSED(VERDICT_KEY_USED, change.public_key = market_public(1001));
    REFUSED(VERDICT_KEY_USED, change.replayer = market_address(MARKET_REPLAYER_1));
    REFUSED(VERDICT_NOT_REPLAYER, change.replayer = market_address(MARKET_CONSUMER));
    REFUSED(VERDICT_OUT_OF_BOUNDS, change.old_key = market_public(1001));
    REFUSED(VERDICT_OUT_OF_BOUNDS, change.name = bytes_text(""));
    REFUSED(VERDICT_OUT_OF_BOUNDS, change.name = bytes_text("a b"));
    REFUSED(VERDICT_OUT_OF_BOUNDS, change.address = bytes_text("host"));
    REFUSED(VERDICT_OUT_OF_BOUNDS, change.address = bytes_text(":70"));
    REFUSED(VERDICT_OUT_OF_BOUNDS, change.address = bytes_text("host/x:70"));
    REFUSED(VERDICT_OUT_OF_BOUNDS, change.chain_end = digest_zero);
    struct seats_change stranger = {.old_key = market_public(5)};
    ck_assert_int_eq(propose(GOVERNANCE_PROPOSE_REMOVE, &stranger), VERDICT_NOT_FOUND);
    market_release(&m);
}
END_TEST

START_TEST(a_candidate_is_known_while_its_proposal_is_open)
{
    begin();
    struct seats_change change = newcomer(2000), seen;
    struct path path = path_1("candidate/", 1);
    ck_assert_int_eq(propose(GOVERNANCE_PROPOSE_ADD, &change), VERDICT_OK);
    ck_assert(view_load(&m.view, path_key(&path), &seats_change_record, &seen));
    ck_assert(bytes_equal(seen.address, change.address));
    market_step(&m, m.parameters.proposal_ms);
    ck_assert(!view_load(&m.view, path_key(&path), &seats_change_record, &seen));
    market_release(&m);
}
END_TEST

/* --- audits that are under way --- */

/* Job 1, slot 0 is committed, and seats 1 and 2 are assigned; then another replayer takes seat 1. */
static void seat_1_changes_hands(void)
{
    studio_start(&m, 1, 1, 0);
    studio_offer(&m, MARKET_PROVIDER_D, STUDIO_PRICE, 1);
    ck_assert_int_eq(studio_commit(&m, MARKET_PROVIDER_A, 1, 0, UINT32_MAX), VERDICT_OK);
    struct members_set_roles roles = {market_address(MARKET_AUDITOR), MEMBERS_ROLE_REPLAYER};
    ck_assert_int_eq(
        market_call(&m, MARKET_OPERATOR_A, CATALOG_MEMBERS, MEMBERS_SET_ROLES, &roles), VERDICT_OK);
    struct seats_change change = newcomer(2000);
    change.old_key = market_public(1001);
    ck_assert_int_eq(propose(GOVERNANCE_PROPOSE_REPLACE, &change), VERDICT_OK);
    ck_assert_int_eq(agree(1), VERDICT_OK);
}

START_TEST(who_left_is_not_fined_and_the_next_takes_its_audit)
{
    seat_1_changes_hands();
    ck_assert_int_eq(studio_seal(&m, 1, 0, 1, UINT32_MAX), VERDICT_NOT_REPLAYER);
    struct jobs_seal seal = {.segment = studio_segment(&m, 1, 0)};
    ck_assert_int_eq(market_call(&m, MARKET_AUDITOR, CATALOG_JOBS, JOBS_SEAL, &seal),
                     VERDICT_NOT_ASSIGNED);
    ck_assert_int_eq(studio_seal(&m, 1, 0, 2, UINT32_MAX), VERDICT_OK);
    market_step(&m, studio_slot(&m, 1, 0).deadline_ms - m.context.time_ms);
    ck_assert_uint_eq(market_balance(&m, MARKET_REPLAYER_1), MARKET_FORTUNE);
    ck_assert_int_eq(studio_seal(&m, 1, 0, 3, UINT32_MAX), VERDICT_OK);
    ck_assert_int_eq(studio_open(&m, 1, 0, 2, UINT32_MAX), VERDICT_OK);
    ck_assert_int_eq(studio_open(&m, 1, 0, 3, UINT32_MAX), VERDICT_OK);
    ck_assert_int_eq(studio_slot(&m, 1, 0).status, JOBS_SLOT_VERIFIED);
    ck_assert_uint_eq(market_balance(&m, MARKET_AUDITOR), MARKET_FORTUNE);
    market_step(&m, 1);
    market_release(&m);
}
END_TEST

START_TEST(a_vote_counts_only_while_its_voter_sits)
{
    studio_start(&m, 1, 1, 0);
    studio_offer(&m, MARKET_PROVIDER_D, STUDIO_PRICE, 1);
    ck_assert_int_eq(studio_commit(&m, MARKET_PROVIDER_A, 1, 0, UINT32_MAX), VERDICT_OK);
    ck_assert_int_eq(studio_seal(&m, 1, 0, 1, 4), VERDICT_OK);
    ck_assert_int_eq(studio_seal(&m, 1, 0, 2, UINT32_MAX), VERDICT_OK);
    ck_assert_int_eq(studio_open(&m, 1, 0, 1, 4), VERDICT_OK);
    ck_assert_int_eq(studio_slot(&m, 1, 0).status, JOBS_SLOT_VOTING);
    ck_assert_int_eq(studio_vote(&m, 1, 0, 0, studio_leaf(0, 0, 5)), VERDICT_OK);
    struct catalog_run direct = run();
    ck_assert_int_eq(seats_vacate(&direct, (struct seat){0}), VERDICT_OK);
    ck_assert_int_eq(studio_vote(&m, 1, 0, 3, studio_leaf(0, 0, 5)), VERDICT_OK);
    ck_assert_int_eq(studio_slot(&m, 1, 0).status, JOBS_SLOT_VOTING);
    ck_assert_int_eq(studio_vote(&m, 1, 0, 2, studio_leaf(0, 0, 5)), VERDICT_OK);
    ck_assert_int_ne(studio_slot(&m, 1, 0).status, JOBS_SLOT_VOTING);
    market_step(&m, 1);
    market_release(&m);
}
END_TEST

HARNESS_MAIN("seats", a_validator_joins_when_the_operators_agree,
             the_same_members_later_are_another_set, a_seat_that_was_left_is_taken_by_the_next,
             the_set_changes_at_most_once_a_block, a_vote_that_comes_too_soon_is_cast_again_in_the_next_block,
             four_members_and_a_quorum_of_taken_seats_are_left,
             a_vacant_seat_is_filled_by_another_key, a_key_changes_and_the_beacon_stays,
             who_cannot_sit_is_not_proposed, a_candidate_is_known_while_its_proposal_is_open,
             who_left_is_not_fined_and_the_next_takes_its_audit,
             a_vote_counts_only_while_its_voter_sits)
