/* Reads evidence for the ledger's contracts, and writes down what this node notices. */
#ifndef TOOLS_TENURED_COURT_H
#define TOOLS_TENURED_COURT_H

#include "consensus/consensus.h"
#include "contracts/contracts.h"

struct node;

/* Asks consensus/evidence.h. Every node that makes or executes blocks has it. */
extern const struct contracts_judge court_judge;

/* Keeps evidence in DATA/evidence/SEAT-KIND-VIEW, and says how to submit it. */
void court_accuse(struct node *node, const struct action_accuse *accuse);

#endif
