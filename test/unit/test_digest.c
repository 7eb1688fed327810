#include "base/digest.h"

#include <stdlib.h>
#include <string.h>

#include "test/seed.h"
#include "test/harness.h"

/* FIPS 180-2 appendix B, and the empty message. */
START_TEST(digests_are_those_of_the_standard)
{
    static const struct {
        const char *message;
        size_t repeats;
        const char *digest;
    } cases[] = {
        {"", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct digest_stream stream;
        digest_init(&stream);
        for (size_t j = 0; j < cases[i].repeats; j++)
            digest_add(&stream, cases[i].message, strlen(cases[i].message));
        struct digest digest = digest_end(&stream);
        char text[DIGEST_TEXT_SIZE];
        digest_text(text, &digest);
        ck_assert_str_eq(text, cases[i].digest);
    }
}
END_TEST

START_TEST(pieces_give_the_digest_of_the_whole)
{
    uint8_t data[300];
    uint64_t seed = 2;
    seed_fill(&seed, data, sizeof(data));
    struct digest whole = digest_of(data, sizeof(data));
    for (size_t cut = 0; cut <= sizeof(data); cut++) {
        struct digest_stream stream;
        digest_init(&stream);
        digest_add(&stream, data, cut);
        struct digest_stream fork = stream;
        digest_add(&stream, data + cut, sizeof(data) - cut);
        struct digest digest = digest_end(&stream);
        ck_assert(digest_equal(&digest, &whole));
        digest_add(&fork, data + cut, sizeof(data) - cut);
        digest = digest_end(&fork);
        ck_assert(digest_equal(&digest, &whole));
    }
}
END_TEST

START_TEST(order_is_that_of_the_bytes)
{
    struct digest low = {{0}}, high = {{0}};
    ck_assert(digest_is_zero(&low));
    high.bytes[DIGEST_SIZE - 1] = 1;
    ck_assert(!digest_is_zero(&high));
    ck_assert_int_lt(digest_compare(&low, &high), 0);
    low.bytes[DIGEST_SIZE - 1] = 0xff;
    ck_assert_int_gt(digest_compare(&low, &high), 0);
    ck_assert(!digest_equal(&low, &high));
}
END_TEST

HARNESS_MAIN("digest", digests_are_those_of_the_standard, pieces_give_the_digest_of_the_whole,
             order_is_that_of_the_bytes)
