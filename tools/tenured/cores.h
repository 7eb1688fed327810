/* The consensus cores of a node, one after the other: one for each set of validators that the chain comes through.
 *
 * A core knows one committee and one base, so a boundary takes another one. What the driver keeps for a core (bodies it waits for, the
 * shelf, catch-up, the heights that its members signed) ends with it; the vote log goes on, and the next core's records follow it.
 *
 *     state      made by                           left by
 *     none       cores_free                        cores_make: made
 *     made       cores_make                        cores_begin: running
 *     running    cores_begin                       cores_renew at a boundary: running, as the next set's; cores_free: none
 *
 * Part of the driver: it works on what struct driver holds, on the driver's thread (before it starts and after it has stopped, on that
 * of its owner). */
#ifndef TOOLS_TENURED_CORES_H
#define TOOLS_TENURED_CORES_H

#include "base/error.h"
#include "consensus/narrate.h"

struct driver;

/* A core for the set of the node's roster, in driver->consensus, and the arena for its steps. It is given the vote log, whether the node
 * starts or the chain has come to its set: beside a chain that was put back there may be records of a set that is yet to come.
 * Requires that there is none. ERR_LIMIT: no memory; ERR_CORRUPT: a record that no core wrote. */
MUST_USE enum err cores_make(struct driver *driver, struct fault *fault);

/* Tells the core where the chain stands here and what work there is; it may act at once. False: the node has failed and says why. */
MUST_USE bool cores_begin(struct driver *driver);

/* The state says who decides and who is a candidate: brings node, net and core to it. At a boundary, which is durable, the core of the
 * set before has said its last, and that of the next one takes over. False: the node has failed and says why. */
MUST_USE bool cores_renew(struct driver *driver);

/* Shows where the core stands to other threads: driver_summary, and the verifiers' view and height. */
void cores_publish(struct driver *driver);

/* Logs what the core has to say, at the level that it deserves. */
void cores_tell(const struct narrate_line *line);

/* Frees the core; harmless if there is none. */
void cores_free(struct driver *driver);

#endif
