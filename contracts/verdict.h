/* Verdicts: what a rule says to a call. Data, stored in receipts, the same on every node; numbers are never changed or reused.
 * From VERDICT_LIST come the enum, the names ("not_found") and the sentences. */
#ifndef CONTRACTS_VERDICT_H
#define CONTRACTS_VERDICT_H

#include <stdint.h>

/* clang-format off */
#define VERDICT_LIST(X)                                                                                              \
    X(OK,                 0, "ok",                  "Done.")                                                         \
    /* the call itself */                                                                                            \
    X(NO_CONTRACT,        1, "no_contract",         "There is no contract of this number.")                          \
    X(NO_METHOD,          2, "no_method",           "The contract has no method of this number.")                    \
    X(BAD_ARGUMENTS,      3, "bad_arguments",       "The arguments are not the method's record: wrong count, type, size or encoding.") \
    X(OUT_OF_BOUNDS,      4, "out_of_bounds",       "An argument is outside of the bounds that the method states.")  \
    X(OVERFLOW,           5, "overflow",            "The result would not fit in 256 bits.")                         \
    /* who */                                                                                                        \
    X(NO_ACCOUNT,        10, "no_account",          "No account has this address.")                                  \
    X(REVOKED,           11, "revoked",             "The account is revoked.")                                       \
    X(NOT_PERMITTED,     12, "not_permitted",       "The sender does not have the role that the method asks for.")   \
    X(NOT_OWNER,         13, "not_owner",           "Only the owner may do this.")                                   \
    X(ACCOUNT_EXISTS,    14, "account_exists",      "There is an account with this key already.")                    \
    X(BAD_KEY,           15, "bad_key",             "The bytes are no public key.")                                  \
    X(BAD_SIGNATURE,     16, "bad_signature",       "The statement is not validly signed for this chain.")           \
    X(SERIAL_USED,       17, "serial_used",         "The signer has used this serial before.")                       \
    X(KEY_USED,          18, "key_used",            "A validator has this key, host name or replayer already.")      \
    /* money */                                                                                                      \
    X(BALANCE_TOO_LOW,   20, "balance_too_low",     "The balance does not cover the amount.")                        \
    X(NOTHING_TO_DO,     21, "nothing_to_do",       "The call would change nothing.")                                \
    X(BUDGET_TOO_SMALL,  22, "budget_too_small",    "The budget does not cover every segment and every replay of the job.") \
    X(TREASURY_TOO_LOW,  23, "treasury_too_low",    "The treasury does not cover the amount.")                       \
    /* objects and their lives */                                                                                    \
    X(NOT_FOUND,         30, "not_found",           "There is no such object.")                                      \
    X(WRONG_STATE,       31, "wrong_state",         "The object's state does not allow this.")                       \
    X(TOO_LATE,          32, "too_late",            "The deadline has passed.")                                      \
    X(EXPIRED,           34, "expired",             "It has expired.")                                               \
    X(TOO_MANY,          35, "too_many",            "The limit of such objects is reached.")                         \
    X(IN_USE,            36, "in_use",              "It is leased, and what is leased cannot change so.")            \
    X(TOO_SOON,          37, "too_soon",            "A change before this one has yet to take effect: try again later.") \
    X(TOO_FEW,           38, "too_few",             "Too few validators would be left.")                             \
    /* training */                                                                                                   \
    X(BAD_PROGRAM,       40, "bad_program",         "The program is not one that the trainer accepts.")              \
    X(STALE,             41, "stale",               "Round or attempt is not the current one.")                      \
    X(NOT_WORKER,        42, "not_worker",          "Only the leased worker of the slot may do this.")               \
    X(NOT_ASSIGNED,      43, "not_assigned",        "The replayer is not assigned to this segment.")                 \
    X(NOT_REPLAYER,      44, "not_replayer",        "Only a validator's replayer may do this.")                      \
    X(WRONG_LEAVES,      45, "wrong_leaves",        "The trace does not have exactly one leaf a checkpoint.")        \
    X(WRONG_START,       46, "wrong_start",         "A leaf is not the leased start root, or not the committed one.")                  \
    X(WRONG_END,         47, "wrong_end",           "The last leaf is not the end root with its witness.")           \
    X(WRONG_INTERVALS,   48, "wrong_intervals",     "The intervals are not exactly the ones drawn, in order.")       \
    X(WRONG_SEAL,        49, "wrong_seal",          "The answers and the nonce do not give the seal.")               \
    X(ALREADY_DONE,      50, "already_done",        "The sender has done this already, and it cannot be replaced.")  \
    X(WRONG_PREIMAGE,    51, "wrong_preimage",      "The preimage does not hash to the end of the chain.")           \
    X(WRONG_TRACE_ROOT,  52, "wrong_trace_root",    "The leaves do not have this trace root.")                       \
    X(NOTHING_DRAWN,     53, "nothing_drawn",       "No reveal of an assigned replayer is there to draw from.")           \
    X(STAKE_TOO_LOW,     54, "stake_too_low",       "The stake is below what the network asks for this much work.")
/* clang-format on */

#define VERDICT_VALUE(symbol, number, name, sentence) VERDICT_##symbol = number,
enum verdict { VERDICT_LIST(VERDICT_VALUE) };
#undef VERDICT_VALUE

/* A stable word such as "balance_too_low", and one sentence for people; "unknown" for a number that is none. Never NULL. */
const char *verdict_name(uint16_t verdict);
const char *verdict_text(uint16_t verdict);

#endif
