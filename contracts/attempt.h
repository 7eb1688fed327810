/* One attempt at a segment, from its lease to its end (the table of slots in contracts/jobs.h).
 *
 *     attempt_begin     WAITING or a new round -> TRAINING
 *     attempt_commit    TRAINING -> DRAWING or SEALING          attempt_serve     SERVING -> SEALING
 *     attempt_lost      any -> WAITING or MISSED                settlement_verified    OPENING, CLAIMING -> VERIFIED
 *     claim_make        CLAIMING -> OPENING, VOTING or VERIFIED
 *     attempt_due       what a deadline does in each status
 *
 * A segment begins only while the round's deadline leaves it segment_ms, the job's deadline its whole audit as well, and the job isn't
 * ending. */
#ifndef CONTRACTS_ATTEMPT_H
#define CONTRACTS_ATTEMPT_H

#include "contracts/jobs.h"
#include "contracts/parameters.h"

/* All that a step needs, read once. `slot` and `progress` are written back by attempt_status. */
struct attempt {
    const struct catalog_run *run;
    uint64_t id;     /* of the job */
    uint16_t number; /* of the slot */
    struct jobs_job job;
    struct jobs_progress progress;
    struct jobs_slot slot;
    struct parameters parameters;
    uint32_t validators; /* n */
    uint32_t auditors;   /* f + 1: how many must replay, of the set as it is now */
    struct amount fees;  /* that replayers were paid in this step */
    uint8_t seats;       /* above every seat of the set; some may be free */
};

/* What f + 1 replayers found against the worker. */
struct attempt_evidence {
    struct jobs_answer answer;
    struct digest committed;
};

/* False if there is no such slot. */
bool attempt_load(struct attempt *attempt, const struct catalog_run *run, uint64_t job,
                  uint16_t slot);

/* The attempt that a call names, if its slot's status is one of `statuses` (bits 1 << enum jobs_slot_status).
 * NOT_FOUND, STALE, WRONG_STATE, TOO_LATE. */
enum verdict attempt_find(struct attempt *attempt, const struct catalog_run *run,
                          const struct jobs_segment *segment, uint32_t statuses);

/* Names the current attempt. */
struct jobs_segment attempt_segment(const struct attempt *attempt);

/* Sets the slot's status and its timer (0: none), and writes slot and progress. */
void attempt_status(struct attempt *attempt, enum jobs_slot_status status, uint64_t deadline_ms);

/* Moves the status' timer. */
void attempt_extend(struct attempt *attempt, uint64_t deadline_ms);

void attempt_emit(const struct attempt *attempt, enum event_tag tag, enum leases_reason reason,
                  const struct amount *amount);

/* Starts training on the leased machine. Requires slot.leased; round, attempt and start root are set. */
void attempt_begin(struct attempt *attempt);

/* Looks for a machine when matches are due again, in this block or the next, or gives the round up when it is too late for a segment. */
void attempt_wait(struct attempt *attempt);

/* The attempt failed: `slashed` of the worker's stake is gone already. Frees everything else, keeps the result, ends the lease's item,
 * and waits for another machine. `evidence` may be NULL. */
void attempt_lost(struct attempt *attempt, enum leases_reason reason, const struct amount *slashed,
                  const struct attempt_evidence *evidence);

/* The job ends with the attempt still going: as attempt_lost, without penalty, and there is no next one. Leaves the lease to the caller. */
void attempt_abandon(struct attempt *attempt, enum leases_reason reason);

/* The item is proven false after a payment: it ends, with what its worker has in hand in this slot. */
void attempt_dismiss(const struct catalog_run *run, uint64_t job, uint16_t slot, uint32_t item,
                     enum leases_reason reason);

/* True from commitment to verdict: DRAWING to VOTING. */
bool attempt_is_audited(const struct attempt *attempt);

/* True if the sender is the slot's worker. */
bool attempt_is_worker(const struct attempt *attempt);

/* Writes the attempt's result. */
void attempt_result(const struct attempt *attempt, const struct jobs_result *result);

/* Methods of contracts/jobs.h. */
enum verdict attempt_commit(const struct catalog_run *run, const void *args);
enum verdict attempt_serve(const struct catalog_run *run, const void *args);
enum verdict attempt_decline(const struct catalog_run *run, const void *args);

/* DUE_SLOT or DUE_SEARCH fired. */
void attempt_due(const struct catalog_run *run, uint64_t job, uint16_t slot);

#endif
