/* From bytes of anybody to a message whose claims hold: pure, for any thread, safe on hostile
 * bytes.
 *
 * After verify_message() gave ERR_NONE:
 * - the encoding is canonical, every bound of bounds.h holds, the set is the context's, views and
 * heights are sane;
 * - the sender's signature over the body is valid (DECIDED: there is none);
 * - every header inside was read, and belongs to what it is claimed for: height, digest and set
 * agree with its certificate;
 * - a PRE-PREPARE is for a header of its own view, proposed and signed by the primary of that view;
 * - every certificate inside has exactly a quorum of distinct, valid signatures over its one
 * ballot;
 * - a VIEW-CHANGE lists heights that ascend within the window above its committed one, prepared in
 * views below its own;
 * - a NEW-VIEW is signed by the primary of its view, and holds valid VIEW-CHANGEs for that view of
 * exactly a quorum of distinct seats. Whether it is wanted, new or allowed now is for
 * consensus_step.
 *
 * Cost, in signature checks: votes, PRE-PREPARE and STATUS 1; DECIDED q; VIEW-CHANGE at most 1 +
 * 9q; NEW-VIEW at most 1 + q + 9q². Cheap checks come first; a NEW-VIEW's certificates are checked
 * only after all its q VIEW-CHANGEs proved to be signed by their senders, and equal certificates
 * once. What is over, by the context's height and view, is ERR_NOT_NOW before any signature is checked.
 */
#ifndef CONSENSUS_VERIFY_H
#define CONSENSUS_VERIFY_H

#include "consensus/message.h"

/* True only if `signature` over `digest` is by `seat`, whose key is `key`. Pure. */
typedef bool verify_signature(const void *self, struct seat seat, const struct sign_public *key,
                              const struct digest *digest, const struct sign_signature *signature);

/* The block that a set of validators starts above: block 0, or the boundary that the set before certified. Everybody in the set has
 * committed it before anything of the set is said, so it needs no certificate here. */
struct consensus_base {
    struct height height;
    struct digest digest; /* of its header */
};

/* Everything that a check depends on; borrowed, constant while it is used. */
struct verify_context {
    struct digest chain;        /* the genesis digest */
    struct consensus_base base; /* of the committee */
    const struct committee *committee;
    struct height height; /* votes and blocks up to here are of no use; a stale value is harmless */
    struct view view;     /* VIEW-CHANGEs and NEW-VIEWs below it are of no use, likewise */
    subject_read *read;   /* the ledger's */
    verify_signature *signature; /* verify_ecdsa, or one that asks a cache first */
    const void *self;            /* for the two callbacks */
};

/* The real thing: ECDSA by the seat's key. */
bool verify_ecdsa(const void *self, struct seat seat, const struct sign_public *key,
                  const struct digest *digest, const struct sign_signature *signature);

/* Trusts every signature: for messages that this node signed itself, and for what its own log
 * holds. */
bool verify_trusting(const void *self, struct seat seat, const struct sign_public *key,
                     const struct digest *digest, const struct sign_signature *signature);

/* Unpacks and checks one message. ERR_MALFORMED, ERR_LIMIT: bytes; ERR_SIGNATURE; ERR_MISMATCH:
 * another set or an inside that contradicts itself; ERR_NOT_NOW: it is over (context). Lists are in
 * `arena`; 8 times the message's size and 1 MiB always suffice. */
MUST_USE enum err verify_message(struct arena *arena, const struct verify_context *context,
                                 struct message *message, struct bytes in, struct fault *fault);

/* Checks a quorum of signatures of kind `tag` (PREPARE or COMMIT) over the certificate's ballot. */
MUST_USE enum err verify_certificate(const struct verify_context *context, enum message_tag tag,
                                     const struct certificate *certificate, struct fault *fault);

/* ERR_SIGNATURE unless the envelope's body is signed by its sender, as `tag`; of a VIEW-CHANGE that body is its packed brief. */
MUST_USE enum err verify_envelope(const struct verify_context *context, enum message_tag tag,
                                  const struct message_envelope *envelope, struct fault *fault);

#endif
