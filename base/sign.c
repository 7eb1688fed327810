#include "base/sign.h"

#include <secp256k1.h>
#include <secp256k1_ecdh.h>
#include <secp256k1_preallocated.h>
#include <string.h>

#include "base/check.h"

/* The library's constant context does all but signing and making public keys. Those two take a
 * context of their own, made in memory on the stack, so that no static is needed; it costs about
 * half a signature. */
#define CONTEXT_SIZE_MAX 1024

struct context {
    _Alignas(16) uint8_t memory[CONTEXT_SIZE_MAX];
};

static secp256k1_context *context_init(struct context *context)
{
    CHECK(secp256k1_context_preallocated_size(SECP256K1_CONTEXT_SIGN) <= CONTEXT_SIZE_MAX);
    return secp256k1_context_preallocated_create(context->memory, SECP256K1_CONTEXT_SIGN);
}

struct digest sign_digest(const char *domain, const struct digest *genesis, struct bytes body)
{
    size_t size = strlen(domain);
    CHECK(size <= UINT8_MAX);
    uint8_t size_byte = (uint8_t)size;
    struct digest_stream stream;
    digest_init(&stream);
    digest_add(&stream, &size_byte, 1);
    digest_add(&stream, domain, size);
    digest_add(&stream, genesis->bytes, DIGEST_SIZE);
    digest_add(&stream, body.data, body.size);
    return digest_end(&stream);
}

bool sign_public_of(struct sign_public *public, const struct sign_secret *secret)
{
    struct context context;
    secp256k1_context *library = context_init(&context);
    secp256k1_pubkey key;
    bool valid = secp256k1_ec_pubkey_create(library, &key, secret->bytes);
    if (valid) {
        size_t size = SIGN_PUBLIC_SIZE;
        secp256k1_ec_pubkey_serialize(library, public->bytes, &size, &key, SECP256K1_EC_COMPRESSED);
    }
    secp256k1_context_preallocated_destroy(library);
    return valid;
}

static bool parse_public(secp256k1_pubkey *key, const struct sign_public *public)
{
    return secp256k1_ec_pubkey_parse(secp256k1_context_static, key, public->bytes,
                                     SIGN_PUBLIC_SIZE);
}

bool sign_public_is_valid(const struct sign_public *public)
{
    secp256k1_pubkey key;
    return parse_public(&key, public);
}

struct sign_signature sign_make(const struct sign_secret *secret, const struct digest *digest)
{
    struct context context;
    secp256k1_context *library = context_init(&context);
    secp256k1_ecdsa_signature raw;
    bool made = secp256k1_ecdsa_sign(library, &raw, digest->bytes, secret->bytes,
                                     secp256k1_nonce_function_rfc6979, NULL);
    CHECK(made); /* only an invalid secret fails */
    struct sign_signature signature;
    secp256k1_ecdsa_signature_serialize_compact(library, signature.bytes, &raw);
    secp256k1_context_preallocated_destroy(library);
    return signature;
}

bool sign_verify(const struct sign_public *public, const struct digest *digest,
                 const struct sign_signature *signature)
{
    secp256k1_pubkey key;
    secp256k1_ecdsa_signature raw;
    if (!parse_public(&key, public))
        return false;
    if (!secp256k1_ecdsa_signature_parse_compact(secp256k1_context_static, &raw, signature->bytes))
        return false;
    return secp256k1_ecdsa_verify(secp256k1_context_static, &raw, digest->bytes, &key);
}

bool sign_normalise(struct sign_signature *signature)
{
    static const uint8_t zero[32];
    secp256k1_ecdsa_signature raw;
    if (memcmp(signature->bytes, zero, 32) == 0 || memcmp(signature->bytes + 32, zero, 32) == 0)
        return false; /* the library takes these, and then verifies none */
    if (!secp256k1_ecdsa_signature_parse_compact(secp256k1_context_static, &raw, signature->bytes))
        return false;
    secp256k1_ecdsa_signature_normalize(secp256k1_context_static, &raw, &raw);
    secp256k1_ecdsa_signature_serialize_compact(secp256k1_context_static, signature->bytes, &raw);
    return true;
}

bool sign_shared(struct digest *shared, const struct sign_secret *secret,
                 const struct sign_public *public)
{
    secp256k1_pubkey key;
    struct digest result;
    if (!parse_public(&key, public))
        return false;
    if (!secp256k1_ecdh(secp256k1_context_static, result.bytes, &key, secret->bytes,
                        secp256k1_ecdh_hash_function_sha256, NULL))
        return false;
    *shared = result;
    return true;
}

void sign_secret_clear(struct sign_secret *secret)
{
    explicit_bzero(secret->bytes, sizeof(secret->bytes));
}
