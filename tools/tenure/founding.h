/* A new chain's folder: keys, certificate authority, genesis and one configuration a node.
 *
 *     DIR/genesis.bin            the packed genesis record; its SHA-256 is the chain's identity
 *     DIR/authority.pem .key     the consortium's certificate authority
 *     DIR/passphrase             of all keys below, mode 0600: a network on one machine; real members make their own keys
 *     DIR/environment            for a shell: TENURE_NODE, TENURE_KEY, TENURE_PASSPHRASE
 *     DIR/nodes                  a line a node: name, API address
 *     DIR/keys/NAME.key          the operator's, every replayer's and every account's key
 *     DIR/keys/replayer-N.beacon what the replayer of seat N reveals (contracts/beacon.h)
 *     DIR/node-N/                tenured.ini, validator.key, node.pem, node-key.pem; data/ comes when it runs
 *
 * Seat N is node-N, of organisation node-N, and replayer-N answers for it. */
#ifndef TOOLS_TENURE_FOUNDING_H
#define TOOLS_TENURE_FOUNDING_H

#include "base/arena.h"
#include "base/limits.h"
#include "base/sign.h"
#include "base/units.h"
#include "contracts/parameters.h"

#define FOUNDING_ACCOUNTS_MAX 256

/* Hashes in a replayer's chain: one an epoch, so years of the default epoch before it is renewed. */
#define FOUNDING_BEACON_LENGTH 65536

/* What a replayer starts with: enough to stake on many audits at once. */
#define FOUNDING_REPLAYER_BALANCE 1000000

struct founding_account {
    const char *name; /* also of its key file: letters, digits, - and _ */
    uint32_t roles;
    const char *organisation;
    struct amount balance;
    const struct sign_public *public; /* whose key it is already; NULL: a key file is made */
};

struct founding {
    const char *folder; /* made; must be missing or empty */
    const char *name;   /* of the chain, for people */
    uint32_t validators;
    uint16_t
        port; /* the API of node N listens on port + 2N, its peers on the next one; 0: free ports, picked now */
    const char *log_level;
    uint64_t timeout_ms; /* consensus' patience with a primary; 0: the default */
    struct parameters parameters;
    struct founding_account accounts[FOUNDING_ACCOUNTS_MAX];
    uint32_t account_count;
};

/* What a caller wants to know of each step: "keys of 4 validators". */
struct founding_watch {
    void *self;
    void (*step)(void *self, const char *what);
};

/* Adds the operator's, the replayers' and the validators' accounts and writes all files. ERR_USAGE for a name or number that can't be,
 * ERR_NOT_NOW when the folder isn't empty, ERR_IO. A folder that was begun stays as it is. */
MUST_USE enum err founding_make(struct arena *arena, const struct founding *founding,
                                const struct founding_watch *watch, struct fault *fault);

/* A node more in the folder of a network on this machine: what a proposal to add its validator says. */
struct founding_joined {
    uint32_t number;  /* the first N without a folder node-N; all files are named by it as a founded node's */
    char name[32];    /* node-N */
    char address[32]; /* host:port of its peers */
    char api[32];     /* host:port of its API */
    struct sign_public key;
    struct sign_public replayer; /* of keys/replayer-N.key, which has no account yet */
    struct digest chain_end;
};

/* Makes its keys, certificate and configuration (with node.follow, and the peers' addresses of the nodes that are there), and adds it to
 * DIR/nodes. ERR_NOT_FOUND: the folder is no network's; ERR_LIMIT: it has 64 nodes; ERR_IO. */
MUST_USE enum err founding_join(struct arena *arena, const char *folder,
                                struct founding_joined *joined, struct fault *fault);

/* Reads a replayer's beacon file: the secret and the chain's length. ERR_NOT_FOUND, ERR_MALFORMED, ERR_IO. */
MUST_USE enum err founding_beacon_read(struct digest *secret, uint32_t *length, const char *path,
                                       struct fault *fault);

#endif
