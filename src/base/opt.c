#include "base/opt.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/tree.h"

static void *field_of(const struct ta_opt *o, void *values)
{
    return (char *)values + o->offset;
}

static const void *const_field_of(const struct ta_opt *o, const void *values)
{
    return (const char *)values + o->offset;
}

const struct ta_opt *ta_opt_find(const struct ta_opt *table, const char *name)
{
    for (const struct ta_opt *o = table; o->name; o++)
        if (!strcmp(o->name, name))
            return o;
    return NULL;
}

static _Noreturn void broken_table(const struct ta_opt *o, const char *why)
{
    fprintf(stderr, "terminalai: internal error: option \"%s\": %s\n", o->name, why);
    abort();
}

// The default into an empty field.
static void set_default(const struct ta_opt *o, void *field)
{
    if (o->size > TA_OPT_FIELD_MAX)
        broken_table(o, "field too large");
    if (o->size && o->kind->type && o->type != o->kind->type)
        broken_table(o, "the field is not of the kind's type");
    if (!o->def)
        return;
    struct ta_buf why = {0};
    if (o->kind->parse(o, o->def, field, &why) < 0)
        broken_table(o, ta_buf_text(&why));
    ta_buf_release(&why);
}

void ta_opt_defaults(const struct ta_opt *table, void *values)
{
    for (const struct ta_opt *o = table; o->name; o++)
        set_default(o, field_of(o, values));
}

enum { QUOTED_MAX = 200 }; // bytes: what stands in a file may be long

static void quote_start(struct ta_buf *out, const char *text)
{
    char *start = ta_xstrndup(text, TA_MIN(strlen(text), QUOTED_MAX));
    ta_buf_quote(out, start);
    free(start);
    if (strlen(text) > QUOTED_MAX)
        ta_buf_puts(out, "...");
}

// Does "--denoise-strength", "TERMINALAI_CRF" or "crf" name the option already? "c.yaml:3" does not.
static bool names_option(const char *where, const char *name)
{
    size_t length = strlen(name), all = strlen(where);
    if (all < length)
        return false;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)where[all - length + i];
        if ((c == '_' ? '-' : tolower(c)) != (unsigned char)name[i])
            return false;
    }
    char before = all > length ? where[all - length - 1] : '-';
    return before == '-' || before == '_';
}

int ta_opt_set(const struct ta_opt *o, void *values, const char *text, const char *where, struct ta_log *log)
{
    struct ta_buf why = {0};
    const char *prefix = where ? where : "", *colon = where ? ": " : "";
    int ret = o->kind->parse(o, text, field_of(o, values), &why);
    if (ret < 0) {
        struct ta_buf quoted = {0};
        quote_start(&quoted, text);
        bool named = names_option(prefix, o->name);
        ta_error(log, "%s%s%s%s%s: %s", prefix, colon, quoted.data, named ? "" : " for ",
                 named ? "" : o->name, ta_buf_text(&why));
        ta_buf_release(&quoted);
    } else if (o->flags & TA_OPT_DEPRECATED) {
        ta_problem_at(log, TA_PROBLEM_OPTION_DEPRECATED, &(struct ta_problem_about){.option = o->name},
                      "%s%s%s is deprecated: %s", prefix, colon, o->name,
                      o->help ? o->help : "it will go away");
    }
    ta_buf_release(&why);
    return ret;
}

char *ta_opt_text_of(const struct ta_opt *o, const void *values)
{
    struct ta_buf text = {0};
    o->kind->format(o, const_field_of(o, values), &text);
    return ta_buf_take(&text);
}

// The default's canonical text.
static char *default_text(const struct ta_opt *o)
{
    _Alignas(max_align_t) char field[TA_OPT_FIELD_MAX] = {0};
    set_default(o, field);
    struct ta_buf text = {0};
    o->kind->format(o, field, &text);
    if (o->kind->release)
        o->kind->release(field);
    return ta_buf_take(&text);
}

bool ta_opt_is_default(const struct ta_opt *o, const void *values)
{
    char *a = ta_opt_text_of(o, values), *b = default_text(o);
    bool equal = !strcmp(a, b);
    free(a);
    free(b);
    return equal;
}

void ta_opt_release(const struct ta_opt *table, void *values)
{
    for (const struct ta_opt *o = table; o->name; o++)
        if (o->kind->release)
            o->kind->release(field_of(o, values));
}

// Has a number's kind a word for this value ("auto")?
static bool is_word(const struct ta_opt *o, const void *field)
{
    struct ta_buf text = {0};
    o->kind->format(o, field, &text);
    bool word = isalpha((unsigned char)ta_buf_text(&text)[0]);
    ta_buf_release(&text);
    return word;
}

static json_t *field_to_json(const struct ta_opt *o, const void *field)
{
    switch (o->kind->type) {
    case TA_OPT_TYPE_BOOL:
        return json_boolean(*(const bool *)field);
    case TA_OPT_TYPE_INT64:
        if (o->kind == &ta_opt_int)
            return json_integer(*(const int64_t *)field);
        break; // sizes read better as text
    case TA_OPT_TYPE_DOUBLE:
        if (o->kind == &ta_opt_float || !is_word(o, field))
            return json_real(*(const double *)field);
        break;
    default:
        break;
    }
    struct ta_buf text = {0};
    o->kind->format(o, field, &text);
    json_t *value = json_string(ta_buf_text(&text));
    ta_buf_release(&text);
    return value;
}

json_t *ta_opt_to_json(const struct ta_opt *table, const void *values)
{
    json_t *object = json_object();
    for (const struct ta_opt *o = table; o->name; o++) {
        if (o->flags & TA_OPT_DEPRECATED)
            continue; // what replaced it carries the value
        if (json_object_set_new(object, o->name, field_to_json(o, const_field_of(o, values))) < 0)
            broken_table(o, "its value has no JSON form");
    }
    return object;
}

char *ta_opt_json_to_text(const json_t *value)
{
    struct ta_buf text = {0};
    switch (json_typeof(value)) {
    case JSON_STRING:
        ta_buf_puts(&text, json_string_value(value));
        break;
    case JSON_INTEGER:
        ta_buf_printf(&text, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        break;
    case JSON_REAL:
        ta_number_append(&text, json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        ta_buf_puts(&text, json_is_true(value) ? "true" : "false");
        break;
    default:
        return NULL;
    }
    return ta_buf_take(&text);
}

int ta_opt_unknown(const struct ta_opt *table, const char *name, const char *what, const char *where,
                   struct ta_log *log)
{
    size_t count = 0;
    for (const struct ta_opt *o = table; o->name; o++)
        count++;
    const char **names = ta_xcalloc(count + 1, sizeof(*names));
    count = 0;
    for (const struct ta_opt *o = table; o->name; o++)
        if (!(o->flags & (TA_OPT_HIDDEN | TA_OPT_DEPRECATED)))
            names[count++] = o->name;
    const char *nearest = ta_nearest(name, names);
    struct ta_buf message = {0};
    if (where)
        ta_buf_printf(&message, "%s: ", where);
    ta_buf_printf(&message, "unknown %s ", what);
    quote_start(&message, name);
    if (nearest)
        ta_buf_printf(&message, "; did you mean \"%s\"?", nearest);
    ta_error(log, "%s", message.data);
    ta_buf_release(&message);
    free(names);
    return TA_ERR_INVALID;
}

static int set_from_json(const struct ta_opt *table, void *values, const char *key, const json_t *value,
                         const char *where, struct ta_log *log)
{
    const struct ta_opt *o = ta_opt_find(table, key);
    if (!o)
        return ta_opt_unknown(table, key, "option", where, log);
    char *text = ta_opt_json_to_text(value);
    if (!text) {
        ta_error(log, "%s%s%.80s must be a single value, not %s", where ? where : "", where ? ": " : "", key,
                 json_is_object(value)  ? "an object"
                 : json_is_array(value) ? "a list"
                                        : "null");
        return TA_ERR_INVALID;
    }
    int ret = ta_opt_set(o, values, text, where, log);
    free(text);
    return ret;
}

int ta_opt_merge_json(const struct ta_opt *table, void *values, const json_t *object, const char *file,
                      const struct ta_marks *marks, const char *path, struct ta_log *log)
{
    if (!json_is_object(object)) {
        int line = ta_marks_line(marks, path);
        char *at = line ? ta_xprintf(":%d", line) : ta_xstrdup("");
        ta_error(log, "%s%s%soptions must be an object", file ? file : "", at, file ? ": " : "");
        free(at);
        return TA_ERR_FORMAT;
    }
    int ret = 0;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        char *key_path = ta_xprintf("%s%s%s", path, *path ? "." : "", key);
        int line = ta_marks_line(marks, key_path);
        char *where = file && line ? ta_xprintf("%s:%d", file, line) : NULL;
        ret = set_from_json(table, values, key, value, where ? where : file, log);
        free(where);
        free(key_path);
        if (ret < 0)
            break;
    }
    return ret;
}

int ta_opt_from_json(const struct ta_opt *table, void *values, const json_t *object, const char *where,
                     struct ta_log *log)
{
    ta_opt_defaults(table, values);
    int ret = ta_opt_merge_json(table, values, object, where, NULL, "", log);
    if (ret < 0) {
        ta_opt_release(table, values);
        for (const struct ta_opt *o = table; o->name; o++)
            memset(field_of(o, values), 0, o->size);
    }
    return ret;
}

int ta_opt_require_all(const struct ta_opt *table, const json_t *object, const char *where,
                       struct ta_log *log)
{
    for (const struct ta_opt *o = table; o->name; o++) {
        if (o->flags & TA_OPT_DEPRECATED || json_object_get(object, o->name))
            continue;
        ta_error(log, "%s: the option \"%s\" is missing", where, o->name);
        return TA_ERR_FORMAT;
    }
    return 0;
}

#define NAME_MAX_LENGTH 63

static int folded(char c)
{
    return c == '_' ? '-' : c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : (unsigned char)c;
}

// Edit distance in which two swapped neighbours count as one mistake (optimal string alignment).
static int edit_distance(const char *a, size_t na, const char *b, size_t nb)
{
    int rows[3][NAME_MAX_LENGTH + 1];
    int *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= nb; j++)
        above[j] = (int)j;
    for (size_t i = 1; i <= na; i++) {
        row[0] = (int)i;
        for (size_t j = 1; j <= nb; j++) {
            bool same = folded(a[i - 1]) == folded(b[j - 1]);
            int best = TA_MIN(above[j] + 1, row[j - 1] + 1);
            best = TA_MIN(best, above[j - 1] + !same);
            if (i > 1 && j > 1 && folded(a[i - 1]) == folded(b[j - 2]) &&
                folded(a[i - 2]) == folded(b[j - 1]))
                best = TA_MIN(best, before[j - 2] + 1);
            row[j] = best;
        }
        int *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[nb];
}

const char *ta_nearest(const char *word, const char *const *names)
{
    const char *nearest = NULL;
    int nearest_distance = 0;
    size_t length = strlen(word);
    if (!length || length > NAME_MAX_LENGTH)
        return NULL;
    for (; *names; names++) {
        size_t name_length = strlen(*names);
        if (name_length > NAME_MAX_LENGTH)
            continue;
        int distance = edit_distance(word, length, *names, name_length);
        // A third of the letters may be wrong; what is the start of a name ("denois", "res") may lack more.
        int allowed = (int)(TA_MAX(length, name_length) + 1) / 3;
        if (length >= 3 && name_length > length && !strncasecmp(word, *names, length))
            distance = TA_MIN(distance, allowed);
        if (distance <= allowed && distance < (int)name_length && (!nearest || distance < nearest_distance)) {
            nearest = *names;
            nearest_distance = distance;
        }
    }
    return nearest;
}
