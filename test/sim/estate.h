/* The real ledger: blocks of signed transactions, contracts, the pool, and a chain over a store in memory, used as the node's executor does.
 *
 * People move credits, some of which they don't have, offer storage that expires soon, and make several calls at once. Number n is
 * transaction (n - 1) / PEOPLE of person (n - 1) % PEOPLE. */
#ifndef TEST_SIM_ESTATE_H
#define TEST_SIM_ESTATE_H

#include "test/sim/books.h"

extern const struct books_kind estate_kind;

#endif
