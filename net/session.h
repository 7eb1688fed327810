/* Who is at the other end of a connection, and that all it carries comes from there.
 *
 * TLS shows that a peer has a certificate of the consortium, but nng 1.5.2 can't say whose. So
 * inside TLS both ends name their validator key and genesis and sign a transcript with fresh
 * nonces and ephemeral secp256k1 keys; ECDH of these gives keys that authenticate every frame.
 * Another holder of a certificate can neither take part nor inject. (The SIGMA pattern: Krawczyk,
 * CRYPTO 2003; keys as HKDF-Expand derives them: RFC 5869; MAC: HMAC-SHA-256, RFC 2104.)
 *
 *     dialler                                            listener
 *     hello {version, lane, genesis, identity,
 *            nonce, ephemeral}          ------------->   refuses strangers and other chains here,
 *                                                        before any arithmetic on a curve
 *     checks identity, proof            <-------------   hello {...}, proof {signature}
 *     proof {signature}                 ------------->   checks proof
 *     open                                               open
 *
 *     transcript T = SHA-256(hello of dialler | hello of listener), each preceded by its u32 size
 *     proof        = signature over sign_digest(SIGN_DOMAIN_HANDSHAKE, genesis, side u8 | T)
 *     key of side  = HMAC(HMAC(T, shared), side u8)
 *     mac          = HMAC(key of sender's side, counter u64 | records of the frame)
 *
 * A recorded handshake can't be replayed: the other nonce and ephemeral key are new. A proof can't
 * be reflected: it names its side. Two lanes of one peer have different keys.
 *
 * States, and what leads from one to the next (an error of these leads to FAILED, which is final):
 *     HELLO --session_read_hello--> PROOF --session_read_proof--> OPEN
 *
 * Pure: randomness and signatures come from the caller. Everything read is hostile. */
#ifndef NET_SESSION_H
#define NET_SESSION_H

#include "base/digest.h"
#include "base/error.h"
#include "base/sign.h"

#define SESSION_VERSION 1

/* A hello takes 138 to 150 bytes; a longer claim during the handshake is refused unread. */
#define SESSION_MESSAGE_MAX 256

#define SESSION_MAC_SIZE DIGEST_SIZE

enum session_side { SESSION_DIALLER = 0, SESSION_LISTENER = 1 };
enum session_state { SESSION_HELLO, SESSION_PROOF, SESSION_OPEN, SESSION_FAILED };

/* A peer's connections are told apart by a number below this (net/peer.h names them). */
#define SESSION_LANES 2

/* A key in use: SHA-256 after the inner and the outer padded key (RFC 2104). */
struct session_key {
    struct digest_stream inner, outer;
};

struct session {
    enum session_state state;
    enum session_side side;
    uint8_t lane; /* of a listener: what the dialler asked for, from PROOF on */
    struct digest genesis;
    struct sign_public identity;        /* our validator key */
    struct digest nonce;                /* our contribution */
    struct sign_public own;             /* our ephemeral key */
    struct sign_secret ephemeral;       /* its secret; wiped from PROOF on */
    struct sign_public peer;            /* their validator key, from PROOF on */
    struct digest transcript;           /* from PROOF on */
    struct session_key keys[2];         /* by sender's side; from PROOF on */
    uint64_t sent, received;            /* frames so far, the next counters */
    bool broken;                        /* a frame failed: none is taken any more */
    uint8_t hello[SESSION_MESSAGE_MAX]; /* our hello, packed */
};

/* What the caller draws from the operating system's random source for each connection. */
struct session_random {
    struct digest nonce;
    struct sign_secret ephemeral;
};

/* Starts a handshake. A listener's `lane` is ignored. False if random->ephemeral is no secret key
 * (chance 2^-128: draw again). */
MUST_USE bool session_init(struct session *session, enum session_side side, uint8_t lane,
                           const struct digest *genesis, const struct sign_public *identity,
                           const struct session_random *random);

/* Wipes the keys. */
void session_clear(struct session *session);

/* Our hello, borrowed from `session`. A listener sends it after it has read the dialler's. */
struct bytes session_hello(struct session *session);

/* Reads the peer's hello. `known` are the identities that may be there: the one that was dialled,
 * or all that may dial; *index becomes the one it claims. ERR_MALFORMED: no hello; ERR_MISMATCH:
 * another version, genesis or lane; ERR_NOT_FOUND: an identity that isn't known; ERR_SIGNATURE: an
 * ephemeral key that is no point of the curve. All but the last cost no more than reading. Requires
 * state HELLO. */
MUST_USE enum err session_read_hello(struct session *session, uint32_t *index, struct bytes in,
                                     const struct sign_public *known, uint32_t known_count,
                                     struct fault *fault);

/* What our identity's key must sign (sign_make), and the message that carries the signature:
 * written into `out`, its size comes back. Requires state PROOF or OPEN. */
struct digest session_challenge(const struct session *session);
size_t session_proof(uint8_t out[SESSION_MESSAGE_MAX], const struct sign_signature *signature);

/* Reads the peer's proof and opens the session. ERR_MALFORMED, or ERR_SIGNATURE: not by the key it
 * claims, or of another handshake. Requires state PROOF. */
MUST_USE enum err session_read_proof(struct session *session, struct bytes in, struct fault *fault);

/* The counter and mac of the next frame to send over `body`. Requires state OPEN and size < 2^32.
 */
uint64_t session_seal(struct session *session, uint8_t mac[SESSION_MAC_SIZE], struct bytes body);

/* Checks the next frame received, in constant time. ERR_MISMATCH: not the next counter;
 * ERR_SIGNATURE: wrong mac; ERR_NOT_NOW: one before it failed. Requires state OPEN.
 * One thread may seal while another opens. */
MUST_USE enum err session_open(struct session *session, uint64_t counter, struct bytes body,
                               const uint8_t mac[SESSION_MAC_SIZE]);

#endif
