/* The log of consensus and the guard beside the key, in one file, so that one sync makes both durable.
 *
 *     votelog_open, then consensus_recover for each kept record, then
 *     votelog_append, guard_allow ...   and   votelog_sync   before anything that was promised leaves
 *
 * The file is a wal (tools/sys/wal.h): its mark is the guard, so the file also knows whether the guard is ahead of the log. How far both
 * had gone is pledged beside the key (tools/tenured/pledge.h), so a data folder that was lost or is an old copy is no whole log.
 *
 * Records below the last forgotten sequence are dropped when enough of them have gathered. What they promised is kept by the chain, which
 * lies in a folder of its own. So the log is no whole one either beside a chain that was put back:
 *     below what was forgotten                the locks of blocks that it lacks are gone
 *     below the set that was voted in         the core of the set before would drop that set's records as another's
 *     more than a window below a vote         the core has no slots for all that is promised */
#ifndef TOOLS_TENURED_VOTELOG_H
#define TOOLS_TENURED_VOTELOG_H

#include "tools/sys/wal.h"
#include "tools/tenured/guard.h"
#include "tools/tenured/pledge.h"

/* Bytes of dead records after which the file is written anew: a tenth of a second of work, every few thousand blocks. */
#define VOTELOG_DEAD_BYTES (8u << 20)

struct votelog_record {
    uint64_t sequence;
    struct bytes bytes; /* owned */
};

struct votelog {
    struct wal wal;
    struct guard guard;
    struct pledge pledge;
    struct votelog_record *records; /* kept ones by ascending sequence; owned */
    size_t count, room;
    uint64_t kept_bytes;        /* of `records` */
    uint64_t appended;          /* the last sequence */
    uint64_t synced;            /* durable through this sequence */
    bool dirty;                 /* something waits for votelog_sync */
    bool whole;                 /* nothing was missing when it was opened; else: */
    uint64_t muted_since;       /* votes may have been signed for the set since this height, ... */
    struct view muted_view;     /* ... up to this view ... */
    struct height muted_height; /* ... and for blocks up to this one, that nothing here tells of */
    enum err err;               /* while reading */
};

/* Opens or creates the log at `path`, and the pledge beside `key_path`. `head` is the height of the chain on this disk: only a chain without
 * blocks may be without a log. ERR_MISMATCH: of another chain; ERR_NOT_FOUND: the log is missing; ERR_CORRUPT, ERR_IO. */
MUST_USE enum err votelog_open(struct votelog *log, const char *path, const char *key_path,
                               const struct digest *chain, struct height head, struct fault *fault);
void votelog_close(struct votelog *log);

/* Takes a copy of a record. Requires sequence = appended + 1, or the first of a new log. ERR_LIMIT: no memory. */
MUST_USE enum err votelog_append(struct votelog *log, uint64_t sequence, struct bytes record);

/* guard_allow, remembered for the next sync. */
MUST_USE bool votelog_allow(struct votelog *log, uint64_t since, const struct action_sign *sign);

/* May a member of the set since height `since` have signed what nothing here tells of? Then up to *view. */
bool votelog_is_muted(const struct votelog *log, uint64_t since, struct view *view);

/* Drops what isn't needed any more, now that the log is durable through forget->after. */
void votelog_forget(struct votelog *log, const struct action_forget *forget);

/* Makes all of it durable; nothing happens when nothing is new. After a failure the node must stop. */
MUST_USE enum err votelog_sync(struct votelog *log, struct fault *fault);

#endif
