#include "restore/survey.h"

#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/tree.h"
#include "media/index/index_streams.h"
#include "media/source.h"
#include "restore/joined.h"

int ta_survey_create(struct ta_survey **out, const char *input, const char *cache, struct ta_log *log)
{
    struct ta_survey *s = *out = ta_xcalloc(1, sizeof *s);
    s->input = ta_xstrdup(input);
    s->cache = cache ? ta_xstrdup(cache) : NULL;
    s->log = ta_log_child(log, "survey");
    ta_survey_set_measures(s, ta_measures);
    return 0;
}

void ta_survey_set_measures(struct ta_survey *s, const struct ta_measure_info *const *table)
{
    s->table = table;
    s->rows = ta_measure_count(table);
}

static void forget(struct ta_survey *s)
{
    for (int i = 0; i < 2; i++) {
        ta_index_destroy(&s->readings[i].index);
        for (int depth = 0; depth < 2; depth++)
            ta_measured_free(&s->readings[i].measured[depth], s->rows);
        s->readings[i] = (struct ta_survey_reading){0};
    }
    if (s->has_facts)
        ta_source_facts_release(&s->facts);
    s->has_facts = false;
    json_decref(s->files);
    s->files = NULL;
}

void ta_survey_destroy(struct ta_survey **survey)
{
    struct ta_survey *s = *survey;
    *survey = NULL;
    if (!s)
        return;
    forget(s);
    ta_hardware_facts_release(&s->hardware);
    ta_neural_facts_release(&s->neural);
    ta_neural_facts_release(&s->fields);
    free(s->nvvfx);
    for (int i = 0; i < s->named_count; i++) {
        free(s->named[i].value);
        free(s->named[i].path);
        free(s->named[i].why);
    }
    free(s->named);
    ta_log_destroy(&s->log);
    free(s->input);
    free(s->cache);
    free(s);
}

// ---- reading ----

struct share { // of a phase
    const struct ta_progress_fn *whole;
    double from, span;
};

static void report_share(void *priv, double done)
{
    const struct share *s = priv;
    s->whole->report(s->whole->priv, s->from + s->span * done);
}

// An index of the same source, made before: opening raw DV without one reads all of it.
static struct ta_index *known_index(const struct ta_survey *s, bool decode_all)
{
    for (int i = 0; i < 2; i++)
        if (s->readings[i].index)
            return ta_index_share(s->readings[i].index);
    return ta_index_cached(s->input, decode_all, s->cache);
}

// Opens the source once for both, whichever is missing.
static int read_source(struct ta_survey *s, bool decode_all, struct ta_meter *meter, struct ta_log *log)
{
    struct ta_survey_reading *r = &s->readings[decode_all];
    if (s->has_facts && r->index)
        return 0;
    struct ta_progress_fn progress = ta_meter_start(meter, TA_PHASE_INDEX);
    // Raw DV is read once to find its frames, then for what the index asks of each.
    struct share first = {&progress, 0, 0.5}, then = {&progress, 0.5, 0.5};
    const struct ta_progress_fn opening = {report_share, &first}, second = {report_share, &then};
    struct ta_source *source = NULL;
    struct ta_index *kept = known_index(s, decode_all);
    // Reading over damage is the index's, so that what the head says is the same whether there is one or not.
    const struct ta_source_known known = {.dv = kept ? kept->dv : NULL, .progress = &opening};
    int err = ta_source_open_known(&source, s->input, &known, ta_meter_cancel(meter), log);
    ta_index_destroy(&kept);
    if (err >= 0 && s->programme)
        err = ta_source_choose_programme(source, s->programme);
    if (err >= 0 && !r->index)
        err = ta_index_get(&r->index, source, decode_all, s->cache, source->dv ? &second : &progress, log);
    // Streams of a broadcast whose identifiers change are those that the index has.
    if (err >= 0 && !s->has_facts && r->index->routes_count) {
        const struct ta_source_known routed = {.routes = r->index->routes,
                                               .routes_count = r->index->routes_count};
        ta_source_close(&source);
        err = ta_source_open_known(&source, s->input, &routed, ta_meter_cancel(meter), log);
        if (err >= 0)
            ta_source_set_video(source, r->index->video);
    }
    // What its head says, and what only shows when all of it was read.
    if (err >= 0 && !s->has_facts && (err = ta_index_complete_source(r->index, source)) >= 0) {
        s->has_facts = true;
        err = ta_source_facts_read(&s->facts, source);
        if (err < 0)
            ta_error(log, "%s: out of memory for what its headers say", s->input);
        if (err >= 0)
            err = ta_joined_read(&s->files, source, log);
        if (err < 0) {
            ta_source_facts_release(&s->facts);
            s->has_facts = false;
        }
    }
    ta_source_close(&source);
    return err;
}

// ---- measuring ----

// What the cached results depend on besides the source: the measures.
static char *cache_path(const struct ta_survey *s, bool decode_all)
{
    struct ta_buf key = {0};
    for (int i = 0; i < s->rows; i++)
        ta_buf_printf(&key, "%s%s %d", i ? " " : "", s->table[i]->name, s->table[i]->version);
    char *path = ta_index_cache_path(s->cache, &s->readings[decode_all].index->source, decode_all,
                                     ta_buf_text(&key), "survey.json");
    ta_buf_release(&key);
    return path;
}

static void look_in_cache(struct ta_survey *s, bool decode_all, struct ta_log *log)
{
    struct ta_survey_reading *r = &s->readings[decode_all];
    char *path = r->looked ? NULL : cache_path(s, decode_all);
    json_t *root = path ? ta_survey_load(path, r->index->checksum) : NULL;
    r->looked = true;
    if (root && ta_survey_reading_take(s, r, root))
        ta_verbose(log, "%s: measurements are taken from %s", s->input, path);
    json_decref(root);
    free(path);
}

// A help only: what goes wrong is no error.
static void keep(const struct ta_survey *s, bool decode_all)
{
    char *path = cache_path(s, decode_all);
    json_t *root = path ? ta_survey_reading_json(s, &s->readings[decode_all]) : NULL;
    if (root)
        ta_survey_save(root, path, NULL);
    json_decref(root);
    free(path);
}

static bool wants_full(const struct ta_survey *s, const struct ta_measured *list)
{
    bool any = false;
    for (int i = 0; i < s->rows; i++)
        any |= list[i].wants_full;
    return any;
}

static int measure(struct ta_survey *s, bool decode_all, enum ta_depth depth, struct ta_meter *meter,
                   struct ta_log *log)
{
    struct ta_survey_reading *r = &s->readings[decode_all];
    if (!r->measured[depth])
        look_in_cache(s, decode_all, log);
    if (r->measured[depth])
        return 0;
    struct ta_progress_fn progress = ta_meter_start(meter, TA_PHASE_SCAN);
    int err = ta_measure_run(&r->measured[depth], s->table, s->input, r->index, depth, ta_meter_cancel(meter),
                             &progress, log);
    if (err >= 0)
        keep(s, decode_all);
    return err;
}

int ta_survey_require(struct ta_survey *s, const struct ta_survey_wish *wish, struct ta_meter *meter,
                      struct ta_survey_view *out, struct ta_log *log)
{
    struct ta_survey_reading *r = &s->readings[wish->decode_all];
    enum ta_depth depth = wish->depth;
    if (wish->programme != s->programme)
        forget(s); // other pictures
    s->programme = wish->programme;
    int err = read_source(s, wish->decode_all, meter, log);
    if (err >= 0 && ta_measure_is_short(r->index))
        depth = TA_DEPTH_FULL; // what the pass would do, too
    if (err >= 0)
        err = measure(s, wish->decode_all, depth, meter, log);
    if (err >= 0 && depth == TA_DEPTH_SAMPLE && wants_full(s, r->measured[depth])) {
        ta_verbose(log, "%s: samples disagree: measuring every frame", s->input);
        depth = TA_DEPTH_FULL;
        err = measure(s, wish->decode_all, depth, meter, log);
    }
    if (err >= 0)
        *out = (struct ta_survey_view){.index = r->index, .measured = r->measured[depth]};
    return err;
}

void ta_survey_adopt(struct ta_survey *s, const struct ta_plan *plan)
{
    const char *scan = json_string_value(json_object_get(json_object_get(plan->recipe, "scan"), "value"));
    struct ta_survey_reading *r = &s->readings[scan && !strcmp(scan, "full")];
    if (!plan->index || r->index)
        return;
    const char *programme = json_string_value(
        json_object_get(json_object_get(plan->recipe, "programme"), "value"));
    s->programme = programme ? atoi(programme) : 0;
    r->index = ta_index_share(plan->index);
    if (plan->survey)
        ta_survey_reading_take(s, r, plan->survey);
}

char *ta_survey_json(const struct ta_survey *s)
{
    json_t *root = NULL;
    for (int i = 0; i < 2 && !root; i++)
        root = ta_survey_reading_json(s, &s->readings[i]);
    if (!root)
        root = json_pack("{s:i, s:[]}", "version", TA_SURVEY_VERSION, "measures");
    char *text = ta_json_text(root);
    json_decref(root);
    return text;
}
