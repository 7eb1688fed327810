#include "tools/tenured/roster.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contracts/path.h"
#include "contracts/seats.h"
#include "ledger/history.h"
#include "tools/sys/electorate.h"
#include "tools/sys/log.h"
#include "tools/tenured/node.h"

/* Validators, candidates and the lists that a history gives. */
#define ROSTER_ARENA_BYTES (8u << 20)

/* A roster in the making. */
struct making {
    struct node *node;
    struct roster *roster;
    const struct roster *before;
    struct history *history;
    struct arena arena;
};

static bool key_equal(const struct sign_public *a, const struct sign_public *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

static void copy(char *out, size_t size, struct bytes text)
{
    snprintf(out, size, "%.*s", (int)text.size, (const char *)text.data);
}

/* --- addresses in the configuration --- */

enum err roster_read_peer(struct roster_peer *peer, const char *line, struct fault *fault)
{
    char key[2 * SIGN_PUBLIC_SIZE + 2], rest[2];
    _Static_assert(ROSTER_NAME_SIZE == 129 && ROSTER_ADDRESS_SIZE == 256, "the widths below");
    _Static_assert(SIGN_PUBLIC_SIZE == 33, "the widths below");
    int parts = sscanf(line, "%128s %255s %67s %1s", peer->name, peer->address, key, rest);
    peer->has_key = parts == 3;
    if (parts == 2 || (parts == 3 && bytes_from_hex(peer->key.bytes, SIGN_PUBLIC_SIZE, key)))
        return ERR_NONE;
    return fault_set(fault, ERR_USAGE,
                     "peers.peer = \"%s\": give the name of a validator and its HOST:PORT (and its "
                     "public key, if this chain's state doesn't know it yet)",
                     line);
}

/* Calls `use` for each line; false if it said so for none. */
static bool each_peer(struct making *making,
                      bool (*use)(struct making *making, const struct roster_peer *peer, void *out),
                      void *out)
{
    char lines[SETTINGS_PEERS_SIZE], *rest = NULL;
    memcpy(lines, making->node->settings.peers, sizeof(lines));
    for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        struct roster_peer peer;
        if (!roster_read_peer(&peer, line, NULL) && use(making, &peer, out))
            return true;
    }
    return false;
}

static bool is_named(struct making *making, const struct roster_peer *peer, void *out)
{
    struct roster_line *line = out;
    (void)making;
    if (strcmp(peer->name, line->name) != 0)
        return false;
    snprintf(line->address, sizeof(line->address), "%s", peer->address);
    return true;
}

/* --- the table --- */

static bool is_free(const struct roster *roster, const struct roster *before, uint32_t place)
{
    return !roster->lines[place].taken && !(before && before->lines[place].taken);
}

/* Gives the peer its place: the one it had, or one that nobody had; the place, or ROSTER_NONE. */
static uint8_t take_place(struct making *making, const struct roster_line *wanted)
{
    struct roster *roster = making->roster;
    uint8_t at = ROSTER_NONE;
    if (key_equal(&wanted->public, &making->node->signer.public))
        return ROSTER_NONE;
    for (uint8_t i = 0; i < PEER_PLACES; i++)
        if (roster->lines[i].taken && key_equal(&roster->lines[i].public, &wanted->public))
            return i;
    for (uint8_t i = PEER_PLACES; i-- > 0;) {
        const struct roster_line *old = making->before ? &making->before->lines[i] : NULL;
        bool same = old && old->taken && key_equal(&old->public, &wanted->public);
        if (same) {
            at = i;
            break;
        }
        if (is_free(roster, making->before, i))
            at = i;
    }
    if (at == ROSTER_NONE) {
        log_event(LOG_LEVEL_WARN, "peer-skipped", "%s: no place for another peer", wanted->name);
        return ROSTER_NONE;
    }
    roster->lines[at] = *wanted;
    roster->lines[at].taken = true;
    return at;
}

/* A peer of this name and address (which the configuration overrules). */
static struct roster_line line_of(struct making *making, struct bytes name, struct bytes address,
                                  const struct sign_public *key)
{
    struct roster_line line = {.seat = ROSTER_NONE, .public = *key};
    copy(line.name, sizeof(line.name), name);
    copy(line.address, sizeof(line.address), address);
    (void)each_peer(making, is_named, &line);
    return line;
}

/* --- members --- */

static void add_member(struct making *making, uint8_t seat, const struct validator *validator)
{
    struct roster *roster = making->roster;
    const struct sign_public *key = &roster->committee.keys[seat];
    copy(roster->names[seat], ROSTER_NAME_SIZE, validator->name);
    roster->places[seat] = ROSTER_NONE;
    if (key_equal(key, &making->node->signer.public))
        roster->seat.n = seat;
    if (validator->vacant)
        return;
    struct roster_line line = line_of(making, validator->name, validator->address, key);
    line.seat = seat;
    roster->places[seat] = take_place(making, &line);
}

static enum err read_set(struct making *making, struct fault *fault)
{
    struct view_source source = history_source(making->history);
    struct view_state view;
    struct validator_set set;
    struct roster *roster = making->roster;
    view_init(&view, &source, &making->arena);
    if (!validator_set_get(&view, &set))
        return fault_set(fault, view.err ? view.err : ERR_CORRUPT,
                         "the validator set can't be read");
    roster->since = set.since;
    electorate_committee(&roster->committee, &making->arena, &set);
    roster->seat.n = ROSTER_NONE;
    for (uint8_t i = 0; i < set.member_count; i++) {
        struct validator validator;
        if (!validator_get(&view, (struct seat){set.members[i].seat}, &validator))
            return fault_set(fault, view.err ? view.err : ERR_CORRUPT, "validator %u can't be read",
                             set.members[i].seat);
        add_member(making, i, &validator);
    }
    return ERR_NONE;
}

static enum err read_base(struct making *making, struct fault *fault)
{
    struct history_block block;
    enum err err = history_block(&making->arena, making->history, &block,
                                 (struct height){making->roster->since - 1}, fault);
    making->roster->base = err ? digest_zero : block.digest;
    return err;
}

/* --- guests --- */

static enum err add_candidates(struct making *making, struct fault *fault)
{
    struct path prefix = path_of("candidate/");
    struct history_entry *list;
    size_t count;
    enum err err = history_list(&making->arena, making->history, &list, &count, path_key(&prefix),
                                bytes_of(NULL, 0), LIMIT_VALIDATORS, fault);
    for (size_t i = 0; i < count && !err; i++) {
        struct seats_change change;
        err = record_unpack(&making->arena, &seats_change_record, &change, list[i].value, fault);
        if (err || change.name.size == 0)
            continue;
        struct roster_line line = line_of(making, change.name, change.address, &change.public_key);
        (void)take_place(making, &line);
    }
    return err;
}

static bool add_configured(struct making *making, const struct roster_peer *peer, void *out)
{
    (void)out;
    if (peer->has_key) {
        struct roster_line line =
            line_of(making, bytes_text(peer->name), bytes_text(peer->address), &peer->key);
        (void)take_place(making, &line);
    }
    return false;
}

/* What follows from the roster until now: who sat in the set before, and whether we did. */
static void note_before(struct making *making)
{
    struct roster *roster = making->roster;
    const struct roster *before = making->before;
    if (!before)
        return;
    bool moved = before->since != roster->since;
    roster->before_count = moved ? before->committee.count : before->before_count;
    memcpy(roster->before, moved ? before->committee.keys : before->before,
           roster->before_count * sizeof(roster->before[0]));
    bool sat = before->dismissed || (moved && before->seat.n != ROSTER_NONE);
    roster->dismissed = sat && roster->seat.n == ROSTER_NONE;
}

/* A member of a set that is over. */
struct former {
    uint64_t since; /* of the newest set that it sat in */
    struct validator_member member;
};

/* Keeps the ROSTER_FORMER that left last. */
static void keep_former(struct former list[ROSTER_FORMER], const struct validator_member *member,
                        uint64_t since)
{
    unsigned oldest = 0;
    for (unsigned i = 0; i < ROSTER_FORMER; i++) {
        if (key_equal(&list[i].member.public_key, &member->public_key)) {
            list[i].since = list[i].since > since ? list[i].since : since;
            return;
        }
        if (list[i].since < list[oldest].since)
            oldest = i;
    }
    if (since > list[oldest].since)
        list[oldest] = (struct former){since, *member};
}

static bool decides(const struct making *making, const struct sign_public *key)
{
    const struct roster *roster = making->roster;
    for (uint8_t i = 0; i < roster->committee.count; i++)
        if (key_equal(&roster->committee.keys[i], key))
            return true;
    return false;
}

/* With another key, perhaps. */
static bool decides_name(const struct making *making, const char *name)
{
    const struct roster *roster = making->roster;
    for (uint8_t i = 0; i < roster->committee.count; i++)
        if (strcmp(roster->names[i], name) == 0)
            return true;
    return false;
}

/* Its name and address are those of the time when its set began; nobody's when that is forgotten here. */
static enum err add_former(struct making *making, const struct former *former, struct fault *fault)
{
    struct path path = path_of("validator/");
    struct validator validator;
    struct bytes packed;
    path_u8(&path, former->member.seat);
    enum err err = history_value(&making->arena, making->history, &packed, path_key(&path),
                                 (struct height){former->since - 1}, fault);
    if (err == ERR_NOT_FOUND)
        return ERR_NONE;
    if (!err)
        err = record_unpack(&making->arena, &validator_record, &validator, packed, fault);
    if (err)
        return err;
    struct roster_line line =
        line_of(making, validator.name, validator.address, &former->member.public_key);
    if (!decides_name(making, line.name))
        (void)take_place(making, &line);
    return ERR_NONE;
}

/* Reads the sets that are over: those who left last, and whether we sat in one. */
static enum err read_past(struct making *making, struct former list[ROSTER_FORMER], bool *sat,
                          struct fault *fault)
{
    static const struct sign_public nobody;
    struct bytes after = bytes_of(NULL, 0);
    size_t count;
    do {
        struct history_entry *entries;
        enum err err = history_list(&making->arena, making->history, &entries, &count,
                                    bytes_text("set/"), after, LIMIT_VALIDATORS, fault);
        for (size_t i = 0; i < count && !err; i++) {
            struct validator_set set;
            err =
                record_unpack(&making->arena, &validator_set_record, &set, entries[i].value, fault);
            for (uint32_t k = 0; !err && k < set.member_count; k++) {
                const struct sign_public *key = &set.members[k].public_key;
                if (key_equal(key, &making->node->signer.public))
                    *sat = true;
                else if (!key_equal(key, &nobody) && !decides(making, key))
                    keep_former(list, &set.members[k], set.since);
            }
        }
        if (err)
            return err;
        if (count > 0)
            after = entries[count - 1].key;
    } while (count == LIMIT_VALIDATORS);
    return ERR_NONE;
}

/* Guests that sat in a set before. For a start, did we? Later on, the roster before says it. */
static enum err add_formers(struct making *making, struct fault *fault)
{
    struct former list[ROSTER_FORMER] = {0};
    struct roster *roster = making->roster;
    bool sat = false;
    enum err err = read_past(making, list, &sat, fault);
    if (!making->before && roster->seat.n == ROSTER_NONE && !making->node->settings.follow)
        roster->dismissed = sat;
    for (unsigned i = 0; i < ROSTER_FORMER && !err; i++)
        if (list[i].since > 0)
            err = add_former(making, &list[i], fault);
    return err;
}

/* --- life --- */

static enum err make(struct making *making, struct fault *fault)
{
    enum err err = read_set(making, fault);
    if (!err)
        err = read_base(making, fault);
    if (!err)
        err = add_candidates(making, fault);
    if (!err) {
        (void)each_peer(making, add_configured, NULL);
        note_before(making);
        err = add_formers(making, fault);
    }
    return err;
}

enum err roster_make(struct roster **out, struct node *node, const struct roster *before,
                     struct fault *fault)
{
    struct making making = {
        .node = node, .before = before, .roster = calloc(1, sizeof(*making.roster))};
    if (!making.roster)
        return fault_set(fault, ERR_LIMIT, "no memory for the list of peers");
    atomic_init(&making.roster->holders, 1);
    arena_init(&making.arena, ROSTER_ARENA_BYTES);
    making.history = history_open(node->chain, fault);
    enum err err = making.history ? make(&making, fault) : fault->code;
    if (making.history)
        history_close(making.history);
    arena_release(&making.arena);
    if (err)
        free(making.roster);
    else
        *out = making.roster;
    return err;
}

static bool is_same_peer(const struct roster_line *a, const struct roster_line *b)
{
    return a->taken && b->taken && key_equal(&a->public, &b->public) &&
           strcmp(a->name, b->name) == 0 && strcmp(a->address, b->address) == 0;
}

void roster_connect(struct node *node, const struct roster *before, struct roster *after)
{
    for (uint8_t i = 0; i < PEER_PLACES; i++) {
        struct roster_line *line = &after->lines[i];
        struct fault fault = {0};
        if (before && is_same_peer(&before->lines[i], line))
            continue;
        if (before && before->lines[i].taken)
            peer_dismiss(node->net, (struct place){i});
        if (!line->taken)
            continue;
        struct peer_member member = {line->name, line->address, line->public};
        if (!peer_admit(node->net, (struct place){i}, &member, &fault))
            continue;
        log_event(LOG_LEVEL_WARN, "peer-skipped", "%s", fault.text);
        line->taken = false;
        if (line->seat != ROSTER_NONE)
            after->places[line->seat] = ROSTER_NONE;
    }
}

struct roster *roster_hold(struct node *node)
{
    pthread_mutex_lock(&node->roster_mutex);
    struct roster *roster = node->roster;
    atomic_fetch_add(&roster->holders, 1);
    pthread_mutex_unlock(&node->roster_mutex);
    return roster;
}

void roster_drop(struct roster *roster)
{
    if (roster && atomic_fetch_sub(&roster->holders, 1) == 1)
        free(roster);
}

void roster_publish_take(struct node *node, struct roster *roster)
{
    pthread_mutex_lock(&node->roster_mutex);
    struct roster *before = node->roster;
    node->roster = roster;
    pthread_mutex_unlock(&node->roster_mutex);
    roster_drop(before);
}

bool roster_is_member(struct node *node, struct place place)
{
    struct roster *roster = roster_hold(node);
    bool is = roster->lines[place.n].taken && roster->lines[place.n].seat != ROSTER_NONE;
    roster_drop(roster);
    return is;
}

void roster_name(struct node *node, struct place place, char name[ROSTER_NAME_SIZE])
{
    struct roster *roster = roster_hold(node);
    const struct roster_line *line = &roster->lines[place.n];
    snprintf(name, ROSTER_NAME_SIZE, "%s", line->taken ? line->name : "a former peer");
    roster_drop(roster);
}
