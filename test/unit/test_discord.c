#include "tools/tenured/discord.h"

#include "test/harness.h"

static struct arena arena;

static struct discord writes_of(const struct overlay_value *values, size_t count)
{
    struct discord discord;
    struct digest block = digest_of("block", 5);
    ck_assert(discord_of(&arena, &discord, &block, values, count));
    return discord;
}

/* Both lists over the wire, then compared. */
static void expect(const struct overlay_value *here, size_t here_count,
                   const struct overlay_value *there, size_t there_count, const char *sentence)
{
    char text[256];
    arena_init(&arena, 4u << 20);
    struct discord mine = writes_of(here, here_count), sent = writes_of(there, there_count), theirs;
    struct bytes packed = record_bytes(&arena, &discord_record, &sent);
    ck_assert_int_eq(record_unpack(&arena, &discord_record, &theirs, packed, NULL), ERR_NONE);
    bool found = discord_find(text, sizeof(text), &mine, &theirs);
    ck_assert_int_eq(found, sentence != NULL);
    if (sentence)
        ck_assert_str_eq(text, sentence);
    arena_release(&arena);
}

#define KEY(text, bytes)                                                                           \
    {                                                                                              \
        .key = {(const uint8_t *)(text), sizeof(text) - 1}, .value = {                             \
            (const uint8_t *)(bytes),                                                              \
            sizeof(bytes) - 1                                                                      \
        }                                                                                          \
    }

START_TEST(the_first_difference_is_named)
{
    const struct overlay_value a[] = {KEY("account/\x01\xff", "1"), KEY("b", "2"), KEY("d", "3")};
    const struct overlay_value other[] = {KEY("account/\x01\xff", "9"), KEY("b", "2"),
                                          KEY("d", "8")};
    const struct overlay_value more[] = {KEY("account/\x01\xff", "1"), KEY("b", "2"), KEY("c", "7"),
                                         KEY("d", "3")};
    const struct overlay_value gone[] = {KEY("account/\x01\xff", "1"), KEY("b", ""), KEY("d", "3")};
    expect(a, 3, a, 3, NULL);
    expect(a, 3, other, 3, "key account/01ff: has another value here than there");
    expect(a, 3, more, 4, "key c: written there, not here");
    expect(more, 4, a, 3, "key c: written here, not there");
    expect(a, 3, a, 2, "key d: written here, not there");
    expect(a, 0, a, 1, "key account/01ff: written there, not here");
    expect(a, 3, gone, 3, "key b: has another value here than there");
}
END_TEST

START_TEST(what_is_not_told_is_no_difference)
{
    static struct overlay_value many[DISCORD_KEYS_MAX + 1];
    static uint8_t keys[DISCORD_KEYS_MAX + 1][4];
    for (uint32_t i = 0; i <= DISCORD_KEYS_MAX; i++) {
        bytes_put_u32(keys[i], i);
        many[i] = (struct overlay_value){.key = bytes_of(keys[i], 4), .value = bytes_text("v")};
    }
    expect(many, DISCORD_KEYS_MAX + 1, many, DISCORD_KEYS_MAX, NULL);
    expect(many, DISCORD_KEYS_MAX + 1, many, 1, "key 00000001: written here, not there");
}
END_TEST

HARNESS_MAIN("discord", the_first_difference_is_named, what_is_not_told_is_no_difference)
