/* Random numbers from the operating system. */
#ifndef TOOLS_SYS_RANDOM_H
#define TOOLS_SYS_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Fit for keys. Cannot fail: a system without randomness stops the program. */
void random_fill(void *out, size_t size);
uint64_t random_u64(void);

#endif
