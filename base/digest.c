#include "base/digest.h"

#include <openssl/sha.h>
#include <string.h>

_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct digest_stream),
               "a stream holds the library's state");

const struct digest digest_zero;

/* These three keep no static and fetch nothing, unlike OpenSSL's newer interface; they fail on no
 * input. */
void digest_init(struct digest_stream *stream)
{
    SHA256_Init((SHA256_CTX *)stream->opaque);
}

void digest_add(struct digest_stream *stream, const void *data, size_t size)
{
    SHA256_Update((SHA256_CTX *)stream->opaque, data, size);
}

struct digest digest_end(struct digest_stream *stream)
{
    struct digest digest;
    SHA256_Final(digest.bytes, (SHA256_CTX *)stream->opaque);
    return digest;
}

struct digest digest_of(const void *data, size_t size)
{
    struct digest_stream stream;
    digest_init(&stream);
    digest_add(&stream, data, size);
    return digest_end(&stream);
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
    return digest_compare(a, b) == 0;
}

int digest_compare(const struct digest *a, const struct digest *b)
{
    return memcmp(a->bytes, b->bytes, DIGEST_SIZE);
}

bool digest_is_zero(const struct digest *digest)
{
    return digest_equal(digest, &digest_zero);
}

void digest_text(char text[DIGEST_TEXT_SIZE], const struct digest *digest)
{
    bytes_to_hex(text, bytes_of(digest->bytes, DIGEST_SIZE));
}
