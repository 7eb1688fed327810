#include "tools/tenured/lineage.h"

#include <string.h>

#include "base/check.h"
#include "contracts/validator.h"
#include "tools/sys/electorate.h"
#include "tools/tenured/node.h"

/* Boundaries, each with its certificate. */
#define LINEAGE_ARENA_BYTES (64u << 20)

/* Sets that are read at a time. */
#define LINEAGE_PAGE 64

void lineage_release(struct lineage *lineage)
{
    arena_release(&lineage->arena);
    memset(lineage, 0, sizeof(*lineage));
}

struct verify_context lineage_context(const struct lineage *lineage, const struct digest *chain)
{
    return (struct verify_context){
        .chain = *chain,
        .base = {{lineage->since - 1}, lineage->base},
        .committee = &lineage->committee,
        .read = wire_read_header,
        .signature = verify_ecdsa,
    };
}

bool lineage_has(const struct lineage *lineage, const struct sign_public *key)
{
    for (uint8_t i = 0; i < lineage->committee.count; i++)
        if (!(lineage->committee.vacant & COMMITTEE_BIT(i)) &&
            memcmp(&lineage->committee.keys[i], key, sizeof(*key)) == 0)
            return true;
    return false;
}

/* --- the sets in the state --- */

/* Remembers in *first the set that begins first above `height` + 1. */
static void take_first(struct validator_set *first, const struct validator_set *set,
                       struct height height)
{
    if (set->since > height.n + 1 && (first->since == 0 || set->since < first->since))
        *first = *set;
}

/* The first set that begins above `height` + 1: the current one, or one that is over. ERR_NOT_FOUND: none. */
static enum err find_set(struct arena *arena, struct history *history, struct validator_set *first,
                         struct height height, struct fault *fault)
{
    struct view_source source = history_source(history);
    struct view_state view;
    struct validator_set set;
    struct bytes after = bytes_of(NULL, 0);
    size_t count;
    first->since = 0;
    view_init(&view, &source, arena);
    if (!validator_set_get(&view, &set))
        return fault_set(fault, view.err ? view.err : ERR_CORRUPT,
                         "the validator set can't be read");
    take_first(first, &set, height);
    do {
        struct history_entry *list;
        enum err err = history_list(arena, history, &list, &count, bytes_text("set/"), after,
                                    LINEAGE_PAGE, fault);
        for (size_t i = 0; i < count && !err; i++) {
            err = record_unpack(arena, &validator_set_record, &set, list[i].value, fault);
            if (!err)
                take_first(first, &set, height);
        }
        if (err)
            return err;
        if (count > 0)
            after = list[count - 1].key;
    } while (count == LINEAGE_PAGE);
    return first->since > 0 ? ERR_NONE : ERR_NOT_FOUND;
}

enum err lineage_boundary(struct arena *arena, struct history *history, struct history_block *block,
                          struct validator_set *set, struct height height, struct fault *fault)
{
    enum err err = find_set(arena, history, set, height, fault);
    if (!err)
        err = history_block(arena, history, block, (struct height){set->since - 1}, fault);
    return err;
}

enum err lineage_tell(struct arena *arena, struct history *history, struct wire_boundary *boundary,
                      struct height height, struct fault *fault)
{
    struct history_block block;
    struct validator_set set;
    enum err err = lineage_boundary(arena, history, &block, &set, height, fault);
    if (!err && block.certificate.size == 0)
        err = ERR_NOT_FOUND;
    if (!err)
        err = message_decide(arena, &boundary->decided, block.header_raw, block.certificate);
    if (err)
        return err;
    boundary->set = record_bytes(arena, &validator_set_record, &set);
    return boundary->set.data ? ERR_NONE : ERR_LIMIT;
}

/* --- the chain of them --- */

/* Makes `set`, which the block with this header made, the newest. */
static enum err take_set(struct lineage *lineage, struct bytes header, struct bytes certificate,
                         const struct validator_set *set, struct fault *fault)
{
    struct arena scratch;
    struct bytes copy = {arena_copy(&lineage->arena, header.data, header.size), header.size};
    struct bytes proof = {arena_copy(&lineage->arena, certificate.data, certificate.size),
                          certificate.size};
    if (!copy.data || !proof.data || lineage->count == LINEAGE_MAX)
        return fault_set(fault, ERR_LIMIT, "too many changes of the validators to follow");
    arena_init(&scratch, 1u << 20);
    electorate_committee(&lineage->committee, &scratch, set);
    arena_release(&scratch);
    lineage->since = set->since;
    lineage->base = digest_of(header.data, header.size);
    lineage->base_header = copy;
    if (certificate.size > 0)
        lineage->list[lineage->count++] = (struct import_boundary){copy, proof};
    return ERR_NONE;
}

enum err lineage_begin(struct lineage *lineage, struct history *history, struct fault *fault)
{
    struct arena arena;
    struct history_block block;
    struct validator_set set;
    struct view_source source = history_source(history);
    struct view_state view;
    lineage_release(lineage);
    arena_init(&lineage->arena, LINEAGE_ARENA_BYTES);
    arena_init(&arena, LINEAGE_ARENA_BYTES);
    lineage->list = arena_array(&lineage->arena, LINEAGE_MAX, sizeof(*lineage->list));
    enum err err = lineage->list ? ERR_NONE : fault_set(fault, ERR_LIMIT, "out of memory");
    for (struct height at = {0}; !err; at.n = set.since - 1) {
        arena_clear(&arena);
        err = lineage_boundary(&arena, history, &block, &set, at, fault);
        if (!err)
            err = take_set(lineage, block.header_raw, block.certificate, &set, fault);
    }
    if (err == ERR_NOT_FOUND && lineage->since == 0) { /* still the set of genesis */
        arena_clear(&arena);
        view_init(&view, &source, &arena);
        if (!validator_set_get(&view, &set))
            err = fault_set(fault, view.err ? view.err : ERR_CORRUPT, "no validator set");
        else
            err = history_block(&arena, history, &block, (struct height){set.since - 1}, fault);
        if (!err)
            err = take_set(lineage, block.header_raw, bytes_of(NULL, 0), &set, fault);
    }
    arena_release(&arena);
    return err == ERR_NOT_FOUND ? ERR_NONE : err;
}

bool lineage_follow(struct lineage *lineage, struct node *node)
{
    struct roster *roster = roster_hold(node);
    uint64_t since = roster->since;
    struct fault fault = {0};
    roster_drop(roster);
    if (lineage->since >= since)
        return true;
    struct history *history = history_open(node->chain, &fault);
    enum err err = history ? lineage_begin(lineage, history, &fault) : fault.code;
    history_close(history);
    return !node_failed(node, err, &fault);
}

enum err lineage_advance(struct lineage *lineage, const struct digest *chain,
                         const struct wire_boundary *boundary, struct fault *fault)
{
    struct arena arena;
    struct message message;
    struct validator_set set;
    struct verify_context context = lineage_context(lineage, chain);
    CHECK(lineage->since > 0);
    arena_init(&arena, 16 * (boundary->decided.size + boundary->set.size) + (1u << 20));
    enum err err = verify_message(&arena, &context, &message, boundary->decided, fault);
    if (!err && message.tag != MESSAGE_DECIDED)
        err = fault_set(fault, ERR_MALFORMED, "a message that decides nothing");
    if (!err)
        err = record_unpack(&arena, &validator_set_record, &set, boundary->set, fault);
    if (!err) {
        const struct consensus_block *block = &message.as.decided.block;
        struct digest made = digest_of(boundary->set.data, boundary->set.size);
        if (!digest_equal(&made, &block->next_set) || digest_equal(&block->set, &made) ||
            set.since != block->height.n + 1 || set.member_count == 0)
            err = fault_set(fault, ERR_MALFORMED, "a set that its boundary doesn't name");
    }
    if (!err) {
        struct bytes certificate =
            record_bytes(&arena, &ballot_certificate_record, &message.as.decided.certificate);
        err = certificate.data
                  ? take_set(lineage, message.as.decided.header, certificate, &set, fault)
                  : fault_set(fault, ERR_LIMIT, "out of memory");
    }
    arena_release(&arena);
    return err;
}
