#include "tools/tenured/parcel.h"

#include <stdlib.h>
#include <string.h>

struct parcel *parcel_new(struct bytes header, struct bytes body)
{
    struct parcel *parcel = malloc(sizeof(*parcel) + header.size + body.size);
    if (!parcel)
        return NULL;
    atomic_init(&parcel->holders, 1);
    parcel->digest = digest_of(header.data, header.size);
    memcpy(parcel->data, header.data, header.size);
    if (body.size > 0)
        memcpy(parcel->data + header.size, body.data, body.size);
    parcel->header = bytes_of(parcel->data, header.size);
    parcel->body = bytes_of(parcel->data + header.size, body.size);
    return parcel;
}

struct parcel *parcel_hold(struct parcel *parcel)
{
    atomic_fetch_add(&parcel->holders, 1);
    return parcel;
}

void parcel_drop(struct parcel *parcel)
{
    if (parcel && atomic_fetch_sub(&parcel->holders, 1) == 1)
        free(parcel);
}

/* Removes the one at `index` from a room. */
static void parcel_take_out(struct parcel **room, size_t index)
{
    parcel_drop(room[index]);
    memmove(&room[index], &room[index + 1],
            (PARCEL_SHELF_COUNT - index - 1) * sizeof(struct parcel *));
    room[PARCEL_SHELF_COUNT - 1] = NULL;
}

void parcel_shelf_put(struct parcel_shelf *shelf, unsigned number, struct parcel *parcel)
{
    struct parcel **room = shelf->parcels[number];
    if (parcel_shelf_get(shelf, &parcel->digest)) {
        parcel_drop(parcel);
        return;
    }
    size_t count = 0, size = parcel->body.size;
    for (; count < PARCEL_SHELF_COUNT && room[count]; count++)
        size += room[count]->body.size;
    while (count > 0 && (count == PARCEL_SHELF_COUNT || size > PARCEL_SHELF_BYTES)) {
        size -= room[0]->body.size;
        parcel_take_out(room, 0);
        count--;
    }
    room[count] = parcel;
}

struct parcel *parcel_shelf_get(const struct parcel_shelf *shelf, const struct digest *digest)
{
    for (size_t room = 0; room < PARCEL_ROOMS; room++)
        for (size_t i = 0; i < PARCEL_SHELF_COUNT && shelf->parcels[room][i]; i++)
            if (digest_equal(&shelf->parcels[room][i]->digest, digest))
                return shelf->parcels[room][i];
    return NULL;
}

void parcel_shelf_remove(struct parcel_shelf *shelf, const struct digest *digest)
{
    for (size_t room = 0; room < PARCEL_ROOMS; room++)
        for (size_t i = 0; i < PARCEL_SHELF_COUNT && shelf->parcels[room][i]; i++)
            if (digest_equal(&shelf->parcels[room][i]->digest, digest)) {
                parcel_take_out(shelf->parcels[room], i);
                return;
            }
}

void parcel_shelf_clear(struct parcel_shelf *shelf)
{
    for (size_t room = 0; room < PARCEL_ROOMS; room++)
        while (shelf->parcels[room][0])
            parcel_take_out(shelf->parcels[room], 0);
}
