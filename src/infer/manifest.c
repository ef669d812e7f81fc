// Reading manifests of networks. Strict: what is not understood is refused, as a file that is fetched by what
// stands there is trusted by its checksum alone.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/opt.h"
#include "base/tree.h"
#include "infer/model_entry.h"

enum { MANIFEST_VERSION = 1, MOST_MODELS = 1000, LONGEST_TEXT = 1000, LONGEST_NAME = 64, LARGEST_FACTOR = 8 };
enum { LARGEST_SIDE = 1024, MOST_PLANES = 64, HIGHEST_RATE = 384000 };

static const char *const purposes[] = {"upscale", "deinterlace", "sound", NULL};
static const char *const formats[] = {"onnx", "rnnn", NULL};
static const char *const ranges[] = {"unit", "byte", NULL};
static const char *const colours[] = {"rgb", "luma", NULL};
static const char *const layouts[] = {"nchw", NULL};

const char *ta_model_purpose_name(enum ta_model_purpose purpose)
{
    return purposes[purpose];
}

const char *ta_model_format_name(enum ta_model_format format)
{
    return formats[format];
}

const char *ta_model_range_name(enum ta_model_range range)
{
    return ranges[range];
}

const char *ta_model_colour_name(enum ta_model_colour colour)
{
    return colours[colour];
}

struct reader {
    const char *name; // of the manifest
    const struct ta_marks *marks;
    struct ta_log *log;
    char path[32]; // of the entry: "models.3"
};

// "FILE:LINE: KEY WHAT". `key`: of the entry; NULL: the entry itself.
static int refuse(const struct reader *r, const char *key, const char *what)
{
    char *path = key ? ta_xprintf("%s%s%s", r->path, *r->path ? "." : "", key) : ta_xstrdup(r->path);
    int line = ta_marks_line(r->marks, path);
    if (!line)
        line = ta_marks_line(r->marks, r->path);
    ta_error(r->log, "%s:%d: %s%s%s", r->name, line ? line : 1, key ? key : "", key ? " " : "", what);
    free(path);
    return TA_ERR_FORMAT;
}

static int check_keys(const struct reader *r, const json_t *object, const char *const *known)
{
    const char *key;
    json_t *item;
    json_object_foreach((json_t *)object, key, item)
    {
        int i = 0;
        while (known[i] && strcmp(known[i], key) != 0)
            i++;
        if (known[i])
            continue;
        struct ta_buf quoted = {0};
        const char *near = ta_nearest(key, known);
        ta_buf_quote(&quoted, key);
        char *what = ta_xprintf("unknown key %s%s%s%s", ta_buf_text(&quoted), near ? ": did you mean \"" : "",
                                near ? near : "", near ? "\"?" : "");
        // The line of the key, and its text once, safe to show.
        char *path = ta_xprintf("%s%s%s", r->path, *r->path ? "." : "", key);
        int line = ta_marks_line(r->marks, path);
        ta_error(r->log, "%s:%d: %s", r->name, line ? line : 1, what);
        free(path);
        free(what);
        ta_buf_release(&quoted);
        return TA_ERR_FORMAT;
    }
    return 0;
}

// One line of words that may be shown.
static int read_text(const struct reader *r, const json_t *entry, const char *key, bool needed, char **out)
{
    const json_t *v = json_object_get(entry, key);
    if (!v && !needed)
        return 0;
    if (!v)
        return refuse(r, key, "is missing");
    const char *text = json_string_value(v);
    if (!text || !*text || strlen(text) != json_string_length(v) || strlen(text) > LONGEST_TEXT)
        return refuse(r, key, "must be a text of 1 to 1000 bytes");
    for (const char *c = text; *c; c++)
        if (iscntrl((unsigned char)*c))
            return refuse(r, key, "must be one line without control characters");
    *out = ta_xstrdup(text);
    return 0;
}

static int read_number(const struct reader *r, const json_t *entry, const char *key, int64_t max,
                       int64_t *out)
{
    const json_t *v = json_object_get(entry, key);
    if (!v)
        return refuse(r, key, "is missing");
    *out = json_integer_value(v);
    if (json_is_integer(v) && *out >= 1 && *out <= max)
        return 0;
    char *what = ta_xprintf("must be a number from 1 to %lld", (long long)max);
    refuse(r, key, what);
    free(what);
    return TA_ERR_FORMAT;
}

static int read_word(const struct reader *r, const json_t *entry, const char *key, const char *const *words,
                     int *out)
{
    const json_t *v = json_object_get(entry, key);
    if (!v)
        return refuse(r, key, "is missing");
    for (*out = 0; words[*out]; ++*out)
        if (json_is_string(v) && !strcmp(json_string_value(v), words[*out]))
            return 0;
    struct ta_buf what = {0};
    ta_buf_puts(&what, "must be ");
    for (int i = 0; words[i]; i++)
        ta_buf_printf(&what, "%s\"%s\"", i ? " or " : "", words[i]);
    refuse(r, key, ta_buf_text(&what));
    ta_buf_release(&what);
    return TA_ERR_FORMAT;
}

static int read_shape(const struct reader *r, const json_t *entry, const char *key, int shape[4])
{
    static const int most[] = {1, MOST_PLANES, LARGEST_SIDE, LARGEST_SIDE};
    const json_t *v = json_object_get(entry, key);
    bool ok = json_array_size(v) == 4;
    for (int i = 0; i < 4 && ok; i++) {
        const json_t *side = json_array_get(v, (size_t)i);
        bool any = json_is_string(side) && !strcmp(json_string_value(side), "any") && i != 1;
        int64_t n = json_integer_value(side),
                max = (int64_t)most[i] * (*key == 'o' && i > 1 ? LARGEST_FACTOR : 1);
        ok = any || (json_is_integer(side) && n >= 1 && n <= max);
        shape[i] = any ? 0 : (int)n;
    }
    return ok ? 0
              : refuse(r, key,
                       "must be a shape: [pictures, planes, height, width], each a number or \"any\", planes "
                       "a number");
}

static bool is_name(const char *text)
{
    size_t n = strlen(text);
    if (!n || n > LONGEST_NAME || !isalnum((unsigned char)text[0]))
        return false;
    // No file of a manifest is named by anything but a plain name.
    return strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-.") == n && !strstr(text, "..");
}

static bool is_address(const char *text)
{
    return (!strncmp(text, "https://", 8) && text[8]) || (!strncmp(text, "http://", 7) && text[7]);
}

// Of pictures: what the shapes say of each other.
static int check_shapes(const struct reader *r, const struct ta_model *m)
{
    int planes = m->colour == TA_MODEL_LUMA ? 1 : 3;
    if (m->out[1] != planes)
        return refuse(r, "output",
                      planes == 1 ? "must have 1 plane for brightness alone" : "must have 3 planes for rgb");
    if (m->purpose == TA_MODEL_UPSCALE && m->in[1] != planes)
        return refuse(r, "input", "must have as many planes as the output");
    if (m->purpose == TA_MODEL_DEINTERLACE && (m->in[1] != 3 * planes || m->factor != 1))
        return refuse(r, "input", "must have the planes of three fields, and the factor must be 1");
    for (int i = 2; i < 4 && m->purpose == TA_MODEL_UPSCALE; i++)
        if (m->in[i] && m->out[i] && m->out[i] != m->in[i] * m->factor)
            return refuse(r, "output", "must be as many times the input as the factor says");
    return 0;
}

// What the parts say of each other.
static int check_entry(const struct reader *r, const struct ta_model *m)
{
    if (!is_name(m->name) || ta_model_is_file(m->name))
        return refuse(r, "name", "must be 1 to 64 small letters, digits, \"-\" and \".\", without \".onnx\"");
    if (m->pair && (!is_name(m->pair) || !strcmp(m->pair, m->name)))
        return refuse(r, "pair", "must be the name of another network");
    if (strspn(m->sha256, "0123456789abcdef") != TA_SHA256_HEX - 1)
        return refuse(r, "sha256", "must be 64 hexadecimal digits in small letters");
    if (!is_address(m->source))
        return refuse(r, "source", "must be an address that begins with https:// or http://");
    if (m->file && !is_address(m->file))
        return refuse(r, "file", "must be an address that begins with https:// or http://");
    return m->purpose == TA_MODEL_SOUND ? 0 : check_shapes(r, m);
}

static int read_picture_keys(const struct reader *r, const json_t *entry, struct ta_model *m)
{
    int range = 0, colour = 0, layout = 0, err;
    int64_t factor = 0;
    if (m->format != TA_MODEL_ONNX)
        return refuse(r, "format", "must be \"onnx\" for pictures");
    if (json_object_get(entry, "rate"))
        return refuse(r, "rate", "is for sound");
    if ((err = read_number(r, entry, "factor", LARGEST_FACTOR, &factor)) < 0 ||
        (err = read_shape(r, entry, "input", m->in)) < 0 ||
        (err = read_shape(r, entry, "output", m->out)) < 0 ||
        (err = read_word(r, entry, "layout", layouts, &layout)) < 0 ||
        (err = read_word(r, entry, "range", ranges, &range)) < 0 ||
        (err = read_word(r, entry, "colour", colours, &colour)) < 0)
        return err;
    m->range = (enum ta_model_range)range;
    m->colour = (enum ta_model_colour)colour;
    m->factor = (int)factor;
    return 0;
}

static int read_sound_keys(const struct reader *r, const json_t *entry, struct ta_model *m)
{
    static const char *const pictures[] = {"factor", "input", "output", "layout", "range", "colour"};
    int64_t rate = 0;
    for (size_t i = 0; i < TA_COUNT(pictures); i++)
        if (json_object_get(entry, pictures[i]))
            return refuse(r, pictures[i], "is for pictures");
    int err = read_number(r, entry, "rate", HIGHEST_RATE, &rate);
    m->rate = (int)rate;
    return err;
}

static int read_entry(const struct reader *r, const json_t *entry, struct ta_model *m)
{
    static const char *const known[] = {"name",   "summary", "purpose", "factor",  "input", "output",
                                        "layout", "range",   "colour",  "licence", "bytes", "sha256",
                                        "source", "file",    "pair",    "format",  "rate",  NULL};
    int purpose = 0, format = 0;
    char *sum = NULL;
    if (!json_is_object(entry))
        return refuse(r, NULL, "an entry must have keys: name, summary, purpose and so on");
    int err = check_keys(r, entry, known);
    if (err < 0 || (err = read_text(r, entry, "name", true, &m->name)) < 0 ||
        (err = read_text(r, entry, "summary", true, &m->summary)) < 0 ||
        (err = read_word(r, entry, "purpose", purposes, &purpose)) < 0 ||
        (json_object_get(entry, "format") && (err = read_word(r, entry, "format", formats, &format)) < 0) ||
        (err = read_text(r, entry, "licence", true, &m->licence)) < 0 ||
        (err = read_number(r, entry, "bytes", TA_MODEL_MAX_BYTES, &m->bytes)) < 0 ||
        (err = read_text(r, entry, "sha256", true, &sum)) < 0 ||
        (err = read_text(r, entry, "source", true, &m->source)) < 0 ||
        (err = read_text(r, entry, "file", false, &m->file)) < 0 ||
        (err = read_text(r, entry, "pair", false, &m->pair)) < 0) {
        free(sum);
        return err;
    }
    if (strlen(sum) == TA_SHA256_HEX - 1)
        memcpy(m->sha256, sum, TA_SHA256_HEX);
    free(sum);
    m->purpose = (enum ta_model_purpose)purpose;
    m->format = (enum ta_model_format)format;
    m->manifest = ta_xstrdup(r->name);
    err = m->purpose == TA_MODEL_SOUND ? read_sound_keys(r, entry, m) : read_picture_keys(r, entry, m);
    return err < 0 ? err : check_entry(r, m);
}

static int read_entries(struct reader *r, const json_t *root, struct ta_models *models)
{
    static const char *const known[] = {"version", "models", NULL};
    if (!json_is_object(root))
        return refuse(r, NULL, "a manifest has the keys version and models");
    int err = check_keys(r, root, known);
    if (err < 0)
        return err;
    const json_t *version = json_object_get(root, "version"), *list = json_object_get(root, "models");
    if (!json_is_integer(version))
        return refuse(r, "version", "is missing (version: 1)");
    if (json_integer_value(version) != MANIFEST_VERSION)
        return refuse(r, "version", "is not known; this program reads version 1");
    if (!json_is_array(list) || json_array_size(list) > MOST_MODELS)
        return refuse(r, "models", "must be a list of at most 1000 entries");
    int first = models->count;
    size_t total = (size_t)first + json_array_size(list);
    models->items = ta_xrealloc(models->items, (total + 1) * sizeof *models->items);
    for (size_t i = 0; i < json_array_size(list) && err >= 0; i++) {
        struct ta_model *m = &models->items[models->count];
        *m = (struct ta_model){0};
        snprintf(r->path, sizeof r->path, "models.%zu", i);
        err = read_entry(r, json_array_get(list, i), m);
        models->count++;
        for (int k = first; k < models->count - 1 && err >= 0; k++)
            if (!strcmp(models->items[k].name, m->name))
                err = refuse(r, "name", "is that of an entry before");
    }
    while (err < 0 && models->count > first)
        ta_model_release(&models->items[--models->count]);
    return err;
}

int ta_models_read(struct ta_models *models, const char *text, size_t size, const char *name,
                   struct ta_log *log)
{
    struct ta_marks *marks = NULL;
    json_t *root = NULL;
    int err = ta_yaml_parse(text, size, name, &root, &marks, log);
    if (err >= 0) {
        struct reader r = {.name = name, .marks = marks, .log = log};
        err = read_entries(&r, root, models);
    }
    json_decref(root);
    ta_marks_destroy(&marks);
    return err;
}
