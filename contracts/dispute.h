/* Disputes: an answer differs from the commitment, so the replayers of all validators vote on that interval, and f + 1 equal answers
 * decide: one of them is honest, and arithmetic has one answer (DESIGN 8.5).
 *
 * Ballots are votes (jobs.vote), the disputers' answers, and every AGREED opening that covers the interval. A seat with a live audit stakes
 * that; who has none pledges anew (contracts/poll.h).
 *
 *     decided for the worker     the disputer and every other answer are outvoted, pay, and aren't chosen in this job again; the audit
 *                                goes on (audit_proceed)
 *     decided against it         the worker is slashed, those who agreed with it are outvoted, the attempt is lost (FRAUD)
 *     "unavailable"              the worker is slashed for withholding (WITHHELD); nobody is outvoted, since it may have served some
 *     no decision in time        who gave no answer is fined slash_mute, every other stake goes home, the attempt is lost (UNDECIDED),
 *                                and neither the worker is leased nor the disputer assigned in this job again; with n >= 3f + 1
 *                                validators of which 2f + 1 vote it can't happen
 *
 * Who shares what the outvoted pay: those who gave the decided answer, and the worker if it planted leaves (contracts/claim.h).
 *
 * One interval at a time; the next dispute follows when it is decided. Who answered "unavailable" and is outvoted pays as a mute does. */
#ifndef CONTRACTS_DISPUTE_H
#define CONTRACTS_DISPUTE_H

#include "contracts/attempt.h"

/* Opens the vote on the first disputed interval, by seat. Requires a DISPUTED audit. */
void dispute_begin(struct attempt *attempt);

/* An audit was opened while the vote runs: its answer counts if it covers the disputed interval. Writes the attempt. */
void dispute_join(struct attempt *attempt, uint8_t seat, const struct jobs_audit *audit);

/* No decision in time. */
void dispute_expire(struct attempt *attempt);

/* Drops all votes and sends their stakes home. */
void dispute_close(const struct attempt *attempt);

/* Method of contracts/jobs.h. */
enum verdict dispute_vote(const struct catalog_run *run, const void *args);

#endif
