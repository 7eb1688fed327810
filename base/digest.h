/* SHA-256 (FIPS 180-4) from OpenSSL's libcrypto, which uses the CPU's SHA instructions. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include "base/bytes.h"

#define DIGEST_SIZE 32

struct digest {
    uint8_t bytes[DIGEST_SIZE];
};

extern const struct digest digest_zero;

/* A digest in the making. Plain memory: copy it to fork the stream; nothing to release. */
struct digest_stream {
    uint64_t opaque[16];
};

void digest_init(struct digest_stream *stream);
void digest_add(struct digest_stream *stream, const void *data, size_t size);

/* The digest of all that was added. The stream is spent: init it again. */
struct digest digest_end(struct digest_stream *stream);

struct digest digest_of(const void *data, size_t size);
bool digest_equal(const struct digest *a, const struct digest *b);

/* Lexicographic: < 0, 0, > 0. */
int digest_compare(const struct digest *a, const struct digest *b);
bool digest_is_zero(const struct digest *digest);

#define DIGEST_TEXT_SIZE 65

/* 64 lower-case hexadecimal digits and a zero. */
void digest_text(char text[DIGEST_TEXT_SIZE], const struct digest *digest);

#endif
