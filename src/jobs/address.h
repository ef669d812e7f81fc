// Addresses on the network: which machines the service may speak to on behalf of others.
#ifndef TA_JOBS_ADDRESS_H
#define TA_JOBS_ADDRESS_H

#include <stdbool.h>

struct sockaddr;

// Is it an address of the public Internet? Those of this machine, of a home's or firm's network and all that
// are reserved are not, also where an IPv6 address wraps one of IPv4.
bool ta_address_is_public(const struct sockaddr *address);

// Is the text an address of the web, http:// or https:// with a host?
bool ta_address_is_web(const char *text);
// The host of an address with a scheme, without user, port and brackets, to be freed; NULL when there is
// none.
char *ta_address_host(const char *text);
// Has it a user or a password in it?
bool ta_address_has_user(const char *text);

// Does its host, as far as it has an address now, lie on this machine or in its network? For programs that
// connect by themselves: a name may mean another address when they ask. Blocks.
bool ta_address_is_private(const char *text);

// For libcurl: lets a handle connect to public addresses alone, whatever names and redirects lead to.
// *refused is set when that stopped it; it must outlive the handle's transfers. `private` true: to all.
void ta_address_guard(void *curl, bool private_too, bool *refused);

#endif
