/* The story of a seat: what the core did and saw, and why it ignored something; as data, and as one
 * line of text. */
#ifndef CONSENSUS_NARRATE_H
#define CONSENSUS_NARRATE_H

#include "consensus/evidence.h"

/* Every reason to drop an event. */
enum narrate_ignored {
    NARRATE_HEEDED = 0,
    NARRATE_HALTED,         /* this core has stopped */
    NARRATE_OTHER_VIEW,     /* of a view that I'm not in */
    NARRATE_NOT_ACTIVE,     /* a view change is on */
    NARRATE_OLD_HEIGHT,     /* committed already */
    NARRATE_FAR_HEIGHT,     /* above the window */
    NARRATE_OTHER_NEW_VIEW, /* its ballot names another NEW-VIEW than the one that opened my view */
    NARRATE_REPEATED,       /* known already */
    NARRATE_CONFLICT,       /* contradicts what the same seat signed before: that seat lies */
    NARRATE_NOT_FRESH,      /* a proposal for a height that the NEW-VIEW settled */
    NARRATE_CLOCK,    /* a proposal's time is too far from my clock, or not after its parent's */
    NARRATE_BOUNDARY, /* a proposal above the last block that this set certifies */
    NARRATE_STALE,    /* an answer to what was discarded meanwhile */
    NARRATE_TOO_SOON, /* a STATUS that follows the last one too closely to be answered */
};

enum narrate_kind {
    NARRATE_STARTED,   /* height, view */
    NARRATE_PROPOSED,  /* by me: height, view, digest */
    NARRATE_RECEIVED,  /* a counted message: tag, from, height or view, count of needed */
    NARRATE_VOTED,     /* by me: tag, height, view, digest */
    NARRATE_INVALID,   /* a proposal failed: height, view, digest */
    NARRATE_COMMITTED, /* height, view, digest */
    NARRATE_SUSPECTED, /* no progress in `view` */
    NARRATE_SLOW,      /* the primary of `view` proposes too slowly */
    NARRATE_RESIGNED,  /* the primary of `view` has left it, or is too far behind to lead */
    NARRATE_TURN,      /* the primary of `view` had its turn, up to `height` */
    NARRATE_JOINED,    /* f + 1 others want `view` */
    NARRATE_WANTED,    /* VIEW-CHANGE for `view` */
    NARRATE_ENTERED,   /* `view`; `count` blocks proposed again from `height` up */
    NARRATE_BEHIND,    /* catch up through `height` */
    NARRATE_ACCUSED,   /* evidence of kind `count` against `from`, in `view` */
    NARRATE_DIVERGED,  /* my execution contradicts the certificate at `height` */
};

struct narrate_line {
    enum narrate_kind kind;
    enum message_tag tag;
    struct seat from;
    struct height height;
    struct view view;
    struct digest digest;
    uint8_t count, needed;
};

#define NARRATE_TEXT_SIZE 160

/* One sentence without a full stop, such as "commit of block 7 in view 0 from 2 (3 of 3)";
 * zero-terminated. */
void narrate_text(char text[NARRATE_TEXT_SIZE], const struct narrate_line *line);

/* One phrase, such as "above the window". */
const char *narrate_reason(enum narrate_ignored reason);

#endif
