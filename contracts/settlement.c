#include "contracts/settlement.h"

#include "base/check.h"
#include "contracts/amount.h"
#include "contracts/audit.h"
#include "contracts/credits.h"
#include "contracts/share.h"

/* The escrow covers every segment and replay of the plan (share_budget), so what is owed is there. */
static struct amount pay(const struct attempt *attempt, const struct address *to,
                         const struct amount *owed)
{
    struct amount paid = credits_pay(attempt->run, jobs_escrow(attempt->id), to, owed);
    CHECK(units_amount_compare(&paid, owed) == 0 || attempt->run->view->err != ERR_NONE);
    return paid;
}

/* True for who has shown what it found, and wasn't outvoted. */
static bool has_replayed(const struct attempt *attempt, uint8_t seat, struct jobs_audit *audit)
{
    return audit_get(attempt, seat, audit) &&
           (audit->status == JOBS_AUDIT_AGREED || audit->status == JOBS_AUDIT_DISPUTED);
}

/* Pays every replayer its fee out of `place`, or as much as the equal parts of `most` are. The budget counts the fees of `auditors`: more of
 * them share these. Adds to attempt->fees. */
static void pay_fees(struct attempt *attempt, struct credits_place place, const struct amount *most)
{
    struct amount fee, part;
    struct jobs_audit audit;
    uint32_t count = 0;
    for (uint8_t seat = 0; seat < attempt->seats; seat++)
        count += has_replayed(attempt, seat, &audit);
    if (count == 0)
        return;
    CHECK(amount_mul(&fee, &attempt->job.terms.replay_fee, audit_replayed(attempt)));
    if (count > attempt->job.auditors)
        CHECK(amount_share(&fee, &fee, attempt->job.auditors, count));
    CHECK(amount_share(&part, most, 1, count));
    fee = amount_min(&fee, &part);
    for (uint8_t seat = 0; seat < attempt->seats; seat++) {
        if (!has_replayed(attempt, seat, &audit))
            continue;
        struct amount paid = credits_pay(attempt->run, place, &audit.replayer, &fee);
        CHECK(amount_add(&attempt->fees, &attempt->fees, &paid));
    }
}

/* What the escrow holds beyond all that the rest of the plan may cost, this round included. */
static struct amount surplus(const struct attempt *attempt)
{
    struct jobs_job rest = attempt->job;
    struct amount owed, spare,
        held = credits_locked(attempt->run->view, jobs_escrow(attempt->id));
    rest.terms.rounds -= attempt->progress.round;
    CHECK(share_budget(&owed, &rest));
    return amount_sub(&spare, &held, &owed) ? spare : units_zero;
}

void settlement_undecided(struct attempt *attempt)
{
    struct amount spare = surplus(attempt);
    pay_fees(attempt, jobs_escrow(attempt->id), &spare);
}

void settlement_verified(struct attempt *attempt)
{
    struct jobs_slot *slot = &attempt->slot;
    struct leases_item item;
    if (!leases_get_item(attempt->run->view, attempt->progress.lease, slot->item, &item))
        return;
    struct amount price;
    CHECK(amount_share(&price, &item.price, slot->trained,
                       share_of(&attempt->job, attempt->number).intervals));
    price = pay(attempt, &slot->worker, &price);
    struct amount held = credits_locked(attempt->run->view, jobs_escrow(attempt->id));
    pay_fees(attempt, jobs_escrow(attempt->id), &held);
    leases_paid(attempt->run, attempt->progress.lease, slot->item, &price,
                attempt->run->context->time_ms + attempt->parameters.challenge_ms);
    audit_close(attempt);
    CHECK(amount_add(&attempt->progress.paid, &attempt->progress.paid, &price));
    CHECK(amount_add(&attempt->progress.fees, &attempt->progress.fees, &attempt->fees));
    enum leases_reason reason = slot->diverged ? LEASES_DIVERGED : LEASES_COMPLETED;
    struct jobs_result result = {
        .worker = slot->worker,
        .lease = attempt->progress.lease,
        .item = slot->item,
        .reason = (uint8_t)reason,
        .ended_ms = attempt->run->context->time_ms,
        .start_root = slot->start_root,
        .residue_root = slot->residue_root,
        .trace_root = slot->trace_root,
        .end_root = slot->end_root,
        .paid = price,
        .fees = attempt->fees,
    };
    attempt_result(attempt, &result);
    attempt_status(attempt, slot->diverged ? JOBS_SLOT_DIVERGED : JOBS_SLOT_VERIFIED, 0);
    attempt_emit(attempt, EVENT_SEGMENT_VERIFIED, reason, &price);
}

struct amount settlement_split(const struct catalog_run *run, const struct parameters *parameters,
                               struct credits_place place, const struct amount *whole,
                               uint8_t percent, const struct address *provers,
                               uint32_t prover_count)
{
    struct amount slash, share, taken = units_zero;
    CHECK(percent <= 100);
    CHECK(amount_share(&slash, whole, percent, 100));
    if (prover_count > 0) {
        CHECK(amount_share(&share, &slash, parameters->prover_share, 100ull * prover_count));
        for (uint32_t i = 0; i < prover_count; i++) {
            struct amount paid = credits_pay(run, place, &provers[i], &share);
            CHECK(amount_add(&taken, &taken, &paid));
        }
    }
    struct amount rest;
    CHECK(amount_sub(&rest, &slash, &taken));
    rest = credits_forfeit(run, place, &rest);
    CHECK(amount_add(&taken, &taken, &rest));
    return taken;
}

struct amount settlement_slash(struct attempt *attempt, uint8_t percent,
                               const struct address *provers, uint32_t prover_count)
{
    struct leases_item item;
    if (!leases_get_item(attempt->run->view, attempt->progress.lease, attempt->slot.item, &item))
        return units_zero;
    struct credits_place place = {CREDITS_STAKE, attempt->progress.lease, attempt->slot.item};
    struct amount slash, rest, taken;
    CHECK(amount_share(&slash, &item.stake, percent, 100));
    pay_fees(attempt, place, &slash);
    CHECK(amount_sub(&rest, &slash, &attempt->fees));
    taken = settlement_split(attempt->run, &attempt->parameters, place, &rest, 100, provers,
                             prover_count);
    CHECK(amount_add(&taken, &taken, &attempt->fees));
    return taken;
}
