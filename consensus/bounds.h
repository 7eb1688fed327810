/* Every bound of consensus/, each with its reason. Those that other folders rely on too are in
 * base/limits.h. */
#ifndef CONSENSUS_BOUNDS_H
#define CONSENSUS_BOUNDS_H

#include "base/limits.h"

/* Heights above the low water mark (the last height committed and durable here) about which
 * anything is kept. 8: two round trips of a slow link at four blocks a second; it also bounds a
 * VIEW-CHANGE to 8 certificates. */
#define BOUNDS_WINDOW 8

/* A packed header: a dozen digests and integers, with room for what later versions add. */
#define BOUNDS_HEADER_BYTES 768

/* Largest quorum: n = 64, f = 21. */
#define BOUNDS_QUORUM 43

/* A packed ballot: three digests, two integers, their heads. */
#define BOUNDS_BALLOT_BYTES 128

/* A packed certificate of `quorum` signatures; BOUNDS_CERTIFICATE_BYTES(BOUNDS_QUORUM) is the
 * largest. */
#define BOUNDS_CERTIFICATE_BYTES(quorum) (BOUNDS_BALLOT_BYTES + 32 + 64 * (quorum))

/* The body of a VIEW-CHANGE: one commit certificate and, a height, one header with its prepared
 * certificate. */
#define BOUNDS_VIEW_CHANGE_BYTES(quorum)                                                           \
    (64 + BOUNDS_CERTIFICATE_BYTES(quorum) +                                                       \
     BOUNDS_WINDOW * (BOUNDS_HEADER_BYTES + 16 + BOUNDS_CERTIFICATE_BYTES(quorum)))

/* A signed part of a message around its body: sender, signature, heads. */
#define BOUNDS_ENVELOPE_BYTES 96

/* The body of a NEW-VIEW: a quorum of VIEW-CHANGEs. The largest (n = 64) has 1.6 MB, and fits a
 * frame. */
#define BOUNDS_NEW_VIEW_BYTES(quorum)                                                              \
    (64 + (quorum) * (BOUNDS_ENVELOPE_BYTES + BOUNDS_VIEW_CHANGE_BYTES(quorum)))

/* Any message. */
#define BOUNDS_MESSAGE_BYTES (BOUNDS_ENVELOPE_BYTES + BOUNDS_NEW_VIEW_BYTES(BOUNDS_QUORUM))

/* No view is ever near it (one a millisecond for 8,000 years), so that view + 1 can't overflow. */
#define BOUNDS_VIEW_MAX   (UINT64_C(1) << 48)
#define BOUNDS_HEIGHT_MAX (UINT64_C(1) << 48)

/* Actions of one step: a window of heights, each at most discarded, executed, voted on twice,
 * committed and told of, or answers of four messages a height to one STATUS. A full list is our
 * bug. */
#define BOUNDS_ACTIONS 256

#endif
