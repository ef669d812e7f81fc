#include "cli/model_rows.h"

#include <stdlib.h>
#include <string.h>

#include <terminalai/terminalai.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/sha256.h"
#include "base/tree.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "infer/fetch.h"
#include "infer/models.h"
#include "infer/onnx_file.h"
#include "recipe/model_look.h"

static json_t *shape_of(const int shape[4])
{
    json_t *list = json_array();
    for (int i = 0; i < 4; i++)
        json_array_append_new(list, shape[i] ? json_integer(shape[i]) : json_null());
    return list;
}

json_t *ta_model_row(const struct ta_model *m, const char *folder, int full)
{
    static const char *const states[] = {
        [TA_MODEL_HERE] = "here", [TA_MODEL_ABSENT] = "absent", [TA_MODEL_WRONG] = "wrong"};
    char *name = ta_model_file_name(m), *path = folder ? ta_path_join(folder, name) : NULL;
    free(name);
    json_t *o = json_pack("{s:s, s:s, s:s, s:s}", "name", m->name, "summary", m->summary, "purpose",
                          ta_model_purpose_name(m->purpose), "format", ta_model_format_name(m->format));
    json_t *own = m->purpose == TA_MODEL_SOUND
                      ? json_pack("{s:i}", "rate", m->rate)
                      : json_pack("{s:i, s:i, s:o, s:o, s:s, s:s, s:s}", "factor", m->factor, "planes",
                                  m->out[1], "input", shape_of(m->in), "output", shape_of(m->out), "layout",
                                  "nchw", "range", ta_model_range_name(m->range), "colour",
                                  ta_model_colour_name(m->colour));
    json_t *of_all = json_pack("{s:s, s:I, s:s, s:s}", "licence", m->licence, "bytes", (json_int_t)m->bytes,
                               "sha256", m->sha256, "source", m->source);
    json_object_update(o, own);
    json_object_update(o, of_all);
    json_decref(own);
    json_decref(of_all);
    if (m->file)
        json_object_set_new(o, "file", ta_json_any_text(m->file));
    if (m->pair)
        json_object_set_new(o, "pair", json_string(m->pair));
    json_object_set_new(o, "manifest", ta_json_any_text(m->manifest));
    if (path)
        json_object_set_new(o, "path", ta_json_any_text(path));
    json_object_set_new(o, "state", json_string(states[ta_model_state(m, folder, full)]));
    free(path);
    return o;
}

void ta_model_add_row(struct ta_table *t, const json_t *o)
{
    struct ta_buf text = {0};
    const char *why = ta_json_member_text(o, "why");
    ta_table_cell(t, "%s", ta_json_member_text(o, "name"));
    ta_table_cell(t, "%s", ta_json_member_text(o, "state"));
    if (*why) {
        const char *advice = ta_json_member_text(o, "advice");
        ta_buf_printf(&text, "%s%s%s", why, *advice ? "; " : "", advice);
    } else {
        ta_buf_printf(&text, "%s; %s, ", ta_json_member_text(o, "summary"),
                      ta_json_member_text(o, "licence"));
        ta_append_bytes(&text, json_integer_value(json_object_get(o, "bytes")));
        ta_buf_printf(&text, ", %s", ta_json_member_text(o, "source"));
    }
    ta_table_cell(t, "%s", ta_buf_text(&text));
    ta_buf_release(&text);
}

#define LARGEST_FILE ((size_t)TA_MODEL_MAX_BYTES)

// Reads it, and has it run.
static int look_inside(json_t *o, const struct ta_buf *file, const char *path, const char *sum,
                       const struct ta_model *known, const char *named, const char *cache, struct ta_log *log)
{
    struct ta_onnx_facts facts;
    struct ta_network_use use;
    json_t *found = NULL;
    int err = ta_onnx_file_check(&facts, ta_buf_text(file), file->size, log);
    if (err < 0)
        return err;
    json_object_set_new(o, "ir_version", json_integer(facts.ir_version));
    json_object_set_new(o, "operators", json_integer(facts.operators));
    json_object_set_new(o, "nodes", json_integer(facts.nodes));
    json_object_set_new(o, "weights", json_integer(facts.weights));
    enum ta_model_purpose purpose = known ? known->purpose : TA_MODEL_UPSCALE;
    json_object_set_new(o, "purpose", json_string(ta_model_purpose_name(purpose)));
    if (purpose != TA_MODEL_UPSCALE)
        return 0; // its checksum says all: what it takes and gives is the affair of its stage
    err = ta_model_look(&use, &found, path, sum, named, cache, log);
    static const char *const keys[] = {"inputs", "outputs", "planes", "factor", "width", "height", "range"};
    for (size_t i = 0; found && i < TA_COUNT(keys); i++)
        json_object_set(o, keys[i], json_object_get(found, keys[i]));
    json_decref(found);
    return err >= 0 ? ta_network_use_check(&use, known, log) : err;
}

json_t *ta_model_file_row(const struct ta_models *models, const char *path, const char *named,
                          const char *cache)
{
    struct ta_buf file = {0}, why = {0};
    struct ta_log *log = NULL;
    char sum[TA_SHA256_HEX];
    json_t *o = json_object();
    json_object_set_new(o, "file", ta_json_any_text(path));
    int err = ta_log_keep_first(&log, &why);
    if (err >= 0)
        err = ta_file_read(path, LARGEST_FILE, &file, log);
    if (err >= 0) {
        ta_sha256_hex(ta_buf_text(&file), file.size, sum);
        json_object_set_new(o, "bytes", json_integer((json_int_t)file.size));
        json_object_set_new(o, "sha256", json_string(sum));
        const struct ta_model *known = ta_models_with_sum(models, sum);
        if (known) {
            json_object_set_new(o, "name", json_string(known->name));
            json_object_set_new(o, "summary", json_string(known->summary));
        }
        err = look_inside(o, &file, path, sum, known, named, cache, log);
    }
    json_object_set_new(o, "fits", json_boolean(err >= 0));
    if (err < 0)
        ta_cli_row_failed(o, err, ta_buf_text(&why), NULL);
    ta_log_destroy(&log);
    ta_buf_release(&why);
    ta_buf_release(&file);
    return o;
}

void ta_model_add_file_row(struct ta_table *t, const json_t *o)
{
    bool fits = json_is_true(json_object_get(o, "fits"));
    ta_table_cell(t, "%s", json_string_value(json_object_get(o, "file")));
    ta_table_cell(t, "%s", fits ? "fits" : "refused");
    if (!fits) {
        ta_table_cell(t, "%s", json_string_value(json_object_get(o, "why")));
        return;
    }
    if (!json_is_integer(json_object_get(o, "factor"))) { // a known one for something else
        ta_table_cell(t, "%s; %s; sha256 %s", ta_json_member_text(o, "name"),
                      ta_json_member_text(o, "summary"), ta_json_member_text(o, "sha256"));
        return;
    }
    bool colour = json_integer_value(json_object_get(o, "planes")) == 3;
    const char *name = ta_json_member_text(o, "name");
    const json_t *width = json_object_get(o, "width"), *height = json_object_get(o, "height");
    struct ta_buf size = {0};
    if (json_is_integer(width) && json_is_integer(height))
        ta_buf_printf(&size, ", pictures of %lld x %lld alone", (long long)json_integer_value(width),
                      (long long)json_integer_value(height));
    ta_table_cell(t, "%s%senlarges %lld times, %s%s; operators of version %lld, %lld nodes, sha256 %s", name,
                  *name ? "; " : "", (long long)json_integer_value(json_object_get(o, "factor")),
                  colour ? "colour" : "brightness alone", ta_buf_text(&size),
                  (long long)json_integer_value(json_object_get(o, "operators")),
                  (long long)json_integer_value(json_object_get(o, "nodes")),
                  json_string_value(json_object_get(o, "sha256")));
    ta_buf_release(&size);
}
