#include "tools/tenured/recheck.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ledger/history.h"
#include "tools/sys/file.h"
#include "tools/tenured/node.h"

static enum err recheck_chain(struct chain *chain, struct fault *fault)
{
    struct history *history = history_open(chain, fault);
    if (!history)
        return ERR_CORRUPT;
    uint64_t keys;
    enum err err = history_audit(history, &keys, fault);
    if (!err)
        printf("%" PRIu64 " blocks and %" PRIu64 " keys of state: all whole\n",
               history_height(history).n + 1, keys);
    history_close(history);
    return err;
}

/* With the folder ours. */
static enum err recheck_stored(const char *path, const struct settings *settings,
                               struct fault *fault)
{
    uint8_t *genesis;
    size_t size;
    struct chain *chain;
    enum err err = file_read(&genesis, &size, settings->genesis, NODE_GENESIS_MAX, fault);
    if (err)
        return err;
    err = chain_open(&chain, path, bytes_of(genesis, size), fault);
    free(genesis);
    if (err)
        return err;
    err = recheck_chain(chain, fault);
    chain_close(chain);
    return err;
}

enum err recheck_run(const struct settings *settings, struct fault *fault)
{
    char path[FILE_PATH_SIZE], lock[FILE_PATH_SIZE];
    int descriptor;
    enum err err = file_join(path, settings->data, "chain", fault);
    if (err)
        return err;
    if (!file_exists(path))
        return fault_set(fault, ERR_NOT_FOUND, "%s: there is no chain here yet", path);
    err = file_join(lock, settings->data, "lock", fault);
    if (!err)
        err = file_lock(&descriptor, lock, fault);
    if (err)
        return err;
    err = recheck_stored(path, settings, fault);
    close(descriptor);
    return err;
}
