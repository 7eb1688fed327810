#include "net/place.h"

#include <nng/nng.h>
#include <nng/supplemental/util/platform.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "net/endpoint.h"

#define PLACE_DIAL_MS 5000

_Static_assert(LINK_CALLERS_MAX == PEER_PLACES, "one table");

void place_init(struct place_table *table, struct peer_net *net)
{
    for (uint32_t i = 0; i < PEER_PLACES * PEER_LANES; i++) {
        struct place_lane *lane = &table->slots[i / PEER_LANES].lanes[i % PEER_LANES];
        lane->net = net;
        lane->place = (uint8_t)(i / PEER_LANES);
        lane->lane = (uint8_t)(i % PEER_LANES);
        pthread_mutex_init(&lane->telling, NULL);
    }
}

void place_release(struct place_table *table)
{
    for (uint32_t i = 0; i < PEER_PLACES * PEER_LANES; i++) {
        struct place_lane *lane = &table->slots[i / PEER_LANES].lanes[i % PEER_LANES];
        nng_stream_dialer_free(lane->dialler);
        if (lane->dial_aio != NULL)
            nng_aio_free(lane->dial_aio);
        pthread_mutex_destroy(&lane->telling);
    }
    for (uint32_t place = 0; place < PEER_PLACES; place++)
        free(table->slots[place].name);
}

bool place_is_of(const struct place_slot *slot, const struct link *link)
{
    return slot->taken && memcmp(&slot->public, link_peer(link), sizeof(struct sign_public)) == 0;
}

struct place_lane *place_lane_of(struct place_table *table, const struct link *link)
{
    struct place_lane *lane = NULL;
    for (uint32_t place = 0; place < PEER_PLACES; place++)
        if (place_is_of(&table->slots[place], link))
            lane = &table->slots[place].lanes[link_lane(link)];
    return lane;
}

uint32_t place_callers(const struct place_table *table, struct sign_public known[LINK_CALLERS_MAX])
{
    uint32_t count = 0;
    for (uint32_t place = 0; place < PEER_PLACES; place++)
        if (table->slots[place].taken && table->slots[place].calls)
            known[count++] = table->slots[place].public;
    return count;
}

void place_dial_later(struct place_lane *lane)
{
    lane->due_ms = nng_clock() + lane->delay_ms;
    lane->delay_ms *= 2;
    if (lane->delay_ms > PEER_REDIAL_MAX_MS)
        lane->delay_ms = PEER_REDIAL_MAX_MS;
}

void place_forget(struct place_table *table, const struct link *link)
{
    for (uint32_t i = 0; i < PEER_PLACES * PEER_LANES; i++) {
        struct place_lane *lane = &table->slots[i / PEER_LANES].lanes[i % PEER_LANES];
        if (lane->link == link) {
            lane->link = NULL;
            lane->changed_ms = nng_clock();
            place_dial_later(lane);
        } else if (lane->trying == link) {
            lane->trying = NULL;
            place_dial_later(lane);
        }
    }
}

void place_count(struct place_slot *slot, const struct link_usage *usage)
{
    slot->past.sent_bytes += usage->sent_bytes;
    slot->past.received_bytes += usage->received_bytes;
    slot->past.dropped += usage->dropped;
}

/* What a lane that we dial needs; freed with the net, or its dialler by place_free. */
static enum err place_dialler_init(struct place_lane *lane, const struct peer_member *member,
                                   const char *url, void (*dialled)(void *lane),
                                   struct fault *fault)
{
    if (nng_stream_dialer_alloc(&lane->dialler, url) != 0)
        return fault_set(fault, ERR_USAGE, "validator %s: \"%s\" is no address", member->name,
                         member->address);
    if (lane->dial_aio == NULL && nng_aio_alloc(&lane->dial_aio, dialled, lane) != 0)
        return fault_set(fault, ERR_LIMIT, "out of memory");
    nng_aio_set_timeout(lane->dial_aio, PLACE_DIAL_MS);
    return ERR_NONE;
}

static enum err place_fill(struct place_slot *slot, const struct peer_member *member,
                           void (*dialled)(void *lane), struct fault *fault)
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
        err = place_dialler_init(&slot->lanes[i], member, url, dialled, fault);
    return err;
}

void place_free(struct place_slot *slot)
{
    for (int i = 0; i < PEER_LANES; i++) {
        nng_stream_dialer_free(slot->lanes[i].dialler);
        slot->lanes[i].dialler = NULL;
    }
    free(slot->name);
    slot->name = NULL;
}

enum err place_admit(struct place_slot *slot, const struct peer_member *member, bool calls,
                     void (*dialled)(void *lane), struct fault *fault)
{
    CHECK(!slot->taken);
    slot->calls = calls;
    slot->public = member->public;
    slot->past = (struct link_usage){0};
    enum err err = place_fill(slot, member, dialled, fault);
    for (int i = 0; i < PEER_LANES; i++) {
        slot->lanes[i].changed_ms = nng_clock();
        slot->lanes[i].due_ms = 0;
        slot->lanes[i].delay_ms = PEER_REDIAL_MIN_MS;
    }
    if (err == ERR_NONE)
        slot->taken = true;
    else
        place_free(slot);
    return err;
}

uint32_t place_vacate(struct place_slot *slot, struct link *links[PLACE_LINKS])
{
    uint32_t count = 0;
    CHECK(slot->taken);
    slot->taken = false;
    for (int i = 0; i < PEER_LANES; i++) {
        struct place_lane *lane = &slot->lanes[i];
        struct link *const both[] = {lane->link, lane->trying};
        for (int j = 0; j < 2; j++)
            if (both[j] != NULL) {
                link_retain(both[j]);
                links[count++] = both[j];
            }
        lane->link = lane->trying = NULL;
    }
    return count;
}

void place_stop(struct place_slot *slot)
{
    for (int i = 0; i < PEER_LANES; i++)
        if (slot->lanes[i].dialler != NULL)
            nng_stream_dialer_close(slot->lanes[i].dialler);
}

void place_status(const struct place_slot *slot, struct peer_state *state, uint64_t now_ms)
{
    *state = (struct peer_state){
        .sent_bytes = slot->past.sent_bytes,
        .received_bytes = slot->past.received_bytes,
        .dropped = slot->past.dropped,
    };
    for (int i = 0; i < PEER_LANES; i++) {
        struct link *link = slot->lanes[i].link;
        state->connected[i] = link != NULL;
        state->changed_ms[i] = now_ms - slot->lanes[i].changed_ms;
        if (link == NULL)
            continue;
        struct link_usage usage = link_usage(link);
        state->queued_bytes[i] = usage.queued_bytes;
        state->sent_bytes += usage.sent_bytes;
        state->received_bytes += usage.received_bytes;
        state->dropped += usage.dropped;
    }
}
