#include "trainer/tokens.h"

#include "test/unit/story.h"

START_TEST(tokens_and_the_labels_that_follow_are_read)
{
    struct story *s = story_new();
    uint16_t tokens[4], labels[4];
    ck_assert_int_eq(s->data.kind, DATASET_TOKENS);
    ck_assert_uint_eq(s->data.count, STORY_TOKENS);
    ck_assert_uint_eq(s->data.classes, STORY_SYMBOLS);
    s->file[TOKENS_HEADER_BYTES + 2 * 7 + 1] = 0x12; /* the high byte */
    tokens_read(&s->data, STORY_TOKENS - 5, 4, tokens, labels);
    for (uint32_t i = 0; i < 4; i++) {
        ck_assert_uint_eq(tokens[i], tokens_at(&s->data, STORY_TOKENS - 5 + i));
        ck_assert_uint_eq(labels[i], tokens_at(&s->data, STORY_TOKENS - 4 + i));
    }
    ck_assert_uint_eq(tokens_at(&s->data, 7), 0x1200u + s->file[TOKENS_HEADER_BYTES + 14]);
    story_free(s);
}
END_TEST

START_TEST(every_place_where_a_sequence_fits_is_drawn)
{
    struct story *s = story_new();
    uint32_t seen[3] = {0};
    for (uint32_t row = 0; row < 60; row++) {
        uint32_t from = tokens_sample(&s->data, STORY_TOKENS - 2, 7, 1, 2, 3, row);
        ck_assert_uint_lt(from, 3);
        seen[from]++;
    }
    for (int i = 0; i < 3; i++)
        ck_assert_uint_gt(seen[i], 5);
    ck_assert_uint_eq(tokens_sample(&s->data, STORY_TOKENS, 7, 1, 2, 3, 4), 0);
    story_free(s);
}
END_TEST

START_TEST(the_root_is_that_of_the_file_s_chunks)
{
    struct story *s = story_new();
    struct digest want = merkle_leaf(s->file, sizeof(s->file));
    ck_assert(digest_equal(&s->data.root, &want));
    story_free(s);
}
END_TEST

START_TEST(a_written_header_is_the_one_that_is_read)
{
    struct story *s = story_new();
    uint8_t header[TOKENS_HEADER_BYTES];
    tokens_header(header, STORY_TOKENS);
    ck_assert_mem_eq(header, s->file, sizeof(header));
    story_free(s);
}
END_TEST

static void expect(struct story *s, size_t size, const char *sentence)
{
    struct dataset data = {.count = 77};
    struct fault fault = {0};
    ck_assert_int_eq(tokens_init(&data, bytes_of(s->file, size), &fault), ERR_MALFORMED);
    ck_assert_str_eq(fault.text, sentence);
    ck_assert_uint_eq(data.count, 77);
    story_file(s);
}

START_TEST(malformed_files_are_refused)
{
    struct story *s = story_new();
    size_t all = sizeof(s->file);
    expect(s, 0, "tokens: no file of 16-bit tokens with a header");
    expect(s, TOKENS_HEADER_BYTES - 1, "tokens: no file of 16-bit tokens with a header");
    expect(s, all - 1, "tokens: 2223 bytes, not the 2224 that its header tells");
    s->file[0] ^= 1;
    expect(s, all, "tokens: no file of 16-bit tokens with a header");
    s->file[4] = 2;
    expect(s, all, "tokens: version 2; only 1 is known");
    story_put(s->file + 8, 1);
    expect(s, all, "tokens: 1 of them; 2 to 1073741824 are possible");
    story_put(s->file + 8, 0xffffffffu);
    expect(s, all, "tokens: 4294967295 of them; 2 to 1073741824 are possible");
    story_put(s->file + 8, STORY_TOKENS + 1);
    expect(s, all, "tokens: 2224 bytes, not the 2226 that its header tells");
    s->file[TOKENS_HEADER_BYTES - 4] = 5;
    expect(s, all, "tokens: header word 255 is 5, not 0");
    story_free(s);
}
END_TEST

HARNESS_MAIN("tokens", tokens_and_the_labels_that_follow_are_read,
             every_place_where_a_sequence_fits_is_drawn, the_root_is_that_of_the_file_s_chunks,
             a_written_header_is_the_one_that_is_read, malformed_files_are_refused)
