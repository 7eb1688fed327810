/* Messages between validators: [tag, record].
 *
 * All but DECIDED are [tag, [sender, body, signature]]: the body is a packed record by tag, and the
 * signature is over sign_digest(message_domain(tag), genesis digest, body); of a VIEW-CHANGE over its
 * packed brief in place of the body. DECIDED proves itself.
 *
 *   tag          body                     sent by           to    when
 *   PRE-PREPARE  view, header             primary           all   it proposes a fresh block
 *   PREPARE      ballot                   all, primary too  all   own execution gave the header's roots
 *   COMMIT       ballot                   all               all   a quorum of PREPAREs is here, for all below too
 *   VIEW-CHANGE  certificates             all               all   the primary failed, or f + 1 others say so
 *   NEW-VIEW     quorum of VIEW-CHANGEs   primary of view   all   they are there
 *   STATUS       height, view, votes      all               all   each status_interval_ms, and on entering a view
 *   DECIDED      header, certificate      all               one   a STATUS shows a lower height; catch-up
 *
 * A message may arrive from anybody: who carries it means nothing. A lost one is sent again, byte for
 * byte, when a STATUS shows that it is missing. */
#ifndef CONSENSUS_MESSAGE_H
#define CONSENSUS_MESSAGE_H

#include "base/sign.h"
#include "consensus/ballot.h"
#include "consensus/subject.h"

/* On the wire: never renumbered. */
enum message_tag {
    MESSAGE_PRE_PREPARE = 1,
    MESSAGE_PREPARE = 2,
    MESSAGE_COMMIT = 3,
    MESSAGE_VIEW_CHANGE = 4,
    MESSAGE_NEW_VIEW = 5,
    MESSAGE_STATUS = 6,
    MESSAGE_DECIDED = 7,
};

#define MESSAGE_TAG_MAX 7

/* Lower-case, as people read it: "pre-prepare". */
const char *message_name(enum message_tag tag);

/* The domain that its signature is made in. Requires tag != MESSAGE_DECIDED. */
const char *message_domain(enum message_tag tag);

/* A signed part. */
struct message_envelope {
    struct seat from;
    struct bytes body; /* borrowed */
    struct sign_signature signature;
};

struct message_pre_prepare {
    struct digest set;
    struct view view;
    struct digest new_view; /* as in a ballot */
    struct bytes
        header; /* its view, proposer and set are those of this message: it is a fresh proposal */
    struct consensus_block block; /* what the header says; not packed */
};

/* A block that was prepared: its header, and the PREPAREs. */
struct message_prepared {
    struct bytes header;
    struct certificate certificate;
    struct consensus_block block; /* what the header says; not packed */
};

struct message_view_change {
    struct digest set;
    struct view view; /* the view that the sender wants; it votes in none below any more */
    struct certificate
        committed; /* of the last block committed by the sender; without voters: the base */
    struct message_prepared *prepared; /* by ascending height, all above `committed` and within the
                                          window; views < view */
    uint32_t prepared_count;           /* <= BOUNDS_WINDOW */
};

/* A height that a VIEW-CHANGE reports as prepared, and the view of its certificate. */
struct message_brief_height {
    struct height height;
    struct view view;
};

/* What is signed of a VIEW-CHANGE: what evidence needs of it, so that evidence stays small whatever certificates it holds, and the digest
 * of all of it. */
struct message_brief {
    struct digest set;
    struct view view;
    struct height committed;
    struct message_brief_height *prepared; /* as in the VIEW-CHANGE; `room`, or what was unpacked */
    uint32_t prepared_count;               /* <= BOUNDS_WINDOW */
    struct digest body;                    /* of the packed VIEW-CHANGE */
    struct message_brief_height room[BOUNDS_WINDOW]; /* not packed */
};

struct message_new_view {
    struct digest set;
    struct view view;
    struct message_envelope *changes; /* signed VIEW-CHANGEs for `view`, by ascending seat */
    uint32_t change_count;            /* exactly a quorum */
    struct message_view_change *read; /* the same, unpacked; not packed */
    struct digest digest; /* what `new_view` names in the ballots of this view; not packed */
};

/* What the sender has of one height, so that others can tell what it lacks. */
struct message_slot {
    struct digest digest; /* of the block it holds; zero: none */
    uint64_t prepares;    /* bits of seats whose votes it holds, in its view */
    uint64_t commits;
};

struct message_status {
    struct digest set;
    struct height height;       /* last committed */
    struct view view;           /* the view it is in, or that it wants */
    bool active;                /* in it: it has the NEW-VIEW (view 0 needs none) */
    uint64_t changes;           /* bits of seats whose VIEW-CHANGE for `view` it holds */
    struct message_slot *slots; /* heights height + 1 and up */
    uint32_t slot_count;        /* <= BOUNDS_WINDOW */
};

struct message_decided {
    struct bytes header;
    struct certificate certificate; /* of COMMITs */
    struct consensus_block block;   /* what the header says; not packed */
};

/* A message that verify_message() made: every claim in it was checked as far as verify.h says. */
struct message {
    enum message_tag tag;
    struct bytes raw; /* the whole message; everything here borrows from it, or from the arena */
    struct message_envelope envelope; /* all but DECIDED */
    union {
        struct message_pre_prepare pre_prepare;
        struct ballot vote; /* PREPARE, COMMIT */
        struct message_view_change view_change;
        struct message_new_view new_view;
        struct message_status status;
        struct message_decided decided;
    } as;
};

extern const struct record message_envelope_record;
extern const struct record message_pre_prepare_record;
extern const struct record message_view_change_record;
extern const struct record message_brief_record;
extern const struct record message_new_view_record;
extern const struct record message_status_record;
extern const struct record message_decided_record;
extern const struct record_choice message_choice;

/* A packed brief: two digests, two integers, and two for each height of the window. */
#define MESSAGE_BRIEF_BYTES 256

/* The brief of a VIEW-CHANGE that was unpacked from `body`. It points into itself. */
void message_brief(struct message_brief *brief, const struct message_view_change *change,
                   struct bytes body);
size_t message_brief_pack(uint8_t out[MESSAGE_BRIEF_BYTES], const struct message_brief *brief);

/* The digest that a sender of `tag` signs. A VIEW-CHANGE is unpacked in `arena` for it (others take NULL); what can't be
 * gets a digest that no verifier asks for. Requires a signed tag. */
struct digest message_digest(struct arena *arena, enum message_tag tag, const struct digest *chain,
                             struct bytes body);

/* The whole message from a signed body, in `arena`; data NULL when the arena is full. Requires a
 * signed tag. */
struct bytes message_seal(struct arena *arena, enum message_tag tag,
                          const struct message_envelope *envelope);

/* The DECIDED message for a committed block: catch-up answers with it, beside the body.
 * `certificate` is a packed certificate, as ACTION_COMMIT gave it; ERR_MALFORMED if it is none;
 * ERR_LIMIT if the arena is full. */
MUST_USE enum err message_decide(struct arena *arena, struct bytes *message, struct bytes header,
                                 struct bytes certificate);

#endif
