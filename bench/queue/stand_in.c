// Stands in for a worker: does nothing with its jobs but tell of them, ten times a second, as long as it is
// told. It is small, so that a machine holds a thousand of them.
//
// usage: stand_in MILLISECONDS (by a supervisor alone: its socket is descriptor 3)
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SOCKET = 3, EVERY_MS = 100, CANCELED = -11 };

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void say(const char *text)
{
    size_t size = strlen(text);
    for (ssize_t n; size; text += n, size -= (size_t)n)
        if ((n = write(SOCKET, text, size)) <= 0)
            exit(0);
}

static void say_result(int64_t job, int err)
{
    char line[160];
    snprintf(line, sizeof(line),
             "{\"v\":1,\"type\":\"result\",\"job\":%" PRId64 ",\"err\":%d,\"result\":{}}\n", job, err);
    say(line);
}

static void say_progress(int64_t job, int64_t done, int64_t total)
{
    char line[320];
    snprintf(line, sizeof(line),
             "{\"v\":1,\"type\":\"progress\",\"job\":%" PRId64
             ",\"phase\":\"video\",\"fraction\":%.4f,\"total\":%.4f,\"frames_done\":%" PRId64
             ",\"frames_total\":%" PRId64 ",\"fps\":25.0,\"eta\":1.0,\"elapsed\":1.0}\n",
             job, (double)done / (double)total, (double)done / (double)total, done, total);
    say(line);
}

int main(int argc, char **argv)
{
    static char text[1 << 16];
    int64_t length_ms = argc > 1 ? atoll(argv[1]) : 1000, job = 0, begun = 0;
    size_t have = 0;
    say("{\"v\":1,\"type\":\"hello\",\"job\":0}\n");
    for (;;) {
        struct pollfd fd = {.fd = SOCKET, .events = POLLIN};
        if (poll(&fd, 1, job ? EVERY_MS : -1) < 0 && errno != EINTR)
            return 1;
        if (fd.revents) {
            ssize_t n = read(SOCKET, text + have, sizeof(text) - 1 - have);
            if (n <= 0)
                return 0;
            text[have += (size_t)n] = '\0';
        }
        for (char *end; (end = strchr(text, '\n'));) {
            *end = '\0';
            const char *id = strstr(text, "\"job\":");
            if (strstr(text, "\"type\":\"start\"") && id) {
                job = atoll(id + 6);
                begun = now_ms();
            } else if (strstr(text, "\"type\":\"cancel\"") && job) {
                say_result(job, CANCELED);
                job = 0;
            }
            have -= (size_t)(end + 1 - text);
            memmove(text, end + 1, have + 1);
        }
        int64_t done = now_ms() - begun;
        if (job && done >= length_ms) {
            say_result(job, 0);
            job = 0;
        } else if (job) {
            say_progress(job, done, length_ms);
        }
    }
}
