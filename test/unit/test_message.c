#include "consensus/message.h"

#include "test/unit/council.h"

START_TEST(each_signed_kind_has_a_domain_of_its_own)
{
    for (int a = 1; a < MESSAGE_DECIDED; a++)
        for (int b = 1; b < a; b++)
            ck_assert_str_ne(message_domain((enum message_tag)a),
                             message_domain((enum message_tag)b));
}
END_TEST

START_TEST(names_are_those_of_the_paper)
{
    ck_assert_str_eq(message_name(MESSAGE_PRE_PREPARE), "pre-prepare");
    ck_assert_str_eq(message_name(MESSAGE_PREPARE), "prepare");
    ck_assert_str_eq(message_name(MESSAGE_COMMIT), "commit");
    ck_assert_str_eq(message_name(MESSAGE_VIEW_CHANGE), "view-change");
    ck_assert_str_eq(message_name(MESSAGE_NEW_VIEW), "new-view");
    ck_assert_str_eq(message_name(MESSAGE_STATUS), "status");
    ck_assert_str_eq(message_name(MESSAGE_DECIDED), "decided");
}
END_TEST

/* The largest VIEW-CHANGE and NEW-VIEW of a full committee: 64 seats, each with a window of prepared blocks whose headers are as
 * long as they may be, and integers that need nine bytes. */
START_TEST(the_largest_messages_fit_their_bounds)
{
    struct council c;
    council_init(&c, 64, 0);
    const uint8_t q = committee_quorum(&c.committee);
    static uint8_t header[BOUNDS_HEADER_BYTES], signatures[BOUNDS_QUORUM * SIGN_SIGNATURE_SIZE];
    struct certificate certificate = {
        .ballot = {.height = {BOUNDS_HEIGHT_MAX}, .view = {BOUNDS_VIEW_MAX}},
        .voters = UINT64_MAX,
        .signatures = bytes_of(signatures, (size_t)q * SIGN_SIGNATURE_SIZE)};
    struct message_prepared prepared[BOUNDS_WINDOW];
    for (int i = 0; i < BOUNDS_WINDOW; i++)
        prepared[i] = (struct message_prepared){.header = bytes_of(header, sizeof(header)),
                                                .certificate = certificate};
    struct bytes change =
        council_change(&c, BOUNDS_VIEW_MAX, &certificate, prepared, BOUNDS_WINDOW);
    ck_assert_uint_le(change.size, BOUNDS_VIEW_CHANGE_BYTES(q));
    ck_assert_uint_ge(change.size + 400, BOUNDS_VIEW_CHANGE_BYTES(q));

    struct message_envelope changes[BOUNDS_QUORUM];
    for (uint8_t i = 0; i < q; i++)
        changes[i] = (struct message_envelope){.from = {i}, .body = change};
    struct message_new_view new_view = {
        .view = {BOUNDS_VIEW_MAX}, .changes = changes, .change_count = q};
    struct bytes body = council_pack(&c, &message_new_view_record, &new_view);
    ck_assert_uint_le(body.size, BOUNDS_NEW_VIEW_BYTES(q));
    struct message_envelope envelope = {.from = {63}, .body = body};
    struct bytes sealed = message_seal(&c.arena, MESSAGE_NEW_VIEW, &envelope);
    ck_assert_uint_le(sealed.size, BOUNDS_MESSAGE_BYTES);
    ck_assert_uint_le(sealed.size, LIMIT_FRAME_BYTES);
    council_close(&c);
}
END_TEST

START_TEST(a_decided_message_needs_a_certificate)
{
    struct council c;
    council_init(&c, 4, 0);
    struct council_block one = council_block(&c, &c.genesis, 0, 0);
    struct bytes message = {0};
    ck_assert_int_eq(message_decide(&c.arena, &message, council_header(&one), bytes_text("none")),
                     ERR_MALFORMED);
    ck_assert_ptr_null(message.data);
    struct ballot ballot = council_ballot(&c, &one, 0, &digest_zero);
    struct certificate certificate = council_certificate(&c, MESSAGE_COMMIT, &ballot);
    struct bytes packed = council_pack(&c, &ballot_certificate_record, &certificate);
    static uint8_t header[BOUNDS_HEADER_BYTES + 1];
    ck_assert_int_eq(message_decide(&c.arena, &message, bytes_of(header, sizeof(header)), packed),
                     ERR_MALFORMED);
    ck_assert_int_eq(message_decide(&c.arena, &message, council_header(&one), packed), ERR_NONE);
    council_close(&c);
}
END_TEST

HARNESS_MAIN("message", each_signed_kind_has_a_domain_of_its_own, names_are_those_of_the_paper,
             the_largest_messages_fit_their_bounds, a_decided_message_needs_a_certificate)
