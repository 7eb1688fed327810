/* Reads evidence for the ledger's contracts, and writes down what this node notices. */
#ifndef TOOLS_TENURED_COURT_H
#define TOOLS_TENURED_COURT_H

#include "consensus/consensus.h"
#include "contracts/contracts.h"

struct node;

/* Asks consensus/evidence.h. Every node that makes or executes blocks has it. */
extern const struct contracts_judge court_judge;

/* Has it submitted (charges.h), and keeps evidence in DATA/evidence/SINCE-SEAT-KIND (the first height of the set it is of), unless it has such, and says how
 * to submit it. A node that can't write it goes on: others will have it too. */
void court_accuse(struct node *node, const struct action_accuse *accuse);

#endif
