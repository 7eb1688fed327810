#include "contracts/contracts.h"

#include "base/check.h"
#include "contracts/amount.h"
#include "contracts/attempt.h"
#include "contracts/catalog.h"
#include "contracts/challenge.h"
#include "contracts/credits.h"
#include "contracts/due.h"
#include "contracts/governance.h"
#include "contracts/members.h"
#include "contracts/offers.h"
#include "contracts/parameters.h"

static void dispatch_due(const struct catalog_run *run, const struct due *due)
{
    switch ((enum due_kind)due->kind) {
    case DUE_OFFER:
        offers_due(run, due->object);
        return;
    case DUE_JOB:
        jobs_due_deadline(run, due->object);
        return;
    case DUE_MATCH:
        jobs_due_match(run, due->object);
        return;
    case DUE_SLOT:
    case DUE_SEARCH:
        attempt_due(run, due->object, (uint16_t)due->part);
        return;
    case DUE_PROPOSAL:
        governance_due(run, due->object);
        return;
    case DUE_STATEMENT:
        offers_forget(run, due->object);
        return;
    case DUE_CHALLENGE:
        challenge_due(run, due->object);
        return;
    case DUE_STAKE:
        leases_due(run, due->object, due->part);
        return;
    }
}

void contracts_begin(struct view_state *view, const struct context *context, struct events *events)
{
    struct parameters parameters;
    if (!parameters_get(view, &parameters))
        return;
    struct catalog_run run = {
        .view = view, .context = context, .events = events, .sender = &address_zero};
    const uint32_t most[DUE_QUEUES] = {
        [DUE_DEADLINES] = parameters.due_max,
        [DUE_MATCHES] = (parameters.due_max + 7u) / 8, /* each looks at many offers */
        [DUE_STATEMENTS] = parameters.due_max,
    };
    for (int queue = 0; queue < DUE_QUEUES; queue++) {
        struct path after = {.size = 0};
        struct due due;
        for (uint32_t i = 0; i < most[queue] && events->count < EVENT_BLOCK_MAX &&
                             due_take(view, (enum due_queue)queue, context->time_ms, &after, &due);
             i++)
            dispatch_due(&run, &due);
    }
}

enum verdict contracts_call(struct view_state *view, const struct context *context,
                            const struct address *sender, const struct call *call,
                            struct events *events)
{
    if (!catalog_contract(call->contract))
        return VERDICT_NO_CONTRACT;
    const struct catalog_method *method = catalog_method(call->contract, call->method);
    if (!method)
        return VERDICT_NO_METHOD;
    struct members_account account;
    if (!members_get(view, sender, &account))
        return VERDICT_NO_ACCOUNT;
    if (account.revoked)
        return VERDICT_REVOKED;
    if (method->roles != 0 && (account.roles & method->roles) == 0)
        return VERDICT_NOT_PERMITTED;

    void *args = arena_alloc(view->arena, method->args->size);
    if (!args) {
        view_fail(view, ERR_LIMIT);
        return VERDICT_BAD_ARGUMENTS;
    }
    if (record_unpack(view->arena, method->args, args, call->args, NULL) != ERR_NONE)
        return VERDICT_BAD_ARGUMENTS;
    struct catalog_run run = {.view = view, .context = context, .events = events, .sender = sender};
    return method->run(&run, args);
}

/* --- invariants --- */

/* The amount that a value of a key holds; false if keys of its kind hold none. `kind` tells the locks apart. */
static bool money_of(struct view_state *view, struct bytes key, struct bytes value,
                     struct amount *amount, uint8_t *kind)
{
    union {
        struct members_account account;
        struct credits_lock lock;
        struct credits_treasury treasury;
    } in;
    *amount = units_zero;
    *kind = 0;
    bool is_account = bytes_begins(key, bytes_text("account/")),
         is_lock = bytes_begins(key, bytes_text("lock/"));
    bool is_treasury = bytes_equal(key, bytes_text("treasury"));
    if (!is_account && !is_lock && !is_treasury)
        return false;
    if (value.size == 0)
        return true;
    const struct record *record = is_account ? &members_account_record
                                  : is_lock  ? &credits_lock_record
                                             : &credits_treasury_record;
    if (record_unpack(view->arena, record, &in, value, NULL) != ERR_NONE) {
        view_fail(view, ERR_CORRUPT);
        return true;
    }
    *amount = is_account ? in.account.balance : is_lock ? in.lock.amount : in.treasury.amount;
    *kind = is_lock ? in.lock.kind : 0;
    return true;
}

/* What was minted counts as taken, what was burned as added, so that both sides are sums of unsigned numbers. */
static void supply_change(struct view_state *view, struct bytes value, struct amount_balance *sum,
                          bool is_after)
{
    struct credits_supply supply = {.minted = units_zero, .burned = units_zero};
    if (value.size > 0 &&
        record_unpack(view->arena, &credits_supply_record, &supply, value, NULL) != ERR_NONE)
        view_fail(view, ERR_CORRUPT);
    (is_after ? amount_balance_out : amount_balance_in)(sum, &supply.minted);
    (is_after ? amount_balance_in : amount_balance_out)(sum, &supply.burned);
}

static void money_change(struct view_state *view, const struct view_entry *entry,
                         struct amount_balance *sum)
{
    struct amount before, after;
    uint8_t kind;
    if (bytes_equal(entry->key, bytes_text("supply"))) {
        supply_change(view, entry->before, sum, false);
        supply_change(view, entry->value, sum, true);
    } else if (money_of(view, entry->key, entry->before, &before, &kind)) {
        (void)money_of(view, entry->key, entry->value, &after, &kind);
        amount_balance_out(sum, &before);
        amount_balance_in(sum, &after);
    }
}

/* True if a written offer keeps the capacity invariant; any other key does. */
static bool capacity_holds(struct view_state *view, const struct view_entry *entry)
{
    struct offers_offer offer;
    if (!bytes_begins(entry->key, bytes_text("offer/")) || entry->value.size == 0)
        return true;
    if (record_unpack(view->arena, &offers_offer_record, &offer, entry->value, NULL) != ERR_NONE) {
        view_fail(view, ERR_CORRUPT);
        return true;
    }
    return offer.leased <= offer.terms.slots;
}

enum err contracts_end(struct view_state *view, struct fault *fault)
{
    struct amount_balance sum;
    bool holds = true;
    amount_balance_init(&sum);
    const struct view_entry *entry = NULL;
    while ((entry = view_write(view, entry)) != NULL) {
        money_change(view, entry, &sum);
        holds &= capacity_holds(view, entry);
    }
    if (view->err != ERR_NONE)
        return fault_set(fault, view->err, "the state can't be read: %s", err_name(view->err));
    if (!amount_balance_is_even(&sum))
        return fault_set(
            fault, ERR_CORRUPT,
            "money invariant: balances, locks and treasury don't change by minted - burned");
    if (!holds)
        return fault_set(fault, ERR_CORRUPT,
                         "capacity invariant: an offer has more leased than it offers");
    return ERR_NONE;
}

uint64_t contracts_due(struct view_state *view)
{
    return due_first(view);
}

/* --- the whole supply --- */

static const struct record_field supply_fields[] = {
    RECORD_AMOUNT(struct contracts_supply, minted),
    RECORD_AMOUNT(struct contracts_supply, burned),
    RECORD_AMOUNT(struct contracts_supply, balances),
    RECORD_AMOUNT(struct contracts_supply, escrows),
    RECORD_AMOUNT(struct contracts_supply, stakes),
    RECORD_AMOUNT(struct contracts_supply, deposits),
    RECORD_AMOUNT(struct contracts_supply, treasury),
    RECORD_BOOL(struct contracts_supply, even),
};
const struct record contracts_supply_record =
    RECORD(struct contracts_supply, "supply", supply_fields);

static struct amount *supply_part(struct contracts_supply *supply, uint8_t kind)
{
    switch ((enum credits_kind)kind) {
    case CREDITS_ESCROW:
        return &supply->escrows;
    case CREDITS_DEPOSIT:
    case CREDITS_JOB:
        return &supply->deposits;
    case CREDITS_STAKE:
    case CREDITS_AUDIT:
    case CREDITS_VOTE:
    case CREDITS_BOND:
    case CREDITS_RULING:
        return &supply->stakes;
    }
    return &supply->balances;
}

/* Adds up every key that begins with `word`. */
static bool supply_sum(struct view_state *view, const char *word, struct contracts_supply *supply,
                       struct amount_balance *sum)
{
    struct bytes prefix = bytes_text(word), after = bytes_of(NULL, 0), key, value;
    while (view_next(view, prefix, after, &key, &value)) {
        struct amount amount;
        uint8_t kind;
        (void)money_of(view, key, value, &amount, &kind);
        struct amount *part = supply_part(supply, kind);
        if (!amount_add(part, part, &amount))
            return false;
        amount_balance_in(sum, &amount);
        after = key;
    }
    return true;
}

enum err contracts_supply(struct view_state *view, struct contracts_supply *supply)
{
    struct amount_balance sum;
    struct credits_supply total = {.minted = units_zero, .burned = units_zero};
    struct credits_treasury treasury = {.amount = units_zero};
    amount_balance_init(&sum);
    *supply = (struct contracts_supply){.even = false};
    (void)view_load(view, bytes_text("supply"), &credits_supply_record, &total);
    (void)view_load(view, bytes_text("treasury"), &credits_treasury_record, &treasury);
    supply->minted = total.minted;
    supply->burned = total.burned;
    supply->treasury = treasury.amount;
    bool fits =
        supply_sum(view, "account/", supply, &sum) && supply_sum(view, "lock/", supply, &sum);
    amount_balance_in(&sum, &treasury.amount);
    amount_balance_in(&sum, &total.burned);
    amount_balance_out(&sum, &total.minted);
    supply->even = fits && amount_balance_is_even(&sum);
    return view->err;
}
