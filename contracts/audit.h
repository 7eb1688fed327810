/* The audits of an attempt: who replays it, what they draw, seal and open (contracts/jobs.h; DESIGN 8.5).
 *
 *     status      made by                                  left by
 *     ASSIGNED    audit_proceed, in the order of rotation  jobs.seal; audit_mute, audit_close
 *     SEALED      jobs.seal; audit_reassess                jobs.open; audit_mute, audit_close
 *     AGREED      jobs.open, every answer equal            audit_outvote, audit_reassess
 *     DISPUTED    jobs.open, an answer differs; audit_reassess      audit_outvote, audit_reassess
 *     ENDED       audit_mute, audit_outvote, audit_close
 *
 * First lap: seats (job + round + slot + attempt + i) mod s for i = 0 .. s-1 (s: above every seat of the set), each at most once an attempt,
 * leaving out those that are free or vacant, belong to the worker's or the consumer's organisation, are revoked, can't cover
 * parameters.replay_stake, or who was outvoted or whose dispute went undecided in this job. Second lap, when that leaves fewer than `auditors`: every seat
 * without a live audit is asked at once, the parties' own and the mute included, and stakes what it has. It is the vote of all (DESIGN 8.5):
 * `auditors` = f + 1 equal answers verify, any other is disputed; so an honest segment is paid as long as f + 1 replayers answer, also where
 * n = 4 and worker and consumer have a seat each. A replayer whose validator leaves the set meanwhile can't go on: its audit ends at the
 * deadline without a fine, and the next in the rotation takes its place. What it answered before counts, but its vote in a dispute doesn't.
 *
 * To seal there is replay_ms, or as long as one of the attempt's replayers may need for what it was assigned before and meanwhile
 * (contracts/load.h): so no number of jobs fines an honest one. What comes meanwhile is looked at when the deadline comes. */
#ifndef CONTRACTS_AUDIT_H
#define CONTRACTS_AUDIT_H

#include "contracts/attempt.h"

/* The seat's audit of the current attempt; false if it has none. */
bool audit_get(const struct attempt *attempt, uint8_t seat, struct jobs_audit *audit);

/* Goes on to what the audits ask for next: more replayers, draws, states to serve, seals, openings, the claim, a vote; or the attempt is verified,
 * or lost when the rotation is used up. Writes the attempt. */
void audit_proceed(struct attempt *attempt);

/* The worker has opened planted leaves (contracts/claim.h): planted[i] was committed where truths[i] is the leaf. Who answered the first
 * is DISPUTED, who answered the second opens again. Both lists are of `count` answers, ascending. */
void audit_reassess(const struct attempt *attempt, const struct jobs_answer *planted,
                    const struct jobs_answer *truths, uint32_t count);

/* Fines and ends every audit that `status` waits for (DRAWING: no reveal), then proceeds. Who left the set isn't fined. */
void audit_mute(struct attempt *attempt);

/* Ends one audit: `percent` of its stake is split as settlement_split does. Nothing happens if it has ended. */
void audit_outvote(const struct attempt *attempt, uint8_t seat, uint8_t percent,
                   const struct address *winners, uint32_t winner_count);

/* The attempt is over: ends the audits that still wait, and sends every stake home. */
void audit_close(const struct attempt *attempt);

/* How long the audit of a commitment takes at most while no more than f replayers are faulty: each of them may be mute once and have the
 * next in rotation begin, and may dispute once and have all vote (auditors = f + 1). Without what other jobs' load adds: what is committed is
 * audited to its end all the same. */
uint64_t audit_longest_ms(const struct jobs_job *job, const struct parameters *parameters,
                          uint32_t auditors);

/* Intervals of the committed trace that one audit replays: none behind a divergence. */
uint32_t audit_replayed(const struct attempt *attempt);

/* True if the audit's answers include this interval. */
bool audit_covers(const struct jobs_job *job, const struct jobs_audit *audit, uint16_t interval);

/* The intervals drawn by audits that are going on, ascending, without repeats, in out[JOBS_INTERVALS_MAX]; how many. */
uint32_t audit_drawn(const struct attempt *attempt, uint16_t *out);

/* Methods of contracts/jobs.h. */
enum verdict audit_draw(const struct catalog_run *run, const void *args);
enum verdict audit_seal(const struct catalog_run *run, const void *args);
enum verdict audit_open(const struct catalog_run *run, const void *args);

#endif
