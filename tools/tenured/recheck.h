/* `tenured --check`: reads a stopped node's whole data folder again, and says whether it is whole. */
#ifndef TOOLS_TENURED_RECHECK_H
#define TOOLS_TENURED_RECHECK_H

#include "base/error.h"
#include "tools/sys/settings.h"

/* Checks every block, receipt and key of the chain in `settings`, and each block's certificate against the validator set of its height; prints
 * one line about it. Changes nothing.
 * ERR_NOT_FOUND: there is no chain yet; ERR_CORRUPT: the fault names the first thing that is damaged; else as chain_open. */
MUST_USE enum err recheck_run(const struct settings *settings, struct fault *fault);

#endif
