#include "contracts/parameters.h"

#include "test/harness.h"

START_TEST(the_defaults_are_within_their_bounds)
{
    struct parameters parameters = parameters_default();
    ck_assert(parameters_check(&parameters));
}
END_TEST

#define REFUSED(change)                                                                            \
    do {                                                                                           \
        struct parameters p = parameters_default();                                                \
        change;                                                                                    \
        ck_assert(!parameters_check(&p));                                                          \
    } while (0)

START_TEST(each_bound_is_kept)
{
    REFUSED(p.block_interval_max_ms = 99);
    REFUSED(p.block_interval_max_ms = 60001);
    REFUSED(p.epoch_ms = 999);
    REFUSED(p.epoch_ms = 0);
    REFUSED(p.answer_ms = 86400001);
    REFUSED(p.match_retry_ms = 99);
    REFUSED(p.proposal_ms = UINT64_MAX);
    REFUSED(p.due_max = 0);
    REFUSED(p.due_max = 1025);
    REFUSED(p.candidates_max = 257);
    REFUSED(p.offer_deposit.be[15] = 1);
    REFUSED(p.job_deposit.be[15] = 1);
    REFUSED(p.replay_stake.be[0] = 1);
    REFUSED(p.slash_fraud = 0);
    REFUSED(p.slash_fraud = 101);
    REFUSED(p.slash_withheld = p.slash_fraud + 1);
    REFUSED(p.slash_silent = p.slash_withheld + 1);
    REFUSED(p.slash_mute = 101);
    REFUSED(p.prover_share = 51);
    REFUSED(p.replay_mmacs = 0);
    REFUSED(p.replay_mmacs = 1000000001);
    REFUSED(p.challenge_ms = 2592000001);
    REFUSED(p.challenge_bond.be[15] = 1);
    REFUSED(p.replay_fee_min.be[15] = 1);
    REFUSED(p.replay_fee_min = units_zero);
    REFUSED(p.stake_min.be[15] = 1);
    REFUSED(p.transfer_kib = 0);
    REFUSED(p.transfer_kib = 1000000001);
    REFUSED(p.replay_mib = 0);
    REFUSED(p.replay_mib = 16777217);
}
END_TEST

HARNESS_MAIN("parameters", the_defaults_are_within_their_bounds, each_bound_is_kept)
