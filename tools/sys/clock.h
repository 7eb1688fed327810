/* The two clocks. */
#ifndef TOOLS_SYS_CLOCK_H
#define TOOLS_SYS_CLOCK_H

#include <stdint.h>

/* Since some moment in the past; never goes back. */
uint64_t clock_monotonic_ms(void);
uint64_t clock_monotonic_us(void);

/* Since 1970-01-01 UTC; may jump. */
uint64_t clock_wall_ms(void);

/* Sleeps at least so long, whatever signals come. */
void clock_sleep_ms(uint64_t ms);

#endif
