/* The log of promises: what is persisted before it is signed, and how it is read back.
 *
 *   record    holds                     written before          read back as
 *   PREPARE   ballot, header            SIGN of the PREPARE     the vote, and the block to execute again
 *   COMMIT    header, certificate       SIGN of the COMMIT      the vote (the same ballot), and the lock
 *   LOCK      header, certificate       (when rewritten)        the lock of an earlier view
 *   CHANGE    body of a VIEW-CHANGE     SIGN of it              the wanted view; all votes below it are over
 *   OPENING   body of a NEW-VIEW        SIGN of it              the NEW-VIEW that I made as primary
 *   ENTERED   NEW-VIEW, sealed          the first vote in it    the view that I was in
 *
 * Reading the records in order gives the state that wrote them. After JOURNAL_REWRITE records the live ones are written again and the old
 * ones forgotten, so the log stays short: as a block becomes durable, and, where none does, as views are wanted and entered. */
#ifndef CONSENSUS_JOURNAL_H
#define CONSENSUS_JOURNAL_H

#include "consensus/actions.h"

/* Records between two rewrites: 64, some 30 blocks, so that a restart reads little; and no rewrite before
 * four times the current NEW-VIEW's size was written, so that it costs little. */
#define JOURNAL_REWRITE 64

/* Each gives the sequence that its signature must wait for. */
uint64_t journal_prepare(struct consensus *c, struct actions *out, const struct slot *slot);
uint64_t journal_commit(struct consensus *c, struct actions *out, const struct slot *slot);
uint64_t journal_change(struct consensus *c, struct actions *out);
uint64_t journal_opening(struct consensus *c, struct actions *out);
void journal_entered(struct consensus *c, struct actions *out);

/* Rewrites the log when it has grown long. */
void journal_tidy(struct consensus *c, struct actions *out);

/* Takes back one record. ERR_CORRUPT: it is none of ours. */
MUST_USE enum err journal_read(struct consensus *c, uint64_t sequence, struct bytes record,
                               struct fault *fault);

#endif
