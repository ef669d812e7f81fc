// JSON in and out, and reading of objects with messages.
#include "base/tree.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/tree_limits.h"
#include "base/utf8.h"

static bool too_deep(const json_t *value, int depth)
{
    const char *key;
    json_t *item;
    size_t i;
    if (!json_is_object(value) && !json_is_array(value))
        return false;
    if (depth == TA_TREE_DEPTH_MAX)
        return true;
    json_object_foreach((json_t *)value, key, item)
    {
        if (too_deep(item, depth + 1))
            return true;
    }
    json_array_foreach((json_t *)value, i, item)
    {
        if (too_deep(item, depth + 1))
            return true;
    }
    return false;
}

int ta_json_parse(const char *text, size_t size, const char *name, json_t **root, struct ta_log *log)
{
    *root = NULL;
    if (size > TA_TREE_SIZE_MAX) {
        ta_error(log, "%s: larger than the limit of %d bytes", name, TA_TREE_SIZE_MAX);
        return TA_ERR_INVALID;
    }
    json_error_t error;
    json_t *value = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!value) {
        ta_error(log, "%s:%d: %s", name, TA_MAX(error.line, 1), error.text);
        return TA_ERR_FORMAT;
    }
    if (too_deep(value, 0)) {
        ta_error(log, "%s: nested more than %d levels deep", name, TA_TREE_DEPTH_MAX);
        json_decref(value);
        return TA_ERR_FORMAT;
    }
    *root = value;
    return 0;
}

int ta_json_load(const char *path, json_t **root, struct ta_log *log)
{
    struct ta_buf text = {0};
    *root = NULL;
    int ret = ta_file_read(path, TA_TREE_SIZE_MAX, &text, log);
    if (!ret)
        ret = ta_json_parse(ta_buf_text(&text), text.size, path, root, log);
    ta_buf_release(&text);
    return ret;
}

static void write_string(struct ta_buf *out, const char *text, size_t size)
{
    ta_buf_putc(out, '"');
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\') {
            ta_buf_putc(out, '\\');
            ta_buf_putc(out, (char)c);
        } else if (c == '\n') {
            ta_buf_puts(out, "\\n");
        } else if (c == '\t') {
            ta_buf_puts(out, "\\t");
        } else if (c < 0x20 || c == 0x7f) {
            ta_buf_printf(out, "\\u%04x", c);
        } else {
            ta_buf_putc(out, (char)c);
        }
    }
    ta_buf_putc(out, '"');
}

static void write_real(struct ta_buf *out, double value)
{
    size_t start = out->size;
    ta_number_append(out, value);
    if (!strpbrk(out->data + start, ".e"))
        ta_buf_puts(out, ".0"); // else it would be re-read as an integer
}

static void new_line(struct ta_buf *out, int depth)
{
    ta_buf_putc(out, '\n');
    for (int i = 0; i < depth; i++)
        ta_buf_puts(out, "  ");
}

static void write_value(struct ta_buf *out, const json_t *value, int depth);

static void write_object(struct ta_buf *out, const json_t *object, int depth)
{
    const char *key, *separator = "";
    json_t *item;
    ta_buf_putc(out, '{');
    json_object_foreach((json_t *)object, key, item)
    {
        ta_buf_puts(out, separator);
        new_line(out, depth + 1);
        write_string(out, key, strlen(key));
        ta_buf_puts(out, ": ");
        write_value(out, item, depth + 1);
        separator = ",";
    }
    if (*separator)
        new_line(out, depth);
    ta_buf_putc(out, '}');
}

static void write_array(struct ta_buf *out, const json_t *array, int depth)
{
    size_t i;
    json_t *item;
    ta_buf_putc(out, '[');
    json_array_foreach((json_t *)array, i, item)
    {
        ta_buf_puts(out, i ? "," : "");
        new_line(out, depth + 1);
        write_value(out, item, depth + 1);
    }
    if (json_array_size(array))
        new_line(out, depth);
    ta_buf_putc(out, ']');
}

static void write_value(struct ta_buf *out, const json_t *value, int depth)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        write_object(out, value, depth);
        break;
    case JSON_ARRAY:
        write_array(out, value, depth);
        break;
    case JSON_STRING:
        write_string(out, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        ta_buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        break;
    case JSON_REAL:
        write_real(out, json_real_value(value));
        break;
    case JSON_TRUE:
        ta_buf_puts(out, "true");
        break;
    case JSON_FALSE:
        ta_buf_puts(out, "false");
        break;
    case JSON_NULL:
        ta_buf_puts(out, "null");
        break;
    }
}

char *ta_json_text(const json_t *root)
{
    // Own code, since the digits of reals differ between versions of jansson, and plans are compared byte by
    // byte.
    struct ta_buf out = {0};
    write_value(&out, root, 0);
    ta_buf_putc(&out, '\n');
    return ta_buf_take(&out);
}

json_t *ta_json_any_text(const char *text)
{
    json_t *string = json_string(text);
    if (string || !text)
        return string;
    struct ta_buf valid = {0};
    while (*text) {
        size_t n = ta_utf8_length(text);
        if (n)
            ta_buf_append(&valid, text, n);
        else
            ta_buf_puts(&valid, "\xef\xbf\xbd");
        text += n ? n : 1;
    }
    string = json_string(ta_buf_text(&valid));
    ta_buf_release(&valid);
    return string;
}

const char *ta_json_member_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

// The member `key` without its '?'. NULL when it is missing or null; *optional says whether it may be.
static json_t *member(const json_t *object, const char *key, bool *optional)
{
    size_t length = strlen(key);
    *optional = length && key[length - 1] == '?';
    char *name = ta_xstrndup(key, length - *optional);
    json_t *value = json_object_get(object, name);
    free(name);
    return json_is_null(value) ? NULL : value;
}

static int refuse(const char *where, const char *key, const json_t *value, const char *what,
                  struct ta_log *log)
{
    size_t length = strlen(key);
    length -= length && key[length - 1] == '?';
    ta_error(log, "%s: %.*s %s%s", where, (int)length, key, value ? "must be " : "is missing: it must be ",
             what);
    return TA_ERR_FORMAT;
}

int ta_json_get_int(const json_t *object, const char *where, const char *key, int64_t min, int64_t max,
                    int64_t *out, struct ta_log *log)
{
    bool optional;
    const json_t *value = member(object, key, &optional);
    if (!value && optional)
        return 0;
    json_int_t number = json_integer_value(value);
    if (json_is_integer(value) && number >= min && number <= max) {
        *out = number;
        return 0;
    }
    struct ta_buf what = {0};
    ta_buf_puts(&what, "a whole number");
    if (max == INT64_MAX && min != INT64_MIN)
        ta_buf_printf(&what, " of at least %lld", (long long)min);
    else if (max != INT64_MAX && min == INT64_MIN)
        ta_buf_printf(&what, " of at most %lld", (long long)max);
    else if (max != INT64_MAX)
        ta_buf_printf(&what, " in %lld..%lld", (long long)min, (long long)max);
    int ret = refuse(where, key, value, what.data, log);
    ta_buf_release(&what);
    return ret;
}

int ta_json_get_number(const json_t *object, const char *where, const char *key, double *out,
                       struct ta_log *log)
{
    bool optional;
    const json_t *value = member(object, key, &optional);
    if (!value && optional)
        return 0;
    if (!json_is_number(value))
        return refuse(where, key, value, "a number", log);
    *out = json_number_value(value);
    return 0;
}

int ta_json_get_string(const json_t *object, const char *where, const char *key, const char **out,
                       struct ta_log *log)
{
    bool optional;
    const json_t *value = member(object, key, &optional);
    if (!value && optional)
        return 0;
    if (!json_is_string(value))
        return refuse(where, key, value, "text", log);
    *out = json_string_value(value);
    return 0;
}

int ta_json_get_bool(const json_t *object, const char *where, const char *key, int *out, struct ta_log *log)
{
    bool optional;
    const json_t *value = member(object, key, &optional);
    if (!value && optional)
        return 0;
    if (!json_is_boolean(value))
        return refuse(where, key, value, "true or false", log);
    *out = json_is_true(value);
    return 0;
}

int ta_json_get_array(const json_t *object, const char *where, const char *key, json_t **out,
                      struct ta_log *log)
{
    bool optional;
    json_t *value = member(object, key, &optional);
    if (!value && optional)
        return 0;
    if (!json_is_array(value))
        return refuse(where, key, value, "a list", log);
    *out = value;
    return 0;
}

int ta_json_get_object(const json_t *object, const char *where, const char *key, json_t **out,
                       struct ta_log *log)
{
    bool optional;
    json_t *value = member(object, key, &optional);
    if (!value && optional)
        return 0;
    if (!json_is_object(value))
        return refuse(where, key, value, "an object", log);
    *out = value;
    return 0;
}
