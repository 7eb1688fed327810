#include "tools/tenured/fetched.h"

#include "ledger/chain.h"
#include "tools/sys/file.h"
#include "tools/sys/log.h"

#define FETCHED_CHAIN     "chain"
#define FETCHED_WHOLE     "fetched"
#define FETCHED_DISCARDED "discarded"

/* What a kill has left on its way out. */
static enum err fetched_sweep(const char *data, struct fault *fault)
{
    char path[FILE_PATH_SIZE];
    enum err err = file_join(path, data, FETCHED_DISCARDED, fault);
    return err ? err : file_remove_folder(path, fault);
}

static enum err fetched_rename(const char *data, const char *from, const char *to,
                               struct fault *fault)
{
    char here[FILE_PATH_SIZE], there[FILE_PATH_SIZE];
    enum err err = file_join(here, data, from, fault);
    if (!err)
        err = file_join(there, data, to, fault);
    return err || !file_exists(here) ? err : file_rename(here, there, fault);
}

enum err fetched_discard(const char *data, const char *name, struct fault *fault)
{
    enum err err = fetched_sweep(data, fault);
    if (!err)
        err = fetched_rename(data, name, FETCHED_DISCARDED, fault);
    return err ? err : fetched_sweep(data, fault);
}

enum err fetched_complete(const char *data, struct fault *fault)
{
    return fetched_rename(data, FETCHED_INCOMING, FETCHED_WHOLE, fault);
}

/* The height of the chain in the folder DATA/name; *there says whether there is one. */
static enum err fetched_head(const char *data, const char *name, struct bytes genesis, bool *there,
                             uint64_t *height, struct fault *fault)
{
    char path[FILE_PATH_SIZE];
    struct chain *chain;
    enum err err = file_join(path, data, name, fault);
    *there = !err && file_exists(path);
    *height = 0;
    if (err || !*there)
        return err;
    err = chain_open(&chain, path, genesis, fault);
    if (err)
        return err;
    *height = chain_head(chain)->header.height;
    chain_close(chain);
    return ERR_NONE;
}

enum err fetched_adopt(const char *data, struct bytes genesis, struct fault *fault)
{
    uint64_t height, theirs;
    bool there;
    enum err err = fetched_sweep(data, fault);
    if (err)
        return err;
    err = fetched_head(data, FETCHED_WHOLE, genesis, &there, &theirs, fault);
    if (there && (err == ERR_CORRUPT || err == ERR_IO)) {
        log_event(LOG_LEVEL_WARN, "transfer",
                  "the state that was fetched is damaged (%s): it is discarded", fault->text);
        return fetched_discard(data, FETCHED_WHOLE, fault);
    }
    if (err || !there)
        return err;
    err = fetched_head(data, FETCHED_CHAIN, genesis, &there, &height, fault);
    if (err)
        return err;
    /* the driver went on by blocks while the last chunks came, until the node stopped */
    if (there && theirs <= height)
        return fetched_discard(data, FETCHED_WHOLE, fault);
    err = fetched_rename(data, FETCHED_CHAIN, FETCHED_DISCARDED, fault);
    if (!err)
        err = fetched_rename(data, FETCHED_WHOLE, FETCHED_CHAIN, fault);
    return err ? err : fetched_sweep(data, fault);
}
