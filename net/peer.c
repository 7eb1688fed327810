#include "net/peer.h"

#include <nng/nng.h>
#include <nng/supplemental/tls/tls.h>
#include <nng/supplemental/util/platform.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/limits.h"
#include "net/endpoint.h"
#include "net/link.h"
#include "net/lobby.h"
#include "net/quota.h"
#include "net/refusal.h"
#include "net/tls.h"

/* nng 1.5.2 spins for up to a millisecond around each timer's end, so the clock is looked at
 * seldom. */
#define PEER_TICK_MS        500
#define PEER_ACCEPT_REST_MS 100

/* How often those that are left are told to end while the net closes. */
#define PEER_CLOSING_TICK_MS 5

#define PEER_DIAL_MS 5000

/* Connections of every kind: two a peer, those that replace them, and strangers. */
#define PEER_LINKS_MAX (4 * PEER_PLACES + PEER_PENDING_MAX)

_Static_assert(LINK_CALLERS_MAX == PEER_PLACES, "one table");

struct peer_entry { /* a connection that hasn't been freed */
    struct link *link;
    bool pending;  /* somebody came and hasn't proven who it is */
    uint64_t came; /* counted */
};

struct peer_lane_slot {
    struct peer_net *net;
    uint8_t place, lane;
    pthread_mutex_t
        telling; /* held during callbacks of this lane, so that they come one at a time */

    /* Guarded by net->mutex. */
    struct link *link; /* the one that counts; NULL or open */
    uint64_t changed_ms;
    nng_stream_dialer *dialler; /* of a lane that we dial */
    nng_aio *dial_aio;
    bool dialling;       /* a dial is under way */
    struct link *trying; /* what it gave, until it is open */
    uint64_t due_ms;
    uint32_t delay_ms;
};

struct peer_slot { /* guarded by net->mutex, but for its lanes' own */
    bool taken;
    bool calls; /* it dials us */
    struct sign_public public;
    char *name;
    struct peer_lane_slot lanes[PEER_LANES];
    struct link_usage past; /* of connections that are gone */
};

struct peer_net {
    struct peer_owner owner;
    struct digest genesis;
    struct sign_public public; /* our own */
    struct tls tls;
    nng_stream_listener *listener;
    nng_aio *accept_aio, *tick_aio;

    pthread_mutex_t mutex; /* guards what follows; never held during a callback */
    pthread_cond_t changed;
    bool closing, ticking;
    uint32_t live;     /* links, dials and the chain of accepts: what may still call us */
    bool accept_rests; /* the transfer under way is a sleep after an error */
    struct peer_entry entries[PEER_LINKS_MAX];
    uint32_t entry_count;
    uint64_t arrived; /* counted: struct peer_entry.came */
    struct peer_slot slots[PEER_PLACES];
    struct refusal_list refusals;
    struct quota arrivals; /* by address */
};

/* --- strangers --- */

static void refuse(struct peer_net *net, const char *address, const char *why)
{
    pthread_mutex_lock(&net->mutex);
    bool new = refusal_is_new(&net->refusals, address, why, nng_clock());
    pthread_mutex_unlock(&net->mutex);
    if (new)
        net->owner.refused(net->owner.self, address, why);
}

/* --- the table of connections --- */

/* The lane that an open link belongs to; NULL if its peer was dismissed. */
static struct peer_lane_slot *lane_of(struct peer_net *net, const struct link *link)
{
    struct peer_lane_slot *lane = NULL;
    pthread_mutex_lock(&net->mutex);
    for (uint32_t place = 0; place < PEER_PLACES; place++) {
        struct peer_slot *slot = &net->slots[place];
        if (slot->taken && memcmp(&slot->public, link_peer(link), sizeof(struct sign_public)) == 0)
            lane = &slot->lanes[link_lane(link)];
    }
    pthread_mutex_unlock(&net->mutex);
    return lane;
}

/* A lane that we dial is dialled again after a while. Requires the mutex. */
static void dial_later(struct peer_lane_slot *lane)
{
    lane->due_ms = nng_clock() + lane->delay_ms;
    lane->delay_ms *= 2;
    if (lane->delay_ms > PEER_REDIAL_MAX_MS)
        lane->delay_ms = PEER_REDIAL_MAX_MS;
}

static struct peer_entry *entry_of(struct peer_net *net, const struct link *link)
{
    for (uint32_t i = 0; i < net->entry_count; i++)
        if (net->entries[i].link == link)
            return &net->entries[i];
    return NULL;
}

static bool on_sign(void *self, struct sign_signature *signature, const struct digest *digest)
{
    struct peer_net *net = self;
    return net->owner.sign(net->owner.self, signature, digest);
}

static uint32_t on_callers(void *self, struct sign_public known[LINK_CALLERS_MAX])
{
    struct peer_net *net = self;
    uint32_t count = 0;
    pthread_mutex_lock(&net->mutex);
    for (uint32_t place = 0; place < PEER_PLACES; place++)
        if (net->slots[place].taken && net->slots[place].calls)
            known[count++] = net->slots[place].public;
    pthread_mutex_unlock(&net->mutex);
    return count;
}

/* Is the lane still that of the link's peer? Requires the mutex. */
static bool is_of(const struct peer_lane_slot *lane, const struct link *link)
{
    const struct peer_slot *slot = &lane->net->slots[lane->place];
    return slot->taken && memcmp(&slot->public, link_peer(link), sizeof(struct sign_public)) == 0;
}

static void on_opened(void *self, struct link *link)
{
    struct peer_net *net = self;
    struct peer_lane_slot *lane = lane_of(net, link);
    if (lane == NULL) {
        link_close(link, "it is no peer of ours any more");
        return;
    }
    struct place place = {lane->place};

    pthread_mutex_lock(&lane->telling);
    pthread_mutex_lock(&net->mutex);
    if (!is_of(lane, link)) {
        pthread_mutex_unlock(&net->mutex);
        pthread_mutex_unlock(&lane->telling);
        link_close(link, "it is no peer of ours any more");
        return;
    }
    struct link *old = lane->link;
    if (old != NULL)
        link_retain(old);
    lane->link = link;
    lane->changed_ms = nng_clock();
    lane->trying = NULL;
    lane->delay_ms = PEER_REDIAL_MIN_MS;
    struct peer_entry *entry = entry_of(net, link);
    if (entry != NULL)
        entry->pending = false;
    pthread_mutex_unlock(&net->mutex);

    if (old != NULL) {
        link_close(old, "a newer connection took its place");
        link_release(old);
        net->owner.disconnected(net->owner.self, place, (enum peer_lane)lane->lane,
                                "a newer connection took its place");
    }
    net->owner.connected(net->owner.self, place, (enum peer_lane)lane->lane);
    pthread_mutex_unlock(&lane->telling);
}

static bool on_received(void *self, struct link *link, uint8_t tag, struct bytes body)
{
    struct peer_net *net = self;
    struct peer_lane_slot *lane = lane_of(net, link);
    if (lane == NULL)
        return true;

    pthread_mutex_lock(&lane->telling);
    pthread_mutex_lock(&net->mutex);
    bool counts = lane->link == link;
    pthread_mutex_unlock(&net->mutex);
    bool taken = !counts || net->owner.received(net->owner.self, (struct place){lane->place},
                                                (enum peer_lane)lane->lane, tag, body);
    pthread_mutex_unlock(&lane->telling);
    return taken;
}

/* Takes a connection out of the table, and lets its lane be dialled again. Requires the mutex. */
static void forget(struct peer_net *net, struct link *link)
{
    struct peer_entry *entry = entry_of(net, link);
    CHECK(entry != NULL);
    *entry = net->entries[--net->entry_count];

    for (uint32_t i = 0; i < PEER_PLACES * PEER_LANES; i++) {
        struct peer_lane_slot *lane = &net->slots[i / PEER_LANES].lanes[i % PEER_LANES];
        if (lane->link == link) {
            lane->link = NULL;
            lane->changed_ms = nng_clock();
            dial_later(lane);
        } else if (lane->trying == link) {
            lane->trying = NULL;
            dial_later(lane);
        }
    }
}

static void on_ended(void *self, struct link *link, bool opened, bool stranger, const char *why)
{
    struct peer_net *net = self;
    struct peer_lane_slot *lane = opened ? lane_of(net, link) : NULL;
    if (stranger)
        refuse(net, link_address(link), why);

    if (lane != NULL)
        pthread_mutex_lock(&lane->telling);
    pthread_mutex_lock(&net->mutex);
    bool counted = lane != NULL && lane->link == link;
    forget(net, link);
    if (lane != NULL && is_of(lane, link)) {
        struct link_usage *past = &net->slots[lane->place].past, usage = link_usage(link);
        past->sent_bytes += usage.sent_bytes;
        past->received_bytes += usage.received_bytes;
        past->dropped += usage.dropped;
    }
    pthread_mutex_unlock(&net->mutex);
    if (counted)
        net->owner.disconnected(net->owner.self, (struct place){lane->place},
                                (enum peer_lane)lane->lane, why);
    if (lane != NULL)
        pthread_mutex_unlock(&lane->telling);

    pthread_mutex_lock(&net->mutex);
    net->live--;
    pthread_cond_broadcast(&net->changed);
    pthread_mutex_unlock(&net->mutex);
    link_release(link); /* the table's reference; the net may be gone by now */
}

static const struct link_events link_events = {on_sign, on_callers, on_opened, on_received,
                                               on_ended};

/* Makes a link and enters it. Requires the mutex, so that no event comes before it is there. */
static struct link *enter(struct peer_net *net, nng_stream *stream, struct peer_lane_slot *lane,
                          const char *address)
{
    struct link_options options = {
        .events = &link_events,
        .self = net,
        .stream = stream,
        .side = lane != NULL ? SESSION_DIALLER : SESSION_LISTENER,
        .lane = lane != NULL ? lane->lane : 0,
        .genesis = &net->genesis,
        .identity = &net->public,
        .address = address,
        .queue_bytes = {[PEER_VOTES] = PEER_VOTES_QUEUE_BYTES, [PEER_BULK] = PEER_BULK_QUEUE_BYTES},
    };
    if (lane != NULL)
        options.callee = net->slots[lane->place].public;
    if (net->entry_count == PEER_LINKS_MAX) {
        nng_stream_free(stream);
        return NULL;
    }
    struct link *link = link_new(&options);
    if (link != NULL) {
        net->entries[net->entry_count++] = (struct peer_entry){link, lane == NULL, net->arrived++};
        net->live++;
    }
    return link;
}

/* --- dialling --- */

static void dial_start(struct peer_lane_slot *lane)
{
    struct peer_net *net = lane->net;
    nng_tls_config *config = tls_config(&net->tls, net->slots[lane->place].name);
    if (config == NULL) {
        dial_later(lane);
        return;
    }
    nng_stream_dialer_set_ptr(lane->dialler, NNG_OPT_TLS_CONFIG, config);
    nng_tls_config_free(config);
    lane->dialling = true;
    net->live++;
    nng_stream_dialer_dial(lane->dialler, lane->dial_aio);
}

/* Dials what is due. How long until something is due again, PEER_TICK_MS at most. Requires the
 * mutex. */
static uint32_t dial_due(struct peer_net *net, uint64_t now)
{
    uint64_t next = now + PEER_TICK_MS;
    for (uint32_t i = 0; i < PEER_PLACES * PEER_LANES; i++) {
        struct peer_lane_slot *lane = &net->slots[i / PEER_LANES].lanes[i % PEER_LANES];
        if (!net->slots[i / PEER_LANES].taken || lane->dialler == NULL || lane->link != NULL ||
            lane->trying != NULL || lane->dialling)
            continue;
        if (now >= lane->due_ms)
            dial_start(lane);
        else if (lane->due_ms < next)
            next = lane->due_ms;
    }
    return (uint32_t)(next - now);
}

static void on_dialled(void *arg)
{
    struct peer_lane_slot *lane = arg;
    struct peer_net *net = lane->net;
    int rv = nng_aio_result(lane->dial_aio);
    nng_stream *stream = rv == 0 ? nng_aio_get_output(lane->dial_aio, 0) : NULL;

    pthread_mutex_lock(&net->mutex);
    lane->dialling = false;
    bool wanted = !net->closing && net->slots[lane->place].taken;
    if (stream != NULL && !wanted) {
        nng_stream_free(stream);
    } else if (stream != NULL) {
        char address[LINK_ADDRESS_SIZE];
        link_remote(stream, address);
        lane->trying = enter(net, stream, lane, address);
    }
    if (lane->trying == NULL)
        dial_later(lane);
    net->live--;
    pthread_cond_broadcast(&net->changed);
    pthread_mutex_unlock(&net->mutex);
}

/* --- accepting --- */

static void accept_start(struct peer_net *net)
{
    nng_tls_config *config = tls_config(&net->tls, NULL);
    net->accept_rests = config == NULL;
    if (config == NULL) {
        nng_sleep_aio(PEER_ACCEPT_REST_MS, net->accept_aio);
        return;
    }
    nng_stream_listener_set_ptr(net->listener, NNG_OPT_TLS_CONFIG, config);
    nng_tls_config_free(config);
    nng_stream_listener_accept(net->listener, net->accept_aio);
}

/* From other machines the rate is bounded, since a TLS handshake costs milliseconds. Requires the mutex. */
static bool may_come(struct peer_net *net, const char *address)
{
    char name[LINK_ADDRESS_SIZE];
    snprintf(name, sizeof(name), "%.*s", (int)refusal_host_size(address), address);
    return lobby_is_loopback(address) || quota_take(&net->arrivals, name, nng_clock());
}

/* Somebody who is to end, so that the next one has room; NULL while there is some. The caller closes and releases it without the mutex,
 * which this requires. */
static struct link *make_room(struct peer_net *net)
{
    struct lobby_guest guests[PEER_LINKS_MAX];
    struct peer_entry *entries[PEER_LINKS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < net->entry_count; i++) {
        struct peer_entry *entry = &net->entries[i];
        if (!entry->pending)
            continue;
        entries[count] = entry;
        guests[count++] = (struct lobby_guest){link_address(entry->link), entry->came};
    }
    if (count < PEER_PENDING_MAX)
        return NULL;
    struct peer_entry *victim = entries[lobby_victim(guests, count)];
    victim->pending = false;
    link_retain(victim->link);
    return victim->link;
}

static void on_accepted(void *arg)
{
    struct peer_net *net = arg;
    int rv = nng_aio_result(net->accept_aio);
    bool came = rv == 0 && !net->accept_rests, full = false;
    struct link *victim = NULL;
    char address[LINK_ADDRESS_SIZE];

    pthread_mutex_lock(&net->mutex);
    if (came) {
        nng_stream *stream = nng_aio_get_output(net->accept_aio, 0);
        link_remote(stream, address);
        full = !may_come(net, address);
        victim = full || net->closing ? NULL : make_room(net);
        if (full || net->closing)
            nng_stream_free(stream);
        else
            full = enter(net, stream, NULL, address) == NULL;
    }
    bool again = !net->closing;
    if (again && rv != 0) { /* out of descriptors, or the like: a little later */
        net->accept_rests = true;
        nng_sleep_aio(PEER_ACCEPT_REST_MS, net->accept_aio);
    } else if (again) {
        accept_start(net);
    } else {
        net->live--;
        pthread_cond_broadcast(&net->changed);
    }
    pthread_mutex_unlock(&net->mutex);
    const char *why = "too many connections that have not proven who they are";
    if (victim != NULL) {
        refuse(net, link_address(victim), why);
        link_close(victim, why);
        link_release(victim);
    }
    if (full && again)
        refuse(net, address, why);
}

/* --- time --- */

static void on_tick(void *arg)
{
    struct peer_net *net = arg;
    uint64_t now = nng_clock();
    struct link *links[PEER_LINKS_MAX];

    pthread_mutex_lock(&net->mutex);
    uint32_t count = net->entry_count;
    for (uint32_t i = 0; i < count; i++) {
        links[i] = net->entries[i].link;
        link_retain(links[i]);
    }
    bool closing = net->closing;
    pthread_mutex_unlock(&net->mutex);

    for (uint32_t i = 0; i < count; i++) {
        if (closing)
            link_close(links[i], "this node is stopping");
        link_tick(links[i], now);
        link_release(links[i]);
    }

    pthread_mutex_lock(&net->mutex);
    uint32_t sleep_ms = net->closing ? PEER_CLOSING_TICK_MS : dial_due(net, now);
    net->ticking = net->live > 0 || !net->closing;
    if (net->ticking)
        nng_sleep_aio((nng_duration)sleep_ms, net->tick_aio);
    pthread_cond_broadcast(&net->changed);
    pthread_mutex_unlock(&net->mutex);
}

/* --- life --- */

static void net_free(struct peer_net *net)
{
    nng_stream_listener_free(net->listener);
    if (net->accept_aio != NULL)
        nng_aio_free(net->accept_aio);
    if (net->tick_aio != NULL)
        nng_aio_free(net->tick_aio);
    for (uint32_t i = 0; i < PEER_PLACES * PEER_LANES; i++) {
        struct peer_lane_slot *lane = &net->slots[i / PEER_LANES].lanes[i % PEER_LANES];
        nng_stream_dialer_free(lane->dialler);
        if (lane->dial_aio != NULL)
            nng_aio_free(lane->dial_aio);
        pthread_mutex_destroy(&lane->telling);
    }
    for (uint32_t place = 0; place < PEER_PLACES; place++)
        free(net->slots[place].name);
    tls_release(&net->tls);
    pthread_cond_destroy(&net->changed);
    pthread_mutex_destroy(&net->mutex);
    free(net);
}

static enum err listen_on(struct peer_net *net, const char *address, struct fault *fault)
{
    char url[320];
    if (!endpoint_has_port(address) || strlen(address) > 256)
        return fault_set(fault, ERR_USAGE, "\"%s\" is no host:port to listen on", address);
    snprintf(url, sizeof(url), "tls+tcp://%s", address);
    int rv = nng_stream_listener_alloc(&net->listener, url);
    if (rv == 0)
        rv = nng_stream_listener_listen(net->listener);
    if (rv == NNG_EADDRINUSE)
        return fault_set(fault, ERR_IO, "another program listens on %s already", address);
    if (rv != 0)
        return fault_set(fault, ERR_IO, "can't listen on %s: %s", address, nng_strerror(rv));
    return ERR_NONE;
}

static struct peer_net *net_new(const struct peer_options *options)
{
    struct peer_net *net = calloc(1, sizeof(*net));
    if (net == NULL)
        return NULL;
    net->owner = options->owner;
    net->public = options->public;
    net->genesis = options->genesis;
    pthread_mutex_init(&net->mutex, NULL);
    pthread_cond_init(&net->changed, NULL);
    quota_init(&net->arrivals, PEER_ARRIVALS_PER_S);
    for (uint32_t i = 0; i < PEER_PLACES * PEER_LANES; i++) {
        struct peer_lane_slot *lane = &net->slots[i / PEER_LANES].lanes[i % PEER_LANES];
        lane->net = net;
        lane->place = (uint8_t)(i / PEER_LANES);
        lane->lane = (uint8_t)(i % PEER_LANES);
        pthread_mutex_init(&lane->telling, NULL);
    }
    return net;
}

enum err peer_open(struct peer_net **out, const struct peer_options *options, struct fault *fault)
{
    struct peer_net *net = net_new(options);
    if (net == NULL)
        return fault_set(fault, ERR_LIMIT, "out of memory");
    enum err err = tls_init(&net->tls, options->authority_pem, options->certificate_pem,
                            options->key_pem, fault);
    if (err == ERR_NONE && (nng_aio_alloc(&net->accept_aio, on_accepted, net) != 0 ||
                            nng_aio_alloc(&net->tick_aio, on_tick, net) != 0))
        err = fault_set(fault, ERR_LIMIT, "out of memory");
    if (err == ERR_NONE)
        err = listen_on(net, options->listen, fault);
    if (err != ERR_NONE) {
        net_free(net);
        return err;
    }

    pthread_mutex_lock(&net->mutex);
    net->live = 1; /* the chain of accepts */
    net->ticking = true;
    accept_start(net);
    nng_sleep_aio(0, net->tick_aio);
    pthread_mutex_unlock(&net->mutex);
    *out = net;
    return ERR_NONE;
}

void peer_close(struct peer_net *net)
{
    if (net == NULL)
        return;
    pthread_mutex_lock(&net->mutex);
    net->closing = true;
    nng_aio_cancel(net->tick_aio);
    pthread_mutex_unlock(&net->mutex);
    nng_stream_listener_close(net->listener);
    for (uint32_t i = 0; i < PEER_PLACES * PEER_LANES; i++) {
        struct peer_lane_slot *lane = &net->slots[i / PEER_LANES].lanes[i % PEER_LANES];
        if (lane->dialler != NULL)
            nng_stream_dialer_close(lane->dialler);
    }
    pthread_mutex_lock(&net->mutex);
    while (net->ticking)
        pthread_cond_wait(&net->changed, &net->mutex);
    pthread_mutex_unlock(&net->mutex);
    net_free(net);
}

/* --- the table of peers --- */

/* What a lane that we dial needs; freed with the net, or by peer_dismiss. */
static enum err dialler_init(struct peer_lane_slot *lane, const struct peer_member *member,
                             const char *url, struct fault *fault)
{
    if (nng_stream_dialer_alloc(&lane->dialler, url) != 0)
        return fault_set(fault, ERR_USAGE, "validator %s: \"%s\" is no address", member->name,
                         member->address);
    if (lane->dial_aio == NULL && nng_aio_alloc(&lane->dial_aio, on_dialled, lane) != 0)
        return fault_set(fault, ERR_LIMIT, "out of memory");
    nng_aio_set_timeout(lane->dial_aio, PEER_DIAL_MS);
    return ERR_NONE;
}

static enum err slot_init(struct peer_slot *slot, const struct peer_member *member,
                          struct fault *fault)
{
    char url[320];
    slot->name = strdup(member->name);
    if (slot->name == NULL)
        return fault_set(fault, ERR_LIMIT, "out of memory");
    if (slot->calls)
        return ERR_NONE;
    if (!endpoint_has_port(member->address) || strlen(member->address) > 256)
        return fault_set(fault, ERR_USAGE, "validator %s: \"%s\" is no host:port", member->name,
                         member->address);
    snprintf(url, sizeof(url), "tls+tcp://%s", member->address);
    enum err err = ERR_NONE;
    for (int i = 0; i < PEER_LANES && err == ERR_NONE; i++)
        err = dialler_init(&slot->lanes[i], member, url, fault);
    return err;
}

/* Frees what slot_init made. Requires that nothing is dialled. */
static void slot_clear(struct peer_slot *slot)
{
    for (int i = 0; i < PEER_LANES; i++) {
        nng_stream_dialer_free(slot->lanes[i].dialler);
        slot->lanes[i].dialler = NULL;
    }
    free(slot->name);
    slot->name = NULL;
}

enum err peer_admit(struct peer_net *net, struct place place, const struct peer_member *member,
                    struct fault *fault)
{
    CHECK(place.n < PEER_PLACES);
    int order = memcmp(&member->public, &net->public, sizeof(member->public));
    CHECK(order != 0);

    pthread_mutex_lock(&net->mutex);
    struct peer_slot *slot = &net->slots[place.n];
    CHECK(!slot->taken);
    slot->calls = order < 0;
    slot->public = member->public;
    slot->past = (struct link_usage){0};
    enum err err = slot_init(slot, member, fault);
    for (int i = 0; i < PEER_LANES; i++) {
        slot->lanes[i].changed_ms = nng_clock();
        slot->lanes[i].due_ms = 0;
        slot->lanes[i].delay_ms = PEER_REDIAL_MIN_MS;
    }
    if (err == ERR_NONE)
        slot->taken = true;
    else
        slot_clear(slot);
    pthread_mutex_unlock(&net->mutex);
    return err;
}

void peer_dismiss(struct peer_net *net, struct place place)
{
    struct peer_slot *slot = &net->slots[place.n];
    struct link *links[2 * PEER_LANES];
    uint32_t count = 0;

    pthread_mutex_lock(&net->mutex);
    CHECK(slot->taken);
    slot->taken = false;
    for (int i = 0; i < PEER_LANES; i++) {
        struct peer_lane_slot *lane = &slot->lanes[i];
        struct link *const both[] = {lane->link, lane->trying};
        for (int j = 0; j < 2; j++)
            if (both[j] != NULL) {
                link_retain(both[j]);
                links[count++] = both[j];
            }
        lane->link = lane->trying = NULL;
    }
    pthread_mutex_unlock(&net->mutex);

    for (uint32_t i = 0; i < count; i++) {
        link_close(links[i], "it is no peer of ours any more");
        link_release(links[i]);
    }
    for (int i = 0; i < PEER_LANES; i++)
        if (slot->lanes[i].dialler != NULL)
            nng_stream_dialer_close(slot->lanes[i].dialler);
    pthread_mutex_lock(&net->mutex);
    for (int i = 0; i < PEER_LANES; i++)
        while (slot->lanes[i].dialling)
            pthread_cond_wait(&net->changed, &net->mutex);
    slot_clear(slot);
    pthread_mutex_unlock(&net->mutex);
}

enum err peer_send(struct peer_net *net, struct place to, enum peer_lane lane, uint8_t tag,
                   struct bytes body)
{
    CHECK(to.n < PEER_PLACES);

    pthread_mutex_lock(&net->mutex);
    struct link *link = net->slots[to.n].lanes[lane].link;
    if (link != NULL)
        link_retain(link);
    pthread_mutex_unlock(&net->mutex);
    if (link == NULL)
        return ERR_NOT_NOW;
    enum err err = link_send(link, tag, body);
    link_release(link);
    return err;
}

void peer_status(struct peer_net *net, struct place place, struct peer_state *state)
{
    CHECK(place.n < PEER_PLACES);
    uint64_t now = nng_clock();

    pthread_mutex_lock(&net->mutex);
    const struct peer_slot *slot = &net->slots[place.n];
    *state = (struct peer_state){
        .sent_bytes = slot->past.sent_bytes,
        .received_bytes = slot->past.received_bytes,
        .dropped = slot->past.dropped,
    };
    for (int i = 0; i < PEER_LANES; i++) {
        struct link *link = slot->lanes[i].link;
        state->connected[i] = link != NULL;
        state->changed_ms[i] = now - slot->lanes[i].changed_ms;
        if (link == NULL)
            continue;
        struct link_usage usage = link_usage(link);
        state->queued_bytes[i] = usage.queued_bytes;
        state->sent_bytes += usage.sent_bytes;
        state->received_bytes += usage.received_bytes;
        state->dropped += usage.dropped;
    }
    pthread_mutex_unlock(&net->mutex);
}
