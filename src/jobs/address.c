#include "jobs/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/mem.h"

// Blocks that are not of the public Internet (RFC 6890 and its successors).
static bool is_public_v4(uint32_t a)
{
    static const struct {
        uint32_t base;
        int bits;
    } others[] = {
        {0x00000000, 8},  // this network
        {0x0a000000, 8},  // private
        {0x64400000, 10}, // behind a provider's translation
        {0x7f000000, 8},  // this machine
        {0xa9fe0000, 16}, // this link, and where clouds tell secrets
        {0xac100000, 12}, // private
        {0xc0000000, 24}, // protocols
        {0xc0000200, 24}, // documentation
        {0xc0586300, 24}, // 6to4 relays
        {0xc0a80000, 16}, // private
        {0xc6120000, 15}, // measurements
        {0xc6336400, 24}, // documentation
        {0xcb007100, 24}, // documentation
        {0xe0000000, 3},  // many at once, and reserved
    };
    for (size_t i = 0; i < TA_COUNT(others); i++)
        if ((a ^ others[i].base) >> (32 - others[i].bits) == 0)
            return false;
    return true;
}

static uint32_t four(const uint8_t *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static bool is_public_v6(const uint8_t *a)
{
    static const uint8_t zeros[12], translated[12] = {0, 0x64, 0xff, 0x9b};
    if (!memcmp(a, zeros, 10) && a[10] == 0xff && a[11] == 0xff)
        return is_public_v4(four(a + 12)); // ::ffff:a.b.c.d
    if (!memcmp(a, translated, 12))
        return is_public_v4(four(a + 12)); // 64:ff9b::a.b.c.d
    if (a[0] == 0x20 && a[1] == 0x02)
        return is_public_v4(four(a + 2)); // 2002:aabb:ccdd::
    if (a[0] == 0x20 && a[1] == 0x01 && (a[2] < 0x02 || (a[2] == 0x0d && a[3] == 0xb8)))
        return false;             // 2001::/23, with Teredo; documentation
    return (a[0] & 0xe0) == 0x20; // all that is handed out: 2000::/3
}

bool ta_address_is_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return is_public_v4(ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr));
    if (address->sa_family == AF_INET6)
        return is_public_v6(((const struct sockaddr_in6 *)(const void *)address)->sin6_addr.s6_addr);
    return false;
}

bool ta_address_is_web(const char *text)
{
    char *host = !strncasecmp(text, "http://", 7) || !strncasecmp(text, "https://", 8) ? ta_address_host(text)
                                                                                       : NULL;
    bool is = host && *host;
    free(host);
    return is;
}

// Where user, host and port begin, and how long they are.
static const char *authority(const char *text, size_t *length)
{
    const char *at = strstr(text, "://");
    if (!at)
        return NULL;
    at += 3;
    *length = strcspn(at, "/?#\\");
    return at;
}

bool ta_address_has_user(const char *text)
{
    size_t n;
    const char *at = authority(text, &n);
    return at && memchr(at, '@', n);
}

char *ta_address_host(const char *text)
{
    size_t n;
    const char *at = authority(text, &n);
    if (!at)
        return NULL;
    for (const char *user; (user = memchr(at, '@', n));) {
        n -= (size_t)(user + 1 - at);
        at = user + 1;
    }
    if (n && *at == '[') {
        const char *end = memchr(at, ']', n);
        return end ? ta_xstrndup(at + 1, (size_t)(end - at - 1)) : NULL;
    }
    const char *port = memchr(at, ':', n);
    return ta_xstrndup(at, port ? (size_t)(port - at) : n);
}

bool ta_address_is_private(const char *text)
{
    struct addrinfo *found = NULL, hints = {.ai_socktype = SOCK_STREAM};
    char *host = ta_address_host(text);
    bool is = !host;
    if (host && getaddrinfo(host, NULL, &hints, &found) == 0)
        for (const struct addrinfo *a = found; a && !is; a = a->ai_next)
            is = !ta_address_is_public(a->ai_addr);
    if (found)
        freeaddrinfo(found);
    free(host);
    return is;
}

static curl_socket_t open_public(void *priv, curlsocktype purpose, struct curl_sockaddr *address)
{
    bool *refused = priv;
    (void)purpose;
    if (!ta_address_is_public(&address->addr)) {
        *refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

void ta_address_guard(void *curl, bool private_too, bool *refused)
{
    *refused = false;
    // By way of a proxy the address is another one than that which is reached.
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    if (private_too)
        return;
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_public);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, refused);
}
