/* A bounded cache of the state tree's pages, so that the hot upper ones aren't read and hashed again in every block.
 *
 * The first three levels (1 + 16 + 256 pages, which nearly every block touches) have places of their own; deeper ones share the rest, and
 * one that comes replaces the one that was there. Pages never change, so nothing is ever invalid. For one thread. */
#ifndef LEDGER_PAGES_H
#define LEDGER_PAGES_H

#include "ledger/sparse.h"

/* About 2.5 KiB each: 20 MiB when it is full. */
#define PAGES_COUNT 8192

struct pages;

/* NULL when memory is short. */
struct pages *pages_new(void);
void pages_free(struct pages *pages);

/* NULL if it isn't here. Borrowed until the next pages_put. */
const struct sparse_page *pages_get(const struct pages *pages, const struct sparse_place *place);

/* Keeps a copy; gives the copy back. */
const struct sparse_page *pages_put(struct pages *pages, const struct sparse_place *place,
                                    const struct sparse_page *page);

#endif
