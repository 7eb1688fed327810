/* What validators say to each other beside the messages of consensus: records by tag, over net/peer.h.
 *
 *   tag          body                    lane    when
 *   MESSAGE      consensus/message.h     votes   consensus wants it sent
 *   BODY         header and body         bulk    pushed by the proposer before its PRE-PREPARE, and answers WANT_BODY
 *   WANT_BODY    header digest           bulk    a block is proposed or decided whose body isn't here
 *   TXS          list of transactions    bulk    clients gave them to the sender, so that any primary can order them
 *   WANT_BLOCKS  heights                 bulk    the sender is behind
 *   BLOCK        DECIDED message, body   bulk    answers WANT_BLOCKS, a height each
 *   WANT_WRITES  header digest           bulk    the sender's execution of a proposal gave other roots than the proposer's
 *   WRITES       discord.h            bulk    answers WANT_WRITES: what the execution wrote here
 *   WANT_SNAPSHOT height, or 0: any   bulk    the sender is far behind
 *   SNAPSHOT     DECIDED message      bulk    answers it, or a WANT_BLOCKS for blocks that aren't here any more
 *   WANT_CHUNK   height, position     bulk    the sender fetches the state of that height
 *   CHUNK        ledger/snapshot.h    bulk    answers it; empty: that state isn't here
 *   WANT_BOUNDARY height              bulk    the sender has met a set of validators that it doesn't know
 *   BOUNDARY     DECIDED message, set bulk    answers it: the first change of the validators above that height
 *
 * A list of transactions has the form of a block's body. */
#ifndef TOOLS_TENURED_WIRE_H
#define TOOLS_TENURED_WIRE_H

#include "base/record.h"
#include "consensus/subject.h"

/* On the wire: never renumbered. */
enum wire_tag {
    WIRE_MESSAGE = 1,
    WIRE_BODY = 2,
    WIRE_WANT_BODY = 3,
    WIRE_TXS = 4,
    WIRE_WANT_BLOCKS = 5,
    WIRE_BLOCK = 6,
    WIRE_WANT_WRITES = 7,
    WIRE_WRITES = 8,
    WIRE_WANT_SNAPSHOT = 9,
    WIRE_SNAPSHOT = 10,
    WIRE_WANT_CHUNK = 11,
    WIRE_CHUNK = 12,
    WIRE_WANT_BOUNDARY = 13,
    WIRE_BOUNDARY = 14,
};

/* Transactions are forwarded in lists of about this size. */
#define WIRE_TXS_BYTES 65536

struct wire_body {
    struct bytes header;
    struct bytes body;
};

struct wire_want_body { /* WANT_BODY, WANT_WRITES */
    struct digest digest;
};

struct wire_want_blocks {
    struct height from, to; /* inclusive */
};

struct wire_block {
    struct bytes decided; /* whole message */
    struct bytes body;
};

struct wire_want_snapshot {
    struct height height; /* 0: the latest that everybody offers */
};

struct wire_snapshot {
    struct height start;  /* the lowest height whose state the sender has; it has blocks above it */
    struct bytes decided; /* whole message */
};

struct wire_want_chunk {
    struct height height;
    struct digest from; /* a position */
};

struct wire_chunk {
    struct height height;
    struct digest from;
    struct bytes chunk;
};

struct wire_want_boundary {
    struct height above;
};

struct wire_boundary {
    struct bytes decided; /* whole message: the last block that the set before certifies */
    struct bytes set;     /* packed validator_set (contracts/validator.h) that certifies the next one */
};

extern const struct record wire_body_record;
extern const struct record wire_want_body_record;
extern const struct record wire_want_blocks_record;
extern const struct record wire_block_record;
extern const struct record wire_want_snapshot_record;
extern const struct record wire_snapshot_record;
extern const struct record wire_want_chunk_record;
extern const struct record wire_chunk_record;
extern const struct record wire_want_boundary_record;
extern const struct record wire_boundary_record;

/* consensus' view of the ledger's headers: a subject_read. `self` isn't used. */
bool wire_read_header(const void *self, struct consensus_block *block, struct bytes header);

#endif
