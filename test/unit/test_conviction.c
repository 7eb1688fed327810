#include "contracts/conviction.h"

#include "contracts/governance.h"
#include "contracts/path.h"
#include "contracts/seats.h"
#include "test/unit/market.h"

static struct market m;

/* Toy evidence: the digest of a set, and the guilty one's place in it. */
static uint8_t toy[DIGEST_SIZE + 1];

static bool toy_read(struct digest *set, struct bytes evidence)
{
    if (evidence.size != sizeof(toy))
        return false;
    memcpy(set->bytes, evidence.data, DIGEST_SIZE);
    return true;
}

static bool toy_find(struct contracts_finding *finding, const struct digest *chain,
                     const struct validator_set *set, struct bytes evidence)
{
    (void)chain, (void)set;
    *finding = (struct contracts_finding){.kind = 1, .place = evidence.data[DIGEST_SIZE], .height = 7};
    return evidence.data[DIGEST_SIZE] != 255;
}

static const struct contracts_judge judge = {toy_read, toy_find};

static void begin(void)
{
    struct parameters parameters = parameters_default();
    market_init(&m, &parameters, NULL);
    m.context.judge = &judge;
}

/* Against the member at `place` of the set that is in force now. */
static void prove(uint8_t place)
{
    struct validator_set set;
    ck_assert(validator_set_get(&m.view, &set));
    struct digest digest = validator_set_digest(&m.arena, &set);
    memcpy(toy, digest.bytes, DIGEST_SIZE);
    toy[DIGEST_SIZE] = place;
}

static enum verdict submit(void)
{
    struct conviction_submit args = {bytes_of(toy, sizeof(toy))};
    return market_call(&m, MARKET_CONSUMER, CATALOG_EVIDENCE, CONVICTION_SUBMIT, &args);
}

static void replace(uint32_t seat)
{
    struct validator validator;
    ck_assert(validator_get(&m.view, (struct seat){(uint8_t)seat}, &validator));
    struct seats_change change = {.old_key = validator.public_key,
                                  .public_key = market_public(2000),
                                  .name = bytes_text("node-9"),
                                  .address = bytes_text("h:1"),
                                  .replayer = validator.replayer};
    struct catalog_run run = {&m.view, &m.context, &m.events, &address_zero};
    ck_assert_int_eq(seats_replace(&run, &change), VERDICT_OK);
}

START_TEST(the_guilty_lose_their_seat_once)
{
    begin();
    struct validator validator;
    prove(2);
    ck_assert_int_eq(submit(), VERDICT_OK);
    ck_assert_uint_eq(market_events(&m, EVENT_VALIDATOR_GUILTY), 1);
    ck_assert(validator_get(&m.view, (struct seat){2}, &validator));
    ck_assert(validator.vacant);
    market_step(&m, 1);
    ck_assert_int_eq(submit(), VERDICT_WRONG_STATE);
    prove(0);
    ck_assert_int_eq(submit(), VERDICT_TOO_FEW); /* four members, one vacant: three are a quorum */
    market_release(&m);
}
END_TEST

START_TEST(who_took_the_seat_since_is_not_blamed)
{
    begin();
    struct validator validator;
    prove(1);
    replace(1);
    market_step(&m, 1);
    ck_assert_int_eq(submit(), VERDICT_NOT_FOUND);
    ck_assert(validator_get(&m.view, (struct seat){1}, &validator));
    ck_assert(!validator.vacant);
    market_release(&m);
}
END_TEST

START_TEST(an_old_set_still_judges_who_sits_on)
{
    begin();
    struct validator validator;
    prove(3);
    replace(1);
    market_step(&m, 1);
    ck_assert_int_eq(submit(), VERDICT_OK);
    ck_assert(validator_get(&m.view, (struct seat){3}, &validator));
    ck_assert(validator.vacant);
    market_release(&m);
}
END_TEST

START_TEST(what_proves_nothing_vacates_nothing)
{
    begin();
    prove(255);
    ck_assert_int_eq(submit(), VERDICT_BAD_ARGUMENTS);
    prove(200);
    ck_assert_int_eq(submit(), VERDICT_BAD_ARGUMENTS);
    prove(1);
    toy[0] ^= 1;
    ck_assert_int_eq(submit(), VERDICT_NOT_FOUND);
    struct conviction_submit args = {bytes_text("nonsense")};
    ck_assert_int_eq(
        market_call(&m, MARKET_CONSUMER, CATALOG_EVIDENCE, CONVICTION_SUBMIT, &args),
        VERDICT_BAD_ARGUMENTS);
    m.context.judge = NULL;
    prove(1);
    ck_assert_int_eq(submit(), VERDICT_BAD_ARGUMENTS);
    market_release(&m);
}
END_TEST

HARNESS_MAIN("conviction", the_guilty_lose_their_seat_once, who_took_the_seat_since_is_not_blamed,
             an_old_set_still_judges_who_sits_on, what_proves_nothing_vacates_nothing)
