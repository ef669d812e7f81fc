#include "metrics/metrics.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include <terminalai/terminalai.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/thread.h"

void ta_metrics_begin(struct ta_metrics *m, const char *kind)
{
    struct timespec now;
    char host[256] = "", sum[TA_SHA256_HEX];
    *m = (struct ta_metrics){.kind = kind,
                             .preprocessing_seconds = -1,
                             .upscaling_seconds = -1,
                             .encoding_seconds = -1,
                             .total_seconds = -1,
                             .model_load_seconds = -1,
                             .peak_memory_mb = -1,
                             .gpu_utilization_percent = -1,
                             .frames_per_second = -1,
                             .queue_query_ms = -1,
                             .cache_loads = -1,
                             .cache_hits = -1,
                             .cache_misses = -1,
                             .cache_bytes = -1,
                             .exit_code = -1};
    clock_gettime(CLOCK_REALTIME, &now);
    ta_utc_text(now.tv_sec, m->time);
    gethostname(host, sizeof host - 1);
    char *one = ta_xprintf("%s %ld %lld %ld %.9f", host, (long)getpid(), (long long)now.tv_sec, now.tv_nsec,
                           ta_clock_seconds());
    ta_sha256_hex(one, strlen(one), sum);
    memcpy(m->run_id, sum, sizeof m->run_id - 1);
    free(one);
}

static json_t *number(double value)
{
    return value >= 0 ? json_real(value) : json_null();
}

static json_t *whole(int64_t value)
{
    return value >= 0 ? json_integer(value) : json_null();
}

static json_t *text(const char *value)
{
    json_t *s = value && *value ? json_string(value) : NULL; // a name need not be UTF-8
    return s ? s : json_null();
}

static json_t *machine(void)
{
    char host[256] = "";
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    gethostname(host, sizeof host - 1);
    return json_pack("{s:o, s:s, s:i, s:o}", "host", text(host), "cpu", ta_cpu_text(ta_cpu_flags()), "cores",
                     ta_cpu_count(), "memory_mb",
                     number(pages > 0 && size > 0 ? (double)pages * (double)size / 1e6 : -1));
}

static json_t *tuning(const struct ta_metrics *m)
{
    json_t *o = json_object();
    for (int i = 0; i < m->tuning_count; i++)
        json_object_set_new(o, m->tuning[i].name, json_boolean(m->tuning[i].on));
    return o;
}

char *ta_metrics_line(const struct ta_metrics *m)
{
    json_t *o = json_object();
    json_object_set_new(o, "run_id", text(m->run_id));
    json_object_set_new(o, "time", text(m->time));
    json_object_set_new(o, "version", json_string(ta_version()));
    json_object_set_new(o, "kind", text(m->kind));
    json_object_set_new(o, "preprocessing_time_sec", number(m->preprocessing_seconds));
    json_object_set_new(o, "upscaling_time_sec", number(m->upscaling_seconds));
    json_object_set_new(o, "encoding_time_sec", number(m->encoding_seconds));
    json_object_set_new(o, "total_time_sec", number(m->total_seconds));
    json_object_set_new(o, "peak_memory_mb", number(m->peak_memory_mb));
    json_object_set_new(o, "gpu_utilization_percent", number(m->gpu_utilization_percent));
    json_object_set_new(o, "frames_per_second", number(m->frames_per_second));
    json_object_set_new(o, "model_load_time_sec", number(m->model_load_seconds));
    json_object_set_new(o, "queue_query_time_ms", number(m->queue_query_ms));
    json_object_set_new(o, "machine", machine());
    json_object_set_new(o, "recipe",
                        json_pack("{s:o, s:o}", "preset", text(m->preset), "sha256", text(m->recipe_sha)));
    json_object_set_new(o, "source_sha", text(m->source_sha));
    json_object_set_new(o, "frames", whole(m->frames));
    json_object_set_new(o, "size", m->width > 0 ? json_pack("[i, i]", m->width, m->height) : json_null());
    json_object_set_new(o, "tuning", m->tuning_count ? tuning(m) : json_null());
    json_object_set_new(o, "cache",
                        m->cache_loads < 0
                            ? json_null()
                            : json_pack("{s:o, s:o, s:o, s:o}", "loads", whole(m->cache_loads), "hits",
                                        whole(m->cache_hits), "misses", whole(m->cache_misses), "bytes",
                                        whole(m->cache_bytes)));
    json_object_set_new(o, "exit_code", whole(m->exit_code));
    char *line = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(o);
    return line ? line : ta_xstrdup("{}");
}
