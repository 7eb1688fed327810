#include "contracts/credits.h"

#include "base/check.h"
#include "contracts/amount.h"
#include "contracts/members.h"
#include "contracts/path.h"

#define MEMO_BYTES 64

static const struct record_field lock_fields[] = {
    RECORD_UINT(struct credits_lock, kind),
    RECORD_FIXED(struct credits_lock, owner, RECORD_AS_ADDRESS),
    RECORD_AMOUNT(struct credits_lock, amount),
};
static const struct record_field treasury_fields[] = {
    RECORD_AMOUNT(struct credits_treasury, amount),
};
static const struct record_field supply_fields[] = {
    RECORD_AMOUNT(struct credits_supply, minted),
    RECORD_AMOUNT(struct credits_supply, burned),
};
static const struct record_field transfer_fields[] = {
    RECORD_FIXED(struct credits_transfer, to, RECORD_AS_ADDRESS),
    RECORD_AMOUNT(struct credits_transfer, amount),
    RECORD_TEXT(struct credits_transfer, memo, MEMO_BYTES),
};

const struct record credits_lock_record = RECORD(struct credits_lock, "lock", lock_fields);
const struct record credits_treasury_record =
    RECORD(struct credits_treasury, "treasury", treasury_fields);
const struct record credits_supply_record = RECORD(struct credits_supply, "supply", supply_fields);
const struct record credits_transfer_record =
    RECORD(struct credits_transfer, "transfer", transfer_fields);

/* --- the four places where credits are --- */

static enum verdict balance_add(struct view_state *view, const struct address *address,
                                const struct amount *amount)
{
    struct members_account account;
    if (!members_get(view, address, &account))
        return VERDICT_NO_ACCOUNT;
    if (!amount_add(&account.balance, &account.balance, amount))
        return VERDICT_OVERFLOW;
    members_put(view, address, &account);
    return VERDICT_OK;
}

static enum verdict balance_take(struct view_state *view, const struct address *address,
                                 const struct amount *amount)
{
    struct members_account account;
    if (!members_get(view, address, &account))
        return VERDICT_NO_ACCOUNT;
    if (!amount_sub(&account.balance, &account.balance, amount))
        return VERDICT_BALANCE_TOO_LOW;
    members_put(view, address, &account);
    return VERDICT_OK;
}

/* What was locked belongs to an account, and no sum passes the supply: neither can fail but by a damaged view. */
static void balance_restore(struct view_state *view, const struct address *address,
                            const struct amount *amount)
{
    enum verdict verdict = balance_add(view, address, amount);
    CHECK(verdict == VERDICT_OK || view->err != ERR_NONE);
}

static struct amount treasury_get(struct view_state *view)
{
    struct credits_treasury treasury = {.amount = units_zero};
    (void)view_load(view, bytes_text("treasury"), &credits_treasury_record, &treasury);
    return treasury.amount;
}

static void treasury_set(struct view_state *view, const struct amount *amount)
{
    struct credits_treasury treasury = {.amount = *amount};
    view_save(view, bytes_text("treasury"), &credits_treasury_record, &treasury);
}

static struct path lock_path(struct credits_place place)
{
    struct path path = path_of("lock/");
    path_u8(&path, (uint8_t)place.kind);
    path_u64(&path, place.object);
    path_u32(&path, place.part);
    return path;
}

static bool lock_get(struct view_state *view, struct credits_place place, struct credits_lock *lock)
{
    struct path path = lock_path(place);
    return view_load(view, path_key(&path), &credits_lock_record, lock);
}

static void lock_set(struct view_state *view, struct credits_place place,
                     const struct credits_lock *lock)
{
    struct path path = lock_path(place);
    if (units_amount_is_zero(&lock->amount))
        view_delete(view, path_key(&path));
    else
        view_save(view, path_key(&path), &credits_lock_record, lock);
}

/* --- events --- */

static void emit_transfer(const struct catalog_run *run, enum event_tag tag,
                          const struct address *from, const struct address *to,
                          const struct amount *amount)
{
    struct event_transfer event = {.from = *from, .to = *to, .amount = *amount};
    event_add(run->events, tag, &event);
}

static void emit_lock(const struct catalog_run *run, enum event_tag tag, struct credits_place place,
                      const struct address *account, const struct amount *amount)
{
    struct event_lock event = {.kind = (uint8_t)place.kind,
                               .object = place.object,
                               .part = place.part,
                               .account = *account,
                               .amount = *amount};
    event_add(run->events, tag, &event);
}

/* --- transfer --- */

static enum verdict on_transfer(const struct catalog_run *run, const void *in)
{
    const struct credits_transfer *args = in;
    if (units_amount_is_zero(&args->amount) || address_equal(&args->to, run->sender))
        return VERDICT_NOTHING_TO_DO;
    struct members_account to;
    if (!members_get(run->view, &args->to, &to))
        return VERDICT_NO_ACCOUNT;
    if (to.revoked)
        return VERDICT_REVOKED;
    enum verdict verdict = balance_take(run->view, run->sender, &args->amount);
    if (verdict != VERDICT_OK)
        return verdict;
    if (!amount_add(&to.balance, &to.balance, &args->amount))
        return VERDICT_OVERFLOW;
    members_put(run->view, &args->to, &to);
    emit_transfer(run, EVENT_TRANSFERRED, run->sender, &args->to, &args->amount);
    return VERDICT_OK;
}

const struct catalog_method credits_methods[CREDITS_METHOD_COUNT] = {
    {CREDITS_TRANSFER, "transfer", &credits_transfer_record, 0, on_transfer},
};

/* --- locks --- */

struct amount credits_pledge(const struct catalog_run *run, struct credits_place place,
                             const struct address *owner, const struct amount *amount)
{
    struct members_account account;
    struct amount pledged = units_zero;
    if (members_get(run->view, owner, &account))
        pledged = units_amount_compare(&account.balance, amount) < 0 ? account.balance : *amount;
    enum verdict verdict = credits_lock(run, place, owner, &pledged);
    CHECK(verdict == VERDICT_OK || run->view->err != ERR_NONE);
    return pledged;
}

enum verdict credits_lock(const struct catalog_run *run, struct credits_place place,
                          const struct address *owner, const struct amount *amount)
{
    struct credits_lock lock;
    if (units_amount_is_zero(amount))
        return VERDICT_OK;
    CHECK(!lock_get(run->view, place, &lock));
    enum verdict verdict = balance_take(run->view, owner, amount);
    if (verdict != VERDICT_OK)
        return verdict;
    lock = (struct credits_lock){.kind = (uint8_t)place.kind, .owner = *owner, .amount = *amount};
    lock_set(run->view, place, &lock);
    emit_lock(run, EVENT_LOCKED, place, owner, amount);
    return VERDICT_OK;
}

struct amount credits_locked(struct view_state *view, struct credits_place place)
{
    struct credits_lock lock;
    return lock_get(view, place, &lock) ? lock.amount : units_zero;
}

void credits_unlock(const struct catalog_run *run, struct credits_place place)
{
    struct credits_lock lock;
    if (!lock_get(run->view, place, &lock))
        return;
    struct amount amount = lock.amount;
    lock.amount = units_zero;
    lock_set(run->view, place, &lock);
    balance_restore(run->view, &lock.owner, &amount);
    emit_lock(run, EVENT_UNLOCKED, place, &lock.owner, &amount);
}

/* Takes up to `amount` out of the lock; what it was, and whose. */
static struct amount lock_take(struct view_state *view, struct credits_place place,
                               const struct amount *amount, struct address *owner)
{
    struct credits_lock lock;
    if (!lock_get(view, place, &lock))
        return units_zero;
    struct amount taken = amount_min(&lock.amount, amount);
    CHECK(amount_sub(&lock.amount, &lock.amount, &taken));
    lock_set(view, place, &lock);
    *owner = lock.owner;
    return taken;
}

struct amount credits_pay(const struct catalog_run *run, struct credits_place place,
                          const struct address *to, const struct amount *amount)
{
    struct address owner;
    struct amount taken = lock_take(run->view, place, amount, &owner);
    if (units_amount_is_zero(&taken))
        return taken;
    balance_restore(run->view, to, &taken);
    emit_lock(run, EVENT_PAID, place, to, &taken);
    return taken;
}

struct amount credits_forfeit(const struct catalog_run *run, struct credits_place place,
                              const struct amount *amount)
{
    struct address owner;
    struct amount taken = lock_take(run->view, place, amount, &owner);
    if (units_amount_is_zero(&taken))
        return taken;
    struct amount treasury = treasury_get(run->view);
    CHECK(amount_add(&treasury, &treasury, &taken));
    treasury_set(run->view, &treasury);
    emit_lock(run, EVENT_FORFEITED, place, &owner, &taken);
    return taken;
}

/* --- what governance decides --- */

enum verdict credits_mint(const struct catalog_run *run, const struct address *to,
                          const struct amount *amount)
{
    struct credits_supply supply = {.minted = units_zero, .burned = units_zero};
    (void)view_load(run->view, bytes_text("supply"), &credits_supply_record, &supply);
    if (!amount_add(&supply.minted, &supply.minted, amount))
        return VERDICT_OVERFLOW;
    enum verdict verdict = balance_add(run->view, to, amount);
    if (verdict != VERDICT_OK)
        return verdict;
    view_save(run->view, bytes_text("supply"), &credits_supply_record, &supply);
    emit_transfer(run, EVENT_MINTED, &address_zero, to, amount);
    return VERDICT_OK;
}

enum verdict credits_burn(const struct catalog_run *run, const struct amount *amount)
{
    struct credits_supply supply = {.minted = units_zero, .burned = units_zero};
    (void)view_load(run->view, bytes_text("supply"), &credits_supply_record, &supply);
    struct amount treasury = treasury_get(run->view);
    if (!amount_sub(&treasury, &treasury, amount))
        return VERDICT_TREASURY_TOO_LOW;
    CHECK(amount_add(&supply.burned, &supply.burned, amount));
    treasury_set(run->view, &treasury);
    view_save(run->view, bytes_text("supply"), &credits_supply_record, &supply);
    emit_transfer(run, EVENT_BURNED, &address_zero, &address_zero, amount);
    return VERDICT_OK;
}

enum verdict credits_spend(const struct catalog_run *run, const struct address *to,
                           const struct amount *amount)
{
    struct amount treasury = treasury_get(run->view);
    if (!amount_sub(&treasury, &treasury, amount))
        return VERDICT_TREASURY_TOO_LOW;
    enum verdict verdict = balance_add(run->view, to, amount);
    if (verdict != VERDICT_OK)
        return verdict;
    treasury_set(run->view, &treasury);
    emit_transfer(run, EVENT_SPENT, &address_zero, to, amount);
    return VERDICT_OK;
}
