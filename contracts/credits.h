/* Credits: balances, locks (escrow, stake, deposit), treasury, supply. No other file changes an amount that somebody owns.
 *
 *     account/ <address> .balance                        free
 *     lock/ <kind u8> <object u64> <part u32> -> struct credits_lock      escrows, stakes, deposits
 *     treasury -> struct credits_treasury                what fines and remainders left
 *     supply -> struct credits_supply                    minted and burned, ever
 *
 *     balances + locks + treasury = minted - burned                       (contracts_end, every block)
 *
 *     transition                             function                           event
 *     balance -> balance                     credits_transfer                   transferred
 *     (none) -> balance                      credits_mint (governance)          minted
 *     treasury -> (none)                     credits_burn (governance)          burned
 *     treasury -> balance                    credits_spend (governance)         spent
 *     balance -> lock                        credits_lock                       locked
 *     lock -> its owner's balance            credits_unlock                     unlocked
 *     lock -> somebody's balance             credits_pay                        paid
 *     lock -> treasury                       credits_forfeit                    forfeited
 *
 * A lock that is empty is deleted. Every lock belongs to an object with a deadline, at which its contract unlocks it. */
#ifndef CONTRACTS_CREDITS_H
#define CONTRACTS_CREDITS_H

#include "base/address.h"
#include "base/units.h"
#include "contracts/catalog.h"

enum credits_kind {
    CREDITS_ESCROW = 1,  /* object: job; part 0. Owner: the consumer */
    CREDITS_STAKE = 2,   /* object: lease; part: item. Owner: the provider */
    CREDITS_DEPOSIT = 3, /* object: offer; part 0. Owner: the provider */
    CREDITS_AUDIT =
        4, /* object: job; part: slot * 256 + seat. Owner: the replayer: its stake on one audit */
    CREDITS_VOTE =
        5, /* object: job; part: slot * 256 + seat. Owner: the replayer: its stake on one vote */
    CREDITS_JOB = 6,  /* object: job; part 0. Owner: the consumer: its deposit */
    CREDITS_BOND = 7, /* object: challenge; part 0. Owner: the challenger */
    CREDITS_RULING =
        8, /* object: challenge; part: seat. Owner: the replayer: its stake on an answer */
};

struct credits_lock {
    uint8_t kind; /* enum credits_kind */
    struct address owner;
    struct amount amount; /* > 0 */
};

struct credits_treasury {
    struct amount amount;
};

struct credits_supply {
    struct amount minted; /* >= burned */
    struct amount burned;
};

extern const struct record credits_lock_record;
extern const struct record credits_treasury_record;
extern const struct record credits_supply_record;

/* --- methods --- */

/* transfer: from the sender's balance to another account's. Any member. NO_ACCOUNT, REVOKED (the receiver), BALANCE_TOO_LOW,
 * NOTHING_TO_DO (zero, or to oneself). */
#define CREDITS_TRANSFER 1
struct credits_transfer {
    struct address to;
    struct amount amount;
    struct bytes memo; /* text, <= 64 bytes; kept in the transaction only */
};

extern const struct record credits_transfer_record;
#define CREDITS_METHOD_COUNT 1
extern const struct catalog_method credits_methods[CREDITS_METHOD_COUNT];

/* --- for other contracts; each emits its event --- */

/* Names a lock. */
struct credits_place {
    enum credits_kind kind;
    uint64_t object;
    uint32_t part;
};

/* NO_ACCOUNT, BALANCE_TOO_LOW. An amount of zero locks nothing and is fine. Requires that there is no such lock. */
enum verdict credits_lock(const struct catalog_run *run, struct credits_place place,
                          const struct address *owner, const struct amount *amount);

/* Locks the amount, or the whole balance if that is less, and says how much it was. Nothing is locked of a balance of zero. */
struct amount credits_pledge(const struct catalog_run *run, struct credits_place place,
                             const struct address *owner, const struct amount *amount);

/* What is in the lock; zero if there is none. */
struct amount credits_locked(struct view_state *view, struct credits_place place);

/* All of it goes home. Nothing happens if there is none. */
void credits_unlock(const struct catalog_run *run, struct credits_place place);

/* Moves `amount`, or all there is if that is less, and says how much it was. */
struct amount credits_pay(const struct catalog_run *run, struct credits_place place,
                          const struct address *to, const struct amount *amount);
struct amount credits_forfeit(const struct catalog_run *run, struct credits_place place,
                              const struct amount *amount);

/* OVERFLOW, NO_ACCOUNT, TREASURY_TOO_LOW. */
enum verdict credits_mint(const struct catalog_run *run, const struct address *to,
                          const struct amount *amount);
enum verdict credits_burn(const struct catalog_run *run, const struct amount *amount);
enum verdict credits_spend(const struct catalog_run *run, const struct address *to,
                           const struct amount *amount);

#endif
