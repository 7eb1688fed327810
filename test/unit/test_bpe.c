#include "tools/tenure/bpe.h"

#include "test/harness.h"

#include <stdio.h>
#include <string.h>

/* 256 bytes in the order of GPT-2's vocabulary, then the merges below; U+0120 is a space. */
static char vocabulary[8192];
static const char merges[] = "#version: 0.2\nh e\nl l\nhe ll\n\u0120 w\nhell o\n\u0120w o\n";
enum { HE = 256, LL, HELL, SPACE_W, HELLO, SPACE_WO };

static struct bpe *bpe;
static struct fault fault;

static size_t put_character(char *out, uint32_t character)
{
    if (character < 0x80)
        return (size_t)sprintf(out, character == '"' || character == '\\' ? "\\%c" : "%c",
                               (int)character);
    return (size_t)sprintf(out, "%c%c", (int)(0xc0 | character >> 6),
                           (int)(0x80 | (character & 0x3f)));
}

/* Visible bytes stand for themselves; the others are U+0100 and on, in their order. */
static void write_vocabulary(void)
{
    char *at = vocabulary + sprintf(vocabulary, "{");
    uint32_t hidden = 256, number = 0;

    for (uint32_t byte = 0; byte < 256; byte++) {
        bool visible = (byte > 32 && byte < 127) || (byte > 160 && byte != 173);
        at += sprintf(at, "\"");
        at += put_character(at, visible ? byte : hidden++);
        at += sprintf(at, "\":%u,", number++);
    }
    sprintf(at,
            "\"he\":256,\"ll\":257,\"hell\":258,\"\u0120w\":259,\"hello\":260,\"\u0120wo\":261}");
}

static void setup(void)
{
    write_vocabulary();
    ck_assert_int_eq(bpe_new(&bpe, bytes_text(vocabulary), bytes_text(merges), &fault), ERR_NONE);
}

static void expect_words(const char *text, const char *wanted)
{
    char got[256];
    size_t used = 0;

    for (struct bytes rest = bytes_text(text); rest.size;) {
        size_t size;
        ck_assert_int_eq(bpe_cut(&size, rest, true, &fault), ERR_NONE);
        ck_assert_uint_gt(size, 0);
        used += (size_t)sprintf(got + used, "%.*s|", (int)size, (const char *)rest.data);
        rest = bytes_of(rest.data + size, rest.size - size);
    }
    ck_assert_str_eq(got, wanted);
}

/* What Python's regex module makes of GPT-2's pattern. */
START_TEST(text_is_cut_as_gpt_2_cuts_it)
{
    expect_words("I'm here, you'll  see 42x!!", "I|'m| here|,| you|'ll| | see| 42|x|!!|");
    expect_words("a\n\n  b \n", "a|\n\n | b| \n|");
    expect_words("a\nb", "a|\n|b|");
    expect_words("it's 'so' 'S", "it|'s| '|so|'| '|S|");
    expect_words("na\u00efve \u00bd\u00b2 \u4f60\u597d\u3000\u3002",
                 "na\u00efve| \u00bd\u00b2| \u4f60\u597d|\u3000|\u3002|");
}
END_TEST

START_TEST(the_lowest_pair_is_joined_first)
{
    uint16_t tokens[32];

    setup();
    ck_assert_uint_eq(bpe_symbols(bpe), 262);
    ck_assert_uint_eq(bpe_encode(bpe, tokens, bytes_text("hello")), 1);
    ck_assert_uint_eq(tokens[0], HELLO);
    ck_assert_uint_eq(bpe_encode(bpe, tokens, bytes_text(" world")), 4);
    ck_assert_uint_eq(tokens[0], SPACE_WO);
    ck_assert_uint_eq(tokens[1], 'r');
    /* "ll" comes before "hell", so of three l the first two are joined */
    ck_assert_uint_eq(bpe_encode(bpe, tokens, bytes_text("helllo")), 3);
    ck_assert_uint_eq(tokens[0], HELL);
    ck_assert_uint_eq(tokens[1], 'l');
    ck_assert_uint_eq(bpe_encode(bpe, tokens, bytes_text("\u00ef")), 2);
    ck_assert_uint_eq(tokens[0], 0xc3);
    bpe_free(bpe);
}
END_TEST

START_TEST(a_word_that_may_go_on_waits_for_more_text)
{
    static const char text[] = "hello  'll \u4f60\u597d wor";

    for (size_t from = 0, step; from < sizeof(text) - 1; from += step) {
        struct bytes rest = bytes_of(text + from, sizeof(text) - 1 - from);
        ck_assert_int_eq(bpe_cut(&step, rest, true, &fault), ERR_NONE);
        for (size_t seen = 1; seen <= rest.size; seen++) {
            size_t size;
            ck_assert_int_eq(bpe_cut(&size, bytes_of(rest.data, seen), false, &fault), ERR_NONE);
            ck_assert(size == 0 || size == step);
        }
    }
}
END_TEST

START_TEST(what_is_no_text_is_refused)
{
    static char long_word[BPE_WORD_MAX + 9];
    size_t size;

    ck_assert_int_eq(bpe_cut(&size, bytes_text("ab\xff"), true, &fault), ERR_MALFORMED);
    memset(long_word, 'x', sizeof(long_word));
    ck_assert_int_eq(bpe_cut(&size, bytes_of(long_word, BPE_WORD_MAX), true, &fault), ERR_NONE);
    ck_assert_uint_eq(size, BPE_WORD_MAX);
    ck_assert_int_eq(bpe_cut(&size, bytes_of(long_word, sizeof(long_word)), false, &fault),
                     ERR_LIMIT);
}
END_TEST

static void refused(const char *words, const char *pairs, const char *sentence)
{
    struct bpe *made;

    ck_assert_int_eq(bpe_new(&made, bytes_text(words), bytes_text(pairs), &fault), ERR_MALFORMED);
    ck_assert_str_eq(fault.text, sentence);
}

START_TEST(bad_vocabularies_are_named)
{
    static const char *const no_merge =
        "merges: line 2 is no new pair of two tokens that make a third";

    write_vocabulary();
    refused("{}", "", "vocabulary: there is no token for byte 0");
    refused("{\"a\":65536}", "", "vocabulary: \"a\" has no number of its own below 65536");
    refused("{\"a\":1,\"b\":1}", "", "vocabulary: \"b\" has no number of its own below 65536");
    refused("{\"\u4f60\":1}", "", "vocabulary: \"\u4f60\" is no token");
    refused("{\"\":1}", "", "vocabulary: \"\" is no token");
    refused(vocabulary, "#\nx\n", no_merge);
    refused(vocabulary, "#\no w\n", no_merge);
    refused(vocabulary, "h e\nh e\n", no_merge);
}
END_TEST

START_TEST(token_is_found_by_its_text)
{
    uint32_t token = 7;

    setup();
    ck_assert(!bpe_find(&token, bpe, "<|endoftext|>"));
    ck_assert_uint_eq(token, 7);
    ck_assert(bpe_find(&token, bpe, "hello"));
    ck_assert_uint_eq(token, HELLO);
    bpe_free(bpe);
    strcpy(strrchr(vocabulary, '}'), ",\"<|endoftext|>\":262}");
    ck_assert_int_eq(bpe_new(&bpe, bytes_text(vocabulary), bytes_text(merges), &fault), ERR_NONE);
    ck_assert(bpe_find(&token, bpe, "<|endoftext|>"));
    ck_assert_uint_eq(token, 262);
}
END_TEST

HARNESS_MAIN("bpe", text_is_cut_as_gpt_2_cuts_it, the_lowest_pair_is_joined_first,
             a_word_that_may_go_on_waits_for_more_text, what_is_no_text_is_refused,
             bad_vocabularies_are_named, token_is_found_by_its_text)
