/* The catalogue: every contract, method, event and kind of state, each with its record, so that the API and the command line make and
 * read calls, events and state as JSON without knowing any of them. */
#ifndef CONTRACTS_CATALOG_H
#define CONTRACTS_CATALOG_H

#include "base/record.h"
#include "contracts/contracts.h"

enum catalog_contract {
    CATALOG_MEMBERS = 1,
    CATALOG_CREDITS = 2,
    CATALOG_OFFERS = 3,
    CATALOG_JOBS = 4,
    CATALOG_BEACON = 5,
    CATALOG_GOVERNANCE = 6,
    CATALOG_EVIDENCE = 7,
    CATALOG_CHALLENGES = 8,
};

/* What a method runs with. All of it is borrowed; the arena is the view's. */
struct catalog_run {
    struct view_state *view;
    const struct context *context;
    struct events *events;
    const struct address *sender;
};

struct catalog_method {
    uint8_t number;
    const char *name; /* "transfer" */
    const struct record *args;
    uint32_t roles; /* the sender needs one of these; 0: any member */
    enum verdict (*run)(const struct catalog_run *run, const void *args);
};

struct catalog_entry {
    uint8_t number;   /* enum catalog_contract */
    const char *name; /* "credits" */
    const struct catalog_method *methods;
    uint32_t method_count;
};

extern const struct catalog_entry catalog_contracts[];
extern const uint32_t catalog_contract_count;

/* NULL if there is none. */
const struct catalog_entry *catalog_contract(uint8_t number);
const struct catalog_method *catalog_method(uint8_t contract, uint8_t method);

/* By name, as people write it: "credits", "transfer". NULL if there is none. */
const struct catalog_method *catalog_find(const char *contract, const char *method,
                                          uint8_t *contract_number);

/* A kind of state: all keys that begin with `word`, with the record of their values. */
struct catalog_state {
    const char *word; /* "account/" */
    const char *key;  /* what follows: "address", "u64", "u64 u16", ...; "" for a single value */
    const struct record *record;
};

extern const struct catalog_state catalog_states[];
extern const uint32_t catalog_state_count;

/* The kind that `key` is of; NULL if none. */
const struct catalog_state *catalog_state(struct bytes key);

/* Appends the key as people read it: "slot/3/1", "account/tnr1...". Any bytes are safe. */
void catalog_key_text(struct text *text, struct bytes key);

#endif
