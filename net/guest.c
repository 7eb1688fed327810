#include "net/guest.h"

#include <stddef.h>
#include <string.h>

void guest_enter(struct guest_list *list, struct guest *guest)
{
    guest->previous = NULL;
    guest->next = list->newest;
    if (guest->next != NULL)
        guest->next->previous = guest;
    list->newest = guest;
    list->count++;
}

void guest_leave(struct guest_list *list, struct guest *guest)
{
    *(guest->previous == NULL ? &list->newest : &guest->previous->next) = guest->next;
    if (guest->next != NULL)
        guest->next->previous = guest->previous;
    list->count--;
}

struct guest *guest_victim(struct guest_list *list, struct guest *guest, uint32_t address_max,
                           uint32_t count_max)
{
    struct guest *of_address = guest, *of_all = guest; /* the newest, unless an older one is idle */
    uint32_t same = 0, all = 0;
    for (struct guest *one = list->newest; one != NULL; one = one->next) {
        bool is_same = strcmp(one->address, guest->address) == 0;
        if (one->leaving)
            continue;
        all++;
        same += is_same;
        if (one->whole)
            continue;
        of_all = one;
        if (is_same)
            of_address = one;
    }
    struct guest *victim = same > address_max ? of_address : all > count_max ? of_all : NULL;
    if (victim != NULL)
        victim->leaving = true;
    return victim;
}
