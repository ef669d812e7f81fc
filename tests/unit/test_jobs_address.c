// Which addresses are of the public Internet, and what an address of the web names.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/mem.h"
#include "jobs/address.h"

static bool is_public(const char *text)
{
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
        return ta_address_is_public((const struct sockaddr *)&four);
    assert_int_equal(inet_pton(AF_INET6, text, &six.sin6_addr), 1);
    return ta_address_is_public((const struct sockaddr *)&six);
}

static void test_blocks(void **state)
{
    (void)state;
    static const char *const yes[] = {"1.1.1.1",          "9.255.255.255",   "11.0.0.0",
                                      "100.63.255.255",   "100.128.0.0",     "126.255.0.1",
                                      "128.0.0.1",        "169.253.255.255", "172.15.255.255",
                                      "172.32.0.0",       "192.167.0.1",     "192.169.0.1",
                                      "198.17.255.255",   "198.20.0.0",      "223.255.255.255",
                                      "2606:4700::1",     "2a00:1450::200e", "::ffff:1.1.1.1",
                                      "64:ff9b::8.8.8.8", "2002:808:808::1", "2001:4860:4860::8888"};
    static const char *const no[] = {"0.0.0.0",
                                     "10.0.0.1",
                                     "100.64.0.1",
                                     "100.127.255.255",
                                     "127.0.0.1",
                                     "127.255.255.255",
                                     "169.254.169.254",
                                     "172.16.0.1",
                                     "172.31.255.255",
                                     "192.0.0.8",
                                     "192.168.1.1",
                                     "198.18.0.1",
                                     "198.19.255.255",
                                     "224.0.0.1",
                                     "240.0.0.1",
                                     "255.255.255.255",
                                     "::",
                                     "::1",
                                     "::127.0.0.1",
                                     "fe80::1",
                                     "fc00::1",
                                     "fd12::1",
                                     "ff02::1",
                                     "fec0::1",
                                     "::ffff:127.0.0.1",
                                     "::ffff:10.0.0.1",
                                     "64:ff9b::10.0.0.1",
                                     "64:ff9b:1::1",
                                     "2002:a00:1::1",
                                     "2002:7f00:1::1",
                                     "2001::1",
                                     "2001:db8::1",
                                     "100::1"};
    for (size_t i = 0; i < TA_COUNT(yes); i++)
        if (!is_public(yes[i]))
            fail_msg("%s is public", yes[i]);
    for (size_t i = 0; i < TA_COUNT(no); i++)
        if (is_public(no[i]))
            fail_msg("%s is not public", no[i]);
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    assert_false(ta_address_is_public((const struct sockaddr *)&local));
}

static void host_is(const char *address, const char *host)
{
    char *got = ta_address_host(address);
    if (host)
        assert_string_equal(got, host);
    else
        assert_null(got);
    free(got);
}

static void test_hosts(void **state)
{
    (void)state;
    host_is("https://example.org/a?b#c", "example.org");
    host_is("http://example.org:8080", "example.org");
    host_is("http://u:p@example.org/", "example.org");
    host_is("http://a@b@example.org/", "example.org");
    host_is("http://[::1]:80/x", "::1");
    host_is("http://[::1", NULL);
    host_is("example.org/http://x", "x");
    host_is("example.org", NULL);
    assert_true(ta_address_is_web("HTTPS://example.org"));
    assert_false(ta_address_is_web("https://"));
    assert_false(ta_address_is_web("https:///x"));
    assert_false(ta_address_is_web("ftp://example.org"));
    assert_false(ta_address_is_web("/films/http://x.avi"));
    assert_true(ta_address_has_user("http://u@example.org/"));
    assert_false(ta_address_has_user("http://example.org/@home"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_blocks), cmocka_unit_test(test_hosts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
