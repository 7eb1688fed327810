#include "tools/tenured/discord.h"

#include <ctype.h>
#include <stdio.h>

#include "tools/sys/clock.h"
#include "tools/sys/log.h"
#include "tools/tenured/node.h"
#include "tools/tenured/wire.h"

static const struct record_field discord_write_fields[] = {
    RECORD_BYTES(struct discord_write, key, LIMIT_KEY_BYTES),
    RECORD_FIXED(struct discord_write, value, RECORD_AS_HEX),
};
static const struct record discord_write_record =
    RECORD(struct discord_write, "write", discord_write_fields);

static const struct record_field discord_fields[] = {
    RECORD_FIXED(struct discord, block, RECORD_AS_HEX),
    RECORD_LIST(struct discord, writes, write_count, DISCORD_KEYS_MAX, &discord_write_record),
};
const struct record discord_record = RECORD(struct discord, "writes", discord_fields);

bool discord_of(struct arena *arena, struct discord *discord, const struct digest *block,
                const struct overlay_value *values, size_t count)
{
    uint32_t told = count < DISCORD_KEYS_MAX ? (uint32_t)count : DISCORD_KEYS_MAX;
    struct discord_write *writes = arena_array(arena, told, sizeof(*writes));
    if (!writes)
        return false;
    for (uint32_t i = 0; i < told; i++) {
        writes[i].key = values[i].key;
        writes[i].value = values[i].value.size > 0
                              ? digest_of(values[i].value.data, values[i].value.size)
                              : digest_zero;
    }
    *discord = (struct discord){*block, writes, told};
    return true;
}

/* A key as people know it: its printable beginning, then hexadecimal. */
static void discord_key_text(char text[3 * LIMIT_KEY_BYTES], struct bytes key)
{
    size_t used = 0, i = 0;
    for (; i < key.size && isprint(key.data[i]); i++)
        text[used++] = (char)key.data[i];
    bytes_to_hex(text + used, bytes_of(key.data + i, key.size - i));
}

bool discord_find(char *text, size_t size, const struct discord *here, const struct discord *there)
{
    char key[3 * LIMIT_KEY_BYTES];
    uint32_t i = 0;
    while (i < here->write_count && i < there->write_count &&
           bytes_equal(here->writes[i].key, there->writes[i].key) &&
           digest_equal(&here->writes[i].value, &there->writes[i].value))
        i++;
    /* A list that is full says nothing about what comes after it. */
    bool here_ends = i == here->write_count, there_ends = i == there->write_count;
    if ((here_ends && there_ends) || (here_ends && i == DISCORD_KEYS_MAX) ||
        (there_ends && i == DISCORD_KEYS_MAX))
        return false;
    int order = here_ends    ? 1
                : there_ends ? -1
                             : bytes_compare(here->writes[i].key, there->writes[i].key);
    discord_key_text(key, order > 0 ? there->writes[i].key : here->writes[i].key);
    snprintf(text, size, "key %s: %s", key,
             order < 0   ? "written here, not there"
             : order > 0 ? "written there, not here"
                         : "has another value here than there");
    return true;
}

/* --- between nodes --- */

void discord_ask(struct node *node, const struct digest *block, const struct parcel *parcel)
{
    struct consensus_block proposed;
    size_t count;
    if (!parcel || !chain_writes(node->chain, block, &count) ||
        !wire_read_header(NULL, &proposed, parcel->header) ||
        proposed.proposer.n >= LIMIT_VALIDATORS)
        return;
    struct wire_want_body want = {*block};
    uint8_t packed[64];
    struct pack_writer writer;
    pack_init(&writer, packed, sizeof(packed));
    record_pack(&writer, &wire_want_body_record, &want);
    struct roster *roster = roster_hold(node);
    uint8_t place = roster->places[proposed.proposer.n];
    roster_drop(roster);
    if (place == ROSTER_NONE)
        return;
    atomic_store(&node->discord_asked[place], true);
    node_send(node, COMMITTEE_BIT(proposed.proposer.n), PEER_BULK, WIRE_WANT_WRITES,
              bytes_of(packed, writer.used));
}

void discord_tell(struct node *node, struct arena *arena, struct place to,
                  const struct digest *block)
{
    size_t count;
    struct discord discord;
    const struct overlay_value *values = chain_writes(node->chain, block, &count);
    if (!values || !discord_of(arena, &discord, block, values, count))
        return;
    struct bytes packed = record_bytes(arena, &discord_record, &discord);
    if (packed.data && ration_take(&node->ration, to, packed.size, clock_monotonic_ms()))
        node_answer(node, to, PEER_BULK, WIRE_WRITES, packed);
}

bool discord_expects(struct node *node, struct place from)
{
    return atomic_exchange(&node->discord_asked[from.n], false);
}

void discord_compare(struct node *node, struct arena *arena, struct place from, struct bytes record)
{
    size_t count;
    char text[512];
    struct discord here, there;
    if (record_unpack(arena, &discord_record, &there, record, NULL))
        return;
    const struct overlay_value *values = chain_writes(node->chain, &there.block, &count);
    if (!values || !discord_of(arena, &here, &there.block, values, count))
        return;
    if (!discord_find(text, sizeof(text), &here, &there))
        snprintf(text, sizeof(text), "the keys written are the same; receipts or events differ");
    char name[ROSTER_NAME_SIZE];
    roster_name(node, from, name);
    log_event(LOG_LEVEL_ERROR, "divergence", "this node's execution of a block of %s: %s", name,
              text);
}
