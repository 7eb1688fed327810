#include "tools/tenured/guard.h"

#include <string.h>

#include "base/check.h"

static const struct record_field guard_entry_fields[] = {
    RECORD_UINT(struct guard_entry, height),
    RECORD_FIXED(struct guard_entry, digest, RECORD_AS_HEX),
};
static const struct record guard_entry_record =
    RECORD(struct guard_entry, "guard entry", guard_entry_fields);

static const struct record_field guard_kind_fields[] = {
    RECORD_LIST(struct guard_kind, entries, count, BOUNDS_WINDOW, &guard_entry_record),
};
static const struct record guard_kind_record =
    RECORD(struct guard_kind, "guard kind", guard_kind_fields);

static const struct record_field guard_fields[] = {
    RECORD_FIXED(struct guard, chain, RECORD_AS_HEX),
    RECORD_UINT(struct guard, since),
    RECORD_UINT(struct guard, view),
    RECORD_UINT(struct guard, height),
    RECORD_UINT(struct guard, forgotten),
    RECORD_UINT(struct guard, missed_view),
    RECORD_UINT(struct guard, missed_height),
    RECORD_FIXED(struct guard, view_change, RECORD_AS_HEX),
    RECORD_FIXED(struct guard, new_view, RECORD_AS_HEX),
    RECORD_ONE(struct guard, pre_prepare, &guard_kind_record),
    RECORD_ONE(struct guard, prepare, &guard_kind_record),
    RECORD_ONE(struct guard, commit, &guard_kind_record),
};
static const struct record guard_record = RECORD(struct guard, "guard", guard_fields);

void guard_init(struct guard *guard, const struct digest *chain)
{
    memset(guard, 0, sizeof(*guard));
    guard->chain = *chain;
}

static bool guard_voted(const struct guard *guard)
{
    return guard->pre_prepare.count > 0 || guard->prepare.count > 0 || guard->commit.count > 0;
}

static void guard_enter(struct guard *guard, uint64_t since, struct view view)
{
    const struct guard before = *guard;
    guard_init(guard, &before.chain);
    guard->height = before.height;
    guard->forgotten = before.forgotten;
    guard->missed_view = before.missed_view;
    guard->missed_height = before.missed_height;
    guard->since = since;
    guard->view = view;
}

/* One vote of a kind. */
static bool guard_vote(struct guard *guard, struct guard_kind *kind, struct height height,
                       const struct digest *digest)
{
    for (uint32_t i = 0; i < kind->count; i++)
        if (kind->room[i].height.n == height.n)
            return digest_equal(&kind->room[i].digest, digest);
    if (kind->count > 0 && height.n < kind->room[kind->count - 1].height.n)
        return false;
    if (kind->count == BOUNDS_WINDOW) {
        memmove(&kind->room[0], &kind->room[1], (BOUNDS_WINDOW - 1) * sizeof(kind->room[0]));
        kind->count--;
    }
    kind->room[kind->count++] = (struct guard_entry){height, *digest};
    if (height.n > guard->height.n)
        guard->height = height;
    return true;
}

/* One statement for the view itself. */
static bool guard_once(struct digest *known, const struct digest *digest)
{
    if (digest_is_zero(known))
        *known = *digest;
    return digest_equal(known, digest);
}

bool guard_allow(struct guard *guard, uint64_t since, const struct action_sign *sign)
{
    if (sign->tag == MESSAGE_STATUS)
        return true;
    if (since < guard->since || (since == guard->since && sign->view.n < guard->view.n))
        return false;
    if (since > guard->since || sign->view.n > guard->view.n)
        guard_enter(guard, since, sign->view);
    switch (sign->tag) {
    case MESSAGE_PRE_PREPARE:
        return guard_vote(guard, &guard->pre_prepare, sign->height, &sign->digest);
    case MESSAGE_PREPARE:
        return guard_vote(guard, &guard->prepare, sign->height, &sign->digest);
    case MESSAGE_COMMIT:
        return guard_vote(guard, &guard->commit, sign->height, &sign->digest);
    case MESSAGE_VIEW_CHANGE:
        if (digest_is_zero(&guard->view_change) && guard_voted(guard))
            return false;
        return guard_once(&guard->view_change, &sign->digest);
    case MESSAGE_NEW_VIEW:
        return guard_once(&guard->new_view, &sign->digest);
    case MESSAGE_STATUS:
    case MESSAGE_DECIDED:
        break;
    }
    return false;
}

bool guard_has_signed(const struct guard *guard)
{
    return guard_voted(guard) || !digest_is_zero(&guard->view_change) ||
           !digest_is_zero(&guard->new_view);
}

struct height guard_height(const struct guard *guard)
{
    return guard->height;
}

size_t guard_pack(uint8_t out[GUARD_BYTES_MAX], const struct guard *guard)
{
    struct guard copy = *guard;
    copy.pre_prepare.entries = copy.pre_prepare.room;
    copy.prepare.entries = copy.prepare.room;
    copy.commit.entries = copy.commit.room;
    struct pack_writer writer;
    pack_init(&writer, out, GUARD_BYTES_MAX);
    record_pack(&writer, &guard_record, &copy);
    CHECK(!writer.failed);
    return writer.used;
}

/* Moves a list that was read into its room. False unless heights ascend. */
static bool guard_settle(struct guard_kind *kind)
{
    for (uint32_t i = 0; i < kind->count; i++) {
        if (i > 0 && kind->entries[i].height.n <= kind->entries[i - 1].height.n)
            return false;
        kind->room[i] = kind->entries[i];
    }
    kind->entries = NULL;
    return true;
}

enum err guard_unpack(struct guard *guard, struct bytes in)
{
    struct arena arena;
    struct guard read;
    memset(&read, 0, sizeof(read));
    arena_init(&arena, 4 * GUARD_BYTES_MAX);
    enum err err = record_unpack(&arena, &guard_record, &read, in, NULL);
    if (!err && !(guard_settle(&read.pre_prepare) && guard_settle(&read.prepare) &&
                  guard_settle(&read.commit)))
        err = ERR_MALFORMED;
    arena_release(&arena);
    if (!err)
        *guard = read;
    return err;
}
