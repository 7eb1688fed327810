/* A vote of all validators on one interval of a trace (DESIGN 8.5): f + 1 equal answers decide, because one of them is honest and
 * arithmetic has one answer. contracts/dispute.h holds one while an
 * attempt is audited, contracts/challenge.h after it was paid.
 *
 * A vote stakes parameters.replay_stake, or what the balance covers if that is less: stakes deter lies, but f + 1 decides without them, so
 * nobody silences the validators by binding their balances elsewhere. A vote counts while its replayer still answers for the seat. */
#ifndef CONTRACTS_POLL_H
#define CONTRACTS_POLL_H

#include "base/limits.h"
#include "contracts/jobs.h"
#include "contracts/path.h"

struct poll {
    const struct catalog_run *run;
    const struct parameters *parameters;
    struct path votes;           /* <seat u8> -> struct jobs_vote */
    struct credits_place stakes; /* of seat 0; the part grows with the seat */
    uint32_t validators;         /* n */
    uint8_t seats;               /* above every seat of the set */
};

/* What a seat says. */
struct poll_ballot {
    bool is_there;
    struct digest leaf; /* poll_leaf of its answer */
    struct address replayer;
};

struct poll_decision {
    struct digest leaf; /* poll_leaf of the answer */
    struct jobs_answer
        answer; /* its leaf is zero if nobody cast it: all who gave it opened an audit */
    struct address winners[LIMIT_VALIDATORS]; /* who gave it */
    uint32_t winner_count;
};

/* True for the answer that a state can't be had: both digests zero. It equals no leaf, not even one that was committed so. */
bool poll_is_unavailable(const struct trace_leaf *leaf);

/* trace_leaf_digest; zero for "unavailable". */
struct digest poll_leaf(const struct trace_leaf *leaf);

/* The vote that was cast for the seat, whoever sits there now. */
bool poll_get(const struct poll *poll, uint8_t seat, struct jobs_vote *vote);

/* Keeps a vote that stakes nothing anew. */
void poll_put(const struct poll *poll, uint8_t seat, const struct jobs_vote *vote);

/* The sender's vote. `is_staked`: it has a stake on this attempt already. A vote of who sat there before is dropped. ALREADY_DONE. */
enum verdict poll_cast(const struct poll *poll, uint8_t seat, const struct jobs_vote *vote,
                       bool is_staked);

/* The votes that count, by seat. */
void poll_read(const struct poll *poll, struct poll_ballot ballots[LIMIT_VALIDATORS]);

/* The answer of f + 1 ballots; false if there is none yet. */
bool poll_decide(const struct poll *poll, const struct poll_ballot ballots[LIMIT_VALIDATORS],
                 struct poll_decision *decision);

/* Per cent of a stake that a wrong answer costs: all of it, or as much as silence if it was "unavailable". */
uint8_t poll_penalty(const struct poll *poll, const struct digest *leaf);

/* Fines the seat's vote for an answer that was outvoted. */
void poll_outvote(const struct poll *poll, uint8_t seat, const struct digest *leaf,
                  const struct poll_decision *decision);

/* Fines who sits there for not having voted: slash_mute per cent of replay_stake, or what the balance covers. After poll_close. */
void poll_fine_absent(const struct poll *poll, uint8_t seat);

/* Drops all votes and sends their stakes home. */
void poll_close(const struct poll *poll);

#endif
