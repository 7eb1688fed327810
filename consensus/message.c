#include "consensus/message.h"

#include "base/check.h"

static const struct record_field envelope_fields[] = {
    RECORD_UINT_MAX(struct message_envelope, from, LIMIT_VALIDATORS - 1),
    RECORD_BYTES(struct message_envelope, body, BOUNDS_NEW_VIEW_BYTES(BOUNDS_QUORUM)),
    RECORD_FIXED(struct message_envelope, signature, RECORD_AS_HEX),
};
const struct record message_envelope_record =
    RECORD(struct message_envelope, "envelope", envelope_fields);

static const struct record_field pre_prepare_fields[] = {
    RECORD_FIXED(struct message_pre_prepare, set, RECORD_AS_HEX),
    RECORD_UINT_MAX(struct message_pre_prepare, view, BOUNDS_VIEW_MAX),
    RECORD_FIXED(struct message_pre_prepare, new_view, RECORD_AS_HEX),
    RECORD_BYTES(struct message_pre_prepare, header, BOUNDS_HEADER_BYTES),
};
const struct record message_pre_prepare_record =
    RECORD(struct message_pre_prepare, "pre-prepare", pre_prepare_fields);

static const struct record_field prepared_fields[] = {
    RECORD_BYTES(struct message_prepared, header, BOUNDS_HEADER_BYTES),
    RECORD_ONE(struct message_prepared, certificate, &ballot_certificate_record),
};
static const struct record prepared_record =
    RECORD(struct message_prepared, "prepared", prepared_fields);

static const struct record_field view_change_fields[] = {
    RECORD_FIXED(struct message_view_change, set, RECORD_AS_HEX),
    RECORD_UINT_MAX(struct message_view_change, view, BOUNDS_VIEW_MAX),
    RECORD_ONE(struct message_view_change, committed, &ballot_certificate_record),
    RECORD_LIST(struct message_view_change, prepared, prepared_count, BOUNDS_WINDOW,
                &prepared_record),
};
const struct record message_view_change_record =
    RECORD(struct message_view_change, "view-change", view_change_fields);

static const struct record_field brief_height_fields[] = {
    RECORD_UINT(struct message_brief_height, height),
    RECORD_UINT(struct message_brief_height, view),
};
static const struct record brief_height_record =
    RECORD(struct message_brief_height, "prepared height", brief_height_fields);

static const struct record_field brief_fields[] = {
    RECORD_FIXED(struct message_brief, set, RECORD_AS_HEX),
    RECORD_UINT_MAX(struct message_brief, view, BOUNDS_VIEW_MAX),
    RECORD_UINT(struct message_brief, committed),
    RECORD_LIST(struct message_brief, prepared, prepared_count, BOUNDS_WINDOW,
                &brief_height_record),
    RECORD_FIXED(struct message_brief, body, RECORD_AS_HEX),
};
const struct record message_brief_record =
    RECORD(struct message_brief, "brief of a view-change", brief_fields);

static const struct record_field new_view_fields[] = {
    RECORD_FIXED(struct message_new_view, set, RECORD_AS_HEX),
    RECORD_UINT_MAX(struct message_new_view, view, BOUNDS_VIEW_MAX),
    RECORD_LIST(struct message_new_view, changes, change_count, BOUNDS_QUORUM,
                &message_envelope_record),
};
const struct record message_new_view_record =
    RECORD(struct message_new_view, "new-view", new_view_fields);

static const struct record_field slot_fields[] = {
    RECORD_FIXED(struct message_slot, digest, RECORD_AS_HEX),
    RECORD_UINT(struct message_slot, prepares),
    RECORD_UINT(struct message_slot, commits),
};
static const struct record slot_record = RECORD(struct message_slot, "slot", slot_fields);

static const struct record_field status_fields[] = {
    RECORD_FIXED(struct message_status, set, RECORD_AS_HEX),
    RECORD_UINT_MAX(struct message_status, height, BOUNDS_HEIGHT_MAX),
    RECORD_UINT_MAX(struct message_status, view, BOUNDS_VIEW_MAX),
    RECORD_BOOL(struct message_status, active),
    RECORD_UINT(struct message_status, changes),
    RECORD_LIST(struct message_status, slots, slot_count, BOUNDS_WINDOW, &slot_record),
};
const struct record message_status_record = RECORD(struct message_status, "status", status_fields);

static const struct record_field decided_fields[] = {
    RECORD_BYTES(struct message_decided, header, BOUNDS_HEADER_BYTES),
    RECORD_ONE(struct message_decided, certificate, &ballot_certificate_record),
};
const struct record message_decided_record =
    RECORD(struct message_decided, "decided", decided_fields);

static const struct record_option options[] = {
    {MESSAGE_PRE_PREPARE, &message_envelope_record},
    {MESSAGE_PREPARE, &message_envelope_record},
    {MESSAGE_COMMIT, &message_envelope_record},
    {MESSAGE_VIEW_CHANGE, &message_envelope_record},
    {MESSAGE_NEW_VIEW, &message_envelope_record},
    {MESSAGE_STATUS, &message_envelope_record},
    {MESSAGE_DECIDED, &message_decided_record},
};
const struct record_choice message_choice = {"message", options,
                                             sizeof(options) / sizeof(options[0])};

const char *message_name(enum message_tag tag)
{
    switch (tag) {
    case MESSAGE_PRE_PREPARE:
        return "pre-prepare";
    case MESSAGE_PREPARE:
        return "prepare";
    case MESSAGE_COMMIT:
        return "commit";
    case MESSAGE_VIEW_CHANGE:
        return "view-change";
    case MESSAGE_NEW_VIEW:
        return "new-view";
    case MESSAGE_STATUS:
        return "status";
    case MESSAGE_DECIDED:
        return "decided";
    }
    CHECK(!"a known tag");
}

const char *message_domain(enum message_tag tag)
{
    switch (tag) {
    case MESSAGE_PRE_PREPARE:
        return SIGN_DOMAIN_PRE_PREPARE;
    case MESSAGE_PREPARE:
        return SIGN_DOMAIN_PREPARE;
    case MESSAGE_COMMIT:
        return SIGN_DOMAIN_COMMIT;
    case MESSAGE_VIEW_CHANGE:
        return SIGN_DOMAIN_VIEW_CHANGE;
    case MESSAGE_NEW_VIEW:
        return SIGN_DOMAIN_NEW_VIEW;
    case MESSAGE_STATUS:
        return SIGN_DOMAIN_STATUS;
    case MESSAGE_DECIDED:
        break;
    }
    CHECK(!"a signed tag");
}

void message_brief(struct message_brief *brief, const struct message_view_change *change,
                   struct bytes body)
{
    CHECK(change->prepared_count <= BOUNDS_WINDOW);
    *brief = (struct message_brief){.set = change->set,
                                    .view = change->view,
                                    .committed = change->committed.ballot.height,
                                    .prepared = brief->room,
                                    .prepared_count = change->prepared_count,
                                    .body = digest_of(body.data, body.size)};
    for (uint32_t i = 0; i < change->prepared_count; i++) {
        const struct ballot *ballot = &change->prepared[i].certificate.ballot;
        brief->room[i] = (struct message_brief_height){ballot->height, ballot->view};
    }
}

size_t message_brief_pack(uint8_t out[MESSAGE_BRIEF_BYTES], const struct message_brief *brief)
{
    struct pack_writer writer;
    pack_init(&writer, out, MESSAGE_BRIEF_BYTES);
    record_pack(&writer, &message_brief_record, brief);
    CHECK(!writer.failed);
    return writer.used;
}

struct digest message_digest(struct arena *arena, enum message_tag tag, const struct digest *chain,
                             struct bytes body)
{
    struct message_view_change change;
    if (tag != MESSAGE_VIEW_CHANGE)
        return sign_digest(message_domain(tag), chain, body);
    if (record_unpack(arena, &message_view_change_record, &change, body, NULL))
        return sign_digest(message_domain(tag), chain, body);
    struct message_brief brief;
    uint8_t packed[MESSAGE_BRIEF_BYTES];
    message_brief(&brief, &change, body);
    return sign_digest(message_domain(tag), chain,
                       bytes_of(packed, message_brief_pack(packed, &brief)));
}

static struct bytes pack_message(struct arena *arena, enum message_tag tag, const void *record)
{
    struct pack_writer count, writer;
    pack_count(&count);
    record_choice_pack(&count, &message_choice, (uint16_t)tag, record);
    void *data = arena_alloc(arena, count.used);
    if (data == NULL)
        return bytes_of(NULL, 0);
    pack_init(&writer, data, count.used);
    record_choice_pack(&writer, &message_choice, (uint16_t)tag, record);
    CHECK(!writer.failed);
    return bytes_of(data, count.used);
}

struct bytes message_seal(struct arena *arena, enum message_tag tag,
                          const struct message_envelope *envelope)
{
    CHECK(tag != MESSAGE_DECIDED);
    return pack_message(arena, tag, envelope);
}

enum err message_decide(struct arena *arena, struct bytes *message, struct bytes header,
                        struct bytes certificate)
{
    if (header.size > BOUNDS_HEADER_BYTES)
        return ERR_MALFORMED;
    struct message_decided decided = {.header = header};
    enum err err =
        record_unpack(arena, &ballot_certificate_record, &decided.certificate, certificate, NULL);
    if (err)
        return err;
    struct bytes packed = pack_message(arena, MESSAGE_DECIDED, &decided);
    if (packed.data == NULL)
        return ERR_LIMIT;
    *message = packed;
    return ERR_NONE;
}
