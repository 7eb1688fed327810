#include "net/lobby.h"

#include "test/harness.h"

START_TEST(the_oldest_of_the_address_that_has_most_goes)
{
    const struct lobby_guest guests[] = {
        {"10.0.0.1:1000", 1}, {"10.0.0.2:1001", 7}, {"10.0.0.2:1002", 5},
        {"10.0.0.3:1003", 2}, {"10.0.0.2:1004", 6},
    };
    ck_assert_uint_eq(lobby_victim(guests, 5), 2);
    ck_assert_uint_eq(lobby_victim(guests, 1), 0);
}
END_TEST

START_TEST(of_equals_the_first_goes)
{
    const struct lobby_guest guests[] = {{"[fe80::1]:9", 3}, {"[fe80::2]:9", 2}, {"10.0.0.1:9", 4}};
    ck_assert_uint_eq(lobby_victim(guests, 3), 1);
}
END_TEST

START_TEST(a_host_is_told_from_its_port)
{
    ck_assert(lobby_same_host("10.0.0.1:1", "10.0.0.1:2"));
    ck_assert(!lobby_same_host("10.0.0.1:1", "10.0.0.11:1"));
    ck_assert(lobby_same_host("[::1]:1", "[::1]:2"));
    ck_assert(lobby_is_loopback("127.0.0.1:80"));
    ck_assert(lobby_is_loopback("[::1]:80"));
    ck_assert(!lobby_is_loopback("12.7.0.1:80"));
}
END_TEST

HARNESS_MAIN("lobby", the_oldest_of_the_address_that_has_most_goes, of_equals_the_first_goes,
             a_host_is_told_from_its_port)
