#include "contracts/parameters.h"

#define DAY_MS 86400000ull

static const struct record_field parameters_fields[] = {
    RECORD_UINT(struct parameters, block_interval_max_ms),
    RECORD_UINT(struct parameters, epoch_ms),
    RECORD_UINT(struct parameters, answer_ms),
    RECORD_UINT(struct parameters, match_retry_ms),
    RECORD_UINT(struct parameters, proposal_ms),
    RECORD_UINT(struct parameters, due_max),
    RECORD_UINT(struct parameters, candidates_max),
    RECORD_AMOUNT(struct parameters, offer_deposit),
    RECORD_AMOUNT(struct parameters, job_deposit),
    RECORD_AMOUNT(struct parameters, replay_stake),
    RECORD_UINT(struct parameters, slash_fraud),
    RECORD_UINT(struct parameters, slash_withheld),
    RECORD_UINT(struct parameters, slash_silent),
    RECORD_UINT(struct parameters, slash_mute),
    RECORD_UINT(struct parameters, prover_share),
    RECORD_UINT(struct parameters, replay_mmacs),
    RECORD_UINT(struct parameters, challenge_ms),
    RECORD_AMOUNT(struct parameters, challenge_bond),
    RECORD_AMOUNT(struct parameters, replay_fee_min),
    RECORD_AMOUNT(struct parameters, stake_min),
    RECORD_UINT(struct parameters, transfer_kib),
    RECORD_UINT(struct parameters, replay_mib),
};
const struct record parameters_record = RECORD(struct parameters, "parameters", parameters_fields);

struct parameters parameters_default(void)
{
    return (struct parameters){
        .block_interval_max_ms = 6000,
        .epoch_ms = 60000,
        .answer_ms = 60000,
        .match_retry_ms = 5000,
        .proposal_ms = 7 * DAY_MS,
        .due_max = 64,
        .candidates_max = 256,
        .offer_deposit = units_amount(10),
        .job_deposit = units_amount(10),
        .replay_stake = units_amount(100),
        .slash_fraud = 100,
        .slash_withheld = 80,
        .slash_silent = 10,
        .slash_mute = 20,
        .prover_share = 25,
        .replay_mmacs = 1000, /* a few cores */
        .challenge_ms = 3600000,
        .challenge_bond = units_amount(500),
        .replay_fee_min = units_amount(1),
        .stake_min = units_amount(100),
        .transfer_kib = 10240, /* 84 Mbit/s */
        .replay_mib = 16384,
    };
}

static bool within(uint64_t value, uint64_t low, uint64_t high)
{
    return low <= value && value <= high;
}

/* So that deposit x open offers or jobs and stake x votes stay far from 256 bits. */
static bool is_moderate(const struct amount *amount)
{
    for (size_t i = 0; i < 16; i++)
        if (amount->be[i] != 0)
            return false;
    return true;
}

bool parameters_check(const struct parameters *p)
{
    return within(p->block_interval_max_ms, 100, 60000) && within(p->epoch_ms, 1000, DAY_MS) &&
           within(p->answer_ms, 1000, DAY_MS) && within(p->match_retry_ms, 100, 3600000) &&
           within(p->proposal_ms, 1000, 30 * DAY_MS) && within(p->due_max, 1, 1024) &&
           within(p->candidates_max, 1, 256) && is_moderate(&p->offer_deposit) &&
           is_moderate(&p->job_deposit) && is_moderate(&p->replay_stake) &&
           within(p->slash_fraud, 1, 100) && p->slash_withheld <= p->slash_fraud &&
           p->slash_silent <= p->slash_withheld && p->slash_mute <= 100 && p->prover_share <= 50 &&
           within(p->replay_mmacs, 1, 1000000000) && p->challenge_ms <= 30 * DAY_MS &&
           is_moderate(&p->challenge_bond) && is_moderate(&p->replay_fee_min) &&
           !units_amount_is_zero(&p->replay_fee_min) && is_moderate(&p->stake_min) &&
           within(p->transfer_kib, 1, 1000000000) && within(p->replay_mib, 1, 1u << 24);
}

bool parameters_get(struct view_state *view, struct parameters *parameters)
{
    return view_load(view, bytes_text("parameters"), &parameters_record, parameters);
}

void parameters_put(struct view_state *view, const struct parameters *parameters)
{
    view_save(view, bytes_text("parameters"), &parameters_record, parameters);
}

struct digest parameters_digest(struct arena *arena, const struct parameters *parameters)
{
    struct bytes raw = record_bytes(arena, &parameters_record, parameters);
    return raw.data ? digest_of(raw.data, raw.size) : digest_zero;
}
