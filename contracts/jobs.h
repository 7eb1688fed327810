/* Jobs: training that is leased, committed, replayed, paid, and closed round by round (DESIGN 8.4, 8.5).
 *
 * This header is the rules; trainer/ is the arithmetic; the agents (`tenure work`, `tenure replay`) do the work. A job's life is in
 * jobs_life.c, the bytes that people hash in jobs_bytes.c, records in jobs_record.c. An agent polls:
 *
 *     open/ <job u64> -> struct jobs_open               the jobs that haven't ended: start here
 *     job/ <job u64> -> struct jobs_job                 what was submitted; never changes
 *     progress/ <job u64> -> struct jobs_progress       where it stands
 *     slot/ <job> <slot u16> -> struct jobs_slot        the segment that each slot is at
 *     trace/ <job> <slot> -> struct jobs_trace          the leaf digests that its worker committed
 *     served/ <job> <slot> -> struct jobs_served        sampled audits: states that its worker serves
 *     audit/ <job> <slot> <seat u8> -> struct jobs_audit     which replayer replays it, and how far that is
 *     vote/ <job> <slot> <seat u8> -> struct jobs_vote       answers to a dispute
 *     ballot_close/ <job> <seat u8> -> struct jobs_ballot    results of the round that replayers signed
 *   and, for history,
 *     round/ <job> <round u32> -> struct jobs_round     global roots, who was included
 *     result/ <job> <round u32> <slot u16> <attempt u16> -> struct jobs_result     every attempt's outcome, payment and evidence
 *     ordering/ <address> -> struct jobs_count          the account's open jobs
 *     load/ <address> -> struct load_total               what the replayer has been assigned and hasn't sealed (contracts/load.h)
 *     job_count -> struct jobs_counter
 *
 * Numbers in keys are big-endian; jobs are numbered from 1, rounds, slots, attempts, intervals and leaves from 0.
 *
 * ---- A job ----
 *     status     what leads there                                                                         event
 *     WAITING    (none): submit; the budget is in escrow, a deposit is locked                             job_submitted
 *     RUNNING    WAITING: the matcher leased all W slots at once. Round 0 opens                           job_leased, round_opened
 *                CLOSING: f + 1 equal jobs.close. The next round opens                                    round_closed, round_opened
 *                RUNNING: too few verified; once a round, the missed slots get round_ms more              round_extended
 *     CLOSING    RUNNING: no slot is at work any more, and >= quorum are VERIFIED                         round_closing
 *     ENDED      CLOSING: the last round is closed (COMPLETED); no f + 1 in replay_ms (UNCLOSED)          job_ended
 *                RUNNING: so many slots diverged that < quorum can verify (DIVERGED); < quorum after the extension (QUORUM_LOST); no slot is at work any more and
 *                         the consumer cancelled (CANCELLED) or deadline_ms has come (EXPIRED)
 *                WAITING, CLOSING: cancel (CANCELLED); deadline_ms (EXPIRED)
 *                WAITING, RUNNING, CLOSING: no time is left to begin a segment (EXPIRED)
 * At ENDED the lease ends, every stake goes home (where a segment was paid, challenge_ms later: contracts/challenge.h), and deposit and what
 * is left of the escrow go to the consumer. The deposit is parameters.job_deposit times the account's open jobs, this one included, so that
 * who fills the list of open jobs pays for it.
 *
 * A segment begins only if all of its audit fits before deadline_ms (jobs_has_time), and what is committed by then is audited and paid
 * all the same: the consumer chose the clock, so it is never the worker's loss.
 *
 * ---- A slot in a round ----
 *     status     what leads there                                                                   timer, and what it does
 *     WAITING    the round opens and the slot has no machine; its worker was lost                   match again, or MISSED
 *     TRAINING   the round opens, or the matcher leased it anew (attempt + 1): segment_started      segment_ms: SILENT, WAITING
 *                (TRAINING: jobs.decline in the first answer_ms: DECLINED, no slash, WAITING)
 *     DRAWING    TRAINING: jobs.commit, when audits are sampled                                     epoch's end: mute replaced
 *     SERVING    DRAWING: all drawn                                                                 replay_ms + answer_ms: WITHHELD, WAITING
 *     SEALING    TRAINING: jobs.commit, when audit = all; SERVING: jobs.serve                       replay_ms, or as long as the load
 *                                                                                                   takes: mute replaced
 *     OPENING    SEALING: all assigned have sealed                                                  answer_ms: mute replaced
 *     CLAIMING   OPENING: all assigned agree, or an answer differs; once (contracts/claim.h)        answer_ms: on without the claim
 *     VOTING     CLAIMING: an answer differs from the commitment; OPENING, when it is claimed       replay_ms: UNDECIDED, WAITING
 *     VERIFIED   CLAIMING: all assigned agree: the price and the replay fees are paid at once; OPENING, when it is claimed
 *     DIVERGED   the same, of a trace that ends in a divergence
 *     MISSED     WAITING: too late for a segment in this round, or the job is ending; uncommitted at deadline_ms
 *   From VOTING: f + 1 equal answers. Equal to the commitment: the outvoted lose their stakes, the next in rotation replays in place of
 *   the disputer (SEALING or DRAWING). Unequal: the worker is slashed (FRAUD, or WITHHELD if the answer is "unavailable"), WAITING.
 *   A replayer that is mute loses slash_mute per cent of its stake. When the rotation is used up, every validator is asked, and f + 1
 *   equal answers decide (contracts/audit.h). Fewer answer: UNAUDITED, WAITING, no slash; with n - f that do it can't happen.
 *
 * ---- A program that diverges ----
 * In training a number may stop being finite: the program's fault, and the same for everybody. The trace says where (trainer/trace.h), and
 * is audited like any other, except that every replayer's draw holds the interval that diverged. The worker is paid for its intervals up to
 * that one, replayers for what they replayed; the slot is DIVERGED, in no average, and isn't tried again in that round. A round that can't
 * reach its quorum any more for it ends the job (DIVERGED). Nothing of such a trace may be planted.
 *
 * ---- Who calls what ----
 *     consumer            submit, cancel
 *     the slot's worker   commit, decline (TRAINING), serve (SERVING), claim (CLAIMING)
 *     assigned replayer   seal (SEALING), open (OPENING, CLAIMING, VOTING)
 *     anybody             draw (DRAWING), once reveals are there (contracts/beacon.h)
 *     any validator's replayer   vote (VOTING), close (CLOSING)
 *
 * ---- What a worker does: slot.status TRAINING, slot.worker = me ----
 *     global state = blob progress.global_root; residue = the one in the end state blob slot.residue_root (zero: no residue)
 *     segment_start(...) must give slot.start_root; train; leaves 0..I, I = share_of(job, slot).intervals
 *     what replayers can't have, the worker withholds: data, global state and residue must be at the nodes before it commits
 *     what can't be had: decline within parameters.answer_ms of the segment's start; later it is SILENT
 *     push the end state as a blob (and, when sampled, the state at every leaf), then commit before slot.deadline_ms
 *     sampled: when slot.status is SERVING, serve leaf j for every interval j that an audit/ record drew
 *     slot.status CLAIMING: claim, with the leaves that were planted, if any
 * ---- What a replayer does: audit.replayer = me ----
 *     audit.status ASSIGNED and slot.status SEALING: replay the intervals (audit all: every one, from slot.start_root; sampled:
 *         audit.intervals, each from the served state), seal before slot.deadline_ms
 *     audit.status SEALED and slot.status OPENING: open before slot.deadline_ms, with the answers and nonce that were sealed; again,
 *         if the worker's claim has shown that a planted leaf was answered with the true one
 *     slot.status VOTING: replay slot.disputed and vote, unless audit/vote shows that it has; status CLOSING: aggregate and close
 *     Interval j runs from leaf j to leaf j + 1; its answer is leaf j + 1: (state root, witness), or that it diverged. A state that can't
 *     be had is answered with both zero: "unavailable". To be mute would cost the replayer.
 *     Intervals from slot.trained on, behind a divergence, are nobody's work.
 *
 * ---- What these rules don't prevent ----
 *     Data that can't be had: nobody proves at submit that it can. Who is leased declines, and has lost answer_ms at most. Who commits all
 *     the same is answered with "unavailable", and pays for withholding.
 *     A provider that declines what it could do, once a job: each of its accounts delays the job by answer_ms.
 *     A worker that serves a drawn state to f + 1 replayers only: the others answer "unavailable", and pay for silence when outvoted.
 *     Votes and closes of many jobs at once: each has its job's replay_ms, however many there are. Seals have the time that their
 *     replayer's other jobs may take (contracts/load.h); who is assigned doesn't depend on that, else whoever loads the honest ones chose.
 *     A replayer that a worker hands its true trace: it is paid for a replay that it didn't do. A worker that hands out a planted one
 *     gains more (contracts/claim.h).
 *     A false segment that no draw hit and nobody challenges in time.
 *     An initial state that somebody made from a tainted model: where the file of `tenure job submit --model` is from isn't on the ledger,
 *     so a taint ends with its job.
 *   A consortium that admits consumers and providers by name bears these by revoking who abuses them.
 *
 * ---- Bytes ----
 *     seal  = SHA-256("tenure/seal/1" | chain | replayer's address | job u64 | round u32 | slot u16 | attempt u16 | count u16 |
 *             count times (interval u16 | state root | witness) | nonce 32)
 *     draw  = for i = 0 .. k-1: swap(list[i], list[i + v mod (I - i)]) in the list 0 .. I-1, v the first eight bytes of
 *             SHA-256("tenure/draw/1" | preimage | job u64 | round u32 | slot u16 | attempt u16 | trace root | n u32), n = 0, 1, ...
 *             one for each try; a v >= 2^64 - 2^64 mod (I - i) is tried again. The first k of the list, ascending. I is slot.trained
 *             (k at most that); where the trace diverged, the last of them is I - 1 whatever was drawn.
 *   Integers are big-endian; texts have no zero.
 *
 * ---- Where this differs from DESIGN 8.4 and 8.5 ----
 *   The commitment carries all leaf digests (at most JOBS_INTERVALS_MAX + 1 of them) instead of two proofs, so a worker has nothing to
 *   open after the seals, and can't withhold it. One seal covers all answers of an audit. A round waits for its audits, which are
 *   bounded in time, instead of paying late ones without averaging them. The steps of a slot are the job's terms, and so its lease's. The window
 *   of challenges is a time, not a number of blocks, and a challenge is replayed from the segment's start, so the worker serves nothing
 *   for it. What is planted is a leaf of a paid segment, and its own worker plants it: nobody else knows an answer without the work. */
#ifndef CONTRACTS_JOBS_H
#define CONTRACTS_JOBS_H

#include "base/address.h"
#include "base/units.h"
#include "contracts/catalog.h"
#include "contracts/credits.h"
#include "contracts/leases.h"
#include "contracts/parameters.h"
#include "contracts/schedule.h"
#include "trainer/program.h"
#include "trainer/trace.h"

#define JOBS_WORKERS_MAX   64 /* so that a round's verified slots are one u64 */
#define JOBS_ROUNDS_MAX    100000
#define JOBS_INTERVALS_MAX 256  /* leaves and answers fit in a transaction: 256 x 72 bytes */
#define JOBS_CHUNKS_MAX    65536 /* of a segment's state: what a node's store takes of one blob (net/blob.h) */
#define JOBS_DRAWN_MAX     64   /* intervals of one sampled audit */
#define JOBS_OPEN_MAX      4096 /* jobs that haven't ended: bounds what agents list */
#define JOBS_ACCOUNT_MAX   64   /* of one account: nobody fills the list alone */
#define JOBS_TIME_MAX_MS   (30ull * 86400000)  /* a segment, a replay, a round */
#define JOBS_LIFE_MS       (366ull * 86400000) /* a job */
#define JOBS_WHOLE         0xffff              /* "slot" of the search for a whole job */

enum jobs_status { JOBS_WAITING = 1, JOBS_RUNNING = 2, JOBS_CLOSING = 3, JOBS_ENDED = 4 };

enum jobs_slot_status {
    JOBS_SLOT_WAITING = 1,
    JOBS_SLOT_TRAINING = 2,
    JOBS_SLOT_DRAWING = 3,
    JOBS_SLOT_SERVING = 4,
    JOBS_SLOT_SEALING = 5,
    JOBS_SLOT_OPENING = 6,
    JOBS_SLOT_VOTING = 7,
    JOBS_SLOT_VERIFIED = 8,
    JOBS_SLOT_MISSED = 9,
    JOBS_SLOT_CLAIMING = 10,
    JOBS_SLOT_DIVERGED = 11,
};

/* An audit: ASSIGNED (drawn at once when audit = all) -> SEALED -> AGREED or DISPUTED; from any of them to ENDED when it is mute,
 * outvoted, or the attempt is over. A claim turns AGREED with a planted leaf into DISPUTED, and DISPUTED with the true one into SEALED. Its stake (CREDITS_AUDIT) is locked from ASSIGNED until the attempt is over. */
enum jobs_audit_status {
    JOBS_AUDIT_ASSIGNED = 1,
    JOBS_AUDIT_SEALED = 2,
    JOBS_AUDIT_AGREED = 3,
    JOBS_AUDIT_DISPUTED = 4,
    JOBS_AUDIT_ENDED = 5,
};

/* --- methods --- */

/* submit: a new job, WAITING; its number is in the event job_submitted. Sender: consumer.
 * BAD_PROGRAM; OUT_OF_BOUNDS (any bound below); STAKE_TOO_LOW (share_stake); TOO_MANY (JOBS_ACCOUNT_MAX, JOBS_OPEN_MAX); BUDGET_TOO_SMALL:
 * budget >= rounds x the sum over slots of (price_max + auditors x replayed intervals x replay_fee), as share_budget says; BALANCE_TOO_LOW
 * (the budget, the deposit). auditors = f + 1 of the validators now; when the set has grown, the f + 1 of then share these fees. */
#define JOBS_SUBMIT 1
struct jobs_steps {
    uint32_t steps; /* H_w: that the slot trains in every round */
};
struct jobs_submit {
    struct bytes name;    /* text, for people */
    struct bytes program; /* packed (trainer/program.h); intervals <= JOBS_INTERVALS_MAX */
    struct digest data_root;
    struct digest global_root;  /* of round 0 */
    struct digest *start_roots; /* of round 0, by slot */
    uint32_t start_root_count;  /* = workers */
    uint32_t rounds;            /* 1..JOBS_ROUNDS_MAX */
    uint16_t workers;           /* 1..JOBS_WORKERS_MAX */
    /* By slot, of machines of unequal speed: H, or a multiple of C below it. None: every slot trains H steps. (contracts/share.h) */
    struct jobs_steps *shares;
    uint32_t share_count; /* 0 or workers */
    uint16_t quorum;      /* verified segments that close a round; 1..workers */
    uint32_t memory_mib;  /* that a slot's machine must have; at least program_memory_mib, which parameters.replay_mib covers */
    /* A full segment, > 0, and less for a smaller share; what is paid is the leased offer's price of its work. */
    struct amount price_max;
    struct amount replay_fee; /* an interval, to each assigned replayer; >= parameters.replay_fee_min */
    /* Of the worker, for a full segment, > 0 and at least share_stake; less for a smaller share. */
    struct amount stake;
    /* Intervals that each replayer draws, 1..min(JOBS_DRAWN_MAX, the smallest share's intervals); 0: audit = all. */
    uint16_t sample;
    /* To fetch, train and commit a segment: at least parameters.answer_ms, and what the states take that its worker moves (SHARE_STATES) at
     * parameters.transfer_kib; at most JOBS_TIME_MAX_MS. */
    uint64_t segment_ms;
    /* To replay and seal, to vote, to close: at least parameters.answer_ms, and what parameters.replay_mmacs takes for the intervals of an
     * audit of each slot and parameters.transfer_kib for their states, so that no terms fine an honest replayer; at most
     * JOBS_TIME_MAX_MS. */
    uint64_t replay_ms;
    uint64_t round_ms; /* in which segments may be leased anew; segment_ms..JOBS_TIME_MAX_MS */
    /* Of the whole job, block time: no segment begins that can't be audited by then (jobs_has_time); so at least one must fit, and
     * it is at most now + JOBS_LIFE_MS. */
    uint64_t deadline_ms;
    struct amount budget; /* moves into escrow */
};

/* cancel: WAITING, CLOSING: ends now; RUNNING: no segment is begun any more; ends when those at work are settled and paid. Sender: the
 * job's consumer.
 * NOT_FOUND, NOT_OWNER, WRONG_STATE (ended), ALREADY_DONE. */
#define JOBS_CANCEL 2
struct jobs_cancel {
    uint64_t job;
};

/* Names one attempt at a segment. In every method below: NOT_FOUND, STALE (not the slot's current round and attempt),
 * WRONG_STATE (the slot's status has no such call), TOO_LATE (slot.deadline_ms has come). */
struct jobs_segment {
    uint64_t job;
    uint32_t round;
    uint16_t slot;
    uint16_t attempt;
};

/* commit: the worker's trace, once. NOT_WORKER, WRONG_LEAVES (not I + 1 of the slot's share), WRONG_START (leaf 0 isn't slot.start_root with witness
 * zero), WRONG_END (the last leaf isn't `end`, or nothing was trained before a
 * divergence), WRONG_TRACE_ROOT. The leaves are digests, so nobody can
 * answer an audit from them; only the last one is open, which is why one seal covers all answers of an audit. */
#define JOBS_COMMIT 3
struct jobs_commit {
    struct jobs_segment segment;
    struct digest trace_root; /* RFC 6962 root of `leaves` */
    struct digest *leaves;    /* trace_leaf_digest of leaf 0..I */
    uint32_t leaf_count;
    struct trace_leaf end; /* leaf I */
};

/* draw: every assigned replayer whose reveal is there gets its intervals. NOTHING_DRAWN. */
#define JOBS_DRAW 4

/* serve: for each interval j that was drawn, ascending, leaf j: where its replay starts. NOT_WORKER, WRONG_INTERVALS, WRONG_START (not
 * the leaf that was committed). Showing leaf j answers interval j - 1, so of two neighbours that are both drawn only the later one
 * proves that its replayer worked; that the worker did is proven by any honest one. */
#define JOBS_SERVE 5
struct jobs_start {
    uint16_t interval;
    struct trace_leaf leaf;
};
struct jobs_serve {
    struct jobs_segment segment;
    struct jobs_start *starts;
    uint32_t start_count; /* <= JOBS_INTERVALS_MAX */
};

/* seal: the replayer's sealed answers, once. NOT_REPLAYER, NOT_ASSIGNED, ALREADY_DONE. */
#define JOBS_SEAL 6
struct jobs_seal {
    struct jobs_segment segment;
    struct digest seal;
};

/* open: what was sealed. NOT_REPLAYER, NOT_ASSIGNED, ALREADY_DONE, WRONG_INTERVALS (not the assigned ones, ascending), WRONG_SEAL. */
#define JOBS_OPEN 7
struct jobs_answer {
    uint16_t interval;
    struct trace_leaf leaf; /* leaf interval + 1; zero, zero: unavailable */
};
struct jobs_open_seal {
    struct jobs_segment segment;
    struct jobs_answer *answers;
    uint32_t answer_count; /* <= JOBS_INTERVALS_MAX */
    struct digest nonce;
};

/* vote: an answer to the dispute, once. The disputer's answer is its vote already, and so is an opening that covers slot.disputed and
 * agreed. Who has no live audit of the attempt stakes parameters.replay_stake, or what its balance covers (CREDITS_VOTE).
 * NOT_REPLAYER, ALREADY_DONE, WRONG_INTERVALS (not slot.disputed). */
#define JOBS_VOTE 8
struct jobs_cast {
    struct jobs_segment segment;
    struct jobs_answer answer;
};

/* close: the round's result. NOT_FOUND, WRONG_STATE, STALE (round), NOT_REPLAYER, ALREADY_DONE,
 * OUT_OF_BOUNDS (start_root_count isn't workers, or 0 in the last round). */
#define JOBS_CLOSE 9
struct jobs_close {
    uint64_t job;
    uint32_t round;
    struct digest global_root;  /* of the next round; of the finished model after the last */
    struct digest *start_roots; /* of the next round, by slot */
    uint32_t start_root_count;
};

/* decline: the worker can't begin, because data, global state or residue can't be had or don't give start_root. The lease's item ends
 * without a fine, and the provider isn't leased in this job again. Only within parameters.answer_ms of the segment's start. NOT_WORKER. */
#define JOBS_DECLINE 10

/* claim: the worker's last word, once: the leaves that it planted. NOT_WORKER, WRONG_INTERVALS (not ascending, beyond the trace, or any
 * where the trace diverged),
 * WRONG_SEAL (the leaf that was committed isn't this one, planted with this nonce). */
#define JOBS_CLAIM 11
struct jobs_claim {
    struct jobs_segment segment;
    struct jobs_answer *truths; /* leaf interval + 1 as training gave it; ascending */
    uint32_t truth_count;       /* <= JOBS_INTERVALS_MAX; 0: nothing was planted */
    struct digest nonce;
};

extern const struct record jobs_steps_record;
extern const struct record jobs_submit_record;
extern const struct record jobs_cancel_record;
extern const struct record jobs_segment_record;
extern const struct record jobs_commit_record;
extern const struct record jobs_start_record;
extern const struct record jobs_serve_record;
extern const struct record jobs_seal_record;
extern const struct record jobs_answer_record;
extern const struct record jobs_open_seal_record;
extern const struct record jobs_cast_record;
extern const struct record jobs_close_record;
extern const struct record jobs_claim_record;
#define JOBS_METHOD_COUNT 11
extern const struct catalog_method jobs_methods[JOBS_METHOD_COUNT];

/* --- state --- */

struct jobs_job {
    struct address consumer;
    struct jobs_submit terms;
    uint32_t steps;     /* H of a full segment, from the program; a slot's own is in share_of */
    uint32_t interval;  /* C */
    uint32_t intervals; /* I = ceil(H / C) of a full segment */
    uint64_t work;      /* multiply-adds of a full segment (program_work) */
    uint64_t state_kib; /* of a segment's state, in whole chunks */
    uint32_t auditors;  /* replayers of a segment that the budget pays: f + 1 when it was submitted */
    uint64_t submitted_ms;
};

struct jobs_progress {
    uint8_t status; /* enum jobs_status */
    uint8_t reason; /* enum leases_reason */
    uint8_t
        ending; /* enum leases_reason: with which it ends when no slot is at work (CANCELLED, EXPIRED); OPEN: none yet */
    bool extended;   /* this round has had its extension */
    uint8_t search;  /* WAITING: enum schedule_outcome of the last match: why it waits */
    /* Bit s: seat s isn't chosen any more: it was outvoted, or disputed a segment and the vote stayed undecided. */
    uint64_t barred;
    uint64_t lease;  /* 0 before there is one */
    uint32_t round;  /* the current one; = rounds after COMPLETED */
    /* What the current round starts from; after COMPLETED the finished model's. */
    struct digest global_root;
    uint64_t round_opened_ms;
    uint64_t round_deadline_ms; /* no segment is begun that can't end by then */
    uint64_t deadline_ms;       /* timer of WAITING and CLOSING; else 0 */
    struct amount paid;         /* to workers */
    struct amount fees;         /* to replayers */
    uint64_t ended_ms;
    /* A segment of round tainted_from was proven false after it was paid: the results of this and all later rounds descend from it. */
    bool tainted;
    uint32_t tainted_from;
};

struct jobs_slot {
    uint8_t status; /* enum jobs_slot_status */
    uint32_t round;
    uint16_t attempt; /* grows with every attempt in a round; 0 is the round's first */
    bool leased;      /* item and worker are valid */
    uint32_t item;    /* of the job's lease */
    struct address worker;
    struct digest start_root; /* of this round */
    /* End root of the slot's last segment that was included; zero: the residue is zero. */
    struct digest residue_root;
    uint64_t since_ms;        /* when the status began */
    uint64_t deadline_ms;     /* timer of the status; 0: none */
    struct digest trace_root; /* from commit on, until the next attempt; a claim may change it */
    struct digest end_root;
    uint16_t trained; /* intervals that were committed as trained: all, or as many as a divergence ended */
    bool diverged;    /* the last of them diverged: there is no end state */
    uint16_t seats;    /* how many steps the rotation has taken in this attempt */
    bool summoned;     /* its second lap has asked everybody */
    uint16_t disputed; /* VOTING: the interval */
    bool claimed;      /* the worker has had its last word in this attempt */
    bool planted;      /* and opened planted leaves with it */
};

struct jobs_trace {
    struct jobs_segment segment;
    struct digest *leaves; /* digests of leaf 0..I */
    uint32_t leaf_count;
};

struct jobs_served {
    struct jobs_segment segment;
    struct jobs_start *starts;
    uint32_t start_count;
};

struct jobs_drawn {
    uint16_t interval;
};

/* What a replayer had done when an audit was assigned (contracts/load.h). */
struct jobs_mark {
    uint64_t mmacs;
    uint64_t jobs;
    uint64_t work; /* that the audit counts for */
};

struct jobs_audit {
    struct jobs_segment segment;
    struct address replayer;
    uint8_t status;               /* enum jobs_audit_status */
    bool drawn;                   /* intervals are known */
    uint64_t epoch;               /* sampled: the epoch whose reveal draws them */
    struct jobs_drawn *intervals; /* sampled: ascending; empty when audit = all */
    uint32_t interval_count;
    struct digest seal;        /* zero before */
    struct jobs_answer answer; /* DISPUTED: the first answer that differs */
    struct jobs_mark mark;
};

struct jobs_vote {
    struct jobs_segment segment;
    struct address replayer;
    struct jobs_answer answer;
};

struct jobs_ballot {
    uint32_t round;
    struct address replayer;
    struct digest global_root;
    struct digest result; /* SHA-256 of global root | start roots */
};

struct jobs_open {
    uint64_t job;
};

struct jobs_round {
    struct digest global_root; /* that it started from */
    uint64_t opened_ms;
    uint64_t closed_ms;      /* 0 while it is open */
    uint64_t included;       /* bit w: slot w's delta is in the next global state */
    struct digest next_root; /* zero while it is open */
};

/* One attempt, when it is over. */
struct jobs_result {
    struct address worker;
    uint64_t lease;
    uint32_t item;
    uint8_t reason; /* enum leases_reason; LEASES_COMPLETED: verified; LEASES_DIVERGED: paid, not averaged */
    uint64_t ended_ms;
    struct digest start_root;
    struct digest residue_root; /* with the round's global root, what start_root is made of */
    struct digest trace_root;   /* zero if nothing was committed */
    struct digest end_root;
    struct amount paid;        /* to the worker */
    struct amount fees;        /* to the replayers, out of the escrow or the worker's stake */
    struct amount slashed;     /* of the worker's stake, fees included */
    bool decided;              /* by a vote against the worker: the evidence follows */
    struct jobs_answer answer; /* what f + 1 replayers found */
    struct digest committed;   /* the leaf digest that the worker committed instead */
};

struct jobs_count {
    uint32_t open; /* <= JOBS_ACCOUNT_MAX */
};

struct jobs_counter {
    uint64_t count; /* the last number given */
    uint32_t open;  /* <= JOBS_OPEN_MAX */
};

extern const struct record jobs_job_record;
extern const struct record jobs_progress_record;
extern const struct record jobs_slot_record;
extern const struct record jobs_trace_record;
extern const struct record jobs_served_record;
extern const struct record jobs_drawn_record;
extern const struct record jobs_audit_record;
extern const struct record jobs_vote_record;
extern const struct record jobs_ballot_record;
extern const struct record jobs_open_record;
extern const struct record jobs_round_record;
extern const struct record jobs_result_record;
extern const struct record jobs_count_record;
extern const struct record jobs_mark_record;
extern const struct record jobs_counter_record;

/* --- for agents and tools --- */

/* The seal of `answers` (see Bytes above). */
struct digest jobs_seal_of(const struct digest *chain, const struct address *replayer,
                           const struct jobs_segment *segment, const struct jobs_answer *answers,
                           uint32_t count, const struct digest *nonce);

/* The intervals that `preimage` draws, ascending, in out[k]. Requires 1 <= k <= JOBS_DRAWN_MAX, k <= intervals <= JOBS_INTERVALS_MAX. */
void jobs_draw_of(struct jobs_drawn *out, uint32_t k, uint32_t intervals,
                  const struct digest *preimage, const struct jobs_segment *segment,
                  const struct digest *trace_root);

/* --- for the files that live a job: attempt.c, audit.c, dispute.c, settlement.c, round.c --- */

bool jobs_get(struct view_state *view, uint64_t job, struct jobs_job *out);
bool jobs_get_progress(struct view_state *view, uint64_t job, struct jobs_progress *out);
void jobs_put_progress(struct view_state *view, uint64_t job, const struct jobs_progress *progress);
bool jobs_get_slot(struct view_state *view, uint64_t job, uint16_t slot, struct jobs_slot *out);
void jobs_put_slot(struct view_state *view, uint64_t job, uint16_t slot,
                   const struct jobs_slot *state);

/* An attempt that is over. */
bool jobs_get_result(struct view_state *view, const struct jobs_segment *segment,
                     struct jobs_result *out);
void jobs_put_result(struct view_state *view, const struct jobs_segment *segment,
                     const struct jobs_result *result);

/* The escrow of a job, and its deposit. */
struct credits_place jobs_escrow(uint64_t job);
struct credits_place jobs_deposit(uint64_t job);

/* True if a segment that begins now ends, with its audit, before the job's deadline: segment_ms + audit_longest_ms. */
bool jobs_has_time(const struct catalog_run *run, const struct jobs_job *job);

/* Ends the job: lease, attempts, stakes, escrow, timers. Requires a job that hasn't ended. */
void jobs_end(const struct catalog_run *run, uint64_t job, enum leases_reason reason);

/* --- what falls due; DUE_SLOT is attempt_due --- */

void jobs_due_deadline(const struct catalog_run *run, uint64_t job); /* DUE_JOB */
void jobs_due_match(
    const struct catalog_run *run,
    uint64_t job); /* DUE_MATCH: matches a WAITING job, ends one that nobody closed */

#endif
