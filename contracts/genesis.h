/* Genesis: what the chain starts from. SHA-256 of its packed record is the chain's identity, which every signature binds.
 *
 * genesis_apply writes all of it through the rules of the contracts, so the money invariant holds from height 0:
 * minted = the sum of the accounts' balances. */
#ifndef CONTRACTS_GENESIS_H
#define CONTRACTS_GENESIS_H

#include "base/address.h"
#include "base/digest.h"
#include "base/record.h"
#include "contracts/event.h"
#include "contracts/parameters.h"
#include "contracts/validator.h"
#include "contracts/view.h"

#define GENESIS_VERSION 1
#define GENESIS_ACCOUNTS_MAX                                                                       \
    65536 /* a benchmark's accounts, with room; more join by members.register */

struct genesis_validator {
    struct bytes name;             /* a host's name; 1..LIMIT_TEXT_BYTES */
    struct sign_public public_key; /* signs votes; different for every seat */
    /* An account of `accounts` with role replayer; different for every seat. */
    struct address replayer;
    struct digest chain_end; /* of its chain of hashes (contracts/beacon.h) */
};

struct genesis_account {
    struct sign_public public_key; /* different for every account */
    struct bytes name;             /* 0..LIMIT_TEXT_BYTES */
    struct bytes organisation;     /* 0..LIMIT_TEXT_BYTES */
    uint32_t roles;                /* MEMBERS_ROLE_... (contracts/members.h) */
    struct amount balance;
};

struct genesis {
    uint8_t version;   /* GENESIS_VERSION */
    struct bytes name; /* of the chain, for people */
    uint64_t time_ms;  /* block time of height 0 */
    struct parameters parameters;
    struct genesis_validator *validators; /* by seat */
    uint32_t validator_count;             /* 1..LIMIT_VALIDATORS */
    struct genesis_account *accounts;
    uint32_t account_count; /* at least one has role operator */
};

extern const struct record genesis_validator_record;
extern const struct record genesis_account_record;
extern const struct record genesis_record;

/* The chain's identity. digest_zero only when the arena is full. */
struct digest genesis_digest(struct arena *arena, const struct genesis *genesis);

/* Every rule above. ERR_MISMATCH and a sentence that names the validator or account that breaks it. */
MUST_USE enum err genesis_check(const struct genesis *genesis, struct fault *fault);

/* The set that certifies block 1; its list is `members`. Requires validator_count <= LIMIT_VALIDATORS. */
struct validator_set genesis_set(struct validator_member members[LIMIT_VALIDATORS],
                                 const struct genesis *genesis);

/* Writes the state of height 0. Requires an empty view and a genesis that passed genesis_check.
 * ERR_LIMIT or the source's error; ERR_MISMATCH if balances sum to over 256 bits. */
MUST_USE enum err genesis_apply(struct view_state *view, const struct genesis *genesis,
                                struct events *events);

#endif
