/* The folders of a state that is fetched, and how it takes the place of the chain. A kill at any point leaves what the next start goes on
 * with.
 *
 *     DATA/incoming     the import, also over a restart (ledger/import.h)
 *     DATA/fetched      it is whole: takes the place of DATA/chain at the next start, unless that has come as far by blocks
 *     DATA/discarded    what is on its way out: a folder leaves its place by one rename before its files are removed, so that none is ever
 *                       opened in part
 */
#ifndef TOOLS_TENURED_FETCHED_H
#define TOOLS_TENURED_FETCHED_H

#include "base/bytes.h"
#include "base/error.h"

#define FETCHED_INCOMING "incoming"

/* Puts what was fetched before into the place of DATA/chain, if it is above it: a chain never goes back below what this node has voted on.
 * If it is damaged it is discarded with a line in the log, since it can be fetched again. Before the chain is opened; errors as chain_open. */
MUST_USE enum err fetched_adopt(const char *data, struct bytes genesis, struct fault *fault);

/* DATA/incoming is whole and closed: it is DATA/fetched now. ERR_IO. */
MUST_USE enum err fetched_complete(const char *data, struct fault *fault);

/* Removes the folder DATA/name, at once or not at all for whoever looks; nothing to do when there is none. ERR_IO. */
MUST_USE enum err fetched_discard(const char *data, const char *name, struct fault *fault);

#endif
