/* The state's snapshots as others fetch them from this node: which one, and its chunks. For the thread of statesync.h. */
#ifndef TOOLS_TENURED_OFFERING_H
#define TOOLS_TENURED_OFFERING_H

#include "base/bytes.h"
#include "net/peer.h"

struct node;

/* Answers WANT_SNAPSHOT: the wanted height's header and certificate, or those of the latest that everybody offers; nothing if it has none. */
void offering_snapshot(struct node *node, struct place to, struct bytes request);

/* Answers WANT_BOUNDARY; nothing if there is none. */
void offering_boundary(struct node *node, struct place to, struct bytes request);

/* Answers WANT_CHUNK; with an empty chunk when the state of that height isn't here. True if a chunk was cut. */
bool offering_chunk(struct node *node, struct place to, struct bytes request);

#endif
