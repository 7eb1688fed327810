#include "ledger/execute.h"

#include <string.h>

#include "base/check.h"
#include "contracts/members.h"
#include "contracts/parameters.h"
#include "contracts/validator.h"
#include "ledger/receipt.h"

static void start(struct execute *execute, struct arena *arena, const struct view_source *source,
                  const struct context *context, uint32_t tx_max)
{
    *execute = (struct execute){.arena = arena, .context = *context, .tx_max = tx_max};
    view_init(&execute->view, source, arena);
    event_init(&execute->events, arena);
    merkle_init(&execute->tx_leaves);
    merkle_init(&execute->receipt_leaves);
    execute->result.receipts = arena_array(arena, (size_t)tx_max + 1, sizeof(struct bytes));
    execute->result.txs = arena_array(arena, tx_max, sizeof(struct overlay_tx));
    if (!execute->result.receipts || !execute->result.txs)
        execute->err = ERR_LIMIT;
}

enum err execute_err(const struct execute *execute)
{
    if (execute->err)
        return execute->err;
    if (execute->view.err)
        return execute->view.err;
    return execute->events.failed ? ERR_LIMIT : ERR_NONE;
}

/* --- receipts --- */

static void add_party(struct execute *execute, size_t first, const struct address *account,
                      uint32_t tx)
{
    struct execute_result *result = &execute->result;
    for (size_t i = first; i < result->party_count; i++)
        if (address_equal(&result->parties[i].account, account))
            return;
    if (result->party_count == execute->party_room) {
        size_t room = execute->party_room ? 2 * execute->party_room : 256;
        struct overlay_party *list = arena_array(execute->arena, room, sizeof(*list));
        if (!list) {
            execute->err = ERR_LIMIT;
            return;
        }
        if (result->party_count)
            memcpy(list, result->parties, result->party_count * sizeof(*list));
        result->parties = list;
        execute->party_room = room;
    }
    result->parties[result->party_count++] = (struct overlay_party){*account, tx};
}

/* Remembers whom the collected events revoke. */
static void add_revoked(struct execute *execute)
{
    struct execute_result *result = &execute->result;
    size_t count = result->revoked_count;
    for (uint32_t i = 0; i < execute->events.count; i++)
        count += execute->events.list[i].tag == EVENT_MEMBER_REVOKED;
    if (count == result->revoked_count)
        return;
    struct address *list = arena_array(execute->arena, count, sizeof(*list));
    if (!list) {
        execute->err = ERR_LIMIT;
        return;
    }
    if (result->revoked_count)
        memcpy(list, result->revoked, result->revoked_count * sizeof(*list));
    result->revoked = list;
    for (uint32_t i = 0; i < execute->events.count; i++)
        if (execute->events.list[i].tag == EVENT_MEMBER_REVOKED)
            list[result->revoked_count++] = execute->events.list[i].addresses[0];
}

/* Packs receipt number `index` from the events collected since the last one. */
static void add_receipt(struct execute *execute, uint32_t index, const struct digest *id,
                        enum verdict verdict)
{
    struct receipt receipt = {
        .id = *id, .verdict = (uint16_t)verdict, .event_count = execute->events.count};
    CHECK(receipt.event_count <= RECEIPT_EVENTS_MAX);
    receipt.events = arena_array(execute->arena, receipt.event_count, sizeof(*receipt.events));
    if (execute_err(execute) || !receipt.events) {
        execute->err = execute->err ? execute->err : ERR_LIMIT;
        return;
    }
    for (uint32_t i = 0; i < receipt.event_count; i++)
        receipt.events[i].packed = execute->events.list[i].packed;
    struct bytes packed = record_bytes(execute->arena, &receipt_record, &receipt);
    if (!packed.data) {
        execute->err = ERR_LIMIT;
        return;
    }
    execute->result.receipts[index] = packed;
    struct digest leaf = receipt_leaf(packed);
    merkle_add(&execute->receipt_leaves, &leaf);
    add_revoked(execute);
}

void execute_begin(struct execute *execute, struct arena *arena, const struct view_source *source,
                   const struct context *context, uint32_t tx_max)
{
    start(execute, arena, source, context, tx_max);
    if (execute_err(execute))
        return;
    contracts_begin(&execute->view, context, &execute->events);
    add_receipt(execute, 0, &digest_zero, VERDICT_OK);
}

void execute_genesis(struct execute *execute, struct arena *arena, const struct view_source *source,
                     const struct context *context, const struct genesis *genesis)
{
    start(execute, arena, source, context, 0);
    if (execute_err(execute))
        return;
    execute->err = genesis_apply(&execute->view, genesis, &execute->events);
    if (!execute->err)
        add_receipt(execute, 0, &digest_zero, VERDICT_OK);
}

/* --- transactions --- */

static enum tx_verdict check_sender(struct execute *execute, const struct tx *tx,
                                    const struct address *sender)
{
    struct members_account account;
    if (!members_get(&execute->view, sender, &account))
        return TX_UNKNOWN_SENDER;
    if (memcmp(account.public_key.bytes, tx->body.sender.bytes, SIGN_PUBLIC_SIZE))
        return TX_UNKNOWN_SENDER; /* another key with the same 20 bytes of hash */
    if (account.revoked)
        return TX_REVOKED_SENDER;
    if (tx->body.nonce < account.nonce)
        return TX_NONCE_USED;
    if (tx->body.nonce > account.nonce)
        return TX_NONCE_GAP;
    return TX_OK;
}

/* All calls or none. */
static enum verdict run_calls(struct execute *execute, const struct tx *tx,
                              const struct address *sender)
{
    size_t savepoint = view_begin(&execute->view);
    enum verdict verdict = VERDICT_OK;
    for (uint32_t i = 0; i < tx->body.call_count && verdict == VERDICT_OK; i++)
        verdict = contracts_call(&execute->view, &execute->context, sender, &tx->body.calls[i],
                                 &execute->events);
    if (verdict == VERDICT_OK) {
        view_keep(&execute->view, savepoint);
    } else {
        view_undo(&execute->view, savepoint);
        event_undo(&execute->events, 0);
    }
    return verdict;
}

enum tx_verdict execute_tx(struct execute *execute, const struct tx *tx)
{
    CHECK(execute->result.tx_count < execute->tx_max);
    enum tx_verdict refusal = tx_check(tx, &execute->context.chain, execute->context.height);
    if (refusal != TX_OK)
        return refusal;
    struct address sender = address_of(&tx->body.sender);
    refusal = check_sender(execute, tx, &sender);
    if (refusal != TX_OK)
        return refusal;

    uint32_t index = execute->result.tx_count++;
    execute->result.txs[index] = (struct overlay_tx){tx->id, sender, tx->body.nonce};
    struct digest leaf = merkle_leaf(tx->raw.data, tx->raw.size);
    merkle_add(&execute->tx_leaves, &leaf);
    event_init(&execute->events, execute->arena);
    members_nonce_use(&execute->view, &sender);
    enum verdict verdict = run_calls(execute, tx, &sender);
    add_receipt(execute, index + 1, &tx->id, verdict);

    size_t first = execute->result.party_count;
    add_party(execute, first, &sender, index);
    for (uint32_t i = 0; i < execute->events.count; i++)
        for (uint8_t k = 0; k < execute->events.list[i].address_count; k++)
            add_party(execute, first, &execute->events.list[i].addresses[k], index);
    return TX_OK;
}

/* --- the end --- */

static enum err collect_values(struct execute *execute)
{
    struct execute_result *result = &execute->result;
    for (const struct view_entry *entry = view_write(&execute->view, NULL); entry;
         entry = view_write(&execute->view, entry))
        result->value_count++;
    result->values = arena_array(execute->arena, result->value_count, sizeof(*result->values));
    if (!result->values)
        return ERR_LIMIT;
    size_t i = 0;
    for (const struct view_entry *entry = view_write(&execute->view, NULL); entry;
         entry = view_write(&execute->view, entry))
        result->values[i++] =
            (struct overlay_value){entry->key, entry->value, entry->before.size == 0};
    return ERR_NONE;
}

static bool collect_digests(struct execute *execute)
{
    struct execute_result *result = &execute->result;
    struct validator_set next;
    struct parameters parameters;
    if (!validator_set_get(&execute->view, &next) || !parameters_get(&execute->view, &parameters))
        return false;
    result->next_set_digest = validator_set_digest(execute->arena, &next);
    result->parameters_digest = parameters_digest(execute->arena, &parameters);
    return true;
}

enum err execute_end(struct execute *execute, struct execute_result *result, struct fault *fault)
{
    if (!execute_err(execute)) {
        enum err err = contracts_end(&execute->view, fault);
        if (err)
            return err;
        if (collect_digests(execute))
            execute->err = collect_values(execute);
    }
    enum err err = execute_err(execute);
    if (err)
        return fault_set(fault, err, "block %llu: no result: %s",
                         (unsigned long long)execute->context.height.n,
                         err == ERR_LIMIT ? "out of memory" : "state can't be read");
    execute->result.tx_root = merkle_end(&execute->tx_leaves);
    execute->result.receipt_root = merkle_end(&execute->receipt_leaves);
    *result = execute->result;
    return ERR_NONE;
}
