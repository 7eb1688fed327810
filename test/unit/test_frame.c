#include <stdlib.h>
#include <string.h>

#include "net/frame.h"
#include "test/harness.h"

/* Two ends of an open session, made by the real handshake. */
static void open_both(struct session *a, struct session *b)
{
    struct digest genesis = {{9}};
    struct sign_secret secrets[2];
    struct sign_public publics[2];
    struct session *ends[2] = {a, b};
    uint32_t index;
    for (int i = 0; i < 2; i++) {
        struct session_random random;
        memset(&secrets[i], i + 1, sizeof(secrets[i]));
        memset(&random, i + 3, sizeof(random));
        ck_assert(sign_public_of(&publics[i], &secrets[i]));
        ck_assert(session_init(ends[i], (enum session_side)i, 0, &genesis, &publics[i], &random));
    }
    ck_assert(session_read_hello(b, &index, session_hello(a), &publics[0], 1, NULL) == ERR_NONE);
    ck_assert(session_read_hello(a, &index, session_hello(b), &publics[1], 1, NULL) == ERR_NONE);
    for (int i = 0; i < 2; i++) {
        uint8_t proof[SESSION_MESSAGE_MAX];
        struct digest digest = session_challenge(ends[i]);
        struct sign_signature signature = sign_make(&secrets[i], &digest);
        size_t size = session_proof(proof, &signature);
        ck_assert(session_read_proof(ends[1 - i], bytes_of(proof, size), NULL) == ERR_NONE);
    }
}

START_TEST(records_come_out_as_they_went_in)
{
    struct session a, b;
    struct frame frame;
    struct frame_reader reader;
    uint8_t tag;
    struct bytes body;
    open_both(&a, &b);
    frame_init(&frame);
    ck_assert_int_eq(frame_add(&frame, 7, bytes_text("first")), ERR_NONE);
    ck_assert_int_eq(frame_add(&frame, 8, bytes_of(NULL, 0)), ERR_NONE);
    ck_assert_int_eq(frame_add(&frame, 9, bytes_text("third")), ERR_NONE);
    ck_assert_int_eq(frame_seal(&frame, &a), ERR_NONE);
    ck_assert_uint_eq(frame.size, FRAME_OVERHEAD + 3 * FRAME_RECORD_SIZE + 10);

    size_t size;
    ck_assert_int_eq(frame_size(&size, bytes_of(frame.data, 4), LIMIT_FRAME_BYTES), ERR_NONE);
    ck_assert_uint_eq(size, frame.size);
    ck_assert_int_eq(frame_open(&reader, &b, bytes_of(frame.data, frame.size)), ERR_NONE);
    ck_assert(frame_next(&reader, &tag, &body));
    ck_assert_uint_eq(tag, 7);
    ck_assert(bytes_equal(body, bytes_text("first")));
    ck_assert(frame_next(&reader, &tag, &body));
    ck_assert_uint_eq(tag, 8);
    ck_assert_uint_eq(body.size, 0);
    ck_assert(frame_next(&reader, &tag, &body));
    ck_assert(bytes_equal(body, bytes_text("third")));
    ck_assert(!frame_next(&reader, &tag, &body));
    frame_release(&frame);
}
END_TEST

START_TEST(an_empty_frame_says_i_am_here)
{
    struct session a, b;
    struct frame frame;
    struct frame_reader reader;
    uint8_t tag;
    struct bytes body;
    open_both(&a, &b);
    frame_init(&frame);
    ck_assert_int_eq(frame_seal(&frame, &a), ERR_NONE);
    ck_assert_uint_eq(frame.size, FRAME_OVERHEAD);
    ck_assert_int_eq(frame_open(&reader, &b, bytes_of(frame.data, frame.size)), ERR_NONE);
    ck_assert(!frame_next(&reader, &tag, &body));
    frame_release(&frame);
}
END_TEST

START_TEST(a_frame_fills_up_but_takes_one_record_of_any_size)
{
    struct frame frame;
    uint8_t *large = calloc(1, FRAME_RECORD_MAX + 1);
    frame_init(&frame);
    ck_assert_int_eq(frame_add(&frame, 1, bytes_of(large, FRAME_RECORD_MAX + 1)), ERR_LIMIT);
    ck_assert_int_eq(frame_add(&frame, 1, bytes_of(large, FRAME_RECORD_MAX)), ERR_NONE);
    ck_assert(!frame_has_room(&frame, 0));
    ck_assert_int_eq(frame_add(&frame, 1, bytes_of(large, 0)), ERR_LIMIT);
    ck_assert_uint_eq(frame.size + SESSION_MAC_SIZE, LIMIT_FRAME_BYTES);
    frame_release(&frame);

    frame_init(&frame);
    ck_assert_int_eq(frame_add(&frame, 1, bytes_of(large, 10)), ERR_NONE);
    ck_assert(!frame_has_room(&frame, FRAME_FULL_BYTES - 30));
    ck_assert(frame_has_room(&frame, FRAME_FULL_BYTES - 40));
    ck_assert(!frame_has_room(&frame, SIZE_MAX));
    frame_release(&frame);
    free(large);
}
END_TEST

START_TEST(impossible_sizes_are_refused_from_four_bytes)
{
    size_t size;
    const uint8_t four_gib[4] = {0xff, 0xff, 0xff, 0xff}, tiny[4] = {0, 0, 0, 39},
                  least[4] = {0, 0, 0, 40};
    ck_assert_int_eq(frame_size(&size, bytes_of(four_gib, 4), LIMIT_FRAME_BYTES), ERR_LIMIT);
    ck_assert_int_eq(frame_size(&size, bytes_of(tiny, 4), LIMIT_FRAME_BYTES), ERR_MALFORMED);
    ck_assert_int_eq(frame_size(&size, bytes_of(least, 4), LIMIT_FRAME_BYTES), ERR_NONE);
    ck_assert_uint_eq(size, FRAME_OVERHEAD);
    ck_assert_int_eq(frame_size(&size, bytes_of(least, 3), LIMIT_FRAME_BYTES), ERR_NONE);
    ck_assert_uint_eq(size, 0);
}
END_TEST

START_TEST(records_must_fill_the_frame_exactly)
{
    /* An authentic peer with a bug: the record claims more, or less, than there is. */
    for (int change = -1; change <= 1; change += 2) {
        struct session a, b;
        struct frame frame;
        struct frame_reader reader;
        open_both(&a, &b);
        frame_init(&frame);
        ck_assert_int_eq(frame_add(&frame, 1, bytes_text("record")), ERR_NONE);
        bytes_put_u32(frame.data + FRAME_HEAD_SIZE + 1, (uint32_t)(6 + change));
        ck_assert_int_eq(frame_seal(&frame, &a), ERR_NONE);
        ck_assert_int_eq(frame_open(&reader, &b, bytes_of(frame.data, frame.size)), ERR_MALFORMED);
        frame_release(&frame);
    }
}
END_TEST

START_TEST(every_changed_bit_is_noticed)
{
    struct session a, b;
    struct frame frame;
    struct frame_reader reader;
    open_both(&a, &b);
    frame_init(&frame);
    ck_assert_int_eq(frame_add(&frame, 1, bytes_text("pay 10")), ERR_NONE);
    ck_assert_int_eq(frame_seal(&frame, &a), ERR_NONE);
    for (size_t bit = 0; bit < frame.size * 8; bit++) {
        struct session fresh = b;
        frame.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_int_ne(frame_open(&reader, &fresh, bytes_of(frame.data, frame.size)), ERR_NONE);
        frame.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    ck_assert_int_eq(frame_open(&reader, &b, bytes_of(frame.data, frame.size)), ERR_NONE);
    frame_release(&frame);
}
END_TEST

HARNESS_MAIN("frame", records_come_out_as_they_went_in, an_empty_frame_says_i_am_here,
             a_frame_fills_up_but_takes_one_record_of_any_size,
             impossible_sizes_are_refused_from_four_bytes, records_must_fill_the_frame_exactly,
             every_changed_bit_is_noticed)
