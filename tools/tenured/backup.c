#include "tools/tenured/backup.h"

#include <stdlib.h>
#include <unistd.h>

#include "ledger/store.h"

/* A log of votes: its records are dropped long before. */
#define VOTES_MAX ((size_t)1 << 30)

/* The store is read as it is, whatever chain it is of. */
#define CACHE_BYTES (4u << 20)

static enum err copy_votes(const char *from, const char *to, struct fault *fault)
{
    uint8_t *votes;
    size_t size;
    enum err err = file_read(&votes, &size, from, VOTES_MAX, fault);
    if (err)
        return err;
    err = file_create(to, bytes_of(votes, size), 0600, fault);
    free(votes);
    return err;
}

/* With the folder ours. */
static enum err copy(const char *data, const char *folder, struct fault *fault)
{
    char chain[FILE_PATH_SIZE], chain_copy[FILE_PATH_SIZE], votes[FILE_PATH_SIZE],
        votes_copy[FILE_PATH_SIZE];
    struct store *store;
    enum err err = file_join(chain, data, "chain", fault);
    if (!err)
        err = file_join(votes, data, "votes.log", fault);
    if (!err)
        err = file_join(chain_copy, folder, "chain", fault);
    if (!err)
        err = file_join(votes_copy, folder, "votes.log", fault);
    if (!err && !file_exists(chain))
        err = fault_set(fault, ERR_NOT_FOUND, "%s: there is no chain here yet", chain);
    if (!err)
        err = file_make_folder(folder, 0700, fault);
    if (!err)
        err = store_open(&store, chain, CACHE_BYTES, fault);
    if (err)
        return err;
    err = store_checkpoint(store, chain_copy, fault);
    store_close(store);
    return err ? err : copy_votes(votes, votes_copy, fault);
}

enum err backup_run(const struct settings *settings, const char *folder, struct fault *fault)
{
    char lock[FILE_PATH_SIZE];
    int descriptor;
    if (file_exists(folder))
        return fault_set(fault, ERR_MISMATCH, "%s: is there already", folder);
    enum err err = file_join(lock, settings->data, "lock", fault);
    if (!err)
        err = file_lock(&descriptor, lock, fault);
    if (err)
        return err;
    err = copy(settings->data, folder, fault);
    close(descriptor);
    return err;
}
