/* Up to four validators in this process, over loopback with real TLS, and what each of their owners saw. */
#ifndef TEST_UNIT_COMPANY_H
#define TEST_UNIT_COMPANY_H

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/peer.h"
#include "test/harness.h"
#include "test/pems.h"

#define NODES_MAX 4
#define BOX_BYTES (1u << 20)

/* What a node's owner saw. */
struct node {
    struct peer_net *net;
    struct sign_secret secret;
    struct pems pems;
    char name[16], address[32];
    pthread_mutex_t mutex;
    bool full; /* received says: no room */
    uint32_t refused_by_full;
    uint32_t connected[NODES_MAX][PEER_LANES], disconnected[NODES_MAX][PEER_LANES];
    uint32_t received[NODES_MAX][PEER_LANES];
    bool in_order;
    char last[64];
    uint64_t received_bytes;
    char refused[8][160];
    uint32_t refused_count;
};

static struct pems authority;
static struct digest genesis = {{42}};
static struct node nodes[NODES_MAX];
static struct peer_member members[NODES_MAX];
static uint32_t node_count;

static inline bool sign(void *self, struct sign_signature *signature, const struct digest *digest)
{
    struct node *node = self;
    *signature = sign_make(&node->secret, digest);
    return true;
}

static inline bool received(void *self, struct place from, enum peer_lane lane, uint8_t tag,
                            struct bytes body)
{
    struct node *node = self;
    pthread_mutex_lock(&node->mutex);
    bool room = !node->full;
    if (!room) {
        node->refused_by_full++;
    } else {
        uint32_t number = node->received[from.n][lane]++;
        if (tag == 1 && (body.size < 4 || bytes_get_u32(body.data) != number))
            node->in_order = false;
        snprintf(node->last, sizeof(node->last), "%u/%d/%u/%zu", from.n, lane, tag, body.size);
        node->received_bytes += body.size;
    }
    pthread_mutex_unlock(&node->mutex);
    return room;
}

static inline void connected(void *self, struct place place, enum peer_lane lane)
{
    struct node *node = self;
    pthread_mutex_lock(&node->mutex);
    node->connected[place.n][lane]++;
    pthread_mutex_unlock(&node->mutex);
}

static inline void disconnected(void *self, struct place place, enum peer_lane lane,
                                const char *why)
{
    struct node *node = self;
    ck_assert_ptr_nonnull(why);
    pthread_mutex_lock(&node->mutex);
    node->disconnected[place.n][lane]++;
    pthread_mutex_unlock(&node->mutex);
}

static inline void refused(void *self, const char *address, const char *why)
{
    struct node *node = self;
    ck_assert_int_eq(strncmp(address, "127.0.0.1:", 10), 0);
    pthread_mutex_lock(&node->mutex);
    if (node->refused_count < 8)
        snprintf(node->refused[node->refused_count], sizeof(node->refused[0]), "%s", why);
    node->refused_count++;
    pthread_mutex_unlock(&node->mutex);
}

static inline uint16_t free_port(void)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(sa);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert(bind(fd, (struct sockaddr *)&sa, size) == 0);
    ck_assert(getsockname(fd, (struct sockaddr *)&sa, &size) == 0);
    close(fd);
    return ntohs(sa.sin_port);
}

static inline enum err node_open(uint32_t seat, struct fault *fault)
{
    struct node *node = &nodes[seat];
    struct peer_options options = {
        .public = members[seat].public,
        .genesis = genesis,
        .listen = node->address,
        .authority_pem = authority.certificate,
        .certificate_pem = node->pems.certificate,
        .key_pem = node->pems.key,
        .owner = {node, sign, received, connected, disconnected, refused},
    };
    enum err err = peer_open(&node->net, &options, fault);
    for (uint32_t i = 0; i < node_count && err == ERR_NONE; i++)
        if (i != seat)
            err = peer_admit(node->net, (struct place){(uint8_t)i}, &members[i], fault);
    return err;
}

/* Secrets whose public keys ascend with the seats, so that the lower seat dials. */
static inline void make_keys(uint32_t count)
{
    uint8_t next = 1;
    for (uint32_t i = 0; i < count; i++) {
        struct sign_secret *secret = &nodes[i].secret;
        do {
            memset(secret->bytes, next++, sizeof(secret->bytes));
            ck_assert(sign_public_of(&members[i].public, secret));
        } while (i > 0 && memcmp(&members[i].public, &members[i - 1].public,
                                 sizeof(struct sign_public)) < 0);
    }
}

static inline void world_prepare(uint32_t count)
{
    node_count = count;
    pems_make(&authority, NULL, "consortium");
    for (uint32_t i = 0; i < count; i++) {
        struct node *node = &nodes[i];
        snprintf(node->name, sizeof(node->name), "node%u", i);
        snprintf(node->address, sizeof(node->address), "127.0.0.1:%u", free_port());
        pems_make(&node->pems, &authority, node->name);
        pthread_mutex_init(&node->mutex, NULL);
        node->in_order = true;
        members[i].name = node->name;
        members[i].address = node->address;
    }
    make_keys(count);
}

/* Waits until `condition` holds under the node's mutex, at most ten seconds. */
#define EVENTUALLY(node, condition)                                                                \
    do {                                                                                           \
        bool holds = false;                                                                        \
        for (int wait = 0; wait < 10000 && !holds; wait++) {                                       \
            pthread_mutex_lock(&(node)->mutex);                                                    \
            holds = (condition);                                                                   \
            pthread_mutex_unlock(&(node)->mutex);                                                  \
            if (!holds)                                                                            \
                usleep(1000);                                                                      \
        }                                                                                          \
        ck_assert_msg(holds, "%s", #condition);                                                    \
    } while (0)

static inline void world_open(uint32_t count)
{
    world_prepare(count);
    for (uint32_t i = 0; i < count; i++)
        ck_assert_int_eq(node_open(i, NULL), ERR_NONE);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < count; j++)
            for (int lane = 0; lane < PEER_LANES && i != j; lane++)
                EVENTUALLY(&nodes[i], nodes[i].connected[j][lane] == 1);
}

static inline void world_close(void)
{
    for (uint32_t i = 0; i < node_count; i++) {
        peer_close(nodes[i].net);
        nodes[i].net = NULL;
    }
}

#endif
