#include "consensus/actions.h"

#include "base/check.h"

#include <string.h>

void actions_reset(struct actions *out)
{
    out->count = 0;
    out->deadline_ms = CORE_NEVER;
    out->ignored = NARRATE_HEEDED;
}

struct action *actions_add(struct actions *out, enum action_kind kind)
{
    CHECK(out->count < BOUNDS_ACTIONS);

    struct action *action = &out->list[out->count++];
    memset(action, 0, sizeof(*action));
    action->kind = kind;
    return action;
}

void *actions_alloc(struct actions *out, size_t size)
{
    void *data = arena_alloc(out->arena, size);
    CHECK(data != NULL);
    return data;
}

struct bytes actions_copy(struct actions *out, struct bytes bytes)
{
    uint8_t *data = actions_alloc(out, bytes.size);
    if (bytes.size != 0)
        memcpy(data, bytes.data, bytes.size);
    return bytes_of(data, bytes.size);
}

struct bytes actions_pack(struct actions *out, const struct record *record, const void *value)
{
    struct bytes packed = record_bytes(out->arena, record, value);
    CHECK(packed.data != NULL);
    return packed;
}

void actions_tell(struct actions *out, const struct narrate_line *line)
{
    actions_add(out, ACTION_TELL)->as.tell = *line;
}

void actions_send(struct actions *out, uint64_t to, struct bytes message)
{
    actions_add(out, ACTION_SEND)->as.send = (struct action_send){.message = message, .to = to};
}

void actions_send_signed(struct actions *out, uint64_t to, enum message_tag tag, struct seat from,
                         struct bytes body, const struct sign_signature *signature)
{
    struct message_envelope envelope = {.from = from, .body = body, .signature = *signature};
    struct bytes message = message_seal(out->arena, tag, &envelope);
    CHECK(message.data != NULL);
    actions_send(out, to, message);
}

void actions_sign_vote(struct consensus *c, struct actions *out, enum message_tag tag,
                       const struct ballot *ballot, uint64_t after)
{
    uint8_t body[BOUNDS_BALLOT_BYTES];
    size_t size = ballot_pack(body, ballot);
    actions_add(out, ACTION_SIGN)->as.sign =
        (struct action_sign){.tag = tag,
                             .body = actions_copy(out, bytes_of(body, size)),
                             .after = after,
                             .to = core_others(c),
                             .view = ballot->view,
                             .height = ballot->height,
                             .digest = ballot->digest};
    actions_tell(out, &(struct narrate_line){.kind = NARRATE_VOTED,
                                             .tag = tag,
                                             .height = ballot->height,
                                             .view = ballot->view,
                                             .digest = ballot->digest});
}

void actions_sign(struct consensus *c, struct actions *out, enum message_tag tag, struct bytes body,
                  uint64_t after)
{
    actions_add(out, ACTION_SIGN)->as.sign =
        (struct action_sign){.tag = tag,
                             .body = body,
                             .after = after,
                             .to = core_others(c),
                             .view = c->view,
                             .digest = digest_of(body.data, body.size)};
}

void actions_discard(struct actions *out, const struct digest *digest)
{
    actions_add(out, ACTION_DISCARD)->as.discard = *digest;
}
