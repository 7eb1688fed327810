/* What most commands need first: the nodes to talk to, the account to sign with, the waiting and the answer. */
#ifndef TOOLS_TENURE_DESK_H
#define TOOLS_TENURE_DESK_H

#include "contracts/catalog.h"
#include "tools/tenure/cli.h"
#include "tools/tenure/client.h"
#include "tools/tenure/lookup.h"
#include "tools/tenure/sender.h"

struct desk {
    struct cli *cli;
    struct arena *arena; /* for what is looked up: the command's, unless a loop puts its own here */
    struct client client;
    struct sender sender; /* after desk_sign */
    uint64_t timeout_ms;  /* --timeout */
    int cache_lock;       /* of client.cache, while there is one */
};

/* Options of commands that move bulk data. */
#define DESK_BULK_OPTIONS                                                                          \
    {"rate", "BYTES", "a second of states and data, such as 20M (default: no limit)", NULL},       \
    {                                                                                              \
        "cache", "DIR",                                                                            \
            "keep fetched chunks there, so that none travels twice (default: $TENURE_CACHE)", NULL \
    }

/* What the folder of --cache may hold. */
#define DESK_CACHE_BYTES (64ull << 30)

/* The nodes of --node, else of TENURE_NODE. Release with desk_close, also after an error. */
MUST_USE enum err desk_open(struct desk *desk, struct cli *cli);

/* As desk_open, and takes DESK_BULK_OPTIONS: progress and dropped nodes are told on stderr. */
MUST_USE enum err desk_open_bulk(struct desk *desk, struct cli *cli);

/* Opens the key of --key, else of TENURE_KEY, with its passphrase. */
MUST_USE enum err desk_sign(struct desk *desk);
void desk_close(struct desk *desk);

/* The key file of --key, else of TENURE_KEY; NULL when neither is given. */
const char *desk_key_path(const struct cli *cli);

/* The secret key that the options name; wipe it with sign_secret_clear. */
MUST_USE enum err desk_key(struct cli *cli, struct sign_secret *secret);

/* Adds one call to a transaction in the making. */
struct desk_calls {
    struct call calls[LIMIT_TX_CALLS];
    uint32_t count;
};
MUST_USE enum err desk_call(struct desk *desk, struct desk_calls *calls, uint8_t contract,
                            uint8_t method, const void *args);

/* Sends the calls, waits, and prints what became of them. ERR_MISMATCH with the verdict's sentence when a contract said no.
 * `outcome`, when not NULL, is the caller's to release after ERR_NONE. */
MUST_USE enum err desk_send(struct desk *desk, struct desk_calls *calls,
                            struct sender_outcome *outcome);

/* As desk_send without printing anything. */
MUST_USE enum err desk_submit(struct desk *desk, struct desk_calls *calls,
                              struct sender_outcome *outcome);

/* A number in the first event of that name in a receipt, such as the new offer's. False if there is no such event. */
bool desk_event(const struct sender_outcome *outcome, const char *name, const char *field,
                uint64_t *number);

/* GET of `path`, into the desk's fault; free with answer_free. */
MUST_USE enum err desk_get(struct desk *desk, struct answer **root, const char *path);

/* The value of state key `key`, unpacked into desk->arena. ERR_NOT_FOUND when there is none. */
MUST_USE enum err desk_state(struct desk *desk, struct bytes key, const struct record *record,
                             void *value);

/* All accounts, so that tables can speak of people; and the name of one of them, its address when it has none. */
MUST_USE enum err desk_names(struct desk *desk, struct lookup_list *accounts);
const char *desk_name(struct cli *cli, const struct lookup_list *accounts,
                      const struct address *address);

/* The address that a person gave: tnr1..., or the name of a key file whose address is meant. */
MUST_USE enum err desk_address(struct cli *cli, struct address *address, const char *text);

/* Roles as people write them: "operator,provider". */
MUST_USE enum err desk_roles(struct cli *cli, uint32_t *roles, const char *text);
char *desk_roles_text(struct cli *cli, uint32_t roles);

#endif
