/* ledger/store.h in memory: what a simulated node has for a database. Linked before ledger/, it takes the place of RocksDB.
 *
 * A store's contents outlive store_close, as files do: store_open finds them by a path that store_memory_path makes. Batches are atomic and
 * durable at once; when power fails is the simulator's affair. There is one moment only: nothing may be written while a snapshot lives. */
#ifndef TEST_SIM_STORE_MEMORY_H
#define TEST_SIM_STORE_MEMORY_H

#define STORE_MEMORY_PATH 32

struct store;

struct store *store_memory_new(void);
void store_memory_free(struct store *store);
void store_memory_path(char path[STORE_MEMORY_PATH], const struct store *store);

#endif
