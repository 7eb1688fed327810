/* Evidence as a transaction: two messages that no correct validator signs both vacate its seat. (DESIGN 5)
 *
 * The set of the messages' own height says whose key it was. A key that has left its seat since, by a vote or by a conviction, loses
 * nothing more; so a seat is vacated once, and who sits there now isn't blamed for the one before.
 * There is no bond to slash: a vacant seat earns nothing until governance fills it. */
#ifndef CONTRACTS_CONVICTION_H
#define CONTRACTS_CONVICTION_H

#include "base/limits.h"
#include "contracts/catalog.h"

/* submit: anybody. BAD_ARGUMENTS (it proves nothing), NOT_FOUND (no such set, or the key sits there no more), WRONG_STATE (vacant already),
 * TOO_SOON, TOO_FEW (contracts/seats.h; the evidence stays good). Events: validator_guilty, validator_vacated. */
#define CONVICTION_SUBMIT 1
struct conviction_submit {
    struct bytes evidence; /* packed (consensus/evidence.h) */
};

extern const struct record conviction_submit_record;
#define CONVICTION_METHOD_COUNT 1
extern const struct catalog_method conviction_methods[CONVICTION_METHOD_COUNT];

#endif
