/* Liars: what a seat does with the actions of its core, and with what it hears, when it wants to harm. Liars know each other and have each
 * other's keys (forge.h). */
#ifndef TEST_SIM_LIAR_H
#define TEST_SIM_LIAR_H

#include "test/sim/forge.h"
#include "test/sim/station.h"

/* Bits: a liar has any of them. */
enum liar_trick {
    LIAR_EQUIVOCATES =
        1, /* two proposals, or two NEW-VIEWs, one for each half; all liars vote for both */
    LIAR_IS_SILENT = 1 << 1,  /* towards some */
    LIAR_BAD_BLOCKS = 1 << 2, /* a wrong root, a number twice or again, a header that isn't right */
    LIAR_HIDES = 1 << 3,      /* its VIEW-CHANGEs report nothing prepared, to some */
    LIAR_DELAYS = 1 << 4,     /* what it sends comes just before the time-out */
    LIAR_REPEATS = 1 << 5,    /* sends again what it heard and sent, long after */
    LIAR_GARBLES = 1 << 6,    /* flips bits in what it sends */
    LIAR_FAR_VIEWS = 1 << 7,  /* wants views far ahead */
    LIAR_BOASTS = 1 << 8,     /* its STATUS tells of heights and views that aren't */
    LIAR_TWINS = 1 << 9,      /* two nodes run with its key; each link may reach one, or both */
    LIAR_DOUBLE_VOTES = 1 << 10, /* votes for another block too, and for its own only to some */
    LIAR_OTHER_BODIES =
        1 << 11, /* its bodies don't match its headers, and it answers with others than asked for */
    LIAR_TAMPERS = 1 << 12,      /* sends others' messages and its own with one thing changed */
    LIAR_IMPERSONATES = 1 << 13, /* gives out votes for those of other kinds, seats and views */
    LIAR_FORGES = 1 << 14,       /* certificates, VIEW-CHANGEs and NEW-VIEWs that aren't good */
    LIAR_USURPS = 1 << 15,       /* proposes out of its turn, and twice */
    LIAR_FLOODS = 1 << 16,       /* sends the same STATUS and messages again and again */
    LIAR_TRICKS = (1 << 17) - 1,
    LIAR_TRICK_COUNT = 17,
};

/* "equivocates" and so on. */
const char *liar_trick_name(enum liar_trick trick);

/* One message that a liar sends. */
struct liar_sending {
    struct bytes message; /* sealed; in the station's arena */
    uint64_t to;          /* bits of seats */
};

#define LIAR_SENDINGS 8

/* What all liars of a cluster know: the last pair of proposals and of NEW-VIEWs, and who is shown the other one. */
struct liar_pact {
    struct digest one, other;
    uint64_t half;
    struct digest view_one, view_other;
    uint64_t view_half;
};

/* Messages that a liar remembers: a few seconds. */
#define LIAR_HEARD 64

struct liar {
    uint32_t tricks;
    uint64_t shunned; /* seats it is silent to */
    struct liar_pact *pact;
    struct disk_bytes
        heard[LIAR_HEARD]; /* good messages of others, the newest at turn - 1; owned */
    uint64_t turn;
};

void liar_release(struct liar *liar);

/* What it sends instead of the honest message; returns how many. The first is what its own core gets back, whole. */
uint32_t liar_sign(struct liar *liar, const struct forge *forge, struct station *station,
                   const struct action_sign *sign, struct liar_sending sendings[LIAR_SENDINGS]);

/* What it sends besides, when a message comes to it, which verified. Returns how many. */
uint32_t liar_hear(struct liar *liar, const struct forge *forge, struct station *station,
                   struct bytes message, struct liar_sending sendings[LIAR_SENDINGS]);

#endif
