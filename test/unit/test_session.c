#include <string.h>

#include "net/session.h"
#include "test/harness.h"

struct end {
    struct sign_secret secret;
    struct sign_public public;
    struct session session;
};

static const struct digest genesis = {{1, 2, 3}};

static void end_init(struct end *end, enum session_side side, uint8_t lane, uint8_t key,
                     uint8_t draw)
{
    memset(end, 0, sizeof(*end));
    memset(end->secret.bytes, key, sizeof(end->secret.bytes));
    ck_assert(sign_public_of(&end->public, &end->secret));
    struct session_random random;
    memset(&random, draw, sizeof(random));
    ck_assert(session_init(&end->session, side, lane, &genesis, &end->public, &random));
}

static size_t prove(struct end *end, uint8_t out[SESSION_MESSAGE_MAX])
{
    struct digest digest = session_challenge(&end->session);
    struct sign_signature signature = sign_make(&end->secret, &digest);
    return session_proof(out, &signature);
}

/* Runs the handshake up to the state in which both have read a hello. */
static void greet(struct end *dialler, struct end *listener)
{
    uint32_t index;
    ck_assert_int_eq(session_read_hello(&listener->session, &index,
                                        session_hello(&dialler->session), &dialler->public, 1,
                                        NULL),
                     ERR_NONE);
    ck_assert_int_eq(session_read_hello(&dialler->session, &index,
                                        session_hello(&listener->session), &listener->public, 1,
                                        NULL),
                     ERR_NONE);
}

static void open_both(struct end *dialler, struct end *listener)
{
    uint8_t proof[SESSION_MESSAGE_MAX];
    end_init(dialler, SESSION_DIALLER, 1, 11, 21);
    end_init(listener, SESSION_LISTENER, 0, 12, 22);
    greet(dialler, listener);
    size_t size = prove(listener, proof);
    ck_assert_int_eq(session_read_proof(&dialler->session, bytes_of(proof, size), NULL), ERR_NONE);
    size = prove(dialler, proof);
    ck_assert_int_eq(session_read_proof(&listener->session, bytes_of(proof, size), NULL), ERR_NONE);
}

START_TEST(both_ends_open_and_agree_on_keys_and_lane)
{
    struct end dialler, listener;
    open_both(&dialler, &listener);
    ck_assert_int_eq(dialler.session.state, SESSION_OPEN);
    ck_assert_int_eq(listener.session.state, SESSION_OPEN);
    ck_assert_int_eq(listener.session.lane, 1);
    ck_assert_mem_eq(&listener.session.peer, &dialler.public, sizeof(dialler.public));

    uint8_t mac[SESSION_MAC_SIZE];
    for (uint64_t i = 0; i < 3; i++) {
        uint64_t counter = session_seal(&dialler.session, mac, bytes_text("forth"));
        ck_assert_uint_eq(counter, i);
        ck_assert_int_eq(session_open(&listener.session, counter, bytes_text("forth"), mac),
                         ERR_NONE);
        counter = session_seal(&listener.session, mac, bytes_text("back"));
        ck_assert_int_eq(session_open(&dialler.session, counter, bytes_text("back"), mac),
                         ERR_NONE);
    }
}
END_TEST

START_TEST(frames_that_are_changed_repeated_reflected_or_skipped_are_refused)
{
    struct end dialler, listener;
    uint8_t mac[SESSION_MAC_SIZE], other[SESSION_MAC_SIZE];

    open_both(&dialler, &listener);
    uint64_t counter = session_seal(&dialler.session, mac, bytes_text("one"));
    ck_assert_int_eq(session_open(&listener.session, counter, bytes_text("two"), mac),
                     ERR_SIGNATURE);
    ck_assert_int_eq(session_open(&listener.session, counter, bytes_text("one"), mac), ERR_NOT_NOW);

    open_both(&dialler, &listener);
    counter = session_seal(&dialler.session, mac, bytes_text("one"));
    mac[31] ^= 1;
    ck_assert_int_eq(session_open(&listener.session, counter, bytes_text("one"), mac),
                     ERR_SIGNATURE);

    open_both(&dialler, &listener);
    counter = session_seal(&dialler.session, mac, bytes_text("one"));
    ck_assert_int_eq(session_open(&listener.session, counter, bytes_text("one"), mac), ERR_NONE);
    ck_assert_int_eq(session_open(&listener.session, counter, bytes_text("one"), mac),
                     ERR_MISMATCH);

    open_both(&dialler, &listener);
    session_seal(&dialler.session, other, bytes_text("one"));
    counter = session_seal(&dialler.session, mac, bytes_text("two"));
    ck_assert_int_eq(session_open(&listener.session, counter, bytes_text("two"), mac),
                     ERR_MISMATCH);

    open_both(&dialler, &listener);
    session_seal(&dialler.session, mac, bytes_text("one"));
    ck_assert_int_eq(session_open(&dialler.session, 0, bytes_text("one"), mac), ERR_SIGNATURE);
}
END_TEST

/* Two frames of the same bytes change places: each has the other's counter, which is the expected one. */
START_TEST(a_mac_is_for_one_counter)
{
    struct end dialler, listener;
    uint8_t first[SESSION_MAC_SIZE], second[SESSION_MAC_SIZE];

    open_both(&dialler, &listener);
    ck_assert_uint_eq(session_seal(&dialler.session, first, bytes_text("same")), 0);
    ck_assert_uint_eq(session_seal(&dialler.session, second, bytes_text("same")), 1);
    ck_assert_mem_ne(first, second, sizeof(first));
    ck_assert_int_eq(session_open(&listener.session, 0, bytes_text("same"), second), ERR_SIGNATURE);
}
END_TEST

START_TEST(strangers_other_chains_and_other_lanes_are_refused_unsigned)
{
    struct end dialler, listener, stranger;
    uint32_t index = 77;
    struct fault fault;
    end_init(&dialler, SESSION_DIALLER, 0, 11, 21);
    end_init(&listener, SESSION_LISTENER, 0, 12, 22);
    end_init(&stranger, SESSION_DIALLER, 0, 13, 23);

    ck_assert_int_eq(session_read_hello(&listener.session, &index, session_hello(&stranger.session),
                                        &dialler.public, 1, &fault),
                     ERR_NOT_FOUND);
    ck_assert_int_eq(listener.session.state, SESSION_FAILED);

    end_init(&listener, SESSION_LISTENER, 0, 12, 22);
    dialler.session.genesis.bytes[0] ^= 1;
    ck_assert_int_eq(session_read_hello(&listener.session, &index, session_hello(&dialler.session),
                                        &dialler.public, 1, &fault),
                     ERR_MISMATCH);
    ck_assert_str_eq(fault.text, "it is of another chain (genesis differs)");

    end_init(&listener, SESSION_LISTENER, 0, 12, 22);
    end_init(&dialler, SESSION_DIALLER, SESSION_LANES, 11, 21);
    ck_assert_int_eq(session_read_hello(&listener.session, &index, session_hello(&dialler.session),
                                        &dialler.public, 1, &fault),
                     ERR_MISMATCH);

    /* A listener that answers for another lane than was asked for. */
    end_init(&listener, SESSION_LISTENER, 1, 12, 22);
    end_init(&dialler, SESSION_DIALLER, 0, 11, 21);
    ck_assert_int_eq(session_read_hello(&dialler.session, &index, session_hello(&listener.session),
                                        &listener.public, 1, &fault),
                     ERR_MISMATCH);
    ck_assert_uint_eq(index, 77);
}
END_TEST

START_TEST(garbage_and_invalid_ephemeral_keys_are_refused)
{
    struct end dialler, listener;
    uint32_t index;
    uint8_t copy[SESSION_MESSAGE_MAX];
    end_init(&dialler, SESSION_DIALLER, 0, 11, 21);
    struct bytes hello = session_hello(&dialler.session);
    memcpy(copy, hello.data, hello.size);

    for (size_t size = 0; size < hello.size; size++) {
        end_init(&listener, SESSION_LISTENER, 0, 12, 22);
        ck_assert_int_eq(session_read_hello(&listener.session, &index, bytes_of(copy, size),
                                            &dialler.public, 1, NULL),
                         ERR_MALFORMED);
    }
    memset(copy + hello.size - SIGN_PUBLIC_SIZE, 0xff, SIGN_PUBLIC_SIZE);
    end_init(&listener, SESSION_LISTENER, 0, 12, 22);
    ck_assert_int_eq(session_read_hello(&listener.session, &index, bytes_of(copy, hello.size),
                                        &dialler.public, 1, NULL),
                     ERR_SIGNATURE);
}
END_TEST

START_TEST(a_recorded_or_reflected_proof_opens_nothing)
{
    struct end dialler, listener;
    uint8_t recorded[SESSION_MESSAGE_MAX], hello[SESSION_MESSAGE_MAX];
    end_init(&dialler, SESSION_DIALLER, 0, 11, 21);
    end_init(&listener, SESSION_LISTENER, 0, 12, 22);
    struct bytes said = session_hello(&dialler.session);
    size_t hello_size = said.size;
    memcpy(hello, said.data, said.size);
    greet(&dialler, &listener);
    size_t size = prove(&dialler, recorded);
    ck_assert_int_eq(session_read_proof(&listener.session, bytes_of(recorded, size), NULL),
                     ERR_NONE);

    /* The same two messages again, to a listener that draws new numbers. */
    uint32_t index;
    end_init(&listener, SESSION_LISTENER, 0, 12, 99);
    ck_assert_int_eq(session_read_hello(&listener.session, &index, bytes_of(hello, hello_size),
                                        &dialler.public, 1, NULL),
                     ERR_NONE);
    ck_assert_int_eq(session_read_proof(&listener.session, bytes_of(recorded, size), NULL),
                     ERR_SIGNATURE);

    /* The listener's own proof, sent back to it. */
    end_init(&dialler, SESSION_DIALLER, 0, 12, 21);
    end_init(&listener, SESSION_LISTENER, 0, 12, 22);
    greet(&dialler, &listener);
    size = prove(&listener, recorded);
    ck_assert_int_eq(session_read_proof(&listener.session, bytes_of(recorded, size), NULL),
                     ERR_SIGNATURE);

    /* Signed by the right key, but as something else. */
    end_init(&dialler, SESSION_DIALLER, 0, 11, 21);
    end_init(&listener, SESSION_LISTENER, 0, 12, 22);
    greet(&dialler, &listener);
    struct digest other = sign_digest(SIGN_DOMAIN_TX, &genesis, bytes_of(&listener, 0));
    struct sign_signature signature = sign_make(&dialler.secret, &other);
    size = session_proof(recorded, &signature);
    ck_assert_int_eq(session_read_proof(&listener.session, bytes_of(recorded, size), NULL),
                     ERR_SIGNATURE);
}
END_TEST

START_TEST(sides_and_handshakes_share_no_key)
{
    struct end a, b, c, d;
    uint8_t one[SESSION_MAC_SIZE], two[SESSION_MAC_SIZE], three[SESSION_MAC_SIZE];
    open_both(&a, &b);
    end_init(&c, SESSION_DIALLER, 1, 11, 31);
    end_init(&d, SESSION_LISTENER, 0, 12, 22);
    greet(&c, &d);
    c.session.state = SESSION_OPEN;
    session_seal(&a.session, one, bytes_text("x"));
    session_seal(&b.session, two, bytes_text("x"));
    session_seal(&c.session, three, bytes_text("x"));
    ck_assert_mem_ne(one, two, sizeof(one));
    ck_assert_mem_ne(one, three, sizeof(one));
}
END_TEST

HARNESS_MAIN("session", both_ends_open_and_agree_on_keys_and_lane,
             frames_that_are_changed_repeated_reflected_or_skipped_are_refused,
             a_mac_is_for_one_counter,
             strangers_other_chains_and_other_lanes_are_refused_unsigned,
             garbage_and_invalid_ephemeral_keys_are_refused,
             a_recorded_or_reflected_proof_opens_nothing, sides_and_handshakes_share_no_key)
