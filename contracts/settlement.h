/* Who is paid, and who pays. Everything that leaves an escrow or a stake of a job does so here.
 *
 *     verified           escrow -> worker: the item's price, where the trace diverged the trained intervals' part of it; escrow -> each replayer: replay_fee x its intervals, or an equal part of
 *                        what `auditors` of them get when more were asked; stakes of audits go home
 *     slash              first the fees of who replayed and wasn't outvoted, in equal parts if it is too little; of what is left
 *                        prover_share per cent in equal parts to those who proved it, the rest with all remainders to the treasury
 *     undecided          the same fees, out of what the escrow holds beyond the plan
 *     nothing            to the consumer, who has the escrow back */
#ifndef CONTRACTS_SETTLEMENT_H
#define CONTRACTS_SETTLEMENT_H

#include "contracts/attempt.h"

/* All audits agree: pays, keeps the result, and the slot is VERIFIED or DIVERGED. Writes the attempt; the caller settles the round. */
void settlement_verified(struct attempt *attempt);

/* Takes `percent` of `whole` out of the lock and splits it; what was taken. No provers: all to the treasury. */
struct amount settlement_split(const struct catalog_run *run, const struct parameters *parameters,
                               struct credits_place place, const struct amount *whole,
                               uint8_t percent, const struct address *provers,
                               uint32_t prover_count);

/* Nobody is to blame: pays who replayed as far as the escrow has more than the plan needs. */
void settlement_undecided(struct attempt *attempt);

/* Slashes the attempt's worker; what was taken. Requires percent <= 100. */
struct amount settlement_slash(struct attempt *attempt, uint8_t percent,
                               const struct address *provers, uint32_t prover_count);

#endif
