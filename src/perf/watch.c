#include "perf/watch.h"

#include <dirent.h>
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "recipe/folders.h"

struct process {
    pid_t id, parent;
    int64_t bytes;
    bool counts;
};

static bool read_process(const char *name, struct process *p)
{
    char path[300], line[1024], state;
    long long pages;
    int parent;
    snprintf(path, sizeof path, "/proc/%s/stat", name);
    FILE *f = fopen(path, "re");
    bool ok = f && fgets(line, sizeof line, f);
    if (f)
        fclose(f);
    const char *rest = ok ? strrchr(line, ')') : NULL; // a name may hold anything
    // Behind the name: state, parent, then 20 numbers up to the pages in memory.
    ok = rest &&
         sscanf(rest + 1,
                " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %*u %*u %lld",
                &state, &parent, &pages) == 3;
    if (ok)
        *p = (struct process){(pid_t)atoi(name), parent, pages * sysconf(_SC_PAGESIZE), false};
    return ok;
}

// perf-ok(growth-by-one): a few processes
static void look(pid_t root, struct ta_watch_point *point)
{
    struct process *all = NULL;
    size_t count = 0;
    DIR *folder = opendir("/proc");
    for (struct dirent *e; folder && (e = readdir(folder));) {
        struct process p;
        if (e->d_name[0] < '1' || e->d_name[0] > '9' || !read_process(e->d_name, &p))
            continue;
        all = ta_xrealloc(all, (count + 1) * sizeof *all);
        all[count++] = p;
    }
    if (folder)
        closedir(folder);
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < count; i++) {
            bool mine = all[i].id == root;
            for (size_t j = 0; j < count && !mine; j++)
                mine = all[j].counts && all[j].id == all[i].parent;
            if (mine && !all[i].counts) {
                all[i].counts = more = true;
                point->bytes += all[i].bytes;
                point->processes++;
            }
        }
    }
    free(all);
}

static int start(pid_t *pid, char *const *argv, const char *preload, struct ta_log *log)
{
    char *with = preload ? ta_xprintf("LD_PRELOAD=%s", preload) : NULL;
    char **environment = ta_environment_for_child((const char *const[]){with ? "LD_PRELOAD=" : NULL, NULL},
                                                  (const char *const[]){with, NULL});
    int error = posix_spawnp(pid, argv[0], NULL, NULL, argv, environment);
    ta_environment_free(environment);
    free(with);
    if (error)
        ta_error(log, "%s can't be started: %s", argv[0], ta_errno_text(error, (char[TA_ERRNO_TEXT]){0}));
    return error ? ta_error_from_errno(error) : 0;
}

// perf-ok(polling-sleep): nothing tells of memory that a process takes
int ta_watch_run(struct ta_watched *out, char *const *argv, const char *preload, int interval_ms,
                 void (*each)(void *priv), void *priv, struct ta_log *log)
{
    pid_t pid;
    *out = (struct ta_watched){0};
    int err = start(&pid, argv, preload, log);
    double began = ta_clock_seconds();
    size_t room = 0;
    while (err >= 0) {
        siginfo_t info = {0};
        struct ta_watch_point point = {.seconds = ta_clock_seconds() - began};
        if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid)
            break;
        look(pid, &point);
        if (each)
            each(priv);
        if (out->count == room) {
            room = TA_MAX((size_t)256, room * 2);
            out->points = ta_xrealloc(out->points, room * sizeof *out->points);
        }
        out->points[out->count++] = point;
        out->peak = TA_MAX(out->peak, point.bytes);
        // timed wait: nothing tells of memory that a process takes
        ta_sleep_us((int64_t)interval_ms * 1000);
    }
    out->seconds = ta_clock_seconds() - began;
    while (err >= 0 && waitpid(pid, &out->status, 0) < 0 && errno == EINTR)
        continue;
    return err;
}

void ta_watched_release(struct ta_watched *w)
{
    ta_freep(&w->points);
    w->count = 0;
}

void ta_watched_csv(const struct ta_watched *w, struct ta_buf *out)
{
    ta_buf_puts(out, "seconds,bytes,processes\n");
    for (size_t i = 0; i < w->count; i++)
        ta_buf_printf(out, "%.3f,%lld,%d\n", w->points[i].seconds, (long long)w->points[i].bytes,
                      w->points[i].processes);
}

void ta_append_xml(struct ta_buf *out, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '&':
            ta_buf_puts(out, "&amp;");
            break;
        case '<':
            ta_buf_puts(out, "&lt;");
            break;
        case '>':
            ta_buf_puts(out, "&gt;");
            break;
        case '"':
            ta_buf_puts(out, "&quot;");
            break;
        default:
            if ((unsigned char)*text >= ' ')
                ta_buf_putc(out, *text);
        }
    }
}

void ta_watched_svg(const struct ta_watched *w, const char *title, struct ta_buf *out)
{
    enum { WIDTH = 900, HEIGHT = 320, LEFT = 70, TOP = 40, BOTTOM = 40, RIGHT = 20 };
    double most = TA_MAX((double)w->peak, 1e6) * 1.1, last = TA_MAX(w->seconds, 0.001);
    double across = (WIDTH - LEFT - RIGHT) / last, up = (HEIGHT - TOP - BOTTOM) / most;
    ta_buf_printf(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" "
        "font-size=\"12\"><rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/><text x=\"%d\" y=\"22\" "
        "font-size=\"14\">",
        WIDTH, HEIGHT, LEFT);
    ta_append_xml(out, title);
    ta_buf_printf(out, ": %.1f MB at most, %.1f s</text>", (double)w->peak / 1e6, w->seconds);
    for (int i = 0; i <= 4; i++) {
        double y = HEIGHT - BOTTOM - most * i / 4 * up;
        ta_buf_printf(
            out,
            "<path d=\"M%d %.1fH%d\" stroke=\"#ddd\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.0f MB</text>",
            LEFT, y, WIDTH - RIGHT, LEFT - 6, y + 4, most * i / 4 / 1e6);
        double x = LEFT + last * i / 4 * across;
        ta_buf_printf(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.1f s</text>", x,
                      HEIGHT - BOTTOM + 18, last * i / 4);
    }
    ta_buf_puts(out, "<polyline fill=\"none\" stroke=\"#06c\" stroke-width=\"1.5\" points=\"");
    for (size_t i = 0; i < w->count; i++)
        ta_buf_printf(out, "%.1f,%.1f ", LEFT + w->points[i].seconds * across,
                      HEIGHT - BOTTOM - (double)w->points[i].bytes * up);
    ta_buf_puts(out, "\"/></svg>\n");
}
