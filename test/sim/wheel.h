/* What is going to happen, in the order of virtual time; what was scheduled first comes first. */
#ifndef TEST_SIM_WHEEL_H
#define TEST_SIM_WHEEL_H

#include "base/bytes.h"

struct wheel_event {
    uint64_t time_ms;
    uint64_t order; /* given by wheel_add: no two are equal */
    int kind;       /* the owner's */
    uint8_t seat;   /* to whom it happens */
    uint32_t life;  /* of that seat, at which it was scheduled */
    uint64_t a, b;  /* the owner's */
    uint8_t *data;  /* owned: freed by who takes the event */
    size_t size;
};

struct wheel {
    struct wheel_event *heap; /* owned */
    size_t count, room;
    uint64_t order;
};

void wheel_release(struct wheel *wheel);

/* Copies `data` into the event; *event's own data and order are ignored. */
void wheel_add(struct wheel *wheel, const struct wheel_event *event, struct bytes data);

/* The earliest one; false if there is none at or before `until_ms`. Free event->data. */
bool wheel_take(struct wheel *wheel, struct wheel_event *event, uint64_t until_ms);

#endif
