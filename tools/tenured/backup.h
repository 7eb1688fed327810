/* A copy of a stopped node's chain and log of votes: a data folder that a node can start from.
 *
 * The copy grows old. A node that starts from it after its key has voted further finds that in the pledge beside the key
 * (tools/tenured/pledge.h), and votes in no view and for no height that it may have voted for, until it has caught up. */
#ifndef TOOLS_TENURED_BACKUP_H
#define TOOLS_TENURED_BACKUP_H

#include "tools/sys/settings.h"

/* Makes `folder`. ERR_MISMATCH: it is there already; ERR_NOT_FOUND: there is no chain yet; ERR_BUSY: the node runs; else the store's. */
MUST_USE enum err backup_run(const struct settings *settings, const char *folder,
                             struct fault *fault);

#endif
