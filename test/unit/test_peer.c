/* Validators over loopback with real TLS, and strangers that try to be one. */
#include "net/peer.h"

#include "test/unit/stranger.h"

/* Sends numbered records, waiting when the queue is full. */
static void pour(uint32_t from, uint32_t to, enum peer_lane lane, uint32_t count, size_t size)
{
    uint8_t *body = calloc(1, size);
    for (uint32_t i = 0; i < count; i++) {
        bytes_put_u32(body, i);
        enum err err;
        while ((err = peer_send(nodes[from].net, (struct place){(uint8_t)to}, lane, 1,
                                bytes_of(body, size))) == ERR_BUSY)
            usleep(200);
        ck_assert_int_eq(err, ERR_NONE);
    }
    free(body);
}

START_TEST(two_peers_deliver_in_order_both_ways_on_both_lanes)
{
    world_open(2);
    pour(0, 1, PEER_VOTES, 20000, 200);
    pour(1, 0, PEER_VOTES, 20000, 200);
    pour(0, 1, PEER_BULK, 300, 100000);
    EVENTUALLY(&nodes[1], nodes[1].received[0][PEER_VOTES] == 20000);
    EVENTUALLY(&nodes[0], nodes[0].received[1][PEER_VOTES] == 20000);
    EVENTUALLY(&nodes[1], nodes[1].received[0][PEER_BULK] == 300);
    ck_assert(nodes[0].in_order);
    ck_assert(nodes[1].in_order);
    ck_assert_uint_eq(nodes[1].received_bytes, 20000u * 200 + 300u * 100000);
    ck_assert_uint_eq(nodes[0].refused_count + nodes[1].refused_count, 0);
    world_close();
}
END_TEST

START_TEST(four_peers_that_start_at_once_find_each_other)
{
    world_open(4);
    for (uint32_t i = 0; i < 4; i++)
        for (uint32_t j = 0; j < 4; j++)
            if (i != j)
                pour(i, j, PEER_VOTES, 100, 50);
    for (uint32_t i = 0; i < 4; i++)
        for (uint32_t j = 0; j < 4; j++)
            if (i != j)
                EVENTUALLY(&nodes[i], nodes[i].received[j][PEER_VOTES] == 100);
    struct peer_state state;
    peer_status(nodes[2].net, (struct place){3}, &state);
    ck_assert(state.connected[PEER_VOTES] && state.connected[PEER_BULK]);
    ck_assert_uint_gt(state.sent_bytes, 100 * 50);
    world_close();
}
END_TEST

START_TEST(a_record_of_the_largest_size_passes_and_a_larger_one_is_refused)
{
    world_open(2);
    uint8_t *body = calloc(1, FRAME_RECORD_MAX + 1);
    struct place to = {1};
    ck_assert_int_eq(
        peer_send(nodes[0].net, to, PEER_BULK, 9, bytes_of(body, FRAME_RECORD_MAX + 1)), ERR_LIMIT);
    ck_assert_int_eq(peer_send(nodes[0].net, to, PEER_BULK, 9, bytes_of(body, FRAME_RECORD_MAX)),
                     ERR_NONE);
    EVENTUALLY(&nodes[1], nodes[1].received[0][PEER_BULK] == 1);
    char expected[64];
    snprintf(expected, sizeof(expected), "0/1/9/%zu", (size_t)FRAME_RECORD_MAX);
    ck_assert_str_eq(nodes[1].last, expected);
    free(body);
    world_close();
}
END_TEST

START_TEST(a_receiver_without_room_holds_its_sender_back_and_loses_nothing)
{
    world_open(2);
    nodes[1].full = true;
    uint8_t body[10000] = {0};
    uint32_t taken = 0;
    enum err err = ERR_NONE;
    struct place to = {1};
    struct peer_state state;
    do {
        bytes_put_u32(body, taken);
        err = peer_send(nodes[0].net, to, PEER_VOTES, 1, bytes_of(body, sizeof(body)));
        taken += err == ERR_NONE;
        ck_assert_uint_lt(taken, 10000);
        peer_status(nodes[0].net, to, &state);
        ck_assert_uint_le(state.queued_bytes[PEER_VOTES], PEER_VOTES_QUEUE_BYTES);
    } while (err == ERR_NONE);
    ck_assert_int_eq(err, ERR_BUSY);
    peer_status(nodes[0].net, to, &state);
    ck_assert_uint_eq(state.dropped, 1);

    /* The other lane isn't held up, and the same peer may still say something there. */
    EVENTUALLY(&nodes[1], nodes[1].refused_by_full > 3);
    pthread_mutex_lock(&nodes[1].mutex);
    ck_assert_uint_eq(nodes[1].received[0][PEER_VOTES], 0);
    nodes[1].full = false;
    pthread_mutex_unlock(&nodes[1].mutex);
    EVENTUALLY(&nodes[1], nodes[1].received[0][PEER_VOTES] == taken);
    ck_assert(nodes[1].in_order);
    ck_assert_uint_eq(nodes[1].disconnected[0][PEER_VOTES], 0);
    world_close();
}
END_TEST

START_TEST(a_peer_that_is_dismissed_is_gone_until_it_is_admitted_again)
{
    world_open(3);
    for (uint8_t gone = 0; gone < 3; gone += 2) { /* one that calls node 1, one that it calls */
        struct place place = {gone};
        peer_dismiss(nodes[1].net, place);
        EVENTUALLY(&nodes[gone], nodes[gone].disconnected[1][PEER_VOTES] >= 1);
        ck_assert_int_eq(peer_send(nodes[1].net, place, PEER_VOTES, 1, bytes_text("nobody")),
                         ERR_NOT_NOW);
        nodes[1].connected[gone][PEER_VOTES] = 0;
        ck_assert_int_eq(peer_admit(nodes[1].net, place, &members[gone], NULL), ERR_NONE);
        EVENTUALLY(&nodes[1], nodes[1].connected[gone][PEER_VOTES] == 1);
        ck_assert_uint_eq(nodes[1].disconnected[gone][PEER_VOTES], 0);
    }
    /* The others didn't notice. */
    ck_assert_uint_eq(nodes[0].disconnected[2][PEER_VOTES], 0);
    ck_assert_uint_eq(nodes[2].disconnected[0][PEER_VOTES], 0);
    world_close();
}
END_TEST

START_TEST(either_side_may_restart)
{
    world_open(2);
    for (uint32_t side = 0; side < 2; side++) {
        uint32_t other = 1 - side;
        peer_close(nodes[side].net);
        EVENTUALLY(&nodes[other], nodes[other].disconnected[side][PEER_VOTES] == 1);
        EVENTUALLY(&nodes[other], nodes[other].disconnected[side][PEER_BULK] == 1);
        ck_assert_int_eq(peer_send(nodes[other].net, (struct place){(uint8_t)side}, PEER_VOTES, 1,
                                   bytes_text("nobody")),
                         ERR_NOT_NOW);
        memset(nodes[side].connected, 0, sizeof(nodes[side].connected));
        memset(nodes[other].connected, 0, sizeof(nodes[other].connected));
        memset(nodes[side].disconnected, 0, sizeof(nodes[side].disconnected));
        ck_assert_int_eq(node_open(side, NULL), ERR_NONE);
        for (int lane = 0; lane < PEER_LANES; lane++) {
            EVENTUALLY(&nodes[other], nodes[other].connected[side][lane] == 1);
            EVENTUALLY(&nodes[side], nodes[side].connected[other][lane] == 1);
        }
        memset(nodes[0].received, 0, sizeof(nodes[0].received));
        memset(nodes[1].received, 0, sizeof(nodes[1].received));
        pour(0, 1, PEER_VOTES, 100, 100);
        pour(1, 0, PEER_VOTES, 100, 100);
        EVENTUALLY(&nodes[0], nodes[0].received[1][PEER_VOTES] == 100);
        EVENTUALLY(&nodes[1], nodes[1].received[0][PEER_VOTES] == 100);
    }
    ck_assert(nodes[0].in_order && nodes[1].in_order);
    world_close();
}
END_TEST

START_TEST(a_port_in_use_and_unreadable_certificates_are_told_in_a_sentence)
{
    struct fault fault;
    world_prepare(2);
    ck_assert_int_eq(node_open(0, NULL), ERR_NONE);
    char first[32];
    memcpy(first, nodes[1].address, sizeof(first));
    memcpy(nodes[1].address, nodes[0].address, sizeof(first));
    ck_assert_int_eq(node_open(1, &fault), ERR_IO);
    ck_assert_ptr_nonnull(strstr(fault.text, "another program listens on 127.0.0.1:"));
    memcpy(nodes[1].address, "nowhere", 8);
    ck_assert_int_eq(node_open(1, &fault), ERR_USAGE);
    ck_assert_str_eq(fault.text, "\"nowhere\" is no host:port to listen on");
    memcpy(nodes[1].address, first, sizeof(first));
    nodes[1].pems.key[40] ^= 1;
    ck_assert_int_eq(node_open(1, &fault), ERR_USAGE);
    ck_assert_str_eq(fault.text,
                     "the node's certificate and key can't be read or don't belong together");
    nodes[1].net = NULL;
    world_close();
}
END_TEST

/* --- strangers, byte by byte --- */

/* Node 1 alone, which waits for node 0 to dial. */
static void lone_open(void)
{
    world_prepare(2);
    ck_assert_int_eq(node_open(1, NULL), ERR_NONE);
}

static void lone_close(uint32_t refusals, const char *why)
{
    EVENTUALLY(&nodes[1], nodes[1].refused_count >= refusals);
    ck_assert_uint_eq(nodes[1].refused_count, refusals);
    if (why != NULL)
        ck_assert_str_eq(nodes[1].refused[0], why);
    peer_close(nodes[1].net);
    ck_assert_uint_eq(nodes[1].refused_count, refusals);
}

START_TEST(without_a_certificate_nobody_gets_in_and_it_is_told_once)
{
    lone_open();
    for (int i = 0; i < 3; i++) {
        struct raw raw;
        raw_open(&raw, nodes[1].address, &authority, NULL);
        struct session session;
        raw_session(&session, 0, &genesis, 9);
        raw_say(&raw, session_hello(&session));
        ck_assert(raw_is_closed(&raw));
        raw_close(&raw);
    }
    lone_close(1, "it has no certificate of this consortium");
}
END_TEST

START_TEST(a_certificate_of_another_ca_is_refused)
{
    struct pems other, own;
    struct raw raw;
    lone_open();
    pems_make(&other, NULL, "consortium");
    pems_make(&own, &other, "node0");
    raw_open(&raw, nodes[1].address, &authority, &own);
    struct session session;
    raw_session(&session, 0, &genesis, 9);
    raw_say(&raw, session_hello(&session));
    ck_assert(raw_is_closed(&raw));
    raw_close(&raw);
    lone_close(1, "TLS failed: not TLS, or a certificate that isn't accepted");
}
END_TEST

START_TEST(what_is_no_tls_is_refused)
{
    struct raw raw;
    lone_open();
    raw_open(&raw, nodes[1].address, NULL, NULL);
    raw_send(&raw, bytes_text("GET / HTTP/1.1\r\n\r\n"));
    uint8_t alert[64];
    while (raw_move(&raw, nng_stream_recv, alert, 1))
        ;
    raw_close(&raw);
    lone_close(1, "TLS failed: not TLS, or a certificate that isn't accepted");
}
END_TEST

START_TEST(a_certificate_without_a_validator_key_is_refused)
{
    struct raw raw;
    struct session session;
    struct sign_secret secret;
    struct sign_public public;
    struct session_random random;
    lone_open();
    memset(&secret, 77, sizeof(secret));
    memset(&random, 78, sizeof(random));
    ck_assert(sign_public_of(&public, &secret));
    ck_assert(session_init(&session, SESSION_DIALLER, 0, &genesis, &public, &random));
    raw_open(&raw, nodes[1].address, &authority, &nodes[0].pems);
    ck_assert(raw_say(&raw, session_hello(&session)));
    ck_assert(raw_is_closed(&raw));
    raw_close(&raw);
    lone_close(1, "its key is not that of a validator expected here");
}
END_TEST

START_TEST(a_claimed_validator_key_must_be_proven)
{
    struct raw raw;
    struct session session;
    uint8_t heard[SESSION_MESSAGE_MAX], proof[SESSION_MESSAGE_MAX];
    uint32_t index;
    lone_open();
    raw_open(&raw, nodes[1].address, &authority, &nodes[0].pems);
    raw_session(&session, 0, &genesis, 9);
    ck_assert(raw_say(&raw, session_hello(&session)));
    ck_assert(session_read_hello(&session, &index, raw_hear(&raw, heard), &members[1].public, 1,
                                 NULL) == ERR_NONE);
    ck_assert(session_read_proof(&session, raw_hear(&raw, heard), NULL) == ERR_NONE);
    struct digest digest = session_challenge(&session);
    struct sign_secret other;
    memset(&other, 55, sizeof(other));
    struct sign_signature signature = sign_make(&other, &digest);
    size_t size = session_proof(proof, &signature);
    ck_assert(raw_say(&raw, bytes_of(proof, size)));
    ck_assert(raw_is_closed(&raw));
    raw_close(&raw);
    lone_close(1, "it could not prove the validator key that it claims");
}
END_TEST

START_TEST(another_genesis_is_refused)
{
    struct raw raw;
    struct session session;
    struct digest other = {{43}};
    lone_open();
    raw_open(&raw, nodes[1].address, &authority, &nodes[0].pems);
    raw_session(&session, 0, &other, 9);
    ck_assert(raw_say(&raw, session_hello(&session)));
    ck_assert(raw_is_closed(&raw));
    raw_close(&raw);
    lone_close(1, "it is of another chain (genesis differs)");
}
END_TEST

START_TEST(a_replayed_handshake_is_refused)
{
    struct raw raw;
    struct session session;
    uint8_t said[2][SESSION_MESSAGE_MAX], heard[SESSION_MESSAGE_MAX];
    size_t size[2];
    lone_open();
    raw_open(&raw, nodes[1].address, &authority, &nodes[0].pems);
    raw_handshake(&raw, &session, 9, said, size);
    EVENTUALLY(&nodes[1], nodes[1].connected[0][PEER_VOTES] == 1);
    raw_close(&raw);

    raw_open(&raw, nodes[1].address, &authority, &nodes[0].pems);
    ck_assert(raw_say(&raw, bytes_of(said[0], size[0])));
    ck_assert(raw_hear(&raw, heard).size > 0);
    ck_assert(raw_hear(&raw, heard).size > 0);
    ck_assert(raw_say(&raw, bytes_of(said[1], size[1])));
    ck_assert(raw_is_closed(&raw));
    raw_close(&raw);
    lone_close(1, "it could not prove the validator key that it claims");
    ck_assert_uint_eq(nodes[1].connected[0][PEER_VOTES], 1);
}
END_TEST

/* What a proven peer sends that it must not. Each ends the connection, and nothing of it is
 * delivered. */
static void broken_frame(int kind, const char *why)
{
    struct raw raw;
    struct session session;
    uint8_t said[2][SESSION_MESSAGE_MAX];
    size_t size[2];
    struct frame frame;
    raw_open(&raw, nodes[1].address, &authority, &nodes[0].pems);
    raw_handshake(&raw, &session, 9, said, size);
    frame_init(&frame);
    ck_assert(frame_add(&frame, 2, bytes_text("hello")) == ERR_NONE);
    ck_assert(frame_seal(&frame, &session) == ERR_NONE);
    uint32_t delivered = nodes[1].received[0][PEER_VOTES];
    switch (kind) {
    case 0: /* tampered */
        frame.data[FRAME_HEAD_SIZE + FRAME_RECORD_SIZE] ^= 1;
        break;
    case 1: /* the same frame twice */
        ck_assert(raw_send(&raw, bytes_of(frame.data, frame.size)));
        delivered++;
        break;
    case 2: /* 4 GiB */
        bytes_put_u32(frame.data, 0xffffffff);
        break;
    default: /* garbage */
        memset(frame.data, 0x5a, frame.size);
        bytes_put_u32(frame.data, (uint32_t)frame.size - 4);
    }
    ck_assert(raw_send(&raw, bytes_of(frame.data, frame.size)));
    uint8_t beat[FRAME_OVERHEAD];
    while (raw_move(&raw, nng_stream_recv, beat, sizeof(beat)))
        ;
    EVENTUALLY(&nodes[1],
               nodes[1].disconnected[0][PEER_VOTES] == nodes[1].connected[0][PEER_VOTES]);
    ck_assert_uint_eq(nodes[1].received[0][PEER_VOTES], delivered);
    ck_assert_str_eq(nodes[1].refused[nodes[1].refused_count - 1], why);
    frame_release(&frame);
    raw_close(&raw);
}

START_TEST(tampered_repeated_oversize_and_garbage_frames_end_the_connection)
{
    lone_open();
    broken_frame(0, "it sent a frame that is not authentic (signature)");
    broken_frame(1, "it sent a frame that is not authentic (mismatch)");
    broken_frame(2, "it claims a frame of an impossible size");
    broken_frame(
        3, "it claims a frame of an impossible size"); /* told before: the last is still that */
    lone_close(3, NULL);
}
END_TEST

START_TEST(a_greeting_that_claims_4_gib_is_refused_unread)
{
    struct raw raw;
    const uint8_t claim[4] = {0xff, 0xff, 0xff, 0xff};
    lone_open();
    raw_open(&raw, nodes[1].address, &authority, &nodes[0].pems);
    ck_assert(raw_send(&raw, bytes_of(claim, 4)));
    ck_assert(raw_is_closed(&raw));
    raw_close(&raw);
    lone_close(1, "it claims a greeting of 4294967295 bytes");
}
END_TEST

START_TEST(who_says_nothing_is_sent_away)
{
    struct raw raw;
    lone_open();
    raw_open(&raw, nodes[1].address, NULL, NULL);
    uint64_t start = nng_clock();
    raw_patience_ms = 3 * PEER_HANDSHAKE_MS;
    ck_assert(raw_is_closed(&raw));
    ck_assert_uint_le(nng_clock() - start, PEER_HANDSHAKE_MS + 2000);
    raw_close(&raw);
    lone_close(1, "it did not prove who it is in time");
}
END_TEST

/* Node 2 listens where node 1 should be, with this name in its certificate. */
static void impostor(const char *name, const char *why)
{
    world_prepare(3);
    memcpy(nodes[2].address, nodes[1].address, sizeof(nodes[2].address));
    pems_make(&nodes[2].pems, &authority, name);
    ck_assert_int_eq(node_open(2, NULL), ERR_NONE);
    ck_assert_int_eq(node_open(0, NULL), ERR_NONE);
    /* Where it dials node 2 it may find it or be told why not; node 1 it must not find. */
    EVENTUALLY(&nodes[0],
               strcmp(nodes[0].refused[0], why) == 0 || strcmp(nodes[0].refused[1], why) == 0);
    ck_assert_uint_eq(nodes[0].connected[1][PEER_VOTES], 0);
    world_close();
}

START_TEST(a_dialler_insists_on_the_peer_that_it_dialled)
{
    impostor("node2", "TLS failed: not TLS, or a certificate that isn't accepted");
}
END_TEST

START_TEST(another_validators_key_at_a_peers_address_is_refused)
{
    impostor("node1", "its key is not that of a validator expected here");
}
END_TEST

START_TEST(a_newer_connection_takes_the_place_of_the_older)
{
    struct raw raw[2];
    struct session session[2];
    uint8_t said[2][SESSION_MESSAGE_MAX];
    size_t size[2];
    lone_open();
    for (int i = 0; i < 2; i++) {
        raw_open(&raw[i], nodes[1].address, &authority, &nodes[0].pems);
        raw_handshake(&raw[i], &session[i], (uint8_t)(9 + i), said, size);
        EVENTUALLY(&nodes[1], nodes[1].connected[0][PEER_VOTES] == (uint32_t)i + 1);
    }
    EVENTUALLY(&nodes[1], nodes[1].disconnected[0][PEER_VOTES] == 1);
    struct frame frame;
    frame_init(&frame);
    ck_assert(frame_add(&frame, 2, bytes_text("hello")) == ERR_NONE);
    ck_assert(frame_seal(&frame, &session[1]) == ERR_NONE);
    ck_assert(raw_send(&raw[1], bytes_of(frame.data, frame.size)));
    EVENTUALLY(&nodes[1], nodes[1].received[0][PEER_VOTES] == 1);
    frame_release(&frame);
    raw_close(&raw[0]);
    raw_close(&raw[1]);
    lone_close(0, NULL);
}
END_TEST

START_TEST(a_crowd_of_strangers_keeps_nobody_out)
{
    struct raw crowd[PEER_PENDING_MAX];
    lone_open();
    for (int i = 0; i < PEER_PENDING_MAX; i++)
        raw_open(&crowd[i], nodes[1].address, NULL, NULL);

    /* The validator comes from the same address: the oldest of the crowd makes room. */
    struct raw raw;
    struct session session;
    uint8_t said[2][SESSION_MESSAGE_MAX];
    size_t size[2];
    raw_open(&raw, nodes[1].address, &authority, &nodes[0].pems);
    raw_handshake(&raw, &session, 9, said, size);
    EVENTUALLY(&nodes[1], nodes[1].connected[0][PEER_VOTES] == 1);
    EVENTUALLY(&nodes[1], nodes[1].refused_count == 1);
    ck_assert_str_eq(nodes[1].refused[0], "too many connections that have not proven who they are");
    for (int i = 0; i < PEER_PENDING_MAX; i++)
        raw_close(&crowd[i]);
    raw_close(&raw);
    EVENTUALLY(&nodes[1], nodes[1].refused_count == 2);
    lone_close(2, NULL);
}
END_TEST

HARNESS_MAIN("peer", two_peers_deliver_in_order_both_ways_on_both_lanes,
             four_peers_that_start_at_once_find_each_other,
             a_record_of_the_largest_size_passes_and_a_larger_one_is_refused,
             a_receiver_without_room_holds_its_sender_back_and_loses_nothing,
             a_peer_that_is_dismissed_is_gone_until_it_is_admitted_again, either_side_may_restart,
             a_port_in_use_and_unreadable_certificates_are_told_in_a_sentence,
             without_a_certificate_nobody_gets_in_and_it_is_told_once,
             a_certificate_of_another_ca_is_refused, what_is_no_tls_is_refused,
             a_certificate_without_a_validator_key_is_refused,
             a_claimed_validator_key_must_be_proven, another_genesis_is_refused,
             a_replayed_handshake_is_refused,
             tampered_repeated_oversize_and_garbage_frames_end_the_connection,
             a_greeting_that_claims_4_gib_is_refused_unread, who_says_nothing_is_sent_away,
             a_dialler_insists_on_the_peer_that_it_dialled,
             another_validators_key_at_a_peers_address_is_refused,
             a_newer_connection_takes_the_place_of_the_older, a_crowd_of_strangers_keeps_nobody_out)
