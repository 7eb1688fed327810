#include "test/sim/forge.h"

#include <string.h>

#include "base/check.h"
#include "test/sim/toy.h"

static uint64_t one_of(const struct forge *forge, uint64_t count)
{
    return dice_between(forge->dice, 0, count - 1);
}

static void *alloc(const struct forge *forge, size_t size)
{
    void *memory = arena_alloc(forge->arena, size);
    CHECK(memory);
    return memory;
}

static struct bytes packed(const struct forge *forge, const struct record *record,
                           const void *value)
{
    struct bytes bytes = record_bytes(forge->arena, record, value);
    CHECK(bytes.data);
    return bytes;
}

static struct sign_signature signature_of(const struct forge *forge, struct seat seat,
                                          enum message_tag tag, struct bytes body)
{
    const struct digest digest = message_digest(forge->arena, tag, &forge->context->chain, body);
    while (!(forge->mine & COMMITTEE_BIT(seat.n)))
        seat.n = (seat.n + 1) % LIMIT_VALIDATORS;
    return toy_sign(&forge->context->committee->keys[seat.n], &digest);
}

static struct bytes seal(const struct forge *forge, enum message_tag tag,
                         const struct message_envelope *envelope)
{
    struct bytes message = message_seal(forge->arena, tag, envelope);
    CHECK(message.data);
    return message;
}

struct bytes forge_seal(const struct forge *forge, struct seat seat, enum message_tag tag,
                        struct bytes body)
{
    return seal(forge, tag,
                &(struct message_envelope){seat, body, signature_of(forge, seat, tag, body)});
}

/* --- one thing changed --- */

static uint64_t tampered_number(const struct forge *forge, uint64_t number)
{
    switch (one_of(forge, 7)) {
    case 0:
        return number + 1;
    case 1:
        return number - 1;
    case 2:
        return 0;
    case 3:
        return UINT64_MAX;
    case 4:
        return BOUNDS_VIEW_MAX;
    case 5:
        return number + one_of(forge, 2 * BOUNDS_WINDOW);
    default:
        return dice_u64(forge->dice);
    }
}

static void tamper_number(const struct forge *forge, const struct record_field *field, void *at)
{
    uint64_t number = 0;
    memcpy(&number, at, field->size); /* little-endian, as all machines that this runs on */
    number = tampered_number(forge, number);
    if (field->size < 8)
        number &= (UINT64_C(1) << (8 * field->size)) - 1;
    if (number > field->max)
        number = field->max;
    memcpy(at, &number, field->size);
}

static struct bytes tampered_bytes(const struct forge *forge, struct bytes bytes)
{
    uint8_t *copy = arena_copy(forge->arena, bytes.data, bytes.size);
    CHECK(copy);
    if (bytes.size && one_of(forge, 4))
        copy[one_of(forge, bytes.size)] ^= (uint8_t)(1u << one_of(forge, 8));
    else if (bytes.size)
        bytes.size = one_of(forge, bytes.size);
    return bytes_of(copy, bytes.size);
}

static void tamper(const struct forge *forge, const struct record *record, void *value);

static void tamper_list(const struct forge *forge, const struct record_field *field, void *value)
{
    uint32_t *count = (uint32_t *)((uint8_t *)value + field->count_offset);
    uint8_t *list;
    memcpy(&list, (uint8_t *)value + field->offset, sizeof(list));
    if (!*count)
        return;
    const size_t size = field->kind == RECORD_KIND_DIGESTS ? DIGEST_SIZE : field->sub->size;
    uint8_t *a = list + one_of(forge, *count) * size, *b = list + one_of(forge, *count) * size;
    switch (one_of(forge, 4)) {
    case 0:
        memmove(a, b, size);
        break;
    case 1:
        memmove(a, list + (*count - 1) * size, size);
        --*count;
        break;
    default:
        if (field->kind == RECORD_KIND_DIGESTS)
            a[one_of(forge, DIGEST_SIZE)] ^= 1;
        else
            tamper(forge, field->sub, a);
        break;
    }
}

/* An envelope inside a NEW-VIEW: its VIEW-CHANGE is changed, and signed anew if the key is here. */
static void tamper_envelope(const struct forge *forge, struct message_envelope *envelope)
{
    envelope->body = forge_change(forge, envelope->body);
    if (forge->mine & COMMITTEE_BIT(envelope->from.n))
        envelope->signature =
            signature_of(forge, envelope->from, MESSAGE_VIEW_CHANGE, envelope->body);
}

/* Changes one field of *value. */
static void tamper(const struct forge *forge, const struct record *record, void *value)
{
    const struct record_field *field = &record->fields[one_of(forge, record->field_count)];
    void *at = (uint8_t *)value + field->offset;
    switch (field->kind) {
    case RECORD_KIND_UINT:
        tamper_number(forge, field, at);
        break;
    case RECORD_KIND_BOOL:
        *(bool *)at = !*(bool *)at;
        break;
    case RECORD_KIND_FIXED:
        if (one_of(forge, 4))
            ((uint8_t *)at)[one_of(forge, field->size)] ^= (uint8_t)(1u << one_of(forge, 8));
        else
            memset(at, 0, field->size);
        break;
    case RECORD_KIND_BYTES:
        if (record == &message_envelope_record)
            tamper_envelope(forge, value);
        else if (strcmp(field->name, "header") == 0)
            *(struct bytes *)at = forge_header(forge, *(struct bytes *)at);
        else
            *(struct bytes *)at = tampered_bytes(forge, *(struct bytes *)at);
        break;
    case RECORD_KIND_ONE:
        tamper(forge, field->sub, at);
        break;
    case RECORD_KIND_LIST:
    case RECORD_KIND_DIGESTS:
        tamper_list(forge, field, value);
        break;
    case RECORD_KIND_AMOUNT:
    case RECORD_KIND_TEXT: /* no message and no header has one */
        break;
    }
}

static const struct record *body_record(enum message_tag tag)
{
    switch (tag) {
    case MESSAGE_PRE_PREPARE:
        return &message_pre_prepare_record;
    case MESSAGE_PREPARE:
    case MESSAGE_COMMIT:
        return &ballot_record;
    case MESSAGE_VIEW_CHANGE:
        return &message_view_change_record;
    case MESSAGE_NEW_VIEW:
        return &message_new_view_record;
    case MESSAGE_STATUS:
        return &message_status_record;
    case MESSAGE_DECIDED:
        break;
    }
    return NULL;
}

/* `bytes` as `record`, with one thing changed; as they are if they are none. */
static struct bytes tampered(const struct forge *forge, const struct record *record,
                             struct bytes bytes)
{
    void *value = alloc(forge, record->size);
    if (record_unpack(forge->arena, record, value, bytes, NULL))
        return bytes;
    tamper(forge, record, value);
    return packed(forge, record, value);
}

struct bytes forge_header(const struct forge *forge, struct bytes header)
{
    return tampered(forge, forge->header, header);
}

struct bytes forge_tamper(const struct forge *forge, struct bytes message)
{
    uint16_t tag;
    void *value;
    if (record_choice_unpack(forge->arena, &message_choice, &tag, &value, message, NULL))
        return message;
    if (tag == MESSAGE_DECIDED) {
        const struct message_decided *decided = value;
        return forge_decided(forge, decided->header,
                             packed(forge, &ballot_certificate_record, &decided->certificate));
    }
    struct message_envelope *envelope = value;
    envelope->body = tampered(forge, body_record((enum message_tag)tag), envelope->body);
    if (forge->mine & COMMITTEE_BIT(envelope->from.n))
        envelope->signature =
            signature_of(forge, envelope->from, (enum message_tag)tag, envelope->body);
    return seal(forge, (enum message_tag)tag, envelope);
}

struct bytes forge_field(const struct forge *forge, struct bytes header, const char *name,
                         uint64_t number)
{
    const struct record *record = forge->header;
    void *value = alloc(forge, record->size);
    CHECK(record_unpack(forge->arena, record, value, header, NULL) == ERR_NONE);
    uint32_t i = 0;
    while (i < record->field_count && strcmp(record->fields[i].name, name) != 0)
        i++;
    CHECK(i < record->field_count);
    CHECK(record->fields[i].kind == RECORD_KIND_UINT);
    memcpy((uint8_t *)value + record->fields[i].offset, &number, record->fields[i].size);
    return packed(forge, record, value);
}

struct bytes forge_twin(const struct forge *forge, struct bytes header)
{
    struct consensus_block block;
    if (!forge->context->read(NULL, &block, header))
        return header;
    return forge_field(forge, header, "time_ms", block.time_ms + 1);
}

/* --- votes --- */

struct bytes forge_vote(const struct forge *forge, struct bytes message)
{
    uint16_t tag;
    void *value;
    if (record_choice_unpack(forge->arena, &message_choice, &tag, &value, message, NULL) ||
        (tag != MESSAGE_PREPARE && tag != MESSAGE_COMMIT))
        return message;
    struct message_envelope *envelope = value;
    enum message_tag other = tag == MESSAGE_PREPARE ? MESSAGE_COMMIT : MESSAGE_PREPARE;
    switch (one_of(forge, 5)) {
    case 0: /* a signature for one kind given out for the other */
        return seal(forge, other, envelope);
    case 1: /* an honest seat's vote, signed by a liar */
        envelope->from.n = (uint8_t)one_of(forge, forge->context->committee->count);
        envelope->signature =
            signature_of(forge, envelope->from, (enum message_tag)tag, envelope->body);
        break;
    case 2: /* the vote of a liar for the same */
        while (!(forge->mine & COMMITTEE_BIT(envelope->from.n)))
            envelope->from.n = (uint8_t)((envelope->from.n + 1) % LIMIT_VALIDATORS);
        envelope->signature = signature_of(forge, envelope->from, other, envelope->body);
        return seal(forge, other, envelope);
    default: /* an honest signature over another ballot */
        envelope->body = tampered(forge, &ballot_record, envelope->body);
        break;
    }
    return seal(forge, (enum message_tag)tag, envelope);
}

/* --- certificates --- */

void forge_certify(const struct forge *forge, struct certificate *certificate, uint64_t voters,
                   enum message_tag tag)
{
    uint8_t body[BOUNDS_BALLOT_BYTES];
    const struct bytes ballot = bytes_of(body, ballot_pack(body, &certificate->ballot));
    uint8_t *signatures = alloc(forge, (size_t)committee_size(voters) * SIGN_SIGNATURE_SIZE);
    size_t size = 0;
    for (uint8_t seat = 0; seat < forge->context->committee->count; seat++) {
        if (!(voters & COMMITTEE_BIT(seat)))
            continue;
        const struct sign_signature made = signature_of(forge, (struct seat){seat}, tag, ballot);
        memcpy(signatures + size, made.bytes, SIGN_SIGNATURE_SIZE);
        size += SIGN_SIGNATURE_SIZE;
    }
    certificate->voters = voters;
    certificate->signatures = bytes_of(signatures, size);
}

/* Without its last `count` voters. */
static void drop_voters(struct certificate *certificate, uint64_t count)
{
    while (count-- && certificate->voters) {
        uint64_t highest = UINT64_C(1) << 63;
        while (!(certificate->voters & highest))
            highest >>= 1;
        certificate->voters &= ~highest;
        certificate->signatures.size -= SIGN_SIGNATURE_SIZE;
    }
}

static void forge_certificate(const struct forge *forge, struct certificate *certificate,
                              enum message_tag tag)
{
    const uint8_t n = forge->context->committee->count;
    switch (one_of(forge, 7)) {
    case 0: /* too few */
        drop_voters(certificate, 1 + one_of(forge, 2));
        break;
    case 1: /* liars alone, each for some others too */
        forge_certify(forge, certificate, certificate->voters, tag);
        break;
    case 2: /* all liars alone */
        forge_certify(forge, certificate, forge->mine & committee_all(forge->context->committee),
                      tag);
        break;
    case 3: { /* the first signature is good, the others are it again */
        uint8_t *copy =
            arena_copy(forge->arena, certificate->signatures.data, certificate->signatures.size);
        CHECK(copy);
        for (size_t at = SIGN_SIGNATURE_SIZE; at < certificate->signatures.size;
             at += SIGN_SIGNATURE_SIZE)
            memcpy(copy + at, copy, SIGN_SIGNATURE_SIZE);
        certificate->signatures.data = copy;
        break;
    }
    case 4: /* of another view */
        certificate->ballot.view.n += one_of(forge, 4);
        break;
    case 5: /* voters that are none */
        certificate->voters ^= UINT64_C(1) << (n < 63 ? n : 63) | 1;
        break;
    default:
        tamper(forge, &ballot_record, &certificate->ballot);
        break;
    }
}

static struct bytes packed_decided(const struct forge *forge, const struct message_decided *decided)
{
    struct pack_writer writer;
    pack_count(&writer);
    record_choice_pack(&writer, &message_choice, MESSAGE_DECIDED, decided);
    const size_t size = writer.used;
    uint8_t *message = alloc(forge, size);
    pack_init(&writer, message, size);
    record_choice_pack(&writer, &message_choice, MESSAGE_DECIDED, decided);
    return bytes_of(message, size);
}

struct bytes forge_decided(const struct forge *forge, struct bytes header, struct bytes certificate)
{
    struct message_decided decided = {.header = header};
    if (record_unpack(forge->arena, &ballot_certificate_record, &decided.certificate, certificate,
                      NULL))
        return bytes_of(NULL, 0);
    if (one_of(forge, 2)) /* another block ... */
        decided.header = one_of(forge, 2) ? forge_twin(forge, header) : forge_header(forge, header);
    if (one_of(forge, 2)) /* ... that the ballot names, or doesn't */
        decided.certificate.ballot.digest = digest_of(decided.header.data, decided.header.size);
    if (one_of(forge, 4))
        forge_certificate(forge, &decided.certificate, MESSAGE_COMMIT);
    return packed_decided(forge, &decided);
}

struct bytes forge_early(const struct forge *forge, struct bytes message)
{
    uint16_t tag;
    void *value;
    struct message_pre_prepare proposal;
    struct consensus_block block;
    if (record_choice_unpack(forge->arena, &message_choice, &tag, &value, message, NULL) ||
        tag != MESSAGE_PRE_PREPARE ||
        record_unpack(forge->arena, &message_pre_prepare_record, &proposal,
                      ((const struct message_envelope *)value)->body, NULL) ||
        !forge->context->read(NULL, &block, proposal.header))
        return bytes_of(NULL, 0);
    struct message_decided decided = {.header = proposal.header,
                                      .certificate.ballot = {.set = proposal.set,
                                                             .height = block.height,
                                                             .view = proposal.view,
                                                             .digest = block.digest,
                                                             .new_view = proposal.new_view}};
    const struct committee *committee = forge->context->committee;
    const uint64_t mine = forge->mine & committee_all(committee);
    uint64_t voters = mine;
    for (uint8_t seat = 0; seat < committee->count && one_of(forge, 2); seat++)
        voters |= committee_size(voters) < committee_quorum(committee) ? COMMITTEE_BIT(seat) : 0;
    forge_certify(forge, &decided.certificate, voters, MESSAGE_COMMIT);
    return packed_decided(forge, &decided);
}

/* --- view changes --- */

/* Claims that another block was prepared, in a late view. */
static void forge_prepared(const struct forge *forge, struct message_view_change *change,
                           struct message_prepared *prepared)
{
    if (one_of(forge, 2)) {
        prepared->header = forge_twin(forge, prepared->header);
        prepared->certificate.ballot.digest =
            digest_of(prepared->header.data, prepared->header.size);
    }
    if (one_of(forge, 2) && change->view.n)
        prepared->certificate.ballot.view.n = change->view.n - 1;
    if (one_of(forge, 2))
        forge_certificate(forge, &prepared->certificate, MESSAGE_PREPARE);
}

struct bytes forge_change(const struct forge *forge, struct bytes body)
{
    struct message_view_change change;
    if (record_unpack(forge->arena, &message_view_change_record, &change, body, NULL))
        return body;
    switch (one_of(forge, 5)) {
    case 0:
        change.prepared_count = (uint32_t)one_of(forge, change.prepared_count + 1);
        break;
    case 1:
    case 2:
        if (change.prepared_count)
            forge_prepared(forge, &change, &change.prepared[one_of(forge, change.prepared_count)]);
        break;
    case 3:
        forge_certificate(forge, &change.committed, MESSAGE_COMMIT);
        break;
    default:
        tamper(forge, &message_view_change_record, &change);
        break;
    }
    return packed(forge, &message_view_change_record, &change);
}

/* The VIEW-CHANGE among them that reports most; false if none is well packed. */
static bool fullest(const struct forge *forge, const struct message_new_view *view,
                    struct message_view_change *most)
{
    bool found = false;
    for (uint32_t i = 0; i < view->change_count; i++) {
        struct message_view_change change;
        if (record_unpack(forge->arena, &message_view_change_record, &change, view->changes[i].body,
                          NULL))
            continue;
        if (!found || change.prepared_count > most->prepared_count)
            *most = change;
        found = true;
    }
    return found;
}

/* Claims other blocks than were prepared, of a later view; with signatures that were given for those that were, or liars'. Or claims as
 * committed what was only prepared. */
static struct bytes rival_change(const struct forge *forge, struct message_view_change *change)
{
    const bool signs = one_of(forge, 2);
    if (change->prepared_count && !one_of(forge, 3)) {
        change->committed = change->prepared[0].certificate;
        change->prepared_count = 0;
    }
    for (uint32_t i = 0; i < change->prepared_count; i++) {
        struct message_prepared *prepared = &change->prepared[i];
        prepared->header = forge_twin(forge, prepared->header);
        prepared->certificate.ballot.digest =
            digest_of(prepared->header.data, prepared->header.size);
        prepared->certificate.ballot.view.n = change->view.n ? change->view.n - 1 : 0;
        if (signs)
            forge_certify(forge, &prepared->certificate, prepared->certificate.voters,
                          MESSAGE_PREPARE);
    }
    return packed(forge, &message_view_change_record, change);
}

static void sign_change(const struct forge *forge, struct message_envelope *envelope)
{
    envelope->signature = signature_of(forge, envelope->from, MESSAGE_VIEW_CHANGE, envelope->body);
}

/* Puts the VIEW-CHANGE that a seat sent before in the place of its one. */
static void put_old(const struct forge *forge, struct message_new_view *view, struct bytes old)
{
    uint16_t tag;
    void *value;
    if (record_choice_unpack(forge->arena, &message_choice, &tag, &value, old, NULL) ||
        tag != MESSAGE_VIEW_CHANGE)
        return;
    const struct message_envelope *envelope = value;
    for (uint32_t i = 0; i < view->change_count; i++)
        if (view->changes[i].from.n == envelope->from.n)
            view->changes[i] = *envelope;
}

/* All of them without anything prepared: each a liar's, or none of them signed by whom they name. */
static void empty_all(const struct forge *forge, struct message_new_view *view)
{
    struct message_view_change change;
    if (!fullest(forge, view, &change))
        return;
    const bool one_seat = one_of(forge, 2);
    change.prepared_count = 0;
    for (uint32_t i = 0; i < view->change_count; i++) {
        struct message_envelope *envelope = &view->changes[i];
        while (one_seat && !(forge->mine & COMMITTEE_BIT(envelope->from.n)))
            envelope->from.n = (uint8_t)((envelope->from.n + 1) % LIMIT_VALIDATORS);
        envelope->body = packed(forge, &message_view_change_record, &change);
        sign_change(forge, envelope);
    }
}

static void put_rivals(const struct forge *forge, struct message_new_view *view)
{
    struct message_view_change change;
    for (uint32_t i = 0; i < view->change_count; i++) {
        if (!(forge->mine & COMMITTEE_BIT(view->changes[i].from.n)) ||
            !fullest(forge, view, &change))
            continue;
        view->changes[i].body = rival_change(forge, &change);
        sign_change(forge, &view->changes[i]);
    }
}

struct bytes forge_fresh(const struct forge *forge, struct bytes new_view)
{
    struct message_new_view view;
    struct message_view_change change;
    if (record_unpack(forge->arena, &message_new_view_record, &view, new_view, NULL) ||
        !fullest(forge, &view, &change) || !change.prepared_count)
        return bytes_of(NULL, 0);
    const struct bytes chosen = change.prepared[one_of(forge, change.prepared_count)].header;
    struct message_pre_prepare proposal = {
        .set = view.set,
        .view = view.view,
        .new_view = message_digest(NULL, MESSAGE_NEW_VIEW, &forge->context->chain, new_view),
        .header = forge_field(forge, forge_twin(forge, chosen), "view", view.view.n)};
    proposal.header = forge_field(forge, proposal.header, "proposer",
                                  committee_primary(forge->context->committee, view.view).n);
    return packed(forge, &message_pre_prepare_record, &proposal);
}

struct bytes forge_view(const struct forge *forge, struct bytes body, struct bytes old)
{
    struct message_new_view view;
    if (record_unpack(forge->arena, &message_new_view_record, &view, body, NULL) ||
        !view.change_count)
        return body;
    struct message_envelope *a = &view.changes[one_of(forge, view.change_count)];
    struct message_envelope *b = &view.changes[one_of(forge, view.change_count)];
    switch (one_of(forge, 10)) {
    case 0: /* the same seat twice */
        *a = *b;
        break;
    case 1: /* the same VIEW-CHANGE for another's */
        a->body = b->body;
        break;
    case 2: /* one too few */
        view.change_count--;
        break;
    case 3: /* of another view */
        view.view.n += forge->context->committee->count;
        break;
    case 4:
        put_old(forge, &view, old);
        break;
    case 5:
        empty_all(forge, &view);
        break;
    case 6:
    case 7:
    case 8:
        put_rivals(forge, &view);
        break;
    default: /* a liar's one, with lies, in the place of whose it is or of another */
        if (!(forge->mine & COMMITTEE_BIT(a->from.n)) && one_of(forge, 2))
            while (!(forge->mine & COMMITTEE_BIT(a->from.n)))
                a->from.n = (uint8_t)((a->from.n + 1) % LIMIT_VALIDATORS);
        tamper_envelope(forge, a);
        break;
    }
    return packed(forge, &message_new_view_record, &view);
}
