#include "tools/sys/certificate.h"

#include "test/harness.h"

#include <string.h>

static struct fault fault;

static void make_authority(struct certificate *out)
{
    ck_assert_int_eq(certificate_authority(out, "Test consortium", 30, &fault), ERR_NONE);
}

START_TEST(node_is_valid_under_its_authority_only)
{
    struct certificate ours, theirs, node;
    const char *const hosts[] = {"localhost", "127.0.0.1", "::1"};

    make_authority(&ours);
    make_authority(&theirs);
    ck_assert_int_eq(certificate_issue(&node, &ours, "node-1", hosts, 3, 30, &fault), ERR_NONE);
    ck_assert_int_eq(certificate_check(node.pem, ours.pem, &fault), ERR_NONE);
    ck_assert_int_eq(certificate_check(node.pem, theirs.pem, &fault), ERR_SIGNATURE);
}
END_TEST

START_TEST(node_cannot_issue_certificates)
{
    struct certificate authority, node, other;

    make_authority(&authority);
    ck_assert_int_eq(certificate_issue(&node, &authority, "node-1", NULL, 0, 30, &fault), ERR_NONE);
    ck_assert_int_eq(certificate_issue(&other, &node, "node-2", NULL, 0, 30, &fault), ERR_NONE);
    ck_assert_int_eq(certificate_check(other.pem, node.pem, &fault), ERR_SIGNATURE);
    ck_assert_int_eq(certificate_check(other.pem, authority.pem, &fault), ERR_SIGNATURE);
}
END_TEST

START_TEST(every_certificate_has_its_own_key)
{
    struct certificate authority, first, second;

    make_authority(&authority);
    ck_assert_int_eq(certificate_issue(&first, &authority, "node", NULL, 0, 30, &fault), ERR_NONE);
    ck_assert_int_eq(certificate_issue(&second, &authority, "node", NULL, 0, 30, &fault), ERR_NONE);
    ck_assert_str_ne(first.key, second.key);
    ck_assert(strstr(first.key, "BEGIN PRIVATE KEY"));
}
END_TEST

START_TEST(expired_certificate_is_refused)
{
    struct certificate authority, node;

    make_authority(&authority);
    ck_assert_int_eq(certificate_issue(&node, &authority, "node-1", NULL, 0, 0, &fault), ERR_NONE);
    ck_assert_int_eq(certificate_check(node.pem, authority.pem, &fault), ERR_SIGNATURE);
    ck_assert(strstr(fault.text, "expired"));
}
END_TEST

START_TEST(authority_with_another_key_is_refused)
{
    struct certificate authority, other, node;

    make_authority(&authority);
    make_authority(&other);
    memcpy(authority.key, other.key, sizeof(other.key));
    ck_assert_int_eq(certificate_issue(&node, &authority, "node-1", NULL, 0, 30, &fault),
                     ERR_MISMATCH);
    memcpy(authority.key, "none", 5);
    ck_assert_int_eq(certificate_issue(&node, &authority, "node-1", NULL, 0, 30, &fault),
                     ERR_MALFORMED);
}
END_TEST

/* A host goes into an extension's text: a comma would smuggle another name in. */
START_TEST(names_that_are_no_hosts_are_refused)
{
    struct certificate authority, node;
    const char *const comma[] = {"a,DNS:b"}, *const empty[] = {""};
    const char *const many[] = {"a", "b", "c", "d", "e", "f", "g", "h"};

    make_authority(&authority);
    ck_assert_int_eq(certificate_issue(&node, &authority, "a b", NULL, 0, 30, &fault), ERR_USAGE);
    ck_assert_int_eq(certificate_issue(&node, &authority, "10.0.0.1", NULL, 0, 30, &fault),
                     ERR_USAGE);
    ck_assert_int_eq(certificate_issue(&node, &authority, "a", comma, 1, 30, &fault), ERR_USAGE);
    ck_assert_int_eq(certificate_issue(&node, &authority, "a", empty, 1, 30, &fault), ERR_USAGE);
    ck_assert_int_eq(certificate_issue(&node, &authority, "a", many, 7, 30, &fault), ERR_NONE);
    ck_assert_int_eq(certificate_issue(&node, &authority, "a", many, 8, 30, &fault), ERR_USAGE);
    ck_assert_int_eq(certificate_authority(&node, "", 30, &fault), ERR_USAGE);
}
END_TEST

HARNESS_MAIN("certificate", node_is_valid_under_its_authority_only, node_cannot_issue_certificates,
             every_certificate_has_its_own_key, expired_certificate_is_refused,
             authority_with_another_key_is_refused, names_that_are_no_hosts_are_refused)
