/* Members: who takes part, in which roles, for which organisation.
 *
 *     account/ <address> -> struct members_account             an account is never deleted
 *     operators -> struct members_operators                    how many operators there are
 *
 *     state        what leads there
 *     (none)
 *     active       (none): members.register, genesis;  revoked: members.restore
 *     revoked      active: members.revoke
 *
 * A revoked account sends nothing, and is leased and assigned nothing; what it holds stays its own, and what it owes
 * runs into its deadlines.
 * Role operator is given and taken by a proposal only (contracts/governance.h), and an operator is not revoked before it was taken. */
#ifndef CONTRACTS_MEMBERS_H
#define CONTRACTS_MEMBERS_H

#include "base/address.h"
#include "base/units.h"
#include "contracts/catalog.h"

enum members_role {
    MEMBERS_ROLE_OPERATOR = 1, /* registers members, proposes, votes */
    MEMBERS_ROLE_PROVIDER = 2, /* offers resources, works */
    MEMBERS_ROLE_CONSUMER = 4, /* submits jobs */
    MEMBERS_ROLE_REPLAYER = 8, /* replays and reveals for a validator's seat */
    MEMBERS_ROLE_AUDITOR = 16, /* reads; has no method of its own */
};
#define MEMBERS_ROLES_ALL 31u

struct members_account {
    struct sign_public public_key;
    struct bytes name;         /* text, <= LIMIT_TEXT_BYTES */
    struct bytes organisation; /* likewise; empty counts as an organisation of its own */
    uint32_t roles;            /* bits of enum members_role */
    bool revoked;
    uint64_t nonce;        /* the next transaction's; only members_nonce_use changes it */
    struct amount balance; /* free credits; only contracts/credits.c changes it */
};

struct members_operators {
    uint32_t count;
};

extern const struct record members_account_record;
extern const struct record members_operators_record;

/* --- methods --- */

/* register: a new member. Sender: operator. roles: any but operator.
 * BAD_KEY, ACCOUNT_EXISTS, OUT_OF_BOUNDS (unknown role, operator). */
#define MEMBERS_REGISTER 1
struct members_register {
    struct sign_public public_key;
    struct bytes name;         /* text */
    struct bytes organisation; /* text */
    uint32_t roles;
};

/* set_roles: other roles; the operator bit must stay as it is. Sender: operator. NO_ACCOUNT, OUT_OF_BOUNDS, NOTHING_TO_DO. */
#define MEMBERS_SET_ROLES 2
struct members_set_roles {
    struct address address;
    uint32_t roles;
};

/* revoke: active -> revoked. restore: revoked -> active. Sender: operator. NO_ACCOUNT, WRONG_STATE, NOT_PERMITTED (an operator). */
#define MEMBERS_REVOKE  3
#define MEMBERS_RESTORE 4
struct members_subject {
    struct address address;
};

extern const struct record members_register_record;
extern const struct record members_set_roles_record;
extern const struct record members_subject_record;
#define MEMBERS_METHOD_COUNT 4
extern const struct catalog_method members_methods[MEMBERS_METHOD_COUNT];

/* --- for the ledger --- */

/* False if there is no such account (or view->err). */
bool members_get(struct view_state *view, const struct address *address,
                 struct members_account *account);

/* Uses up the account's nonce. Requires an account; emits nothing (the transaction itself is the record). */
void members_nonce_use(struct view_state *view, const struct address *address);

/* --- for other contracts --- */

/* Writes the account as it is; the caller emits what it changed. */
void members_put(struct view_state *view, const struct address *address,
                 const struct members_account *account);

/* How many accounts have role operator. */
uint32_t members_operator_count(struct view_state *view);

/* An account that isn't revoked and has all of `roles`. */
bool members_is(struct view_state *view, const struct address *address, uint32_t roles);

/* Adds the account; VERDICT_ACCOUNT_EXISTS or VERDICT_BAD_KEY otherwise. Roles are the caller's matter. */
enum verdict members_add(const struct catalog_run *run, const struct members_register *args);

/* Gives the account these roles, operator included. NO_ACCOUNT, OUT_OF_BOUNDS, NOTHING_TO_DO, NOT_PERMITTED (the last operator). */
enum verdict members_give_roles(const struct catalog_run *run, const struct address *address,
                                uint32_t roles);

#endif
