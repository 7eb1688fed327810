#include "contracts/audit.h"

#include "contracts/governance.h"
#include "contracts/load.h"
#include "contracts/validator.h"

#include "test/unit/studio.h"

static struct market m;

/* The seats that are assigned to slot 0 of job 1, in order of seat; how many. */
static uint32_t assigned(uint8_t seats[MARKET_SEATS])
{
    struct jobs_audit audit;
    uint32_t count = 0;
    for (uint8_t seat = 0; seat < MARKET_SEATS; seat++)
        if (studio_audit(&m, 1, 0, seat, &audit) && audit.status != JOBS_AUDIT_ENDED)
            seats[count++] = seat;
    return count;
}

static uint64_t balance(uint8_t seat)
{
    return market_balance(&m, MARKET_REPLAYER_0 + seat);
}

static void committed(uint16_t sample)
{
    studio_start(&m, 1, 1, sample);
    ck_assert_int_eq(studio_commit(&m, MARKET_PROVIDER_A, 1, 0, UINT32_MAX), VERDICT_OK);
}

START_TEST(f_plus_one_replayers_are_assigned_by_rotation_and_stake)
{
    uint8_t seats[MARKET_SEATS];
    committed(0);
    ck_assert_uint_eq(assigned(seats), 2);
    ck_assert_uint_eq(seats[0], 1); /* (job 1 + round 0 + slot 0 + attempt 0) mod 4 */
    ck_assert_uint_eq(seats[1], 2);
    ck_assert_uint_eq(balance(1), MARKET_FORTUNE - 100);
    ck_assert_uint_eq(balance(3), MARKET_FORTUNE);
    market_release(&m);
}
END_TEST

/* The replayer of a seat turns out to be of a person's organisation. */
static void seat_joins(uint8_t seat, uint32_t person)
{
    struct validator validator;
    char organisation[16];
    snprintf(organisation, sizeof(organisation), "org-%u", person);
    ck_assert(validator_get(&m.view, (struct seat){seat}, &validator));
    validator.organisation = bytes_text(organisation);
    validator_put(&m.view, (struct seat){seat}, &validator);
}

START_TEST(nobody_replays_for_the_own_organisation)
{
    static const uint32_t parties[] = {MARKET_PROVIDER_A, MARKET_CONSUMER};
    for (uint32_t i = 0; i < 2; i++) {
        uint8_t seats[MARKET_SEATS];
        studio_start(&m, 1, 1, 0);
        seat_joins(1, parties[i]);
        ck_assert_int_eq(studio_commit(&m, MARKET_PROVIDER_A, 1, 0, UINT32_MAX), VERDICT_OK);
        ck_assert_uint_eq(assigned(seats), 2);
        ck_assert_uint_eq(seats[0], 2);
        ck_assert_uint_eq(seats[1], 3);
        market_release(&m);
    }
}
END_TEST

START_TEST(only_the_assigned_seal_and_only_once)
{
    committed(0);
    struct jobs_seal seal = {.segment = studio_segment(&m, 1, 0)};
    ck_assert_int_eq(market_call(&m, MARKET_REPLAYER_0, CATALOG_JOBS, JOBS_SEAL, &seal),
                     VERDICT_NOT_ASSIGNED);
    ck_assert_int_eq(studio_seal(&m, 1, 0, 1, UINT32_MAX), VERDICT_OK);
    ck_assert_int_eq(studio_seal(&m, 1, 0, 1, UINT32_MAX), VERDICT_ALREADY_DONE);
    ck_assert_int_eq(studio_open(&m, 1, 0, 1, UINT32_MAX),
                     VERDICT_WRONG_STATE); /* not before the others' seals */
    market_release(&m);
}
END_TEST

START_TEST(what_is_opened_must_be_what_was_sealed)
{
    committed(0);
    ck_assert_int_eq(studio_seal(&m, 1, 0, 1, 5), VERDICT_OK);
    ck_assert_int_eq(studio_seal(&m, 1, 0, 2, UINT32_MAX), VERDICT_OK);
    ck_assert_int_eq(studio_open(&m, 1, 0, 1, UINT32_MAX), VERDICT_WRONG_SEAL);
    struct jobs_open_seal open = {.segment = studio_segment(&m, 1, 0)};
    ck_assert_int_eq(market_call(&m, MARKET_REPLAYER_1, CATALOG_JOBS, JOBS_OPEN, &open),
                     VERDICT_WRONG_INTERVALS);
    ck_assert_int_eq(market_call(&m, MARKET_REPLAYER_3, CATALOG_JOBS, JOBS_OPEN, &open),
                     VERDICT_NOT_ASSIGNED);
    ck_assert_int_eq(studio_open(&m, 1, 0, 2, UINT32_MAX), VERDICT_OK);
    ck_assert_int_eq(studio_open(&m, 1, 0, 2, UINT32_MAX), VERDICT_ALREADY_DONE);
    market_release(&m);
}
END_TEST

START_TEST(a_seal_is_bound_to_its_replayer_segment_and_chain)
{
    struct jobs_segment segment = {.job = 1}, other = {.job = 1, .attempt = 1};
    struct jobs_answer answer = {.interval = 3, .leaf = studio_leaf(0, 0, 4)};
    struct address a = market_address(1), b = market_address(2);
    struct digest chain = digest_of("a", 1), fork = digest_of("b", 1), nonce = digest_of("n", 1);
    struct digest seal = jobs_seal_of(&chain, &a, &segment, &answer, 1, &nonce), another;
    another = jobs_seal_of(&chain, &b, &segment, &answer, 1, &nonce);
    ck_assert(!digest_equal(&seal, &another));
    another = jobs_seal_of(&fork, &a, &segment, &answer, 1, &nonce);
    ck_assert(!digest_equal(&seal, &another));
    another = jobs_seal_of(&chain, &a, &other, &answer, 1, &nonce);
    ck_assert(!digest_equal(&seal, &another));
    another = jobs_seal_of(&chain, &a, &segment, &answer, 0, &nonce);
    ck_assert(!digest_equal(&seal, &another));
}
END_TEST

START_TEST(a_replayer_that_does_not_seal_is_fined_and_replaced)
{
    uint8_t seats[MARKET_SEATS];
    committed(0);
    ck_assert_int_eq(studio_seal(&m, 1, 0, 1, UINT32_MAX), VERDICT_OK);
    market_step(&m, STUDIO_REPLAY);
    ck_assert_uint_eq(balance(2), MARKET_FORTUNE - 20);
    ck_assert_uint_eq(assigned(seats), 2);
    ck_assert_uint_eq(seats[1], 3);
    ck_assert_int_eq(studio_slot(&m, 1, 0).status, JOBS_SLOT_SEALING);
    studio_replay(&m, 1, 0);
    ck_assert_int_eq(studio_slot(&m, 1, 0).status, JOBS_SLOT_VERIFIED);
    ck_assert_uint_eq(balance(2), MARKET_FORTUNE - 20);
    ck_assert_uint_eq(balance(3), MARKET_FORTUNE + STUDIO_INTERVALS * STUDIO_FEE);
    market_release(&m);
}
END_TEST

START_TEST(a_seal_that_is_not_opened_counts_as_silence)
{
    committed(0);
    ck_assert_int_eq(studio_seal(&m, 1, 0, 1, UINT32_MAX), VERDICT_OK);
    ck_assert_int_eq(studio_seal(&m, 1, 0, 2, UINT32_MAX), VERDICT_OK);
    ck_assert_int_eq(studio_open(&m, 1, 0, 1, UINT32_MAX), VERDICT_OK);
    market_step(&m, 4000);
    ck_assert_uint_eq(balance(2), MARKET_FORTUNE - 20);
    ck_assert_int_eq(studio_slot(&m, 1, 0).status, JOBS_SLOT_SEALING);
    studio_replay(&m, 1, 0);
    ck_assert_int_eq(studio_slot(&m, 1, 0).status, JOBS_SLOT_VERIFIED);
    market_release(&m);
}
END_TEST

START_TEST(when_nobody_replays_the_worker_keeps_its_stake_and_is_not_paid)
{
    committed(0);
    for (int i = 0; i < 3; i++) /* two, the other two, all */
        market_step(&m, STUDIO_REPLAY);
    struct leases_item item;
    ck_assert(leases_get_item(&m.view, 1, 0, &item));
    ck_assert_int_eq(item.reason, LEASES_UNAUDITED);
    ck_assert_uint_eq(market_balance(&m, MARKET_PROVIDER_A), MARKET_FORTUNE - 10);
    for (uint8_t seat = 0; seat < MARKET_SEATS; seat++)
        ck_assert_uint_eq(balance(seat), MARKET_FORTUNE - 2 * 20);
    /* Its inputs may be what nobody can have: not leased again here, so that replayers pay for it once. */
    market_step(&m, 1);
    ck_assert_int_eq(studio_slot(&m, 1, 0).status, JOBS_SLOT_WAITING);
    ck_assert_int_eq(studio_slot(&m, 1, 0).attempt, 1);
    market_release(&m);
}
END_TEST

START_TEST(a_replayer_without_its_stake_is_passed_over)
{
    uint8_t seats[MARKET_SEATS];
    studio_start(&m, 1, 1, 0);
    struct credits_transfer args = {.to = market_address(MARKET_AUDITOR),
                                    .amount = units_amount(MARKET_FORTUNE - 99)};
    ck_assert_int_eq(market_call(&m, MARKET_REPLAYER_1, CATALOG_CREDITS, CREDITS_TRANSFER, &args),
                     VERDICT_OK);
    ck_assert_int_eq(studio_commit(&m, MARKET_PROVIDER_A, 1, 0, UINT32_MAX), VERDICT_OK);
    ck_assert_uint_eq(assigned(seats), 2);
    ck_assert_uint_eq(seats[0], 2);
    ck_assert_uint_eq(seats[1], 3);
    market_release(&m);
}
END_TEST

/* Who of the assigned isn't `mute` seals and opens honestly; the others' deadlines pass. */
static void replay_without(uint8_t mute)
{
    struct jobs_audit audit;
    for (uint8_t seat = 0; seat < MARKET_SEATS; seat++)
        if (seat != mute && studio_audit(&m, 1, 0, seat, &audit) &&
            audit.status == JOBS_AUDIT_ASSIGNED)
            ck_assert_int_eq(studio_seal(&m, 1, 0, seat, UINT32_MAX), VERDICT_OK);
    if (studio_slot(&m, 1, 0).status == JOBS_SLOT_SEALING)
        market_step(&m, STUDIO_REPLAY);
    for (uint8_t seat = 0; seat < MARKET_SEATS && studio_slot(&m, 1, 0).status == JOBS_SLOT_OPENING;
         seat++)
        if (studio_audit(&m, 1, 0, seat, &audit) && audit.status == JOBS_AUDIT_SEALED)
            ck_assert_int_eq(studio_open(&m, 1, 0, seat, UINT32_MAX), VERDICT_OK);
}

/* The attack: four validators, a seat of the worker's organisation, one of the consumer's, and one that says nothing. */
START_TEST(one_mute_seat_robs_nobody_where_both_parties_have_a_seat)
{
    uint8_t seats[MARKET_SEATS];
    studio_start(&m, 1, 1, 0);
    seat_joins(0, MARKET_PROVIDER_A);
    seat_joins(3, MARKET_CONSUMER);
    ck_assert_int_eq(studio_commit(&m, MARKET_PROVIDER_A, 1, 0, UINT32_MAX), VERDICT_OK);
    ck_assert_uint_eq(assigned(seats), 2);
    ck_assert(seats[0] == 1 && seats[1] == 2);
    replay_without(2);
    ck_assert_int_eq(studio_slot(&m, 1, 0).status, JOBS_SLOT_SEALING);
    ck_assert(studio_slot(&m, 1, 0).summoned);
    ck_assert_uint_eq(assigned(seats), 4);
    replay_without(2);
    ck_assert_int_eq(studio_slot(&m, 1, 0).status, JOBS_SLOT_VERIFIED);
    ck_assert_uint_eq(market_balance(&m, MARKET_PROVIDER_A),
                      MARKET_FORTUNE - 10 - STUDIO_STAKE + STUDIO_SEGMENT_PRICE);
    uint64_t fee = 2 * STUDIO_INTERVALS * STUDIO_FEE / 3; /* three share what two would get */
    ck_assert_uint_eq(balance(0), MARKET_FORTUNE + fee);
    ck_assert_uint_eq(balance(1), MARKET_FORTUNE + fee);
    ck_assert_uint_eq(balance(3), MARKET_FORTUNE + fee);
    ck_assert_uint_eq(balance(2), MARKET_FORTUNE - 2 * 20);
    market_step(&m, 1);
    market_release(&m);
}
END_TEST

START_TEST(who_took_a_seat_over_is_asked_with_all)
{
    struct validator validator;
    struct jobs_audit audit;
    committed(0); /* seats 1 and 2 */
    ck_assert_int_eq(studio_seal(&m, 1, 0, 2, UINT32_MAX), VERDICT_OK);
    ck_assert(validator_get(&m.view, (struct seat){2}, &validator));
    validator.replayer = market_address(MARKET_AUDITOR);
    validator_put(&m.view, (struct seat){2}, &validator);
    struct members_set_roles roles = {.address = validator.replayer, .roles = MEMBERS_ROLE_REPLAYER};
    ck_assert_int_eq(market_call(&m, MARKET_OPERATOR_A, CATALOG_MEMBERS, MEMBERS_SET_ROLES, &roles),
                     VERDICT_OK);
    seat_joins(0, MARKET_PROVIDER_A);
    seat_joins(3, MARKET_CONSUMER);
    market_step(&m, STUDIO_REPLAY); /* seat 1 is mute, and who sealed for seat 2 is gone: the second lap */
    ck_assert(studio_audit(&m, 1, 0, 2, &audit));
    ck_assert_int_eq(audit.status, JOBS_AUDIT_ASSIGNED);
    ck_assert(address_equal(&audit.replayer, &validator.replayer));
    ck_assert_uint_eq(balance(2), MARKET_FORTUNE); /* no fine */
    market_release(&m);
}
END_TEST

/* The attack: the replayers' balances are bound elsewhere when the commitment comes. */
START_TEST(replayers_without_any_balance_still_audit)
{
    struct credits_transfer args = {.to = market_address(MARKET_AUDITOR),
                                    .amount = units_amount(MARKET_FORTUNE)};
    studio_start(&m, 1, 1, 0);
    for (uint32_t who = MARKET_REPLAYER_0; who <= MARKET_REPLAYER_3; who++)
        ck_assert_int_eq(market_call(&m, who, CATALOG_CREDITS, CREDITS_TRANSFER, &args),
                         VERDICT_OK);
    studio_honest(&m, 1, 0);
    market_step(&m, 1);
    market_release(&m);
}
END_TEST

static uint64_t open_work(uint8_t seat)
{
    struct address replayer = market_address(MARKET_REPLAYER_0 + seat);
    struct path path = path_account("load/", &replayer);
    struct load_total load = {.mmacs = 0};
    (void)view_load(&m.view, path_key(&path), &load_total_record, &load);
    return load.mmacs;
}

/* The attack: many jobs at once, so that honest replayers are late and fined as mute. Alone each job fits into its 8 s just so. */
START_TEST(who_replays_for_many_jobs_has_the_time_for_all_of_them)
{
    struct digest roots[JOBS_WORKERS_MAX];
    studio_init(&m);
    m.parameters.replay_mmacs = 488;
    parameters_put(&m.view, &m.parameters);
    for (uint32_t i = 0; i < 3; i++) {
        studio_offer(&m, MARKET_PROVIDER_A + i, STUDIO_PRICE, 1);
        struct jobs_submit terms = studio_terms(&m, 1, 1, roots);
        ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_OK);
        market_step(&m, 1);
    }
    for (uint64_t job = 1; job <= 3; job++)
        ck_assert_int_eq(studio_commit(&m, studio_worker(&m, job, 0), job, 0, UINT32_MAX),
                         VERDICT_OK);
    /* Seats 1 and 2; 2 and 3; 3 and 0. */
    uint64_t now = m.context.time_ms;
    ck_assert_uint_eq(studio_slot(&m, 1, 0).deadline_ms, now + STUDIO_REPLAY);
    ck_assert_uint_eq(studio_slot(&m, 2, 0).deadline_ms, now + 2 * 3903 * 1000 / 488);
    ck_assert_uint_eq(studio_slot(&m, 3, 0).deadline_ms, now + 2 * 3903 * 1000 / 488);
    ck_assert_uint_eq(open_work(1), 3903);
    ck_assert_uint_eq(open_work(2), 2 * 3903);
    for (uint64_t job = 1; job <= 2; job++)
        studio_replay(&m, job, 0);
    ck_assert_uint_eq(open_work(2), 0);
    ck_assert_uint_eq(open_work(3), 3903);
    for (int i = 0; i < 4; i++) /* nobody replays the third */
        market_step(&m, 10000000);
    for (uint8_t seat = 0; seat < MARKET_SEATS; seat++)
        ck_assert_uint_eq(open_work(seat), 0);
    market_release(&m);
}
END_TEST

/* The attack: audits of a large job that others are made to wait for. */
START_TEST(who_is_late_for_its_other_jobs_has_more_time_but_not_without_end)
{
    struct digest roots[JOBS_WORKERS_MAX];
    studio_start(&m, 1, 1, 0);
    ck_assert_int_eq(studio_commit(&m, MARKET_PROVIDER_A, 1, 0, UINT32_MAX), VERDICT_OK);
    uint64_t begun = m.context.time_ms;
    m.parameters.replay_mmacs = 2000000; /* of large jobs, too */
    m.parameters.stake_min = units_zero;
    parameters_put(&m.view, &m.parameters);
    struct jobs_submit terms = studio_terms(&m, 1, 1, roots);
    struct program_layer layers[3];
    struct program program = studio_program(layers);
    program.batch *= 1000;
    terms.program = record_bytes(&m.arena, &program_record, &program);
    terms.memory_mib = 1024;
    terms.segment_ms = 40000000;
    terms.round_ms = terms.segment_ms;
    terms.deadline_ms = m.context.time_ms + 80000000;
    terms.budget = units_amount(MARKET_FORTUNE / 2);
    terms.price_max = units_amount(MARKET_FORTUNE / 4);
    studio_offer(&m, MARKET_PROVIDER_D, 0, 1);
    ck_assert_int_eq(studio_submit(&m, &terms), VERDICT_OK);
    m.parameters.replay_mmacs = 488;
    parameters_put(&m.view, &m.parameters);
    market_step(&m, 1);
    ck_assert_int_eq(studio_commit(&m, MARKET_PROVIDER_D, 2, 0, UINT32_MAX), VERDICT_OK);
    market_step(&m, STUDIO_REPLAY); /* seat 2 replays for both */
    ck_assert_int_eq(studio_slot(&m, 1, 0).status, JOBS_SLOT_SEALING);
    ck_assert_uint_eq(studio_slot(&m, 1, 0).deadline_ms, begun + 2 * STUDIO_REPLAY);
    ck_assert_uint_eq(balance(1), MARKET_FORTUNE - 100); /* its stake; nobody was fined */
    market_step(&m, STUDIO_REPLAY);
    ck_assert_uint_eq(balance(1), MARKET_FORTUNE - 20 - 100); /* fined, and asked again with all */
    market_release(&m);
}
END_TEST

/* A fifth to seventh validator: f grows from 1 to 2 while the job runs. */
static void add_validators(void)
{
    struct validator_set set;
    struct validator validator;
    struct validator_member members[7];
    ck_assert(validator_set_get(&m.view, &set));
    for (uint8_t i = 0; i < set.member_count; i++)
        members[i] = set.members[i];
    for (uint8_t i = 4; i < 7; i++) {
        members[i] = (struct validator_member){.seat = i, .public_key = market_public(1000u + i)};
        ck_assert(validator_get(&m.view, (struct seat){0}, &validator));
        validator.public_key = members[i].public_key;
        validator.replayer = market_address(MARKET_OPERATOR_A + i - 4u);
        validator.organisation = bytes_text("");
        validator_put(&m.view, (struct seat){i}, &validator);
    }
    set.members = members;
    set.member_count = set.seat_count = 7;
    validator_set_put(&m.view, &set);
}

START_TEST(as_many_replay_as_the_set_asks_for_now)
{
    uint8_t seats[MARKET_SEATS];
    studio_start(&m, 1, 1, 0);
    add_validators();
    ck_assert_int_eq(studio_commit(&m, MARKET_PROVIDER_A, 1, 0, UINT32_MAX), VERDICT_OK);
    ck_assert_uint_eq(assigned(seats), 3); /* seats 1, 2 and 3, where two were enough when it was submitted */
    studio_replay(&m, 1, 0);
    ck_assert_int_eq(studio_slot(&m, 1, 0).status, JOBS_SLOT_VERIFIED);
    uint64_t fee = 2 * STUDIO_INTERVALS * STUDIO_FEE / 3; /* the budget holds the fees of two */
    for (uint8_t seat = 1; seat <= 3; seat++)
        ck_assert_uint_eq(balance(seat), MARKET_FORTUNE + fee);
    market_release(&m);
}
END_TEST

/* --- sampled audits --- */

static enum verdict reveal(uint8_t seat, uint32_t index)
{
    struct digest secret = market_beacon_secret(seat);
    struct beacon_reveal args = {.epoch = studio_epoch(&m), .preimage = beacon_chain(&secret, STUDIO_BEACON, index)};
    return market_call(&m, MARKET_REPLAYER_0 + seat, CATALOG_BEACON, BEACON_REVEAL, &args);
}

static enum verdict draw(void)
{
    struct jobs_segment args = studio_segment(&m, 1, 0);
    return market_call(&m, MARKET_AUDITOR, CATALOG_JOBS, JOBS_DRAW, &args);
}

static enum verdict serve(uint32_t worker, bool is_false)
{
    struct attempt attempt;
    struct catalog_run run = {&m.view, &m.context, &m.events, &address_zero};
    uint16_t drawn[JOBS_INTERVALS_MAX];
    struct jobs_start starts[JOBS_INTERVALS_MAX];
    ck_assert(attempt_load(&attempt, &run, 1, 0));
    struct jobs_serve args = {.segment = studio_segment(&m, 1, 0), .starts = starts};
    args.start_count = audit_drawn(&attempt, drawn);
    for (uint32_t i = 0; i < args.start_count; i++) {
        starts[i].interval = drawn[i];
        starts[i].leaf = studio_leaf(0, 0, drawn[i]);
    }
    starts[0].leaf.state_root.bytes[0] ^= is_false;
    return market_call(&m, worker, CATALOG_JOBS, JOBS_SERVE, &args);
}

START_TEST(sampled_intervals_are_drawn_from_the_next_epochs_reveals)
{
    committed(3);
    struct jobs_audit audit;
    ck_assert_int_eq(studio_slot(&m, 1, 0).status, JOBS_SLOT_DRAWING);
    ck_assert_int_eq(reveal(1, 0),
                     VERDICT_OK); /* in the epoch of the commitment: too early to draw from */
    ck_assert_int_eq(draw(), VERDICT_NOTHING_DRAWN);
    market_step(&m, 10000);
    ck_assert_int_eq(draw(), VERDICT_NOTHING_DRAWN);
    ck_assert_int_eq(reveal(1, 1), VERDICT_OK);
    ck_assert_int_eq(reveal(2, 0), VERDICT_OK);
    ck_assert_int_eq(draw(), VERDICT_OK);
    ck_assert_int_eq(studio_slot(&m, 1, 0).status, JOBS_SLOT_SERVING);
    ck_assert(studio_audit(&m, 1, 0, 1, &audit));
    ck_assert_uint_eq(audit.interval_count, 3);
    ck_assert_uint_lt(audit.intervals[0].interval, audit.intervals[1].interval);
    ck_assert_uint_lt(audit.intervals[1].interval, audit.intervals[2].interval);

    ck_assert_int_eq(serve(MARKET_PROVIDER_B, false), VERDICT_NOT_WORKER);
    ck_assert_int_eq(serve(MARKET_PROVIDER_A, true), VERDICT_WRONG_START);
    ck_assert_int_eq(serve(MARKET_PROVIDER_A, false), VERDICT_OK);
    ck_assert_int_eq(studio_slot(&m, 1, 0).status, JOBS_SLOT_SEALING);
    studio_replay(&m, 1, 0);
    ck_assert_int_eq(studio_slot(&m, 1, 0).status, JOBS_SLOT_VERIFIED);
    ck_assert_uint_eq(balance(1), MARKET_FORTUNE + 3 * STUDIO_FEE);
    market_release(&m);
}
END_TEST

START_TEST(a_missing_reveal_is_fined_and_the_next_in_rotation_draws)
{
    uint8_t seats[MARKET_SEATS];
    committed(2);
    market_step(&m, 10000);
    ck_assert_int_eq(reveal(1, 0), VERDICT_OK);
    market_step(&m, 10000); /* the reveal that is there is drawn from all the same */
    ck_assert_uint_eq(balance(2), MARKET_FORTUNE - 20);
    ck_assert_uint_eq(assigned(seats), 2);
    ck_assert_uint_eq(seats[0], 1);
    ck_assert_uint_eq(seats[1], 3);
    struct jobs_audit audit;
    ck_assert(studio_audit(&m, 1, 0, 1, &audit));
    ck_assert(audit.drawn);
    ck_assert(studio_audit(&m, 1, 0, 3, &audit));
    ck_assert(!audit.drawn);
    market_release(&m);
}
END_TEST

/* Epochs of 10 s become epochs of 1 s after an audit was assigned. */
START_TEST(a_change_of_epochs_fines_nobody_who_reveals_in_the_next)
{
    studio_start(&m, 1, 1, 2);
    ck_assert_int_eq(studio_commit(&m, MARKET_PROVIDER_A, 1, 0, UINT32_MAX), VERDICT_OK);
    uint64_t deadline_ms = studio_slot(&m, 1, 0).deadline_ms;
    struct parameters other = m.parameters;
    other.epoch_ms = 1000;
    for (uint32_t who = MARKET_OPERATOR_A; who <= MARKET_OPERATOR_B; who++) {
        struct governance_vote vote = {.proposal = 1, .yes = true};
        ck_assert_int_eq(who == MARKET_OPERATOR_A
                             ? market_call(&m, who, CATALOG_GOVERNANCE,
                                           GOVERNANCE_PROPOSE_PARAMETERS, &other)
                             : market_call(&m, who, CATALOG_GOVERNANCE, GOVERNANCE_VOTE, &vote),
                         VERDICT_OK);
    }
    market_step(&m, deadline_ms - m.context.time_ms - 1); /* late, but in the epoch after the audit's */
    ck_assert_int_eq(reveal(1, 0), VERDICT_OK);
    ck_assert_int_eq(reveal(2, 0), VERDICT_OK);
    ck_assert_int_eq(draw(), VERDICT_OK);
    ck_assert_int_eq(studio_slot(&m, 1, 0).status, JOBS_SLOT_SERVING);
    ck_assert_uint_eq(balance(1), MARKET_FORTUNE - 100);
    ck_assert_uint_eq(balance(2), MARKET_FORTUNE - 100);
    market_release(&m);
}
END_TEST

/* The attack: every leaf is the one that "unavailable" answers have, and nothing can be fetched. */
START_TEST(a_trace_of_nothing_is_not_paid)
{
    struct trace_leaf nothing = {.witness = digest_zero};
    struct digest leaves[STUDIO_INTERVALS + 1];
    studio_start(&m, 1, 1, 1);
    struct trace_leaf first = studio_leaf(0, 0, 0);
    leaves[0] = trace_leaf_digest(&first);
    for (uint32_t i = 1; i <= STUDIO_INTERVALS; i++)
        leaves[i] = trace_leaf_digest(&nothing);
    struct jobs_commit commit = {.segment = studio_segment(&m, 1, 0),
                                 .trace_root = merkle_root(leaves, STUDIO_INTERVALS + 1),
                                 .leaves = leaves,
                                 .leaf_count = STUDIO_INTERVALS + 1,
                                 .end = nothing};
    ck_assert_int_eq(market_call(&m, MARKET_PROVIDER_A, CATALOG_JOBS, JOBS_COMMIT, &commit),
                     VERDICT_OK);
    market_step(&m, 10000);
    ck_assert_int_eq(reveal(1, 0), VERDICT_OK);
    ck_assert_int_eq(reveal(2, 0), VERDICT_OK);
    ck_assert_int_eq(draw(), VERDICT_OK);
    struct attempt attempt;
    struct catalog_run run = {&m.view, &m.context, &m.events, &address_zero};
    uint16_t drawn[JOBS_INTERVALS_MAX];
    struct jobs_start starts[2];
    ck_assert(attempt_load(&attempt, &run, 1, 0));
    struct jobs_serve serve = {.segment = studio_segment(&m, 1, 0), .starts = starts};
    serve.start_count = audit_drawn(&attempt, drawn);
    for (uint32_t i = 0; i < serve.start_count; i++)
        starts[i] = (struct jobs_start){drawn[i], drawn[i] ? nothing : first};
    ck_assert_int_eq(market_call(&m, MARKET_PROVIDER_A, CATALOG_JOBS, JOBS_SERVE, &serve),
                     VERDICT_OK);
    for (uint8_t seat = 1; seat <= 2; seat++) { /* nothing can be had, as the honest will say */
        struct jobs_audit audit;
        ck_assert(studio_audit(&m, 1, 0, seat, &audit));
        struct jobs_answer answer = {.interval = audit.intervals[0].interval};
        struct address replayer = market_address(MARKET_REPLAYER_0 + seat);
        struct jobs_seal seal = {.segment = serve.segment};
        seal.seal = jobs_seal_of(&m.context.chain, &replayer, &seal.segment, &answer, 1, &digest_zero);
        ck_assert_int_eq(market_call(&m, MARKET_REPLAYER_0 + seat, CATALOG_JOBS, JOBS_SEAL, &seal),
                         VERDICT_OK);
    }
    struct jobs_audit audit;
    ck_assert(studio_audit(&m, 1, 0, 1, &audit));
    struct jobs_answer answer = {.interval = audit.intervals[0].interval};
    struct jobs_open_seal open = {.segment = serve.segment, .answers = &answer, .answer_count = 1};
    ck_assert_int_eq(market_call(&m, MARKET_REPLAYER_1, CATALOG_JOBS, JOBS_OPEN, &open), VERDICT_OK);
    ck_assert_int_eq(studio_settle(&m, 1, 0), VERDICT_OK);
    ck_assert_int_eq(studio_slot(&m, 1, 0).status, JOBS_SLOT_VOTING);
    ck_assert_int_eq(studio_vote(&m, 1, 0, 3, nothing), VERDICT_OK);
    struct leases_item item;
    ck_assert(leases_get_item(&m.view, 1, 0, &item));
    ck_assert_int_eq(item.reason, LEASES_WITHHELD);
    ck_assert_uint_eq(market_number(&item.paid), 0);
    market_release(&m);
}
END_TEST

START_TEST(a_worker_that_does_not_serve_pays_for_withholding)
{
    committed(2);
    market_step(&m, 10000);
    ck_assert_int_eq(reveal(1, 0), VERDICT_OK);
    ck_assert_int_eq(reveal(2, 0), VERDICT_OK);
    ck_assert_int_eq(draw(), VERDICT_OK);
    market_step(&m, STUDIO_REPLAY + 3999); /* as long as a replay takes: many states may be drawn */
    ck_assert_int_eq(studio_slot(&m, 1, 0).status, JOBS_SLOT_SERVING);
    market_step(&m, 1);
    struct leases_item item;
    ck_assert(leases_get_item(&m.view, 1, 0, &item));
    ck_assert_int_eq(item.reason, LEASES_WITHHELD);
    ck_assert_uint_eq(market_balance(&m, MARKET_PROVIDER_A),
                      MARKET_FORTUNE - 10 - STUDIO_STAKE * 80 / 100);
    ck_assert_uint_eq(balance(1), MARKET_FORTUNE);
    market_release(&m);
}
END_TEST

/* Golden: computed from the bytes that contracts/jobs.h names, by another program. */
START_TEST(seals_and_draws_are_the_bytes_of_the_manual)
{
    struct jobs_segment segment = {.job = 7, .round = 3, .slot = 2, .attempt = 1};
    struct jobs_answer answer = {
        .interval = 4,
        .leaf = {.state_root = digest_of("state", 5), .witness = digest_of("witness", 7)}};
    struct digest chain = digest_of("chain", 5), nonce = digest_of("nonce", 5);
    struct digest preimage = digest_of("preimage", 8), trace = digest_of("trace", 5);
    struct address replayer;
    struct jobs_drawn drawn[5];
    char text[DIGEST_TEXT_SIZE];
    for (uint8_t i = 0; i < ADDRESS_SIZE; i++)
        replayer.bytes[i] = i;
    struct digest seal = jobs_seal_of(&chain, &replayer, &segment, &answer, 1, &nonce);
    digest_text(text, &seal);
    ck_assert_str_eq(text, "4b276da8cced9dfde533e458d3a8e90fa9223ed2742e6ba248de0d408bd23a80");
    const uint16_t expected[] = {4, 28, 30, 33, 80};
    jobs_draw_of(drawn, 5, 100, &preimage, &segment, &trace);
    for (int i = 0; i < 5; i++)
        ck_assert_uint_eq(drawn[i].interval, expected[i]);
}
END_TEST

START_TEST(draws_are_distinct_and_every_interval_is_as_likely)
{
    uint32_t hits[10] = {0};
    for (uint32_t i = 0; i < 2000; i++) {
        struct jobs_segment segment = {.job = i};
        struct jobs_drawn drawn[3];
        jobs_draw_of(drawn, 3, 10, &digest_zero, &segment, &digest_zero);
        ck_assert(drawn[0].interval < drawn[1].interval && drawn[1].interval < drawn[2].interval);
        for (int j = 0; j < 3; j++)
            hits[drawn[j].interval]++;
    }
    for (int i = 0; i < 10; i++) /* 600 expected, deviation 20 */
        ck_assert(hits[i] > 500 && hits[i] < 700);
}
END_TEST

HARNESS_MAIN("audit", nobody_replays_for_the_own_organisation, f_plus_one_replayers_are_assigned_by_rotation_and_stake,
             only_the_assigned_seal_and_only_once, what_is_opened_must_be_what_was_sealed,
             a_seal_is_bound_to_its_replayer_segment_and_chain,
             a_replayer_that_does_not_seal_is_fined_and_replaced,
             a_seal_that_is_not_opened_counts_as_silence,
             when_nobody_replays_the_worker_keeps_its_stake_and_is_not_paid,
             a_replayer_without_its_stake_is_passed_over, replayers_without_any_balance_still_audit,
             who_replays_for_many_jobs_has_the_time_for_all_of_them,
             who_is_late_for_its_other_jobs_has_more_time_but_not_without_end,
             as_many_replay_as_the_set_asks_for_now, who_took_a_seat_over_is_asked_with_all,
             one_mute_seat_robs_nobody_where_both_parties_have_a_seat, a_trace_of_nothing_is_not_paid,
             sampled_intervals_are_drawn_from_the_next_epochs_reveals,
             a_missing_reveal_is_fined_and_the_next_in_rotation_draws,
             a_change_of_epochs_fines_nobody_who_reveals_in_the_next,
             a_worker_that_does_not_serve_pays_for_withholding,
             seals_and_draws_are_the_bytes_of_the_manual,
             draws_are_distinct_and_every_interval_is_as_likely)
