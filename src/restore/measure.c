#include "restore/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/env.h"
#include "base/ledger.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/thread.h"
#include "base/tuning.h"

static struct ta_stage_seconds spent(const struct ta_env *env)
{
    struct ta_ledger *l = env ? env->ledger : NULL;
    return (struct ta_stage_seconds){.all = ta_ledger_sum_of(l, "stage", "").wall,
                                     .scale = ta_ledger_sum_of(l, "stage", "scale.").wall,
                                     .encode = ta_ledger_sum_of(l, "stage", "encode").wall};
}

void ta_measure_begin(struct ta_measure *m, struct ta_metrics *metrics, const struct ta_plan *plan,
                      const struct ta_callbacks *callbacks, const char *kind)
{
    *m = (struct ta_measure){.metrics = metrics, .plan = plan, .env = callbacks ? callbacks->env : NULL};
    ta_metrics_begin(metrics, kind);
    m->spent = spent(m->env);
    if (m->env && m->env->sessions)
        ta_sessions_get_stats(m->env->sessions, &m->before);
}

static void add_recipe(struct ta_metrics *out, const struct ta_plan *plan)
{
    const char *preset = json_string_value(json_object_get(json_object_get(plan->recipe, "preset"), "value"));
    json_t *values = json_object(), *item;
    const char *name;
    // Where a value comes from makes no difference.
    json_object_foreach(plan->recipe, name, item)
        json_object_set(values, name, json_object_get(item, "value"));
    char *text = json_dumps(values, JSON_COMPACT | JSON_SORT_KEYS);
    if (text)
        ta_sha256_hex(text, strlen(text), out->recipe_sha);
    snprintf(out->preset, sizeof out->preset, "%s", preset ? preset : "");
    free(text);
    json_decref(values);
}

static void add_tuning(struct ta_metrics *out, const struct ta_tuning *t)
{
    const struct {
        const char *name;
        bool on;
    } switches[] = {{"video_pipeline_filters", t->video_pipeline_filters},
                    {"audio_model_preload", t->audio_model_preload},
                    {"queue_rwlock", t->queue_rwlock},
                    {"gui_polling", t->gui_polling},
                    {"progress_throttle", t->progress_throttle},
                    {"filter_chain_cache", t->filter_chain_cache},
                    {"engine_batching", t->engine_batching}};
    for (size_t i = 0; i < TA_COUNT(switches); i++) {
        snprintf(out->tuning[i].name, sizeof out->tuning[i].name, "%s", switches[i].name);
        out->tuning[i].on = switches[i].on;
    }
    out->tuning_count = (int)TA_COUNT(switches);
}

// Networks that were asked for since the beginning; a run without any has none of these numbers.
static void add_cache(const struct ta_measure *m)
{
    struct ta_sessions_stats now;
    ta_sessions_get_stats(m->env->sessions, &now);
    if (now.hits + now.misses == m->before.hits + m->before.misses)
        return;
    m->metrics->cache_loads = now.loads - m->before.loads;
    m->metrics->cache_hits = now.hits - m->before.hits;
    m->metrics->cache_misses = now.misses - m->before.misses;
    m->metrics->cache_bytes = (int64_t)now.bytes;
    m->metrics->model_load_seconds = now.seconds - m->before.seconds;
}

void ta_measure_end(struct ta_measure *m, int64_t delivered, int64_t made, double seconds)
{
    struct ta_metrics *out = m->metrics;
    out->total_seconds = seconds;
    out->peak_memory_mb = (double)ta_peak_rss_bytes() / 1e6;
    out->frames = delivered;
    if (made > 0 && seconds > 0)
        out->frames_per_second = (double)made / seconds;
    if (made > 0 && m->env && m->env->ledger) {
        struct ta_stage_seconds now = spent(m->env), *then = &m->spent;
        out->upscaling_seconds = now.scale - then->scale;
        out->encoding_seconds = now.encode - then->encode;
        out->preprocessing_seconds = now.all - then->all - out->upscaling_seconds - out->encoding_seconds;
    }
    out->width = m->plan->out_format.width;
    out->height = m->plan->out_format.height;
    snprintf(out->source_sha, sizeof out->source_sha, "%s", m->plan->source.head_tail);
    add_recipe(out, m->plan);
    if (m->env && m->env->tuning)
        add_tuning(out, m->env->tuning);
    if (m->env && m->env->sessions)
        add_cache(m);
}
