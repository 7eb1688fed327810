/* How far this key has gone, in a small file beside the key: the view and the height up to which it may have voted, and how long the log
 * of votes was then. So a data folder that was lost, or restored from an old copy, is noticed: what it says is less than was pledged.
 *
 *     the log is synced  ->  pledge_raise  ->  the vote leaves
 *
 * The pledge is never ahead of a log that is whole. Keep the file with the key: a key without it is taken for one that never voted.
 * Two slots of a sector each are written in turn, so that a torn write leaves the one before. */
#ifndef TOOLS_TENURED_PLEDGE_H
#define TOOLS_TENURED_PLEDGE_H

#include "base/digest.h"
#include "base/error.h"
#include "base/units.h"
#include "tools/sys/file.h"

struct pledge {
    char path[FILE_PATH_SIZE];
    int descriptor;
    struct digest chain;  /* genesis digest: a key serves one chain */
    uint64_t turn;        /* counts writes; 0: none yet */
    uint64_t since;       /* no vote was signed for a newer set (its first height) ... */
    struct view view;     /* ... nor in a higher view of this one */
    struct height height; /* no block above it was voted for, ever */
    uint64_t sequence;    /* the last record of the log */
};

/* Opens KEY.votes, or makes it. ERR_MISMATCH: it is of another chain; ERR_CORRUPT: neither slot is whole; ERR_IO. */
MUST_USE enum err pledge_open(struct pledge *pledge, const char *key_path,
                              const struct digest *chain, struct fault *fault);
void pledge_close(struct pledge *pledge);

/* Durable when it returns. (`since`, `view`) and `height` never go back (CHECK). After a failure the node must stop. */
MUST_USE enum err pledge_raise(struct pledge *pledge, uint64_t since, struct view view,
                               struct height height, uint64_t sequence, struct fault *fault);

#endif
