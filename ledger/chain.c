#include "ledger/chain.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "contracts/genesis.h"
#include "contracts/governance.h"
#include "contracts/members.h"
#include "ledger/history.h"
#include "ledger/layout.h"
#include "ledger/making.h"
#include "ledger/prune.h"

/* Room to open a chain: the genesis record of 65,536 accounts and the head's lists. */
#define OPEN_ARENA_BYTES (256u << 20)

/* Room to look up an account, or to pack a block's receipts for the store. */
#define SCRATCH_ARENA_BYTES (128u << 20)

struct chain {
    struct making_ground ground;
    uint8_t head_raw[BLOCK_HEADER_BYTES]; /* what ground.head.header_raw points at */
    struct store_batch *batch;
    const struct overlay_entry *picking; /* what chain_nonces looks at */
    struct arena scratch;
};

/* --- what is here --- */

struct digest chain_genesis(const struct chain *chain)
{
    return chain->ground.genesis;
}

const struct chain_tip *chain_head(const struct chain *chain)
{
    return &chain->ground.head;
}

struct store *chain_store(struct chain *chain)
{
    return chain->ground.store;
}

static const struct overlay_entry *executed(const struct chain *chain, const struct digest *digest)
{
    return overlay_find(&chain->ground.overlay, digest);
}

enum err chain_tip(const struct chain *chain, struct chain_tip *tip, const struct digest *digest)
{
    const struct overlay_entry *entry = executed(chain, digest);
    if (!entry && !digest_equal(digest, &chain->ground.head.digest))
        return ERR_NOT_FOUND;
    *tip =
        entry ? (struct chain_tip){entry->digest, entry->header, entry->header_raw, entry->body_raw}
              : chain->ground.head;
    return ERR_NONE;
}

const struct overlay_value *chain_writes(const struct chain *chain, const struct digest *digest,
                                         size_t *count)
{
    const struct overlay_entry *entry = executed(chain, digest),
                               *differing = chain->ground.differing;
    if (!entry && differing && digest_equal(&differing->digest, digest))
        entry = differing;
    *count = entry ? entry->value_count : 0;
    return entry ? entry->values : NULL;
}

enum err chain_read(struct chain *chain, struct reader *reader, const struct digest *digest)
{
    const struct overlay_entry *entry = executed(chain, digest);
    if (!entry && !digest_equal(digest, &chain->ground.head.digest))
        return ERR_NOT_FOUND;
    reader_init(reader, chain->ground.store, NULL, entry);
    return ERR_NONE;
}

enum err chain_next_version(struct chain *chain, uint8_t *version)
{
    struct reader reader;
    struct view_state view;
    arena_clear(&chain->scratch);
    reader_init(&reader, chain->ground.store, NULL, NULL);
    view_init(&view, &reader.source, &chain->scratch);
    *version = governance_version(&view, (struct height){chain->ground.head.header.height + 1});
    reader_release(&reader);
    return view.err;
}

/* --- from proposal to commit --- */

enum err chain_build(struct chain *chain, struct chain_tip *tip,
                     const struct chain_proposal *proposal, struct fault *fault)
{
    return making_build(&chain->ground, tip, proposal, fault);
}

enum err chain_execute(struct chain *chain, struct bytes header, struct bytes body,
                       struct fault *fault)
{
    return making_execute(&chain->ground, header, body, fault);
}

/* The entry is in the store: it is the head now. */
static void move_head(struct chain *chain, struct overlay_entry *entry)
{
    struct making_ground *ground = &chain->ground;
    for (size_t i = 0; i < entry->pages.count; i++)
        pages_put(ground->pages, &entry->pages.list[i].place, entry->pages.list[i].page);
    memcpy(chain->head_raw, entry->header_raw.data, entry->header_raw.size);
    ground->head = (struct chain_tip){
        .digest = entry->digest,
        .header = entry->header,
        .header_raw = bytes_of(chain->head_raw, entry->header_raw.size),
    };
    ground->root = entry->root;
    chain->picking = NULL;
    overlay_commit(&ground->overlay, entry, NULL, NULL);
    overlay_entry_free(ground->differing);
    ground->differing = NULL;
}

/* What was promised up to `height` is committed or void. */
static enum err drop_held(struct chain *chain, uint64_t height, struct fault *fault)
{
    struct store_cursor *cursor = store_cursor_new(chain->ground.store, NULL, STORE_HELD);
    for (bool there = store_cursor_seek(cursor, bytes_of("", 0)); there;
         there = store_cursor_next(cursor)) {
        struct bytes key = store_cursor_key(cursor);
        if (key.size < 8 || bytes_get_u64(key.data) > height)
            break;
        store_batch_delete(chain->batch, STORE_HELD, key);
    }
    enum err err = store_cursor_err(cursor, fault);
    store_cursor_free(cursor);
    return err;
}

static enum err write_block(struct chain *chain, struct overlay_entry *entry,
                            struct bytes certificate, struct fault *fault)
{
    arena_clear(&chain->scratch);
    enum err err = layout_put_block(&chain->scratch, chain->batch, entry, certificate);
    if (err)
        return fault_set(fault, err, "block %llu: out of memory",
                         (unsigned long long)entry->header.height);
    return store_write(chain->ground.store, chain->batch, fault);
}

static void tell_pool(struct pool *pool, const struct overlay_entry *entry, struct pool_used *used,
                      uint64_t now_ms)
{
    for (uint32_t i = 0; i < entry->tx_count; i++)
        used[i] = (struct pool_used){entry->txs[i].sender, entry->txs[i].nonce, entry->txs[i].id};
    pool_commit(pool, (struct height){entry->header.height}, used, entry->tx_count, now_ms);
    for (size_t i = 0; i < entry->revoked_count; i++)
        pool_revoke(pool, &entry->revoked[i]);
}

enum err chain_commit(struct chain *chain, struct pool *pool, uint64_t now_ms,
                      const struct digest *digest, struct bytes certificate, struct fault *fault)
{
    struct overlay_entry *entry = overlay_find(&chain->ground.overlay, digest);
    if (!entry)
        return fault_set(fault, ERR_NOT_FOUND, "the block to commit isn't executed here");
    if (entry->parent)
        return fault_set(fault, ERR_MISMATCH, "block %llu can't be committed before its parent",
                         (unsigned long long)entry->header.height);
    if (certificate.size > LAYOUT_CERTIFICATE_BYTES)
        return fault_set(fault, ERR_LIMIT, "a certificate of %zu bytes", certificate.size);
    struct pool_used *used = arena_array(&entry->arena, entry->tx_count, sizeof(*used));
    if (!used)
        return fault_set(fault, ERR_LIMIT, "out of memory");

    store_batch_clear(chain->batch);
    enum err err = drop_held(chain, entry->header.height, fault);
    if (!err)
        err = write_block(chain, entry, certificate, fault);
    if (err)
        return err;
    if (pool)
        tell_pool(pool, entry, used, now_ms);
    move_head(chain, entry);
    return ERR_NONE;
}

void chain_discard(struct chain *chain, const struct digest *digest)
{
    struct overlay_entry *entry = overlay_find(&chain->ground.overlay, digest);
    chain->picking = NULL;
    if (entry)
        overlay_discard(&chain->ground.overlay, entry);
}

/* --- bodies that are promised --- */

enum err chain_hold(struct chain *chain, struct bytes header_raw, struct bytes body,
                    struct fault *fault)
{
    struct block_header header;
    enum err err = block_header_unpack(&header, header_raw, fault);
    if (err)
        return err;
    if (body.size > LIMIT_BLOCK_BYTES)
        return fault_set(fault, ERR_LIMIT, "block %llu: a body of %zu bytes",
                         (unsigned long long)header.height, body.size);
    if (header.height <= chain->ground.head.header.height)
        return ERR_NONE; /* committed, or void */
    struct digest digest = digest_of(header_raw.data, header_raw.size);
    struct layout_key key = layout_held_at(header.height, &digest);
    struct layout_held held = {header_raw, body};
    arena_clear(&chain->scratch);
    struct bytes there;
    err = store_get(&chain->scratch, chain->ground.store, NULL, STORE_HELD, layout_bytes(&key),
                    &there, fault);
    if (err != ERR_NOT_FOUND)
        return err;
    struct bytes packed = record_bytes(&chain->scratch, &layout_held_record, &held);
    if (!packed.data)
        return fault_set(fault, ERR_LIMIT, "out of memory");
    store_batch_clear(chain->batch);
    store_batch_put(chain->batch, STORE_HELD, layout_bytes(&key), packed);
    return store_write(chain->ground.store, chain->batch, fault);
}

/* The block that the cursor stands on, if it is `digest`. */
static enum err held_at(struct arena *arena, const struct store_cursor *cursor,
                        const struct digest *digest, struct layout_held *held, struct fault *fault)
{
    struct bytes key = store_cursor_key(cursor), value;
    if (key.size != 8 + DIGEST_SIZE || memcmp(key.data + 8, digest->bytes, DIGEST_SIZE))
        return ERR_NOT_FOUND;
    enum err err = store_cursor_value(cursor, &value, fault);
    if (err)
        return err;
    uint8_t *copy = arena_copy(arena, value.data, value.size);
    if (!copy)
        return fault_set(fault, ERR_LIMIT, "out of memory");
    if (record_unpack(arena, &layout_held_record, held, bytes_of(copy, value.size), NULL))
        return fault_set(fault, ERR_CORRUPT, "store: a held block is no record");
    return ERR_NONE;
}

enum err chain_held(struct arena *arena, struct chain *chain, const struct digest *digest,
                    struct bytes *header, struct bytes *body, struct fault *fault)
{
    struct store_cursor *cursor = store_cursor_new(chain->ground.store, NULL, STORE_HELD);
    struct layout_held held;
    enum err err = ERR_NOT_FOUND;
    for (bool there = store_cursor_seek(cursor, bytes_of("", 0)); there && err == ERR_NOT_FOUND;
         there = store_cursor_next(cursor))
        err = held_at(arena, cursor, digest, &held, fault);
    if (err == ERR_NOT_FOUND && store_cursor_err(cursor, fault))
        err = store_cursor_err(cursor, NULL);
    store_cursor_free(cursor);
    if (err)
        return err;
    *header = held.header;
    *body = held.body;
    return ERR_NONE;
}

/* --- forgetting --- */

enum err chain_prune(struct chain *chain, struct height *start, struct height floor,
                     unsigned blocks_max, struct fault *fault)
{
    CHECK(floor.n <= chain->ground.head.header.height);
    struct store *store = chain->ground.store;
    enum err err = prune_start(store, start, fault);
    if (err || start->n >= floor.n)
        return err;
    struct height last = {floor.n - start->n > blocks_max ? start->n + blocks_max : floor.n};
    store_batch_clear(chain->batch);
    for (struct height at = *start; !err && at.n < last.n; at.n++)
        err = prune_step(store, chain->batch, at, fault);
    if (err)
        return err;
    uint8_t number[8];
    bytes_put_u64(number, last.n);
    store_batch_put(chain->batch, STORE_META, bytes_text(LAYOUT_META_START), bytes_of(number, 8));
    err = store_write(store, chain->batch, fault);
    if (!err)
        *start = last;
    return err;
}

/* --- admission --- */

static enum err account_at(struct chain *chain, const struct overlay_entry *entry,
                           const struct address *address, struct members_account *account,
                           bool *there)
{
    arena_clear(&chain->scratch);
    struct reader reader;
    reader_init(&reader, chain->ground.store, NULL, entry);
    struct view_state view;
    view_init(&view, &reader.source, &chain->scratch);
    *there = members_get(&view, address, account);
    reader_release(&reader);
    return view.err;
}

enum err chain_sender(struct chain *chain, const struct digest *digest,
                      const struct sign_public *sender, enum tx_verdict *verdict,
                      uint64_t *next_nonce)
{
    const struct overlay_entry *entry = executed(chain, digest);
    if (!entry && !digest_equal(digest, &chain->ground.head.digest))
        return ERR_NOT_FOUND;
    struct address address = address_of(sender);
    struct members_account account;
    bool there;
    enum err err = account_at(chain, entry, &address, &account, &there);
    if (err)
        return err;
    if (!there || memcmp(account.public_key.bytes, sender->bytes, SIGN_PUBLIC_SIZE)) {
        *verdict = TX_UNKNOWN_SENDER;
        return ERR_NONE;
    }
    *verdict = account.revoked ? TX_REVOKED_SENDER : TX_OK;
    *next_nonce = account.nonce;
    return ERR_NONE;
}

enum err chain_admit(struct arena *arena, struct chain *chain, const struct pool *pool,
                     struct tx *tx, struct bytes raw, enum tx_verdict *verdict, struct fault *fault)
{
    struct height head = {chain->ground.head.header.height};
    *verdict = tx_unpack(arena, tx, raw, fault);
    if (*verdict == TX_OK)
        *verdict = tx_check(tx, &chain->ground.genesis, (struct height){head.n + 1});
    if (*verdict != TX_OK)
        return ERR_NONE;
    uint64_t next_nonce;
    enum err err =
        chain_sender(chain, &chain->ground.head.digest, &tx->body.sender, verdict, &next_nonce);
    if (err)
        return fault_set(fault, err, "the sender's account can't be read");
    if (*verdict == TX_OK)
        *verdict = pool_would_add(pool, tx, next_nonce, head);
    return ERR_NONE;
}

static uint64_t next_nonce(void *self, const struct address *sender, uint64_t committed)
{
    struct chain *chain = self;
    struct members_account account;
    bool there;
    if (!chain->picking || account_at(chain, chain->picking, sender, &account, &there) || !there)
        return committed;
    return account.nonce;
}

struct pool_nonces chain_nonces(struct chain *chain, const struct digest *digest)
{
    chain->picking = executed(chain, digest);
    return (struct pool_nonces){chain, next_nonce};
}

/* --- opening --- */

static void put_format(struct chain *chain, struct bytes genesis)
{
    uint8_t format[4];
    bytes_put_u32(format, LAYOUT_FORMAT);
    store_batch_put(chain->batch, STORE_META, bytes_text(LAYOUT_META_FORMAT),
                    bytes_of(format, sizeof(format)));
    store_batch_put(chain->batch, STORE_META, bytes_text(LAYOUT_META_GENESIS), genesis);
}

/* An empty folder becomes a chain at height 0, by one batch. */
static enum err create(struct arena *arena, struct chain *chain, struct bytes raw,
                       struct fault *fault)
{
    struct genesis genesis;
    enum err err = record_unpack(arena, &genesis_record, &genesis, raw, fault);
    if (!err)
        err = genesis_check(&genesis, fault);
    if (!err)
        err = making_genesis(&chain->ground, &genesis, fault);
    if (err)
        return err;
    struct overlay_entry *entry = chain->ground.overlay.entries;
    store_batch_clear(chain->batch);
    put_format(chain, raw);
    err = write_block(chain, entry, bytes_of(NULL, 0), fault);
    if (!err)
        move_head(chain, entry);
    return err;
}

/* Is this folder of this format and chain? ERR_NOT_FOUND: it is empty. */
static enum err check_folder(struct arena *arena, struct chain *chain, const char *path,
                             struct fault *fault)
{
    struct bytes format, genesis;
    enum err err = store_get(arena, chain->ground.store, NULL, STORE_META,
                             bytes_text(LAYOUT_META_FORMAT), &format, fault);
    if (err)
        return err;
    if (format.size != 4 || bytes_get_u32(format.data) != LAYOUT_FORMAT)
        return fault_set(
            fault, ERR_MISMATCH,
            "%s: written by a newer version of this program (format %u, this one has %d)", path,
            format.size == 4 ? bytes_get_u32(format.data) : 0, LAYOUT_FORMAT);
    err = store_get(arena, chain->ground.store, NULL, STORE_META, bytes_text(LAYOUT_META_GENESIS),
                    &genesis, fault);
    if (err)
        return err == ERR_NOT_FOUND
                   ? fault_set(fault, ERR_CORRUPT, "%s: the genesis record is missing", path)
                   : err;
    struct bytes import;
    err = store_get(arena, chain->ground.store, NULL, STORE_META, bytes_text(LAYOUT_META_IMPORT),
                    &import, fault);
    if (err != ERR_NOT_FOUND)
        return err ? err
                   : fault_set(fault, ERR_MISMATCH, "%s: holds an import that isn't finished", path);
    struct digest stored = digest_of(genesis.data, genesis.size);
    if (digest_equal(&stored, &chain->ground.genesis))
        return ERR_NONE;
    char there[DIGEST_TEXT_SIZE], here[DIGEST_TEXT_SIZE];
    digest_text(there, &stored);
    digest_text(here, &chain->ground.genesis);
    return fault_set(fault, ERR_MISMATCH,
                     "%s: holds the chain of genesis %.16s, not of %.16s: use another data folder",
                     path, there, here);
}

/* Reads the head and checks that all that hangs on it agrees. */
static enum err check_head(struct arena *arena, struct history *history, struct history_block *head,
                           struct fault *fault)
{
    struct height height = history_height(history), found;
    struct bytes body, genesis;
    struct receipt_list receipts;
    bool whole = height.n == 0 || height.n > history_start(history).n;
    enum err err = history_block(arena, history, head, height, fault);
    if (!err && whole)
        err = history_body(arena, history, &body, height, fault);
    if (!err && whole)
        err = history_receipts(arena, history, &receipts, height, fault);
    if (!err)
        err = history_genesis(arena, history, &genesis, fault);
    if (!err)
        err = history_find_block(history, &found, &head->digest, fault);
    if (err == ERR_NOT_FOUND || (!err && found.n != height.n))
        return fault_set(fault, ERR_CORRUPT, "store: part of block %llu, the head, is missing",
                         (unsigned long long)height.n);
    struct sparse_proof proof; /* walks down from the root page */
    return err ? err
               : history_prove(arena, history, &proof, bytes_of(&height, sizeof(height)), height,
                               fault);
}

static enum err resume(struct arena *arena, struct chain *chain, struct fault *fault)
{
    struct history *history = history_open(chain, fault);
    if (!history)
        return fault ? fault->code : ERR_CORRUPT;
    struct history_block head;
    enum err err = check_head(arena, history, &head, fault);
    history_close(history);
    if (err)
        return err;
    memcpy(chain->head_raw, head.header_raw.data, head.header_raw.size);
    chain->ground.head = (struct chain_tip){
        .digest = head.digest,
        .header = head.header,
        .header_raw = bytes_of(chain->head_raw, head.header_raw.size),
    };
    chain->ground.root = head.root;
    return ERR_NONE;
}

enum err chain_open(struct chain **chain, const char *path, struct bytes genesis,
                    struct fault *fault)
{
    return chain_open_cached(chain, path, genesis, CHAIN_CACHE_BYTES, fault);
}

enum err chain_open_cached(struct chain **out, const char *path, struct bytes genesis,
                           size_t cache_bytes, struct fault *fault)
{
    struct chain *chain = calloc(1, sizeof(*chain));
    struct pages *pages = pages_new();
    if (!chain || !pages) {
        free(chain);
        pages_free(pages);
        return fault_set(fault, ERR_LIMIT, "out of memory");
    }
    chain->ground.pages = pages;
    chain->ground.genesis = digest_of(genesis.data, genesis.size);
    overlay_init(&chain->ground.overlay);
    arena_init(&chain->scratch, SCRATCH_ARENA_BYTES);
    struct fault inner = {0};
    enum err err = store_open(&chain->ground.store, path, cache_bytes, &inner);
    if (!err) {
        chain->batch = store_batch_new(chain->ground.store);
        struct arena arena;
        arena_init(&arena, OPEN_ARENA_BYTES);
        err = check_folder(&arena, chain, path, &inner);
        if (err == ERR_NOT_FOUND)
            err = create(&arena, chain, genesis, &inner);
        else if (!err)
            err = resume(&arena, chain, &inner);
        arena_release(&arena);
    }
    if (err) {
        chain_close(chain);
        return fault_set(fault, err, "%s", inner.text);
    }
    *out = chain;
    return ERR_NONE;
}

void chain_judge(struct chain *chain, const struct contracts_judge *judge)
{
    chain->ground.judge = judge;
}

void chain_close(struct chain *chain)
{
    if (!chain)
        return;
    overlay_release(&chain->ground.overlay);
    overlay_entry_free(chain->ground.differing);
    pages_free(chain->ground.pages);
    arena_release(&chain->scratch);
    store_batch_free(chain->batch);
    store_close(chain->ground.store);
    free(chain);
}
