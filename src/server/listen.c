#include "server/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/http.h"

bool ta_server_is_loopback(const char *address)
{
    return !strncmp(address, "127.", 4) || !strncmp(address, "[::1]", 5) ||
           !strncmp(address, "localhost:", 10);
}

static int fail(const char *where, int number, int fd, struct ta_log *log)
{
    ta_error(log, "%s: can't listen there: %s", where, ta_errno_text(number, (char[TA_ERRNO_TEXT]){0}));
    if (fd >= 0)
        close(fd);
    return number == EADDRINUSE ? TA_ERR_BUSY : ta_error_from_errno(number);
}

static int port_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } at;
    socklen_t size = sizeof(at);
    if (getsockname(fd, &at.any, &size) < 0)
        return 0;
    return ntohs(at.any.sa_family == AF_INET6 ? at.v6.sin6_port : at.v4.sin_port);
}

// To be freed with freeaddrinfo(); NULL when it is none. Nobody is asked for names.
static struct addrinfo *look_up(const char *address)
{
    char *host = ta_xstrdup(address), *colon = strrchr(host, ':'), *name = host;
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV},
                    *found = NULL;
    if (colon)
        *colon = '\0';
    if (*name == '[' && name[strlen(name) - 1] == ']') {
        name[strlen(name) - 1] = '\0';
        name++;
    }
    if (!strcmp(name, "localhost"))
        name = "127.0.0.1";
    if (!colon || !*name || !colon[1] || getaddrinfo(name, colon + 1, &hints, &found))
        found = NULL;
    free(host);
    return found;
}

bool ta_server_is_address(const char *address)
{
    struct addrinfo *found = look_up(address);
    if (found)
        freeaddrinfo(found);
    return found != NULL;
}

int ta_listen_on(const char *address, int *port, struct ta_log *log)
{
    struct addrinfo *found = look_up(address);
    int fd, one = 1;
    if (!found) {
        ta_error(log, "%s: no address to listen on; it is a number and a port, such as 127.0.0.1:7860",
                 address);
        return TA_ERR_INVALID;
    }
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
        bind(fd, found->ai_addr, found->ai_addrlen) < 0 || listen(fd, SOMAXCONN) < 0)
        fd = fail(address, errno, fd, log);
    else
        *port = port_of(fd);
    freeaddrinfo(found);
    return fd;
}

int ta_listen_at(const char *path, struct ta_log *log)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct stat st;
    if (strlen(path) >= sizeof(at.sun_path)) {
        ta_error(log, "%s: too long for the name of a socket (%zu bytes at most)", path,
                 sizeof(at.sun_path) - 1);
        return TA_ERR_INVALID;
    }
    strcpy(at.sun_path, path);
    // The state folder is locked by now: a socket of ours that is there is one of a service that has ended.
    if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) && st.st_uid == geteuid())
        unlink(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return fail(path, errno, fd, log);
    mode_t mask = umask(0177); // before anybody could connect
    int bound = bind(fd, (struct sockaddr *)&at, sizeof(at)), number = errno;
    umask(mask);
    if (bound < 0)
        return fail(path, number, fd, log);
    return listen(fd, SOMAXCONN) < 0 ? fail(path, errno, fd, log) : fd;
}
