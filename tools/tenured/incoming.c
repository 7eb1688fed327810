#include "tools/tenured/incoming.h"

#include "tools/sys/file.h"
#include "tools/sys/log.h"
#include "tools/tenured/fetched.h"

/* Damage shows in many ways: a file of the store that is cut short is ERR_CORRUPT, one that is gone ERR_IO. */
static bool is_damage(enum err err)
{
    return err == ERR_CORRUPT || err == ERR_IO || err == ERR_MALFORMED;
}

enum err incoming_discard(struct import **import, const char *data, const struct fault *why,
                          struct fault *fault)
{
    import_close(*import);
    *import = NULL;
    log_event(LOG_LEVEL_WARN, "transfer",
              "the part of the state that was fetched is damaged (%s): it is discarded, to be "
              "fetched again",
              why->text);
    return fetched_discard(data, FETCHED_INCOMING, fault);
}

enum err incoming_height(const char *data, struct height *height, struct fault *fault)
{
    char path[FILE_PATH_SIZE];
    struct import *none = NULL;
    struct fault why = {0};
    enum err err = file_join(path, data, FETCHED_INCOMING, fault);
    *height = (struct height){0};
    if (err || !file_exists(path))
        return err;
    err = import_height(path, height, &why);
    if (err == ERR_NOT_FOUND)
        return fetched_discard(data, FETCHED_INCOMING, fault);
    if (is_damage(err))
        return incoming_discard(&none, data, &why, fault);
    return err ? fault_set(fault, err, "%s", why.text) : ERR_NONE;
}

enum err incoming_open(struct import **import, const char *data, const struct import_target *target,
                       struct fault *fault)
{
    char path[FILE_PATH_SIZE];
    enum err err = file_join(path, data, FETCHED_INCOMING, fault);
    if (err)
        return err;
    *import = NULL;
    err = import_open(import, path, target, fault);
    if (err == ERR_MISMATCH) {
        err = fetched_discard(data, FETCHED_INCOMING, fault);
    } else if (is_damage(err)) {
        struct fault why = *fault;
        *import = NULL;
        err = incoming_discard(import, data, &why, fault);
    } else {
        return err;
    }
    return err ? err : import_open(import, path, target, fault);
}
