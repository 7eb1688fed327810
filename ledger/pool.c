#include "ledger/pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* Twice what there may be, so that chains stay short. Keys are parts of SHA-256. */
#define BUCKETS (2 * POOL_COUNT_MAX)

/* What one of an account's 256 shares is, so that a full account has 256 of them. */
#define SHARE_BYTES (POOL_ACCOUNT_BYTES_MAX / POOL_ACCOUNT_COUNT_MAX)
#define SHARES_MAX  POOL_ACCOUNT_COUNT_MAX

/* Ranks in eviction: accounts with something that waits, by its shares, above those without, by their run's. */
#define RANKS (2 * SHARES_MAX + 1)

struct account;

/* A pending transaction. */
struct entry {
    struct entry *id_next; /* in its bucket */
    struct entry *next;    /* of the account, by nonce */
    struct account *account;
    struct digest id;
    uint64_t nonce;
    uint64_t last_height;
    size_t size;
    uint8_t raw[];
};

/* A sender that has something pending. */
struct account {
    struct account *bucket_next;
    struct account *before, *after; /* whose turn it is: served longest ago first */
    struct address address;
    uint64_t next_nonce; /* on the last committed state */
    struct entry *first; /* by nonce; never NULL between calls */
    size_t count;
    size_t bytes;
    size_t ready;                             /* length of the run from next_nonce */
    uint64_t ready_ms;                        /* since when the run's head is executable */
    size_t waiting_bytes;                     /* of what is behind a gap */
    size_t head_bytes;                        /* of the run's head; 0 when there is none */
    struct account *rank_before, *rank_after; /* of the same rank: changed last first */
    size_t rank;                              /* 0: nothing to evict, and in no list */
};

struct pool {
    struct pool_listener listener;
    struct entry *ids[BUCKETS];
    struct account *accounts[BUCKETS];
    struct account *head, *tail; /* turns */
    size_t count;
    size_t bytes;
    size_t ready;         /* sums over accounts: this, */
    size_t waiting_bytes; /* this */
    size_t head_bytes;    /* and this */
    struct account *ranks[RANKS];
    uint64_t last_height_min; /* no entry expires before it */
};

struct pool *pool_new(struct pool_listener listener)
{
    struct pool *pool = calloc(1, sizeof(*pool));
    if (!pool)
        return NULL;
    pool->listener = listener;
    pool->last_height_min = UINT64_MAX;
    return pool;
}

void pool_free(struct pool *pool)
{
    if (!pool)
        return;
    for (struct account *account = pool->head, *after; account; account = after) {
        after = account->after;
        for (struct entry *entry = account->first, *next; entry; entry = next) {
            next = entry->next;
            free(entry);
        }
        free(account);
    }
    free(pool);
}

/* --- look-up --- */

static size_t bucket_of(const uint8_t *hash)
{
    return bytes_get_u32(hash) % BUCKETS;
}

static struct entry *entry_find(const struct pool *pool, const struct digest *id)
{
    struct entry *entry = pool->ids[bucket_of(id->bytes)];
    while (entry && !digest_equal(&entry->id, id))
        entry = entry->id_next;
    return entry;
}

static struct account *account_find(const struct pool *pool, const struct address *address)
{
    struct account *account = pool->accounts[bucket_of(address->bytes)];
    while (account && !address_equal(&account->address, address))
        account = account->bucket_next;
    return account;
}

/* The account's entry with the least nonce that isn't below `nonce`, or NULL. */
static struct entry *account_from(const struct account *account, uint64_t nonce)
{
    struct entry *entry = account->first;
    while (entry && entry->nonce < nonce)
        entry = entry->next;
    return entry;
}

/* --- turns and runs --- */

static void turn_leave(struct pool *pool, struct account *account)
{
    *(account->before ? &account->before->after : &pool->head) = account->after;
    *(account->after ? &account->after->before : &pool->tail) = account->before;
}

static void turn_join(struct pool *pool, struct account *account)
{
    account->before = pool->tail;
    account->after = NULL;
    *(pool->tail ? &pool->tail->after : &pool->head) = account;
    pool->tail = account;
}

static size_t shares(size_t count, size_t bytes)
{
    size_t by_bytes = (bytes + SHARE_BYTES - 1) / SHARE_BYTES;
    return count > by_bytes ? count : by_bytes;
}

static void account_rank(struct pool *pool, struct account *account)
{
    if (account->rank > 0) {
        *(account->rank_before ? &account->rank_before->rank_after : &pool->ranks[account->rank]) =
            account->rank_after;
        if (account->rank_after)
            account->rank_after->rank_before = account->rank_before;
    }
    if (account->waiting_bytes > 0)
        account->rank =
            SHARES_MAX + shares(account->count - account->ready, account->waiting_bytes);
    else if (account->ready > 1)
        account->rank = shares(account->ready - 1, account->bytes - account->head_bytes);
    else
        account->rank = 0;
    CHECK(account->rank < RANKS);
    if (account->rank == 0)
        return;
    account->rank_before = NULL;
    account->rank_after = pool->ranks[account->rank];
    if (account->rank_after)
        account->rank_after->rank_before = account;
    pool->ranks[account->rank] = account;
}

/* Counts the run anew after the account's entries or its next nonce have changed. */
static void account_run(struct pool *pool, struct account *account, bool head_is_new,
                        uint64_t now_ms)
{
    size_t before = account->ready;
    pool->ready -= account->ready;
    pool->waiting_bytes -= account->waiting_bytes;
    pool->head_bytes -= account->head_bytes;

    const struct entry *entry = account->first;
    account->ready = 0;
    account->waiting_bytes = account->bytes;
    account->head_bytes = entry && entry->nonce == account->next_nonce ? entry->size : 0;
    for (; entry && entry->nonce == account->next_nonce + account->ready; entry = entry->next) {
        account->ready++;
        account->waiting_bytes -= entry->size;
    }

    pool->ready += account->ready;
    pool->waiting_bytes += account->waiting_bytes;
    pool->head_bytes += account->head_bytes;
    account_rank(pool, account);
    if (head_is_new || (before == 0 && account->ready > 0))
        account->ready_ms = now_ms;
}

static struct account *account_add(struct pool *pool, const struct address *address,
                                   uint64_t next_nonce)
{
    struct account *account = calloc(1, sizeof(*account));
    if (!account)
        return NULL;
    account->address = *address;
    account->next_nonce = next_nonce;
    struct account **bucket = &pool->accounts[bucket_of(address->bytes)];
    account->bucket_next = *bucket;
    *bucket = account;
    turn_join(pool, account);
    return account;
}

static void account_remove(struct pool *pool, struct account *account)
{
    CHECK(!account->first && account->rank == 0);
    struct account **at = &pool->accounts[bucket_of(account->address.bytes)];
    while (*at != account)
        at = &(*at)->bucket_next;
    *at = account->bucket_next;
    turn_leave(pool, account);
    free(account);
}

/* Takes `entry`, which `at` points to in its account's list, out of the pool. The account's run is the caller's to count. */
static void entry_remove(struct pool *pool, struct entry **at, enum tx_verdict reason)
{
    struct entry *entry = *at;
    *at = entry->next;
    struct entry **bucket = &pool->ids[bucket_of(entry->id.bytes)];
    while (*bucket != entry)
        bucket = &(*bucket)->id_next;
    *bucket = entry->id_next;
    entry->account->count--;
    entry->account->bytes -= entry->size;
    pool->count--;
    pool->bytes -= entry->size;
    if (reason != TX_OK && pool->listener.dropped)
        pool->listener.dropped(pool->listener.self, &entry->id, reason);
    free(entry);
}

/* --- making room --- */

/* How many bytes a transaction with `nonce` may push out, of its own account and of the pool. */
static size_t account_yields(const struct account *account, uint64_t nonce)
{
    return nonce == account->next_nonce + account->ready ? account->waiting_bytes : 0;
}

static size_t pool_yields(const struct pool *pool, const struct account *account,
                          uint64_t next_nonce, uint64_t nonce)
{
    if (nonce == next_nonce)
        return pool->bytes - pool->head_bytes;
    return account && nonce == next_nonce + account->ready ? pool->waiting_bytes : 0;
}

/* Is there room for `size` more bytes once `yields` of those here have left? */
static bool account_has_room(const struct account *account, size_t size, size_t yields)
{
    return (account->count < POOL_ACCOUNT_COUNT_MAX || yields > 0) &&
           account->bytes - yields + size <= POOL_ACCOUNT_BYTES_MAX;
}

static bool pool_has_room(const struct pool *pool, size_t size, size_t yields)
{
    return (pool->count < POOL_COUNT_MAX || yields > 0) &&
           pool->bytes - yields + size <= POOL_BYTES_MAX;
}

/* Its highest nonce leaves. Frees the account when that was all. */
static void account_evict(struct pool *pool, struct account *account)
{
    struct entry **last = &account->first;
    while ((*last)->next)
        last = &(*last)->next;
    entry_remove(pool, last, TX_EVICTED);
    account_run(pool, account, false, 0);
    if (!account->first)
        account_remove(pool, account);
}

static struct account *pool_victim(const struct pool *pool)
{
    size_t rank = RANKS - 1;
    while (rank > 0 && !pool->ranks[rank])
        rank--;
    CHECK(rank > 0);
    return pool->ranks[rank];
}

/* Evicts until `size` more bytes of that sender have room, which pool_would_add found possible. */
static void make_room(struct pool *pool, const struct address *address, size_t size)
{
    struct account *account = account_find(pool, address);
    while (account && !account_has_room(account, size, 0)) {
        account_evict(pool, account);
        account = account_find(pool, address);
    }
    while (!pool_has_room(pool, size, 0))
        account_evict(pool, pool_victim(pool));
}

/* --- adding --- */

enum tx_verdict pool_would_add(const struct pool *pool, const struct tx *tx, uint64_t next_nonce,
                               struct height height)
{
    if (entry_find(pool, &tx->id))
        return TX_KNOWN;
    if (tx->body.last_height <= height.n)
        return TX_EXPIRED;
    struct address address = address_of(&tx->body.sender);
    const struct account *account = account_find(pool, &address);
    if (account)
        next_nonce = account->next_nonce;
    uint64_t nonce = tx->body.nonce;
    if (nonce < next_nonce)
        return TX_NONCE_USED;
    if (nonce - next_nonce >= POOL_RUN_MAX)
        return TX_NONCE_GAP;
    if (account) {
        const struct entry *entry = account_from(account, nonce);
        if (entry && entry->nonce == nonce)
            return TX_NONCE_TAKEN;
        if (!account_has_room(account, tx->raw.size, account_yields(account, nonce)))
            return TX_ACCOUNT_FULL;
    }
    if (!pool_has_room(pool, tx->raw.size, pool_yields(pool, account, next_nonce, nonce)))
        return TX_POOL_FULL;
    return TX_OK;
}

/* Puts `entry` into its account and the pool; the account's run is the caller's to count. */
static void entry_add(struct pool *pool, struct entry *entry)
{
    struct account *account = entry->account;
    struct entry **bucket = &pool->ids[bucket_of(entry->id.bytes)];
    entry->id_next = *bucket;
    *bucket = entry;
    struct entry **at = &account->first;
    while (*at && (*at)->nonce < entry->nonce)
        at = &(*at)->next;
    entry->next = *at;
    *at = entry;
    account->count++;
    account->bytes += entry->size;
    pool->count++;
    pool->bytes += entry->size;
    if (entry->last_height < pool->last_height_min)
        pool->last_height_min = entry->last_height;
}

enum tx_verdict pool_add(struct pool *pool, const struct tx *tx, uint64_t next_nonce,
                         struct height height, uint64_t now_ms)
{
    enum tx_verdict verdict = pool_would_add(pool, tx, next_nonce, height);
    if (verdict != TX_OK)
        return verdict;
    struct entry *entry = malloc(sizeof(*entry) + tx->raw.size);
    if (!entry)
        return TX_POOL_FULL;
    struct address address = address_of(&tx->body.sender);
    make_room(pool, &address, tx->raw.size);
    struct account *account = account_find(pool, &address);
    if (!account && !(account = account_add(pool, &address, next_nonce))) {
        free(entry);
        return TX_POOL_FULL;
    }

    *entry = (struct entry){
        .account = account,
        .id = tx->id,
        .nonce = tx->body.nonce,
        .last_height = tx->body.last_height,
        .size = tx->raw.size,
    };
    memcpy(entry->raw, tx->raw.data, tx->raw.size);
    entry_add(pool, entry);
    account_run(pool, account, false, now_ms);
    return TX_OK;
}

/* --- picking --- */

size_t pool_pick(const struct pool *pool, struct bytes *list, size_t count_max, size_t bytes_max,
                 const struct pool_nonces *nonces)
{
    size_t count = 0, bytes = 0;
    for (const struct account *account = pool->head; account; account = account->after) {
        uint64_t nonce = nonces->next(nonces->self, &account->address, account->next_nonce);
        for (const struct entry *entry = account_from(account, nonce);
             entry && entry->nonce == nonce; entry = entry->next) {
            if (count == count_max || bytes + entry->size > bytes_max)
                return count;
            list[count++] = bytes_of(entry->raw, entry->size);
            bytes += entry->size;
            nonce++;
        }
    }
    return count;
}

/* --- a block was committed --- */

static void account_use(struct pool *pool, struct account *account, const struct pool_used *used,
                        uint64_t now_ms)
{
    if (used->nonce < account->next_nonce)
        return;
    account->next_nonce = used->nonce + 1;
    while (account->first && account->first->nonce <= used->nonce)
        entry_remove(pool, &account->first,
                     digest_equal(&account->first->id, &used->id) ? TX_OK : TX_REPLACED);
    account_run(pool, account, true, now_ms);
    turn_leave(pool, account);
    turn_join(pool, account);
    if (!account->first)
        account_remove(pool, account);
}

/* Drops what can't be in a block above `height`. */
static void expire(struct pool *pool, struct height height, uint64_t now_ms)
{
    pool->last_height_min = UINT64_MAX;
    for (struct account *account = pool->head, *after; account; account = after) {
        after = account->after;
        bool dropped = false;
        for (struct entry **at = &account->first; *at;) {
            if ((*at)->last_height <= height.n) {
                entry_remove(pool, at, TX_EXPIRED);
                dropped = true;
                continue;
            }
            if ((*at)->last_height < pool->last_height_min)
                pool->last_height_min = (*at)->last_height;
            at = &(*at)->next;
        }
        if (dropped)
            account_run(pool, account, false, now_ms);
        if (!account->first)
            account_remove(pool, account);
    }
}

void pool_commit(struct pool *pool, struct height height, const struct pool_used *used,
                 size_t count, uint64_t now_ms)
{
    for (size_t i = 0; i < count; i++) {
        struct account *account = account_find(pool, &used[i].sender);
        if (account)
            account_use(pool, account, &used[i], now_ms);
    }
    if (pool->last_height_min <= height.n)
        expire(pool, height, now_ms);
}

void pool_revoke(struct pool *pool, const struct address *sender)
{
    struct account *account = account_find(pool, sender);
    if (!account)
        return;
    while (account->first)
        entry_remove(pool, &account->first, TX_REVOKED_SENDER);
    account_run(pool, account, false, 0);
    account_remove(pool, account);
}

/* --- questions --- */

struct bytes pool_get(const struct pool *pool, const struct digest *id)
{
    const struct entry *entry = entry_find(pool, id);
    return entry ? bytes_of(entry->raw, entry->size) : bytes_of(NULL, 0);
}

bool pool_has_nonce(const struct pool *pool, const struct address *sender, uint64_t nonce)
{
    const struct account *account = account_find(pool, sender);
    const struct entry *entry = account ? account_from(account, nonce) : NULL;
    return entry && entry->nonce == nonce;
}

struct pool_stats pool_stats(const struct pool *pool)
{
    struct pool_stats stats = {pool->count, pool->bytes, pool->ready, UINT64_MAX};
    for (const struct account *account = pool->head; account; account = account->after)
        if (account->ready > 0 && account->ready_ms < stats.oldest_ms)
            stats.oldest_ms = account->ready_ms;
    return stats;
}
