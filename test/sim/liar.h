/* Liars: what a seat does with the actions of its core when it wants to harm. It can sign as itself only. */
#ifndef TEST_SIM_LIAR_H
#define TEST_SIM_LIAR_H

#include "test/sim/dice.h"
#include "test/sim/station.h"

/* Bits: a liar has any of them. */
enum liar_trick {
    LIAR_EQUIVOCATES =
        1, /* two proposals, or two NEW-VIEWs, one for each half; all liars vote for both */
    LIAR_IS_SILENT = 2,   /* towards some */
    LIAR_WRONG_ROOT = 4,  /* its blocks say a wrong state root */
    LIAR_HIDES = 8,       /* its VIEW-CHANGEs report nothing prepared, to some */
    LIAR_DELAYS = 16,     /* what it sends comes just before the time-out */
    LIAR_REPEATS = 32,    /* sends old messages again */
    LIAR_GARBLES = 64,    /* flips bits in what it sends */
    LIAR_FAR_VIEWS = 128, /* wants views far ahead */
    LIAR_BOASTS = 256,    /* its STATUS tells of heights and views that aren't */
    LIAR_TRICKS = 511,
    LIAR_TRICK_COUNT = 9,
};

/* One message that a liar sends. */
struct liar_sending {
    struct bytes message; /* sealed; in the station's arena */
    uint64_t to;          /* bits of seats */
};

#define LIAR_SENDINGS 5

/* What all liars of a cluster know: the last pair of proposals and of NEW-VIEWs, and who is shown the other one. */
struct liar_pact {
    struct digest one, other;
    uint64_t half;
    struct digest view_one, view_other;
    uint64_t view_half;
};

struct liar {
    uint32_t tricks;
    uint64_t shunned; /* seats it is silent to */
    struct liar_pact *pact;
};

/* What it sends instead of the honest message; returns how many. The first is what its own core gets back, whole. */
uint32_t liar_sign(struct liar *liar, struct dice *dice, struct station *station,
                   const struct verify_context *context, const struct action_sign *sign,
                   struct liar_sending sendings[LIAR_SENDINGS]);

/* A message signed as this station, in its arena. */
struct bytes liar_seal(struct station *station, const struct verify_context *context,
                       enum message_tag tag, struct bytes body);

#endif
