#include "restore/speed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/dir.h"
#include "base/folder.h"
#include "base/kept.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/sha256.h"
#include "base/thread.h"
#include "base/tree.h"

// After so long it is measured anew: machines get other work, drivers and clocks.
enum { FILE_LIMIT = 1 << 12, FORM = 1, KEPT_DAYS = 30, MOST_KEPT = 500 };
static const double LONGEST = 1e6; // seconds for a frame

// All that decides how long a frame takes, as a name.
static char *name_of(const struct ta_plan *p)
{
    char sum[TA_SHA256_HEX];
    json_t *all = json_array();
    json_array_append_new(all, json_integer(ta_cpu_count()));
    json_array_append_new(all, json_pack("[i, i]", p->source_format.width, p->source_format.height));
    json_array_append_new(all, json_integer(p->source_format.pix_fmt));
    for (int i = 0; i < p->stage_count; i++) {
        const struct ta_stage_plan *s = &p->stages[i];
        json_array_append_new(all, json_string(s->info->name));
        json_array_append_new(all, json_pack("[i, i, i]", s->out.width, s->out.height, s->out.pix_fmt));
        if (s->info->options)
            json_array_append_new(all, ta_opt_to_json(s->info->options, s->opts));
    }
    json_array_append_new(all, json_string(p->encoder.codec ? p->encoder.codec : ""));
    const AVDictionaryEntry *preset = av_dict_get(p->encoder.options, "preset", NULL, 0);
    json_array_append_new(all, json_string(preset ? preset->value : ""));
    char *text = json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(all);
    if (!text)
        return NULL;
    ta_sha256_hex(text, strlen(text), sum);
    free(text);
    return ta_xprintf("%s.json", sum);
}

static bool is_time(double seconds)
{
    return isfinite(seconds) && seconds > 0 && seconds < LONGEST;
}

bool ta_speed_find(const struct ta_plan *plan, const char *cache, struct ta_speed *out)
{
    struct ta_folder f = {.fd = -1};
    struct ta_buf text = {0};
    json_t *o = NULL;
    char *name = cache ? name_of(plan) : NULL, *folder = name ? ta_path_join(cache, "speed") : NULL;
    bool found = folder && ta_folder_hold(&f, folder, NULL) >= 0 && ta_folder_own(&f, NULL) >= 0 &&
                 ta_folder_read(&f, name, FILE_LIMIT, &text, NULL) >= 0 &&
                 ta_json_parse(ta_buf_text(&text), text.size, name, &o, NULL) >= 0;
    if (found) {
        *out = (struct ta_speed){json_number_value(json_object_get(o, "seconds")),
                                 json_number_value(json_object_get(o, "cpu_seconds"))};
        double age = difftime(time(NULL), (time_t)json_integer_value(json_object_get(o, "at")));
        found = json_integer_value(json_object_get(o, "form")) == FORM && is_time(out->seconds) &&
                is_time(out->cpu_seconds) && age >= 0 && age < KEPT_DAYS * 86400.0;
    }
    json_decref(o);
    ta_folder_close(&f);
    ta_buf_release(&text);
    free(folder);
    free(name);
    return found;
}

void ta_speed_keep(const struct ta_plan *plan, const char *cache, const struct ta_speed *speed)
{
    struct ta_folder f = {.fd = -1};
    bool made = false;
    if (!cache || !is_time(speed->seconds) || !is_time(speed->cpu_seconds))
        return;
    char *name = name_of(plan), *folder = ta_path_join(cache, "speed");
    json_t *o = json_pack("{s:i, s:I, s:f, s:f}", "form", FORM, "at", (json_int_t)time(NULL), "seconds",
                          speed->seconds, "cpu_seconds", speed->cpu_seconds);
    char *text = ta_json_text(o);
    if (name && text && ta_dir_create(cache, NULL) >= 0 && ta_folder_make(&f, folder, &made, NULL) >= 0 &&
        ta_folder_own(&f, NULL) >= 0 && ta_folder_write(&f, name, text, strlen(text), NULL) >= 0)
        ta_kept_prune(folder, (int64_t)FILE_LIMIT * MOST_KEPT, MOST_KEPT, KEPT_DAYS);
    ta_folder_close(&f);
    json_decref(o);
    free(text);
    free(folder);
    free(name);
}
