#include "tools/tenured/charges.h"

#include <stdlib.h>
#include <string.h>

#include "contracts/catalog.h"
#include "contracts/conviction.h"
#include "ledger/chain.h"
#include "tools/sys/clock.h"
#include "tools/sys/log.h"
#include "tools/sys/random.h"
#include "tools/tenured/node.h"

/* A transaction, its parts, and what admitting it takes. */
#define CHARGES_ARENA_BYTES (8 * LIMIT_TX_BYTES)

void charges_init(struct charges *charges)
{
    memset(charges, 0, sizeof(*charges));
    pthread_mutex_init(&charges->mutex, NULL);
}

void charges_release(struct charges *charges)
{
    for (size_t i = 0; i < LIMIT_VALIDATORS; i++)
        free(charges->list[i].evidence);
    pthread_mutex_destroy(&charges->mutex);
}

void charges_note(struct charges *charges, const struct node *node,
                  const struct action_accuse *accuse)
{
    const struct roster *roster = node->roster;
    const uint8_t count = roster->committee.count, guilty = accuse->seat.n;
    struct charge *charge = &charges->list[guilty];
    if (roster->seat.n == ROSTER_NONE)
        return;
    const unsigned turn = (unsigned)(roster->seat.n + count - guilty - 1) % count;
    uint8_t *copy = malloc(accuse->evidence.size);
    if (!copy)
        return;
    memcpy(copy, accuse->evidence.data, accuse->evidence.size);
    pthread_mutex_lock(&charges->mutex);
    const struct sign_public *key = &roster->committee.keys[guilty];
    if (charge->evidence && memcmp(&charge->guilty, key, sizeof(*key)) == 0) {
        free(copy);
    } else {
        free(charge->evidence);
        *charge = (struct charge){.guilty = *key,
                                  .evidence = copy,
                                  .size = accuse->evidence.size,
                                  .due_ms = clock_monotonic_ms() + turn * CHARGES_TURN_MS};
    }
    pthread_mutex_unlock(&charges->mutex);
}

static bool sits(struct node *node, const struct sign_public *key)
{
    struct roster *roster = roster_hold(node);
    bool found = false;
    for (uint8_t i = 0; i < roster->committee.count; i++)
        found |= memcmp(&roster->committee.keys[i], key, sizeof(*key)) == 0;
    roster_drop(roster);
    return found;
}

/* Into the pool, and to the others. */
static void submit(struct node *node, struct arena *arena, struct bytes evidence, uint64_t nonce)
{
    const struct height head = {chain_head(node->chain)->header.height};
    struct conviction_submit args = {evidence};
    struct call call = {.contract = CATALOG_EVIDENCE,
                        .method = CONVICTION_SUBMIT,
                        .args = record_bytes(arena, &conviction_submit_record, &args)};
    struct tx_body body = {.version = TX_VERSION,
                           .chain = node->chain_digest,
                           .sender = node->signer.public,
                           .nonce = nonce,
                           .last_height = head.n + CHARGES_BLOCKS,
                           .calls = &call,
                           .call_count = 1};
    struct tx tx;
    random_fill(&body.salt, sizeof(body.salt));
    if (!call.args.data || !tx_make(arena, &tx, &body, &node->signer.secret))
        return;
    const enum tx_verdict verdict =
        pool_add(node->executor.pool, &tx, nonce, head, clock_monotonic_ms());
    if (verdict == TX_OK)
        forward_add(&node->executor.forward, tx.raw);
    log_event(LOG_LEVEL_WARN, "evidence", "submitted by this validator's account: %s",
              verdict == TX_OK ? "it waits for a block" : tx_verdict_text(verdict));
}

/* Under the mutex. */
static void press(struct charge *charge, struct node *node)
{
    struct arena arena;
    struct fault fault = {0};
    enum tx_verdict verdict;
    uint64_t nonce;
    if (charge->tries == CHARGES_TRIES || !sits(node, &charge->guilty)) {
        free(charge->evidence);
        charge->evidence = NULL;
        return;
    }
    charge->due_ms = clock_monotonic_ms() + CHARGES_AGAIN_MS;
    enum err err = chain_sender(node->chain, &chain_head(node->chain)->digest,
                                &node->signer.public, &verdict, &nonce);
    if (err)
        fault_set(&fault, err, "this validator's account can't be read");
    if (node_failed(node, err, &fault) || verdict != TX_OK)
        return;
    charge->tries++;
    arena_init(&arena, CHARGES_ARENA_BYTES);
    submit(node, &arena, bytes_of(charge->evidence, charge->size), nonce);
    arena_release(&arena);
}

void charges_press(struct charges *charges, struct node *node)
{
    const uint64_t now_ms = clock_monotonic_ms();
    pthread_mutex_lock(&charges->mutex);
    for (size_t i = 0; i < LIMIT_VALIDATORS; i++)
        if (charges->list[i].evidence && now_ms >= charges->list[i].due_ms)
            press(&charges->list[i], node);
    pthread_mutex_unlock(&charges->mutex);
    forward_flush(&node->executor.forward);
}
