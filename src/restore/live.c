#include "restore/live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "base/mem.h"
#include "base/tree.h"

enum { LIVE_LIMIT = 1 << 16, HOST_LENGTH = 255 };
static const char live_name[] = "run.json", tmp_name[] = ".ta-run.tmp";
static const double MOST = 1e12; // of anything that is told

double ta_wall_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void ta_live_write(void *priv, const struct ta_progress *p)
{
    const struct ta_live *l = priv;
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    json_t *o = json_pack("{s:i, s:f, s:f, s:s, s:f, s:f, s:I, s:I, s:f, s:f, s:I, s:i, s:i, s:i, s:i, s:I}",
                          "pid", (int)getpid(), "started", l->started, "updated", ta_wall_clock(), "phase",
                          ta_phase_name(p->phase), "fraction", p->fraction, "total", p->total, "frames_done",
                          (json_int_t)p->frames_done, "frames_total", (json_int_t)p->frames_total, "fps",
                          p->fps, "eta_seconds", p->eta, "bytes", (json_int_t)p->bytes, "segments_done",
                          p->segments_done, "segments_total", p->segments_total, "tasks_done", p->tasks_done,
                          "tasks_total", p->tasks_total, "rss", (json_int_t)p->rss_bytes);
    json_t *name = json_string(host);
    if (name)
        json_object_set_new(o, "host", name);
    char *text = json_dumps(o, JSON_COMPACT);
    // What a killed run has left under this name is nobody's.
    ta_folder_unlink(l->folder, tmp_name);
    int fd = text ? ta_folder_create(l->folder, tmp_name, NULL) : -1;
    if (fd >= 0) {
        size_t size = strlen(text);
        bool written = write(fd, text, size) == (ssize_t)size;
        close(fd);
        if (!written || renameat(l->folder->fd, tmp_name, l->folder->fd, live_name) < 0)
            ta_folder_unlink(l->folder, tmp_name);
    }
    free(text);
    json_decref(o);
}

static bool is_phase(const char *text)
{
    for (int i = 0; i < TA_PHASE_COUNT; i++)
        if (!strcmp(text, ta_phase_name((enum ta_phase)i)))
            return true;
    return false;
}

// What is not as it is written here does not count.
static json_t *only_known(const json_t *o)
{
    static const char *const numbers[] = {"started", "updated", "fraction", "total", "fps", "eta_seconds"},
                             *const counts[] = {"pid", "frames_done"};
    json_t *out = json_object();
    for (size_t i = 0; i < TA_COUNT(numbers); i++) {
        json_t *v = json_object_get(o, numbers[i]);
        double value = json_number_value(v);
        if (json_is_number(v) && value >= -1 && value <= MOST)
            json_object_set(out, numbers[i], v);
    }
    for (size_t i = 0; i < TA_COUNT(counts); i++) {
        json_t *v = json_object_get(o, counts[i]);
        if (json_is_integer(v) && json_integer_value(v) >= 0 && (double)json_integer_value(v) <= MOST)
            json_object_set(out, counts[i], v);
    }
    const char *phase = json_string_value(json_object_get(o, "phase")),
               *host = json_string_value(json_object_get(o, "host"));
    if (phase && is_phase(phase))
        json_object_set(out, "phase", json_object_get(o, "phase"));
    if (host && strlen(host) <= HOST_LENGTH)
        json_object_set(out, "host", json_object_get(o, "host"));
    return out;
}

json_t *ta_live_read(const char *dir)
{
    struct ta_folder folder;
    struct ta_buf text = {0};
    json_t *o = NULL, *known = NULL;
    if (ta_folder_hold(&folder, dir, NULL) >= 0 &&
        ta_folder_read(&folder, live_name, LIVE_LIMIT, &text, NULL) >= 0)
        ta_json_parse(ta_buf_text(&text), text.size, live_name, &o, NULL);
    if (json_is_object(o))
        known = only_known(o);
    json_decref(o);
    ta_folder_close(&folder);
    ta_buf_release(&text);
    return known;
}
