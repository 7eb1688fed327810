/* What liars make of messages, their own and others': bytes that an honest seat must refuse, or bear.
 *
 * Liars have the keys of all liars and no other: a signature of an honest seat is only ever one that it gave, for whatever it gave it. */
#ifndef TEST_SIM_FORGE_H
#define TEST_SIM_FORGE_H

#include "consensus/verify.h"
#include "test/sim/dice.h"

struct forge {
    struct dice *dice;
    struct arena *arena;                  /* for all that is made */
    const struct verify_context *context; /* borrowed */
    const struct record *header;          /* how headers are packed */
    uint64_t mine;                        /* bits of seats whose keys are here */
};

/* A message from `seat`: signed if the key is here, else with a signature of some other key. Not for DECIDED. */
struct bytes forge_seal(const struct forge *forge, struct seat seat, enum message_tag tag,
                        struct bytes body);

/* The message with one thing in it changed, at any depth, and packed well again; what liars sign is signed anew. */
struct bytes forge_tamper(const struct forge *forge, struct bytes message);

/* A header with one thing changed. */
struct bytes forge_header(const struct forge *forge, struct bytes header);

/* A header with the number `name` in it changed. Requires that headers have it. */
struct bytes forge_field(const struct forge *forge, struct bytes header, const char *name,
                         uint64_t number);

/* The same block a millisecond later: another digest, as valid. */
struct bytes forge_twin(const struct forge *forge, struct bytes header);

/* A vote: given out for one of the other kind, or for one by another seat, or of another view. Others: as they are. */
struct bytes forge_vote(const struct forge *forge, struct bytes message);

/* A DECIDED for a block, or one like it, with a certificate that isn't its own, or no good. */
struct bytes forge_decided(const struct forge *forge, struct bytes header,
                           struct bytes certificate);

/* A DECIDED for a proposal that nobody has voted for yet, which only liars' keys sign. Others than PRE-PREPARE: nothing. */
struct bytes forge_early(const struct forge *forge, struct bytes message);

/* Gives the certificate signatures of `voters` over its ballot: true ones of liars, others of liars' keys. */
void forge_certify(const struct forge *forge, struct certificate *certificate, uint64_t voters,
                   enum message_tag tag);

/* The body of a VIEW-CHANGE: with certificates that are no good, or something left out. */
struct bytes forge_change(const struct forge *forge, struct bytes body);

/* The body of a NEW-VIEW: with VIEW-CHANGEs that are no good, left out, or there twice, or that claim other blocks to be prepared. `old` is
 * another seat's message of before: a VIEW-CHANGE is put in the place of that seat's. */
struct bytes forge_view(const struct forge *forge, struct bytes body, struct bytes old);

/* The body of a PRE-PREPARE by the primary of a NEW-VIEW, for another block where that one has chosen; nothing if it has chosen none. */
struct bytes forge_fresh(const struct forge *forge, struct bytes new_view);

#endif
