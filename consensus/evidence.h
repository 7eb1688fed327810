/* Evidence: two messages of one seat that no correct seat signs both. (DESIGN 5) Pure; the same verdict on every machine and at every replay.
 *
 *   kind                    first, second                why a correct seat never signs both
 *   TWO_STATEMENTS          two PRE-PREPAREs, PREPAREs   one block a height and view, under the one NEW-VIEW that it entered; the log of
 *                           or COMMITs of one height     promises and the guard keep it so over restarts
 *                           and view
 *   COMMIT_AGAINST_PREPARE  COMMIT, PREPARE of one       it sends COMMIT only for what it sent PREPARE for
 *                           height and view
 *   TWO_VIEW_CHANGES        two VIEW-CHANGEs for one     written once, durable before it is sent, then repeated byte for byte
 *                           view
 *   COMMIT_FORGOTTEN        COMMIT of a height h, view   it holds the prepared certificate of what it committed to, and reports that, a
 *                           v; VIEW-CHANGE for a view    later one for h, or that h is committed
 *                           above v
 *
 * Both are of one set of validators and one chain: the signatures cover both. */
#ifndef CONSENSUS_EVIDENCE_H
#define CONSENSUS_EVIDENCE_H

#include "consensus/verify.h"

/* Stored: never renumbered. */
enum evidence_kind {
    EVIDENCE_TWO_STATEMENTS = 1,
    EVIDENCE_COMMIT_AGAINST_PREPARE = 2,
    EVIDENCE_TWO_VIEW_CHANGES = 3,
    EVIDENCE_COMMIT_FORGOTTEN = 4,
};

#define EVIDENCE_KIND_MAX 4

/* Two sealed messages, each [tag, [sender, body, signature]]; the body of a VIEW-CHANGE is its brief (message.h), which is what was signed.
 * So both fit in a transaction, for any number of validators. */
struct evidence {
    struct bytes first, second;
};

extern const struct record evidence_record;

struct evidence_finding {
    enum evidence_kind kind;
    struct seat seat;     /* who signed both */
    struct digest set;    /* in which it sits */
    struct view view;     /* of the first message */
    struct height height; /* of the first message; 0: TWO_VIEW_CHANGES */
};

/* Lower-case, as people read it: "two statements". */
const char *evidence_name(enum evidence_kind kind);

/* The set that the evidence is about, whose committee evidence_check needs. ERR_MALFORMED, ERR_LIMIT: bytes. Uses `arena`. */
MUST_USE enum err evidence_set(struct arena *arena, struct digest *set, struct bytes packed);

/* Finds what two messages prove. Of the context it uses chain, committee, `read` and `signature`; heights and views play no part, so old
 * evidence stays good. ERR_MALFORMED, ERR_LIMIT: bytes; ERR_SIGNATURE: not signed by that seat; ERR_MISMATCH: of another set, or it proves
 * nothing. 4 times the evidence's size and 64 KiB suffice for `arena`. */
MUST_USE enum err evidence_check(struct arena *arena, const struct verify_context *context,
                                 struct evidence_finding *finding, struct bytes packed,
                                 struct fault *fault);

/* True if who signed COMMIT for `commit` can't have signed `change` and be correct. Requires that both are of one set. */
bool evidence_forgets(const struct message_brief *change, const struct ballot *commit);

#endif
