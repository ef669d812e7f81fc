// Asks a service the same question over many connections that stay open, as fast as it answers, and tells how
// many requests a second and how long each took.
//
// usage: http_load PORT PATH CONNECTIONS SECONDS
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { STEPS = 100000, STEP_NS = 10000, CONNECTIONS_MAX = 1024 }; // the histogram: 10 us up to a second

struct connection {
    int fd;
    char answer[65536];
    size_t have;
    int64_t asked_ns;
};

static char request[2048];
static size_t request_size;
static int64_t counts[STEPS];
static int64_t answers, failures, longest_ns;

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void ask(struct connection *c)
{
    c->have = 0;
    c->asked_ns = now_ns();
    if (send(c->fd, request, request_size, MSG_NOSIGNAL) != (ssize_t)request_size) {
        perror("send");
        exit(1);
    }
}

// Is the answer whole?
static bool is_whole(struct connection *c)
{
    c->answer[c->have] = '\0';
    char *end = strstr(c->answer, "\r\n\r\n"), *length = strcasestr(c->answer, "content-length:");
    if (!end)
        return false;
    size_t body = length && length < end ? strtoul(length + 15, NULL, 10) : 0;
    return c->have >= (size_t)(end + 4 - c->answer) + body;
}

static void hear(struct connection *c)
{
    ssize_t n = recv(c->fd, c->answer + c->have, sizeof(c->answer) - 1 - c->have, 0);
    if (n <= 0) {
        fprintf(stderr, "a connection has ended\n");
        exit(1);
    }
    c->have += (size_t)n;
    if (!is_whole(c))
        return;
    int64_t took = now_ns() - c->asked_ns, step = took / STEP_NS;
    counts[step < STEPS ? step : STEPS - 1]++;
    longest_ns = took > longest_ns ? took : longest_ns;
    answers++;
    failures += strncmp(c->answer, "HTTP/1.1 200", 12) != 0;
    ask(c);
}

static double quantile_ms(double part)
{
    int64_t left = (int64_t)((double)answers * part);
    for (int i = 0; i < STEPS; i++)
        if ((left -= counts[i]) <= 0)
            return (i + 1) * (STEP_NS / 1e6);
    return STEPS * (STEP_NS / 1e6);
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: http_load PORT PATH CONNECTIONS SECONDS\n");
        return 2;
    }
    int count = atoi(argv[3]), epoll = epoll_create1(0), one = 1;
    double seconds = atof(argv[4]);
    static struct connection connections[CONNECTIONS_MAX];
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    request_size = (size_t)snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n",
                                    argv[2]);
    for (int i = 0; i < count && i < CONNECTIONS_MAX; i++) {
        struct connection *c = &connections[i];
        c->fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(c->fd, (struct sockaddr *)&at, sizeof(at)) < 0) {
            perror("connect");
            return 1;
        }
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &(struct epoll_event){.events = EPOLLIN, .data.ptr = c});
    }
    int64_t begin = now_ns(), end = begin + (int64_t)(seconds * 1e9);
    for (int i = 0; i < count; i++)
        ask(&connections[i]);
    while (now_ns() < end) {
        struct epoll_event events[64];
        int n = epoll_wait(epoll, events, 64, 1000);
        for (int i = 0; i < n; i++)
            hear(events[i].data.ptr);
    }
    double took = (double)(now_ns() - begin) / 1e9;
    printf("{\"requests_per_second\": %.0f, \"p50_ms\": %.2f, \"p99_ms\": %.2f, \"max_ms\": %.2f, "
           "\"answers\": %" PRId64 ", \"failures\": %" PRId64 "}\n",
           (double)answers / took, quantile_ms(0.5), quantile_ms(0.99), (double)longest_ns / 1e6, answers,
           failures);
    return 0;
}
