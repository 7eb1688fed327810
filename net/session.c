#include "net/session.h"

#include <string.h>

#include "base/check.h"
#include "base/record.h"

#define SESSION_BLOCK_SIZE 64 /* of SHA-256 */

struct session_hello {
    uint8_t version;
    uint8_t lane;
    struct digest genesis;
    struct sign_public identity;
    struct digest nonce;
    struct sign_public ephemeral;
};

static const struct record_field hello_fields[] = {
    RECORD_UINT(struct session_hello, version),
    RECORD_UINT(struct session_hello, lane),
    RECORD_FIXED(struct session_hello, genesis, RECORD_AS_HEX),
    RECORD_FIXED(struct session_hello, identity, RECORD_AS_HEX),
    RECORD_FIXED(struct session_hello, nonce, RECORD_AS_HEX),
    RECORD_FIXED(struct session_hello, ephemeral, RECORD_AS_HEX),
};
static const struct record hello_record = RECORD(struct session_hello, "hello", hello_fields);

struct session_signed {
    struct sign_signature signature;
};

static const struct record_field proof_fields[] = {
    RECORD_FIXED(struct session_signed, signature, RECORD_AS_HEX),
};
static const struct record proof_record = RECORD(struct session_signed, "proof", proof_fields);

static void key_init(struct session_key *key, const struct digest *secret)
{
    uint8_t pad[SESSION_BLOCK_SIZE];
    memset(pad, 0x36, sizeof(pad));
    for (size_t i = 0; i < DIGEST_SIZE; i++)
        pad[i] ^= secret->bytes[i];
    digest_init(&key->inner);
    digest_add(&key->inner, pad, sizeof(pad));

    for (size_t i = 0; i < sizeof(pad); i++)
        pad[i] ^= 0x36 ^ 0x5c;
    digest_init(&key->outer);
    digest_add(&key->outer, pad, sizeof(pad));
    explicit_bzero(pad, sizeof(pad));
}

/* HMAC(key, a | b). */
static struct digest key_mac(const struct session_key *key, struct bytes a, struct bytes b)
{
    struct digest_stream stream = key->inner;
    digest_add(&stream, a.data, a.size);
    digest_add(&stream, b.data, b.size);
    struct digest inner = digest_end(&stream);

    stream = key->outer;
    digest_add(&stream, inner.bytes, sizeof(inner.bytes));
    return digest_end(&stream);
}

bool session_init(struct session *session, enum session_side side, uint8_t lane,
                  const struct digest *genesis, const struct sign_public *identity,
                  const struct session_random *random)
{
    struct session_hello hello = {
        .version = SESSION_VERSION,
        .lane = lane,
        .genesis = *genesis,
        .identity = *identity,
        .nonce = random->nonce,
    };
    if (!sign_public_of(&hello.ephemeral, &random->ephemeral))
        return false;

    memset(session, 0, sizeof(*session));
    session->state = SESSION_HELLO;
    session->side = side;
    session->lane = lane;
    session->genesis = *genesis;
    session->identity = *identity;
    session->ephemeral = random->ephemeral;
    session->nonce = random->nonce;
    session->own = hello.ephemeral;
    return true;
}

void session_clear(struct session *session)
{
    explicit_bzero(session, sizeof(*session));
    session->state = SESSION_FAILED;
}

struct bytes session_hello(struct session *session)
{
    struct session_hello hello = {
        .version = SESSION_VERSION,
        .lane = session->lane,
        .genesis = session->genesis,
        .identity = session->identity,
        .nonce = session->nonce,
        .ephemeral = session->own,
    };
    struct pack_writer writer;
    pack_init(&writer, session->hello, sizeof(session->hello));
    record_pack(&writer, &hello_record, &hello);
    CHECK(!writer.failed);
    return bytes_of(session->hello, writer.used);
}

static enum err failed(struct session *session, struct fault *fault, enum err code,
                       const char *sentence)
{
    session->state = SESSION_FAILED;
    return fault_set(fault, code, "%s", sentence);
}

static enum err unpack(const struct record *record, void *value, struct bytes in)
{
    struct arena none;
    arena_init(&none, 0);
    enum err err = record_unpack(&none, record, value, in, NULL);
    arena_release(&none);
    return err;
}

/* Both sides' frame keys, from the shared point and all that was said. */
static enum err derive(struct session *session, const struct sign_public *ephemeral,
                       struct bytes theirs)
{
    struct digest shared;
    if (!sign_shared(&shared, &session->ephemeral, ephemeral))
        return ERR_SIGNATURE;

    struct bytes ours = session_hello(session);
    struct bytes hellos[2];
    hellos[session->side] = ours;
    hellos[1 - session->side] = theirs;

    struct digest_stream stream;
    digest_init(&stream);
    for (int i = 0; i < 2; i++) {
        uint8_t size[4];
        bytes_put_u32(size, (uint32_t)hellos[i].size);
        digest_add(&stream, size, sizeof(size));
        digest_add(&stream, hellos[i].data, hellos[i].size);
    }
    session->transcript = digest_end(&stream);

    struct session_key key;
    key_init(&key, &session->transcript);
    struct digest master = key_mac(&key, bytes_of(shared.bytes, DIGEST_SIZE), bytes_of(NULL, 0));
    key_init(&key, &master);
    for (uint8_t side = 0; side < 2; side++) {
        struct digest secret = key_mac(&key, bytes_of(&side, 1), bytes_of(NULL, 0));
        key_init(&session->keys[side], &secret);
        explicit_bzero(&secret, sizeof(secret));
    }
    explicit_bzero(&key, sizeof(key));
    explicit_bzero(&master, sizeof(master));
    explicit_bzero(&shared, sizeof(shared));
    sign_secret_clear(&session->ephemeral);
    return ERR_NONE;
}

enum err session_read_hello(struct session *session, uint32_t *index, struct bytes in,
                            const struct sign_public *known, uint32_t known_count,
                            struct fault *fault)
{
    CHECK(session->state == SESSION_HELLO);

    struct session_hello hello = {0};
    if (unpack(&hello_record, &hello, in) != ERR_NONE)
        return failed(session, fault, ERR_MALFORMED, "its greeting is none of ours");
    if (hello.version != SESSION_VERSION)
        return failed(session, fault, ERR_MISMATCH, "it speaks another version of the handshake");
    if (!digest_equal(&hello.genesis, &session->genesis))
        return failed(session, fault, ERR_MISMATCH, "it is of another chain (genesis differs)");
    if (hello.lane >= SESSION_LANES ||
        (session->side == SESSION_DIALLER && hello.lane != session->lane))
        return failed(session, fault, ERR_MISMATCH, "it asks for a lane that there isn't");

    uint32_t at = 0;
    while (at < known_count && memcmp(known[at].bytes, hello.identity.bytes, SIGN_PUBLIC_SIZE) != 0)
        at++;
    if (at == known_count)
        return failed(session, fault, ERR_NOT_FOUND,
                      "its key is not that of a validator expected here");

    session->lane = hello.lane;
    session->peer = hello.identity;
    if (derive(session, &hello.ephemeral, in) != ERR_NONE)
        return failed(session, fault, ERR_SIGNATURE, "its ephemeral key is no point of the curve");
    session->state = SESSION_PROOF;
    *index = at;
    return ERR_NONE;
}

static struct digest challenge(const struct session *session, enum session_side side)
{
    uint8_t body[1 + DIGEST_SIZE];
    body[0] = (uint8_t)side;
    memcpy(body + 1, session->transcript.bytes, DIGEST_SIZE);
    return sign_digest(SIGN_DOMAIN_HANDSHAKE, &session->genesis, bytes_of(body, sizeof(body)));
}

struct digest session_challenge(const struct session *session)
{
    CHECK(session->state == SESSION_PROOF || session->state == SESSION_OPEN);
    return challenge(session, session->side);
}

size_t session_proof(uint8_t out[SESSION_MESSAGE_MAX], const struct sign_signature *signature)
{
    struct session_signed proof = {*signature};
    struct pack_writer writer;
    pack_init(&writer, out, SESSION_MESSAGE_MAX);
    record_pack(&writer, &proof_record, &proof);
    CHECK(!writer.failed);
    return writer.used;
}

enum err session_read_proof(struct session *session, struct bytes in, struct fault *fault)
{
    CHECK(session->state == SESSION_PROOF);

    struct session_signed proof;
    if (unpack(&proof_record, &proof, in) != ERR_NONE)
        return failed(session, fault, ERR_MALFORMED, "its proof of identity is malformed");

    enum session_side theirs =
        session->side == SESSION_DIALLER ? SESSION_LISTENER : SESSION_DIALLER;
    struct digest digest = challenge(session, theirs);
    if (!sign_verify(&session->peer, &digest, &proof.signature))
        return failed(session, fault, ERR_SIGNATURE,
                      "it could not prove the validator key that it claims");
    session->state = SESSION_OPEN;
    return ERR_NONE;
}

static struct digest frame_mac(const struct session *session, enum session_side side,
                               uint64_t counter, struct bytes body)
{
    uint8_t head[8];
    bytes_put_u64(head, counter);
    return key_mac(&session->keys[side], bytes_of(head, sizeof(head)), body);
}

uint64_t session_seal(struct session *session, uint8_t mac[SESSION_MAC_SIZE], struct bytes body)
{
    CHECK(session->state == SESSION_OPEN);
    uint64_t counter = session->sent++;
    struct digest digest = frame_mac(session, session->side, counter, body);
    memcpy(mac, digest.bytes, SESSION_MAC_SIZE);
    return counter;
}

enum err session_open(struct session *session, uint64_t counter, struct bytes body,
                      const uint8_t mac[SESSION_MAC_SIZE])
{
    CHECK(session->state == SESSION_OPEN);
    if (session->broken)
        return ERR_NOT_NOW;
    session->broken = true;
    if (counter != session->received)
        return ERR_MISMATCH;

    enum session_side theirs =
        session->side == SESSION_DIALLER ? SESSION_LISTENER : SESSION_DIALLER;
    struct digest digest = frame_mac(session, theirs, counter, body);
    uint8_t difference = 0;
    for (size_t i = 0; i < SESSION_MAC_SIZE; i++)
        difference |= (uint8_t)(digest.bytes[i] ^ mac[i]);
    if (difference != 0)
        return ERR_SIGNATURE;
    session->received++;
    session->broken = false;
    return ERR_NONE;
}
