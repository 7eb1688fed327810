#include "test/sim/estate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "contracts/catalog.h"
#include "contracts/credits.h"
#include "contracts/genesis.h"
#include "contracts/members.h"
#include "contracts/offers.h"
#include "ledger/chain.h"
#include "test/sim/store_memory.h"

#define PEOPLE     8u
#define BALANCE    1000u
#define FORWARD_MS 3000u /* what a transaction may need to reach the primary */
#define BODY_BYTES (64u << 10)

struct estate { /* a world's */
    bool sound; /* transactions have real signatures */
    struct arena arena;
    struct sign_secret secrets[PEOPLE];
    struct sign_public keys[PEOPLE];
    struct address addresses[PEOPLE];
    struct bytes genesis;
    struct tx *txs[BOOKS_NUMBER_MAX + 1]; /* by number; NULL: not made yet */
};

struct books { /* a real ledger's */
    const struct books_world *world;
    struct store *store; /* owned; outlives the chain */
    struct chain *chain;
    struct pool *pool;
    struct arena arena; /* of one call */
    struct digest tip;  /* the last block built, executed or durable */
    uint64_t mark;      /* since when something waits ... */
    uint64_t passed;    /* ... and how many durable blocks with room came since */
    struct event_work work;
    bool changed; /* `work` is old */
};

/* --- worlds --- */

static void make_person(struct estate *estate, struct genesis_account *account, uint32_t i)
{
    bytes_put_u32(estate->secrets[i].bytes, i + 1);
    CHECK(sign_public_of(&estate->keys[i], &estate->secrets[i]));
    estate->addresses[i] = address_of(&estate->keys[i]);
    *account = (struct genesis_account){
        .public_key = estate->keys[i],
        .organisation = bytes_text(i % 2 ? "odd" : "even"),
        .roles = MEMBERS_ROLE_CONSUMER | MEMBERS_ROLE_PROVIDER,
        .balance = units_amount(BALANCE),
    };
}

static void make_validator(struct genesis_validator *validator, struct genesis_account *account,
                           uint8_t seat)
{
    struct sign_secret secret = {{0}};
    bytes_put_u32(secret.bytes, 1000u + seat);
    *account = (struct genesis_account){.roles = MEMBERS_ROLE_OPERATOR | MEMBERS_ROLE_REPLAYER};
    CHECK(sign_public_of(&account->public_key, &secret));
    validator->name = bytes_text("node");
    validator->public_key = account->public_key;
    validator->replayer = address_of(&account->public_key);
    validator->chain_end = digest_of(&seat, 1);
}

static struct books *estate_open(const struct books_world *world);
static void estate_close(struct books *books);

static void estate_found(struct books_world *world, uint8_t count, bool sound)
{
    struct estate *estate = calloc(1, sizeof(*estate));
    CHECK(estate);
    world->estate = estate;
    estate->sound = sound;
    arena_init(&estate->arena, (size_t)1 << 30);
    struct genesis_account accounts[PEOPLE + LIMIT_VALIDATORS] = {0};
    struct genesis_validator validators[LIMIT_VALIDATORS] = {0};
    struct sign_public keys[LIMIT_VALIDATORS];
    for (uint32_t i = 0; i < PEOPLE; i++)
        make_person(estate, &accounts[i], i);
    for (uint8_t seat = 0; seat < count; seat++) {
        make_validator(&validators[seat], &accounts[PEOPLE + seat], seat);
        keys[seat] = validators[seat].public_key;
    }
    struct genesis genesis = {.version = GENESIS_VERSION,
                              .name = bytes_text("simulation"),
                              .time_ms = BOOKS_START_MS - 1000000,
                              .parameters = parameters_default(),
                              .validators = validators,
                              .validator_count = count,
                              .accounts = accounts,
                              .account_count = PEOPLE + count};
    estate->genesis = record_bytes(&estate->arena, &genesis_record, &genesis);
    CHECK(estate->genesis.data);
    world->chain = digest_of(estate->genesis.data, estate->genesis.size);

    struct books *books = estate_open(world);
    const struct chain_tip *head = chain_head(books->chain);
    memcpy(world->header, head->header_raw.data, head->header_raw.size);
    world->header_size = head->header_raw.size;
    term_found(&world->first, count);
    committee_init(&world->first.committee, &head->header.set_digest, keys, count);
    estate_close(books);
}

static void estate_dissolve(struct books_world *world)
{
    arena_release(&world->estate->arena);
    free(world->estate);
}

/* --- transactions --- */

static struct bytes packed(struct estate *estate, const struct record *record, const void *value)
{
    struct bytes bytes = record_bytes(&estate->arena, record, value);
    CHECK(bytes.data);
    return bytes;
}

static struct call transfer(struct estate *estate, uint64_t to, uint64_t amount)
{
    const struct credits_transfer args = {.to = estate->addresses[to % PEOPLE],
                                          .amount = units_amount(amount)};
    return (struct call){CATALOG_CREDITS, CREDITS_TRANSFER,
                         packed(estate, &credits_transfer_record, &args)};
}

static struct call offer(struct estate *estate, uint64_t nonce)
{
    const uint64_t until_ms = BOOKS_START_MS + nonce % 100 * 1000;
    const struct offers_register_storage args = {
        .terms = {.price = units_amount(1 + nonce % 7),
                  .site = bytes_text("here"),
                  .slots = 1,
                  .stake_max = units_amount(1),
                  .from_ms = BOOKS_START_MS,
                  .until_ms = until_ms + 1,
                  .expires_ms = until_ms},
        .storage = {.capacity_gib = 1, .medium = bytes_text("nvme")}};
    return (struct call){CATALOG_OFFERS, OFFERS_REGISTER_STORAGE,
                         packed(estate, &offers_register_storage_record, &args)};
}

/* What a person's transaction does: mostly something possible. */
static uint32_t make_calls(struct estate *estate, struct call *calls, uint64_t person,
                           uint64_t nonce)
{
    switch (nonce % 6) {
    case 3: /* more than anybody has */
        calls[0] = transfer(estate, person + 1, 2 * PEOPLE * BALANCE);
        return 1;
    case 4: /* deadlines */
        calls[0] = offer(estate, nonce);
        return 1;
    case 5: /* all or none */
        calls[0] = transfer(estate, person + 2, 1);
        calls[1] = transfer(estate, person + 3, nonce % 1000);
        return 2;
    default:
        calls[0] = transfer(estate, person + 1 + nonce % (PEOPLE - 1), 1 + nonce % 50);
        return 1;
    }
}

static const struct tx *tx_of(struct estate *estate, const struct digest *chain, uint64_t number)
{
    CHECK(number && number <= BOOKS_NUMBER_MAX);
    if (estate->txs[number])
        return estate->txs[number];
    const uint64_t person = (number - 1) % PEOPLE, nonce = (number - 1) / PEOPLE;
    struct call calls[2];
    struct tx made = {.body = {.version = TX_VERSION,
                               .chain = *chain,
                               .sender = estate->keys[person],
                               .nonce = nonce,
                               .last_height = UINT32_MAX,
                               .calls = calls,
                               .call_count = make_calls(estate, calls, person, nonce)}};
    struct bytes raw;
    if (estate->sound) {
        CHECK(tx_make(&estate->arena, &made, &made.body, &estate->secrets[person]));
        raw = made.raw;
    } else {
        raw = packed(estate, &tx_record, &made);
    }
    struct tx *tx = arena_alloc(&estate->arena, sizeof(*tx));
    CHECK(tx && tx_unpack(&estate->arena, tx, raw, NULL) == TX_OK);
    return estate->txs[number] = tx;
}

/* Whose, and which, it is; 0: of nobody here. */
static uint64_t number_of(const struct estate *estate, const struct tx *tx)
{
    for (uint32_t i = 0; i < PEOPLE; i++)
        if (memcmp(tx->body.sender.bytes, estate->keys[i].bytes, SIGN_PUBLIC_SIZE) == 0)
            return tx->body.nonce * PEOPLE + i + 1;
    return 0;
}

/* --- headers and bodies --- */

static bool estate_read(const void *self, struct consensus_block *block, struct bytes raw)
{
    (void)self;
    struct block_header header;
    if (block_header_unpack(&header, raw, NULL))
        return false;
    *block = (struct consensus_block){
        .height = {header.height},
        .view = {header.view},
        .proposer = {header.proposer},
        .time_ms = header.time_ms,
        .digest = digest_of(raw.data, raw.size),
        .parent = header.parent,
        .set = header.set_digest,
        .next_set = header.next_set_digest,
    };
    return true;
}

static bool estate_body_digest(struct arena *arena, struct digest *digest, struct bytes raw)
{
    struct block_body body;
    if (block_body_unpack(arena, &body, raw, NULL))
        return false;
    *digest = block_tx_root(&body);
    return true;
}

static struct digest estate_body_named(struct bytes raw)
{
    struct block_header header;
    CHECK(block_header_unpack(&header, raw, NULL) == ERR_NONE);
    return header.tx_root;
}

static uint32_t estate_numbers(struct books *books, struct bytes raw,
                               uint64_t numbers[BOOKS_BLOCK_NUMBERS])
{
    struct block_body body;
    arena_clear(&books->arena);
    CHECK(block_body_unpack(&books->arena, &body, raw, NULL) == ERR_NONE);
    CHECK(body.item_count <= BOOKS_BLOCK_NUMBERS);
    for (uint32_t i = 0; i < body.item_count; i++) {
        struct tx tx;
        CHECK(tx_unpack(&books->arena, &tx, body.items[i].tx, NULL) == TX_OK);
        numbers[i] = number_of(books->world->estate, &tx);
    }
    return body.item_count;
}

/* --- a node's --- */

static void start(struct books *books)
{
    char path[STORE_MEMORY_PATH];
    struct fault fault = {0};
    store_memory_path(path, books->store);
    CHECK(chain_open(&books->chain, path, books->world->estate->genesis, &fault) == ERR_NONE);
    books->pool = pool_new((struct pool_listener){0});
    CHECK(books->pool);
    books->tip = chain_head(books->chain)->digest;
    books->mark = UINT64_MAX;
    books->passed = 0;
    books->changed = true;
}

static void stop(struct books *books)
{
    chain_close(books->chain);
    pool_free(books->pool);
}

static struct books *estate_open(const struct books_world *world)
{
    struct books *books = calloc(1, sizeof(*books));
    CHECK(books);
    books->world = world;
    books->store = store_memory_new();
    arena_init(&books->arena, 64u << 20);
    start(books);
    return books;
}

static void estate_close(struct books *books)
{
    stop(books);
    store_memory_free(books->store);
    arena_release(&books->arena);
    free(books);
}

static void estate_fail(struct books *books)
{
    stop(books);
    start(books);
}

static size_t pick(struct books *books, struct bytes *list, size_t count_max,
                   const struct digest *parent)
{
    struct pool_nonces nonces = chain_nonces(books->chain, parent);
    return pool_pick(books->pool, list, count_max, BODY_BYTES, &nonces);
}

static struct bytes copied(struct arena *arena, struct bytes bytes)
{
    const void *copy = arena_copy(arena, bytes.data, bytes.size);
    CHECK(copy);
    return bytes_of(copy, bytes.size);
}

/* A liar's: the header or the body of *tip changed, and the rest made to agree as far as a liar can. */
static void spoil(struct arena *arena, enum books_flaw flaw, struct bytes *header,
                  struct bytes *body)
{
    struct block_header read;
    struct block_body list;
    uint8_t out[BLOCK_HEADER_BYTES];
    struct digest digest;
    CHECK(block_header_unpack(&read, *header, NULL) == ERR_NONE);
    CHECK(block_body_unpack(arena, &list, *body, NULL) == ERR_NONE);
    if (flaw != BOOKS_WRONG_ROOT && list.item_count > 1) {
        list.items[list.item_count - 1] = list.items[0];
        read.tx_root = block_tx_root(&list);
        *body = record_bytes(arena, &block_body_record, &list);
    } else {
        read.state_root.bytes[0] ^= 1;
    }
    *header = copied(arena, bytes_of(out, block_header_pack(out, &digest, &read)));
}

static bool estate_build(struct books *books, struct arena *arena, const struct books_order *order,
                         struct bytes *header, struct bytes *body)
{
    struct chain_tip tip;
    struct bytes list[BOOKS_BLOCK_NUMBERS];
    struct fault fault = {0};
    if (chain_tip(books->chain, &tip, &order->parent))
        return false;
    const size_t count = pick(books, list, BOOKS_BLOCK_NUMBERS, &order->parent);
    if (!count && !order->empty_too)
        return false;
    const struct chain_proposal proposal = {
        .parent = order->parent,
        .view = order->view,
        .proposer = order->proposer,
        .time_ms = order->time_ms > tip.header.time_ms ? order->time_ms : tip.header.time_ms + 1,
        .candidates = list,
        .candidate_count = count,
        .count_max = BOOKS_BLOCK_NUMBERS,
        .bytes_max = BODY_BYTES,
    };
    enum err err = chain_build(books->chain, &tip, &proposal, &fault);
    CHECK(err == ERR_NONE || err == ERR_LIMIT);
    if (err)
        return false;
    books->tip = tip.digest;
    books->changed = true;
    *header = copied(arena, tip.header_raw);
    *body = copied(arena, tip.body_raw);
    if (order->flaw != BOOKS_SOUND)
        spoil(arena, order->flaw, header, body);
    return true;
}

/* Signatures, as the verifiers do before the executor sees a body. */
static bool is_signed(const struct books *books, struct arena *arena, struct bytes raw)
{
    struct block_body body;
    if (block_body_unpack(arena, &body, raw, NULL))
        return false;
    for (uint32_t i = 0; i < body.item_count; i++) {
        struct tx tx;
        if (tx_unpack(arena, &tx, body.items[i].tx, NULL) != TX_OK)
            return false;
        if (books->world->estate->sound) {
            if (tx_check_signature(&tx) != TX_OK)
                return false;
            continue;
        }
        const uint64_t number = number_of(books->world->estate, &tx);
        if (!number || number > BOOKS_NUMBER_MAX ||
            !bytes_equal(tx.raw, tx_of(books->world->estate, &books->world->chain, number)->raw))
            return false; /* a toy's signature: nobody made such a one */
    }
    return true;
}

static bool estate_execute(struct books *books, struct arena *arena, struct bytes header,
                           struct bytes body, enum event_verdict *verdict)
{
    struct fault fault = {0};
    *verdict = EVENT_INVALID;
    if (!is_signed(books, arena, body))
        return true;
    switch (chain_execute(books->chain, header, body, &fault)) {
    case ERR_NONE:
        *verdict = EVENT_VALID;
        books->tip = digest_of(header.data, header.size);
        books->changed = true;
        return true;
    case ERR_NOT_FOUND:
        return false;
    case ERR_MALFORMED:
    case ERR_MISMATCH:
    case ERR_SIGNATURE:
    case ERR_BUSY:
    case ERR_NOT_NOW:
    case ERR_USAGE:
        return true;
    case ERR_LIMIT:
    case ERR_CORRUPT:
    case ERR_IO:
        break;
    }
    check_failed(fault.text, __FILE__, __LINE__);
}

static void estate_discard(struct books *books, const struct digest *digest)
{
    chain_discard(books->chain, digest);
    books->changed = true;
}

static void estate_hold(struct books *books, struct bytes header, struct bytes body)
{
    CHECK(chain_hold(books->chain, header, body, NULL) == ERR_NONE);
}

static void estate_durable(struct books *books, const struct digest *digest,
                           struct bytes certificate, uint64_t now_ms)
{
    struct fault fault = {0};
    const uint64_t oldest_ms = pool_stats(books->pool).oldest_ms;
    if (chain_commit(books->chain, books->pool, now_ms, digest, certificate, &fault))
        check_failed(fault.text, __FILE__, __LINE__);
    if (oldest_ms == books->mark && oldest_ms != UINT64_MAX && now_ms > oldest_ms + FORWARD_MS)
        books->passed++;
    books->work.due_ms = 0; /* asked again */
    books->changed = true;
}

/* --- pool --- */

static bool estate_submit(struct books *books, uint64_t number, uint64_t now_ms)
{
    const struct tx *tx = tx_of(books->world->estate, &books->world->chain, number);
    const struct chain_tip *head = chain_head(books->chain);
    enum tx_verdict verdict;
    uint64_t next;
    CHECK(chain_sender(books->chain, &head->digest, &tx->body.sender, &verdict, &next) == ERR_NONE);
    CHECK(verdict == TX_OK);
    verdict = pool_add(books->pool, tx, next, (struct height){head->header.height}, now_ms);
    books->changed |= verdict == TX_OK;
    return verdict == TX_OK || verdict == TX_KNOWN || verdict == TX_NONCE_USED ||
           verdict == TX_NONCE_GAP;
}

static uint64_t due_of(struct books *books)
{
    struct reader reader;
    struct view_state view;
    arena_clear(&books->arena);
    CHECK(chain_read(books->chain, &reader, &chain_head(books->chain)->digest) == ERR_NONE);
    view_init(&view, &reader.source, &books->arena);
    const uint64_t due_ms = contracts_due(&view);
    CHECK(view.err == ERR_NONE);
    reader_release(&reader);
    return due_ms;
}

static struct event_work estate_work(struct books *books)
{
    if (!books->changed)
        return books->work;
    books->changed = false;
    const struct pool_stats stats = pool_stats(books->pool);
    if (stats.oldest_ms != books->mark) {
        books->mark = stats.oldest_ms;
        books->passed = 0;
    }
    struct chain_tip tip;
    struct bytes list[1];
    if (chain_tip(books->chain, &tip, &books->tip))
        books->tip = chain_head(books->chain)->digest;
    books->work = (struct event_work){
        .buildable = stats.count > 0 && pick(books, list, 1, &books->tip) > 0,
        .waiting = stats.executable > 0,
        .mark = stats.executable > 0 ? stats.oldest_ms : 0,
        .passed_over = books->passed,
        .due_ms = books->work.due_ms ? books->work.due_ms : due_of(books),
    };
    return books->work;
}

static bool estate_is_even(struct books *books)
{
    struct reader reader;
    struct view_state view;
    struct contracts_supply supply;
    arena_clear(&books->arena);
    CHECK(chain_read(books->chain, &reader, &chain_head(books->chain)->digest) == ERR_NONE);
    view_init(&view, &reader.source, &books->arena);
    const enum err err = contracts_supply(&view, &supply);
    reader_release(&reader);
    return !err && supply.even;
}

const struct books_kind estate_kind = {
    .read = estate_read,
    .header = &block_header_record,
    .found = estate_found,
    .dissolve = estate_dissolve,
    .open = estate_open,
    .close = estate_close,
    .fail = estate_fail,
    .body_digest = estate_body_digest,
    .body_named = estate_body_named,
    .numbers = estate_numbers,
    .build = estate_build,
    .execute = estate_execute,
    .discard = estate_discard,
    .hold = estate_hold,
    .durable = estate_durable,
    .submit = estate_submit,
    .work = estate_work,
    .is_even = estate_is_even,
};
