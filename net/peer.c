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
#include "net/place.h"
#include "net/quota.h"
#include "net/refusal.h"
#include "net/tls.h"

/* nng 1.5.2 spins for up to a millisecond around each timer's end, so the clock is looked at
 * seldom. */
#define PEER_TICK_MS        500
#define PEER_ACCEPT_REST_MS 100

/* How often those that are left are told to end while the net closes. */
#define PEER_CLOSING_TICK_MS 5

/* Connections of every kind: two a peer, those that replace them, and strangers. */
#define PEER_LINKS_MAX (4 * PEER_PLACES + PEER_PENDING_MAX)

struct peer_entry { /* a connection that hasn't been freed */
    struct link *link;
    bool pending;  /* somebody came and hasn't proven who it is */
    uint64_t came; /* counted */
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
    struct place_table table;
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
static struct place_lane *lane_of(struct peer_net *net, const struct link *link)
{
    pthread_mutex_lock(&net->mutex);
    struct place_lane *lane = place_lane_of(&net->table, link);
    pthread_mutex_unlock(&net->mutex);
    return lane;
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
    pthread_mutex_lock(&net->mutex);
    uint32_t count = place_callers(&net->table, known);
    pthread_mutex_unlock(&net->mutex);
    return count;
}

static void on_opened(void *self, struct link *link)
{
    struct peer_net *net = self;
    struct place_lane *lane = lane_of(net, link);
    if (lane == NULL) {
        link_close(link, "it is no peer of ours any more");
        return;
    }
    struct place place = {lane->place};

    pthread_mutex_lock(&lane->telling);
    pthread_mutex_lock(&net->mutex);
    if (!place_is_of(&net->table.slots[lane->place], link)) {
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
    struct place_lane *lane = lane_of(net, link);
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
    place_forget(&net->table, link);
}

static void on_ended(void *self, struct link *link, bool opened, bool stranger, const char *why)
{
    struct peer_net *net = self;
    struct place_lane *lane = opened ? lane_of(net, link) : NULL;
    if (stranger)
        refuse(net, link_address(link), why);

    if (lane != NULL)
        pthread_mutex_lock(&lane->telling);
    pthread_mutex_lock(&net->mutex);
    bool counted = lane != NULL && lane->link == link;
    forget(net, link);
    if (lane != NULL && place_is_of(&net->table.slots[lane->place], link)) {
        struct link_usage usage = link_usage(link);
        place_count(&net->table.slots[lane->place], &usage);
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
static struct link *enter(struct peer_net *net, nng_stream *stream, struct place_lane *lane,
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
        options.callee = net->table.slots[lane->place].public;
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

static void dial_start(struct place_lane *lane)
{
    struct peer_net *net = lane->net;
    nng_tls_config *config = tls_config(&net->tls, net->table.slots[lane->place].name);
    if (config == NULL) {
        place_dial_later(lane);
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
        struct place_lane *lane = &net->table.slots[i / PEER_LANES].lanes[i % PEER_LANES];
        if (!net->table.slots[lane->place].taken || lane->dialler == NULL || lane->link != NULL ||
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
    struct place_lane *lane = arg;
    struct peer_net *net = lane->net;
    int rv = nng_aio_result(lane->dial_aio);
    nng_stream *stream = rv == 0 ? nng_aio_get_output(lane->dial_aio, 0) : NULL;

    pthread_mutex_lock(&net->mutex);
    lane->dialling = false;
    bool wanted = !net->closing && net->table.slots[lane->place].taken;
    if (stream != NULL && !wanted) {
        nng_stream_free(stream);
    } else if (stream != NULL) {
        char address[LINK_ADDRESS_SIZE];
        link_remote(stream, address);
        lane->trying = enter(net, stream, lane, address);
    }
    if (lane->trying == NULL)
        place_dial_later(lane);
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
    place_release(&net->table);
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
    place_init(&net->table, net);
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
    for (uint32_t place = 0; place < PEER_PLACES; place++)
        place_stop(&net->table.slots[place]);
    pthread_mutex_lock(&net->mutex);
    while (net->ticking)
        pthread_cond_wait(&net->changed, &net->mutex);
    pthread_mutex_unlock(&net->mutex);
    net_free(net);
}

/* --- the table of peers --- */

enum err peer_admit(struct peer_net *net, struct place place, const struct peer_member *member,
                    struct fault *fault)
{
    CHECK(place.n < PEER_PLACES);
    int order = memcmp(&member->public, &net->public, sizeof(member->public));
    CHECK(order != 0);

    pthread_mutex_lock(&net->mutex);
    enum err err = place_admit(&net->table.slots[place.n], member, order < 0, on_dialled, fault);
    pthread_mutex_unlock(&net->mutex);
    return err;
}

void peer_dismiss(struct peer_net *net, struct place place)
{
    struct place_slot *slot = &net->table.slots[place.n];
    struct link *links[PLACE_LINKS];

    pthread_mutex_lock(&net->mutex);
    uint32_t count = place_vacate(slot, links);
    pthread_mutex_unlock(&net->mutex);

    for (uint32_t i = 0; i < count; i++) {
        link_close(links[i], "it is no peer of ours any more");
        link_release(links[i]);
    }
    place_stop(slot);
    pthread_mutex_lock(&net->mutex);
    for (int i = 0; i < PEER_LANES; i++)
        while (slot->lanes[i].dialling)
            pthread_cond_wait(&net->changed, &net->mutex);
    place_free(slot);
    pthread_mutex_unlock(&net->mutex);
}

enum err peer_send(struct peer_net *net, struct place to, enum peer_lane lane, uint8_t tag,
                   struct bytes body)
{
    CHECK(to.n < PEER_PLACES);

    pthread_mutex_lock(&net->mutex);
    struct link *link = net->table.slots[to.n].lanes[lane].link;
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
    pthread_mutex_lock(&net->mutex);
    place_status(&net->table.slots[place.n], state, nng_clock());
    pthread_mutex_unlock(&net->mutex);
}
