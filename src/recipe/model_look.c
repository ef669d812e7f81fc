#include "recipe/model_look.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/child.h"
#include "base/dir.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/kept.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/sha256.h"
#include "base/tree.h"
#include "infer/engine.h"
#include "infer/models.h"
#include "recipe/engine_places.h"

// A network of a gigabyte takes as much again in each of a few forms.
enum { SECONDS = 180, ANSWER_BYTES = 1 << 20, FORM = 2 };
#define MEMORY_BYTES ((size_t)4 << 30)
enum { MOST_KEPT = 500 }; // of answers, in the cache
enum { MEMORY_FOR_A_BYTE = 6, LARGEST_FACTOR = 8, LARGEST_SIDE = 1024 };

struct job {
    const struct ta_buf *file;
    const struct ta_engine_config *config;
};

static json_t *shapes_of(const struct ta_tensor_shape *shapes, int count)
{
    json_t *list = json_array();
    for (int i = 0; i < count; i++) {
        json_t *dims = json_array();
        for (int d = 0; d < shapes[i].count; d++)
            json_array_append_new(dims, shapes[i].dim[d] < 0 ? json_null() : json_integer(shapes[i].dim[d]));
        json_t *o = json_object();
        json_object_set_new(o, "name", ta_json_any_text(shapes[i].name));
        json_object_set_new(o, "float", json_boolean(shapes[i].element == TA_ELEMENT_FLOAT));
        json_object_set_new(o, "shape", dims);
        json_array_append_new(list, o);
    }
    return list;
}

// In the child. Nothing is released: it ends.
static void look(void *priv, int answer)
{
    const struct job *j = priv;
    struct ta_engine *e = NULL;
    struct ta_network *n = NULL;
    struct ta_network_use use;
    struct ta_buf why = {0};
    struct ta_log *log = NULL;
    json_t *o = json_object();
    int err = ta_log_keep_first(&log, &why);
    if (err >= 0)
        err = ta_engine_onnx.open(&e, j->config, log);
    if (err >= 0)
        err = e->info->load(e, ta_buf_text(j->file), j->file->size, 0, &n, log);
    if (err >= 0) {
        json_object_set_new(o, "inputs", shapes_of(n->in, n->in_count));
        json_object_set_new(o, "outputs", shapes_of(n->out, n->out_count));
        err = ta_network_find_use(n, &use, log);
    }
    if (err >= 0) {
        json_object_set_new(o, "planes", json_integer(use.planes));
        json_object_set_new(o, "factor", json_integer(use.factor));
        json_object_set_new(o, "width", use.width ? json_integer(use.width) : json_null());
        json_object_set_new(o, "height", use.height ? json_integer(use.height) : json_null());
        json_object_set_new(o, "range",
                            use.white ? json_string(use.white == 1 ? "unit" : "byte") : json_null());
    }
    json_object_set_new(o, "form", json_integer(FORM));
    json_object_set_new(o, "error", json_integer(err));
    json_object_set_new(o, "why", ta_json_any_text(why.size ? ta_buf_text(&why) : ta_error_text(err)));
    char *text = ta_json_text(o);
    ta_file_write_fd(answer, text, strlen(text));
}

static bool read_side(const json_t *o, const char *key, int max, int *out)
{
    const json_t *v = json_object_get(o, key);
    int64_t n = json_integer_value(v);
    *out = (int)n;
    if (json_is_null(v))
        return true;
    return json_is_integer(v) && n >= 1 && n <= max;
}

// What was found, from the child or from the cache: believed as far as it makes sense.
static int read_look(struct ta_network_use *use, json_t *o, struct ta_buf *why)
{
    const json_t *error = json_object_get(o, "error");
    *use = (struct ta_network_use){0};
    if (!json_is_integer(error) || json_integer_value(json_object_get(o, "form")) != FORM) {
        ta_buf_puts(why, "its answer makes no sense");
        return TA_ERR_INTERNAL;
    }
    int64_t err = json_integer_value(error);
    if (err < 0) {
        ta_buf_puts(why, ta_json_member_text(o, "why"));
        return err < -100 ? TA_ERR_INTERNAL : (int)err;
    }
    use->planes = (int)json_integer_value(json_object_get(o, "planes"));
    use->factor = (int)json_integer_value(json_object_get(o, "factor"));
    const char *range = ta_json_member_text(o, "range");
    use->white = !strcmp(range, "unit") ? 1 : !strcmp(range, "byte") ? 255 : 0;
    if ((use->planes != 1 && use->planes != 3) || use->factor < 1 || use->factor > LARGEST_FACTOR ||
        !read_side(o, "width", LARGEST_SIDE, &use->width) ||
        !read_side(o, "height", LARGEST_SIDE, &use->height)) {
        ta_buf_puts(why, "its answer makes no sense");
        return TA_ERR_INTERNAL;
    }
    return 0;
}

static int run_child(struct ta_buf *answer, const struct ta_buf *file, const char *named, struct ta_buf *why)
{
    struct ta_engine_places places;
    ta_engine_places_find(&places, &ta_engine_onnx, named);
    const struct ta_engine_config config = {.libraries = (const char *const *)places.libraries, .threads = 1};
    struct job job = {file, &config};
    const struct ta_child_limits limits = {SECONDS, MEMORY_BYTES + file->size * MEMORY_FOR_A_BYTE,
                                           ANSWER_BYTES};
    int err = TA_ERR_NOT_FOUND;
    if (places.libraries)
        err = ta_child_run(look, &job, &limits, answer, why);
    else
        ta_buf_printf(why, "no engine is here to look at it: %s: there is no %s in it", named,
                      ta_engine_onnx.file);
    ta_engine_places_release(&places);
    return err;
}

// FOLDER/models/SUM.json; err < 0: not there.
static int load_kept(struct ta_network_use *use, json_t **facts, const char *cache, const char *name)
{
    struct ta_folder f = {.fd = -1};
    struct ta_buf text = {0}, why = {0};
    char *folder = ta_path_join(cache, "models");
    int err = ta_folder_hold(&f, folder, NULL);
    if (err >= 0)
        err = ta_folder_own(&f, NULL);
    if (err >= 0)
        err = ta_folder_read(&f, name, ANSWER_BYTES, &text, NULL);
    if (err >= 0)
        err = ta_json_parse(ta_buf_text(&text), text.size, name, facts, NULL);
    if (err >= 0)
        err = read_look(use, *facts, &why);
    if (err < 0) {
        json_decref(*facts);
        *facts = NULL;
    }
    if (err >= 0)
        utimensat(f.fd, name, NULL, 0); // what is used stays longest
    ta_folder_close(&f);
    ta_buf_release(&text);
    ta_buf_release(&why);
    free(folder);
    return err;
}

// That nothing can be kept is no failure.
static void keep(const struct ta_buf *answer, const char *cache, const char *name)
{
    struct ta_folder f = {.fd = -1};
    bool made = false;
    char *folder = ta_path_join(cache, "models");
    if (ta_dir_create(cache, NULL) >= 0 && ta_folder_make(&f, folder, &made, NULL) >= 0 &&
        ta_folder_own(&f, NULL) >= 0 && ta_folder_write(&f, name, answer->data, answer->size, NULL) >= 0)
        ta_kept_prune(folder, (int64_t)ANSWER_BYTES * MOST_KEPT, MOST_KEPT, 0);
    ta_folder_close(&f);
    free(folder);
}

int ta_model_look(struct ta_network_use *use, json_t **facts, const char *path, const char *sha256,
                  const char *named, const char *cache, struct ta_log *log)
{
    struct ta_buf file = {0}, answer = {0}, why = {0};
    char sum[TA_SHA256_HEX], *name = ta_xprintf("%s.json", sha256);
    json_t *found = NULL;
    int err = cache ? load_kept(use, &found, cache, name) : TA_ERR_NOT_FOUND;
    if (err >= 0)
        goto out;
    err = ta_file_read(path, (size_t)TA_MODEL_MAX_BYTES, &file, log);
    if (err < 0)
        goto out;
    ta_sha256_hex(ta_buf_text(&file), file.size, sum);
    if (strcmp(sum, sha256) != 0) {
        ta_error(log, "%s: it changed while it was looked at", path);
        err = TA_ERR_MISMATCH;
        goto out;
    }
    err = run_child(&answer, &file, named, &why);
    if (err >= 0)
        err = ta_json_parse(ta_buf_text(&answer), answer.size, "answer", &found, NULL);
    if (err >= 0)
        err = read_look(use, found, &why);
    if (err < 0)
        ta_error(log, "%s%s",
                 err == TA_ERR_DAMAGED || err == TA_ERR_BUSY ? "running it in ONNX Runtime: " : "",
                 why.size ? ta_buf_text(&why) : ta_error_text(err));
    else if (cache)
        keep(&answer, cache, name);
out:
    if (facts)
        *facts = err >= 0 ? json_incref(found) : NULL;
    json_decref(found);
    ta_buf_release(&file);
    ta_buf_release(&answer);
    ta_buf_release(&why);
    free(name);
    return err;
}
