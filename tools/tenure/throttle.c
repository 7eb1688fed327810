#include "tools/tenure/throttle.h"

static uint64_t time_us(const struct throttle *throttle, uint64_t bytes)
{
    return throttle->rate ? bytes * 1000000 / throttle->rate : 0;
}

uint64_t throttle_wait_us(const struct throttle *throttle, uint64_t now_us)
{
    return throttle->free_us > now_us ? throttle->free_us - now_us : 0;
}

void throttle_spend(struct throttle *throttle, uint64_t bytes, uint64_t now_us)
{
    if (throttle->free_us < now_us)
        throttle->free_us = now_us;
    throttle->free_us += time_us(throttle, bytes);
}

void throttle_refund(struct throttle *throttle, uint64_t bytes)
{
    throttle->free_us -= time_us(throttle, bytes);
}
