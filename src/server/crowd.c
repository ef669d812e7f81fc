#include <stdlib.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "server/http_parts.h"

// So many may wait at a time. Those that have asked are not counted: they are worked on.
enum { WAITING_MAX = 256 };

struct guest {
    int fd;
    bool waits;
    struct guest *before, *next; // in the queue of those that wait
};

struct ta_crowd {
    pthread_mutex_t lock;
    struct guest ends; // of a ring: next is who has waited longest
    int waiting;
};

int ta_crowd_create(struct ta_crowd **out)
{
    struct ta_crowd *c = ta_xcalloc(1, sizeof(*c));
    pthread_mutex_init(&c->lock, NULL);
    c->ends.next = c->ends.before = &c->ends;
    *out = c;
    return 0;
}

void ta_crowd_destroy(struct ta_crowd **c)
{
    if (!*c)
        return;
    pthread_mutex_destroy(&(*c)->lock);
    ta_freep(c);
}

static void leave(struct ta_crowd *c, struct guest *g)
{
    if (!g->waits)
        return;
    g->before->next = g->next;
    g->next->before = g->before;
    g->waits = false;
    c->waiting--;
}

static void enter(struct ta_crowd *c, struct guest *g)
{
    leave(c, g);
    g->before = c->ends.before;
    g->next = &c->ends;
    g->before->next = g->next->before = g;
    g->waits = true;
    c->waiting++;
}

void ta_crowd_on_connection(void *priv, struct MHD_Connection *connection, void **socket_context,
                            enum MHD_ConnectionNotificationCode code)
{
    struct ta_crowd *c = priv;
    struct guest *g = *socket_context;
    pthread_mutex_lock(&c->lock);
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection,
                                                                       MHD_CONNECTION_INFO_CONNECTION_FD);
        *socket_context = g = ta_xcalloc(1, sizeof(*g));
        g->fd = info ? info->connect_fd : -1;
        enter(c, g);
        // Its descriptor is open for as long as it is in the queue: who closes it takes it out before.
        if (c->waiting > WAITING_MAX) {
            shutdown(c->ends.next->fd, SHUT_RDWR);
            leave(c, c->ends.next);
        }
    } else if (g) {
        leave(c, g);
        free(g);
        *socket_context = NULL;
    }
    pthread_mutex_unlock(&c->lock);
}

static struct guest *guest_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection,
                                                                   MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

void ta_crowd_asks(struct ta_crowd *c, struct MHD_Connection *connection)
{
    struct guest *g = guest_of(connection);
    pthread_mutex_lock(&c->lock);
    if (g)
        leave(c, g);
    pthread_mutex_unlock(&c->lock);
}

void ta_crowd_rests(struct ta_crowd *c, struct MHD_Connection *connection)
{
    struct guest *g = guest_of(connection);
    pthread_mutex_lock(&c->lock);
    if (g)
        enter(c, g);
    pthread_mutex_unlock(&c->lock);
}
