/* The log of consensus and the guard beside the key, in one file, so that one sync makes both durable.
 *
 *     votelog_open, then consensus_recover for each kept record, then
 *     votelog_append, guard_allow ...   and   votelog_sync   before anything that was promised leaves
 *
 * The file is a wal (tools/sys/wal.h): its mark is the guard, so the file also knows whether the guard is ahead of the log.
 * Records below the last forgotten sequence are dropped when enough of them have gathered. */
#ifndef TOOLS_TENURED_VOTELOG_H
#define TOOLS_TENURED_VOTELOG_H

#include "tools/sys/wal.h"
#include "tools/tenured/guard.h"

/* Bytes of dead records after which the file is written anew: a tenth of a second of work, every few thousand blocks. */
#define VOTELOG_DEAD_BYTES (8u << 20)

struct votelog_record {
    uint64_t sequence;
    struct bytes bytes; /* owned */
};

struct votelog {
    struct wal wal;
    struct guard guard;
    struct votelog_record *records; /* kept ones by ascending sequence; owned */
    size_t count, room;
    uint64_t kept_bytes; /* of `records` */
    uint64_t appended;   /* the last sequence */
    uint64_t synced;     /* durable through this sequence */
    bool dirty;          /* something waits for votelog_sync */
    bool whole;          /* nothing was missing when it was opened */
    enum err err;        /* while reading */
};

/* Opens or creates. ERR_MISMATCH: the guard is of another chain; ERR_NOT_FOUND: `must_exist` and there is none; ERR_CORRUPT, ERR_IO. */
MUST_USE enum err votelog_open(struct votelog *log, const char *path, const struct digest *chain,
                               bool must_exist, struct fault *fault);
void votelog_close(struct votelog *log);

/* Takes a copy of a record. Requires sequence = appended + 1, or the first of a new log. ERR_LIMIT: no memory. */
MUST_USE enum err votelog_append(struct votelog *log, uint64_t sequence, struct bytes record);

/* guard_allow, remembered for the next sync. */
MUST_USE bool votelog_allow(struct votelog *log, const struct action_sign *sign);

/* Records below `before` aren't needed any more. */
void votelog_forget(struct votelog *log, uint64_t before);

/* Makes all of it durable; nothing happens when nothing is new. After a failure the node must stop. */
MUST_USE enum err votelog_sync(struct votelog *log, struct fault *fault);

#endif
