#include "net/endpoint.h"

#include <netinet/in.h>
#include <stdint.h>
#include <unistd.h>

#include "test/harness.h"

START_TEST(numeric_addresses_are_read_and_nothing_else)
{
    static const char *const bad[] = {"",
                                      ":80",
                                      "127.0.0.1",
                                      "127.0.0.1:",
                                      "host:80",
                                      "127.0.0.1:x",
                                      "127.0.0.1:65536",
                                      "127.0.0.1:-1",
                                      "127.0.0.1:999999",
                                      "[::1]",
                                      "::1:80x",
                                      "[::1:80",
                                      "127.0.0.1 :80",
                                      "[]:80"};
    struct endpoint endpoint;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!endpoint_parse(&endpoint, bad[i]), "%s", bad[i]);
    ck_assert(endpoint_parse(&endpoint, "127.0.0.1:80"));
    ck_assert(endpoint.loopback);
    ck_assert(endpoint_parse(&endpoint, "127.9.9.9:0"));
    ck_assert(endpoint.loopback);
    ck_assert(endpoint_parse(&endpoint, "0.0.0.0:65535"));
    ck_assert(!endpoint.loopback);
    ck_assert(endpoint_parse(&endpoint, "[::1]:80"));
    ck_assert(endpoint.loopback);
    ck_assert(endpoint_parse(&endpoint, "[::]:80"));
    ck_assert(!endpoint.loopback);
}
END_TEST

START_TEST(a_port_that_is_taken_is_told_apart)
{
    struct endpoint endpoint;
    int first, second;
    struct sockaddr_in sa;
    socklen_t size = sizeof(sa);
    ck_assert(endpoint_parse(&endpoint, "127.0.0.1:0"));
    ck_assert_int_eq(endpoint_listen(&first, &endpoint), ERR_NONE);
    ck_assert_int_eq(getsockname(first, (struct sockaddr *)&sa, &size), 0);
    ((struct sockaddr_in *)(void *)&endpoint.address)->sin_port = sa.sin_port;
    ck_assert_int_eq(endpoint_listen(&second, &endpoint), ERR_BUSY);
    char text[ENDPOINT_TEXT_SIZE];
    ck_assert(endpoint_text(text, (const struct sockaddr *)&sa));
    ck_assert_str_eq(text, "127.0.0.1");
    close(first);
}
END_TEST

START_TEST(host_and_port_may_be_a_name)
{
    ck_assert(endpoint_has_port("validator.example:7000"));
    ck_assert(endpoint_has_port("[::1]:7000"));
    ck_assert(!endpoint_has_port("validator.example"));
    ck_assert(!endpoint_has_port(":7000"));
    ck_assert(!endpoint_has_port("host:"));
    ck_assert(!endpoint_has_port("host:0"));
    ck_assert(!endpoint_has_port("host:70000"));
    ck_assert(!endpoint_has_port("host/x:7000"));
}
END_TEST

HARNESS_MAIN("endpoint", numeric_addresses_are_read_and_nothing_else,
             a_port_that_is_taken_is_told_apart, host_and_port_may_be_a_name)
