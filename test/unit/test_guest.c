#include "net/guest.h"

#include <stdio.h>
#include <string.h>

#include "test/harness.h"

static struct guest_list list;
static struct guest guests[8];

static struct guest *enter(unsigned i, const char *address, bool whole)
{
    guests[i] = (struct guest){.whole = whole};
    snprintf(guests[i].address, sizeof(guests[i].address), "%s", address);
    guest_enter(&list, &guests[i]);
    return guest_victim(&list, &guests[i], 3, 5);
}

START_TEST(the_oldest_without_a_whole_request_goes)
{
    memset(&list, 0, sizeof(list));
    ck_assert_ptr_null(enter(0, "10.0.0.1", true));
    ck_assert_ptr_null(enter(1, "10.0.0.1", false));
    ck_assert_ptr_null(enter(2, "10.0.0.1", false));
    ck_assert_ptr_eq(enter(3, "10.0.0.1", false), &guests[1]);
    /* It may take a moment to leave, and isn't chosen again. */
    ck_assert_ptr_eq(enter(4, "10.0.0.1", false), &guests[2]);
    guest_leave(&list, &guests[1]);
    guest_leave(&list, &guests[2]);
    ck_assert_ptr_null(enter(5, "10.0.0.2", false));
    ck_assert_uint_eq(list.count, 4);
}
END_TEST

START_TEST(when_all_are_at_work_the_newcomer_goes)
{
    memset(&list, 0, sizeof(list));
    for (unsigned i = 0; i < 3; i++)
        ck_assert_ptr_null(enter(i, "10.0.0.1", true));
    ck_assert_ptr_eq(enter(3, "10.0.0.1", false), &guests[3]);
}
END_TEST

START_TEST(all_addresses_together_are_bounded_too)
{
    char address[16];
    memset(&list, 0, sizeof(list));
    for (unsigned i = 0; i < 5; i++) {
        snprintf(address, sizeof(address), "10.0.0.%u", i);
        ck_assert_ptr_null(enter(i, address, i == 0));
    }
    ck_assert_ptr_eq(enter(5, "10.0.0.9", false), &guests[1]);
}
END_TEST

HARNESS_MAIN("guest", the_oldest_without_a_whole_request_goes,
             when_all_are_at_work_the_newcomer_goes, all_addresses_together_are_bounded_too)
