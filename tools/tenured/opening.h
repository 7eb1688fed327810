/* The NEW-VIEWs that opened the views in which blocks were committed: the certificates of those blocks name them. A file each, whose height
 * is that of the first block that was committed here in its view:
 *
 *     DATA/new-views/<height, 20 digits>-<digest of the NEW-VIEW, 64 hexadecimal digits>
 *
 * One is kept as long as a block that it may have opened the view of: those from its height to the next file's, and OPENING_LATE more,
 * since a block that was proposed again may yet come with the certificate of the view before. */
#ifndef TOOLS_TENURED_OPENING_H
#define TOOLS_TENURED_OPENING_H

#include "base/digest.h"
#include "base/error.h"
#include "base/units.h"
#include "consensus/consensus.h"

#define OPENING_LATE BOUNDS_WINDOW

/* Keeps one, durably. `data` is the node's folder. ERR_IO, ERR_LIMIT. */
MUST_USE enum err opening_keep(const char *data, struct height height, const struct digest *digest,
                               struct bytes new_view, struct fault *fault);

/* Removes those that opened no view of a block from `start` on. Files of other names stay. ERR_IO, ERR_LIMIT. */
MUST_USE enum err opening_prune(const char *data, struct height start, struct fault *fault);

#endif
