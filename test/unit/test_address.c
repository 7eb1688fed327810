#include "base/address.h"

#include <ctype.h>
#include <string.h>

#include "test/seed.h"
#include "test/harness.h"

/* BIP 350, "Test vectors for Bech32m". */
START_TEST(checksums_are_judged_as_bip350_says)
{
    static const char *const valid[] = {
        "A1LQFN3A",
        "a1lqfn3a",
        "an83characterlonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11sg7hg"
        "6",
        "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx",
        "11llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllludsr"
        "8",
        "split1checkupstagehandshakeupstreamerranterredcaperredlc445v",
        "?1v759aa",
    };
    static const char *const invalid[] = {
        "\x20"
        "1xj0phk",
        "\x7f"
        "1g6xzxy",
        "\x80"
        "1vctc34",
        "an84characterslonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11d6pts"
        "4",
        "qyrz8wqd2c9m",
        "1qyrz8wqd2c9m",
        "y1b0jsk6g",
        "lt1igcx5c0",
        "in1muywd",
        "mm1crxm3i",
        "au1s5cgom",
        "M1VUXWEZ",
        "16plkw9",
        "1p2gdwpf",
        "A12UEL5L", /* bech32, not bech32m (BIP 173) */
    };
    for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++)
        ck_assert_msg(address_is_bech32m(valid[i]), "%s", valid[i]);
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++)
        ck_assert_msg(!address_is_bech32m(invalid[i]), "%s", invalid[i]);
}
END_TEST

START_TEST(address_is_the_beginning_of_the_keys_digest)
{
    struct sign_public public;
    harness_hex(public.bytes, "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
    struct address address = address_of(&public);
    struct digest digest = digest_of(public.bytes, SIGN_PUBLIC_SIZE);
    ck_assert_mem_eq(address.bytes, digest.bytes, ADDRESS_SIZE);
    char text[ADDRESS_TEXT_SIZE];
    address_text(text, &address);
    ck_assert_str_eq(text, "tnr1pac4ht6afshdx2tctnhjnetz7u6g3j9zjwnwau");
}
END_TEST

START_TEST(text_of_an_address_reads_back_in_either_case)
{
    uint64_t seed = 5;
    for (int i = 0; i < 500; i++) {
        struct address address, back;
        char text[ADDRESS_TEXT_SIZE];
        seed_fill(&seed, address.bytes, ADDRESS_SIZE);
        address_text(text, &address);
        ck_assert(address_is_bech32m(text));
        ck_assert(address_parse(&back, text));
        ck_assert(address_equal(&address, &back));
        for (char *c = text; *c; c++)
            *c = (char)toupper(*c);
        ck_assert(address_parse(&back, text));
        ck_assert(address_equal(&address, &back));
    }
}
END_TEST

/* BIP 173 proves that up to four wrong characters are found. */
START_TEST(any_wrong_character_is_found)
{
    char text[ADDRESS_TEXT_SIZE];
    address_text(text, &address_zero);
    for (size_t i = 0; text[i]; i++) {
        for (int c = 1; c < 128; c++) {
            char changed[ADDRESS_TEXT_SIZE];
            struct address out = {{7}}, before = out;
            memcpy(changed, text, sizeof(text));
            changed[i] = (char)c;
            if (changed[i] == text[i])
                continue;
            ck_assert_msg(!address_parse(&out, changed), "%s", changed);
            ck_assert(address_equal(&out, &before));
        }
    }
}
END_TEST

START_TEST(other_strings_are_no_address)
{
    static const char *const bad[] = {
        "",
        "tnr",
        "tnr1",
        "A1LQFN3A",
        "tnr1pac4ht6afshdx2tctnhjnetz7u6g3j9zjwnwa",
        "tnr1pac4ht6afshdx2tctnhjnetz7u6g3j9zjwnwauu",
        "Tnr1pac4ht6afshdx2tctnhjnetz7u6g3j9zjwnwau",
        " tnr1pac4ht6afshdx2tctnhjnetz7u6g3j9zjwnwau",
        "split1checkupstagehandshakeupstreamerranterredcaperredlc445v",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct address address;
        ck_assert_msg(!address_parse(&address, bad[i]), "%s", bad[i]);
    }
}
END_TEST

HARNESS_MAIN("address", checksums_are_judged_as_bip350_says,
             address_is_the_beginning_of_the_keys_digest,
             text_of_an_address_reads_back_in_either_case, any_wrong_character_is_found,
             other_strings_are_no_address)
