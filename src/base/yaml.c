// YAML to a JSON tree, from libyaml's events.
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include <terminalai/error.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/tree.h"
#include "base/tree_limits.h"

#define uthash_fatal(message) abort()
#include <uthash.h>

struct mark {
    UT_hash_handle hh;
    int line;
    char path[];
};

struct ta_marks {
    struct mark *marks;
};

int ta_marks_line(const struct ta_marks *marks, const char *path)
{
    struct mark *m = NULL;
    if (marks)
        HASH_FIND_STR(marks->marks, path, m);
    return m ? m->line : 0;
}

void ta_marks_destroy(struct ta_marks **marks)
{
    if (!*marks)
        return;
    struct mark *m, *next;
    HASH_ITER(hh, (*marks)->marks, m, next)
    {
        HASH_DEL((*marks)->marks, m);
        free(m);
    }
    ta_freep(marks);
}

// A list or an object that is still open.
struct level {
    json_t *container;
    char *key; // of the next value in an object; NULL: a key comes next
    size_t key_line;
    size_t path_size; // of the container itself
};

struct reader {
    yaml_parser_t parser;
    const char *name;
    struct ta_log *log;
    json_t *root;
    struct ta_marks *marks; // NULL if nobody wants them
    struct ta_buf path;     // of the value being read
    struct level levels[TA_TREE_DEPTH_MAX];
    int depth;
};

static int refuse(const struct reader *r, size_t line, const char *what)
{
    ta_error(r->log, "%s:%zu: %s", r->name, line + 1, what);
    return TA_ERR_FORMAT;
}

static void add_mark(struct ta_marks *marks, const char *path, size_t line)
{
    struct mark *m;
    HASH_FIND_STR(marks->marks, path, m);
    if (m) // "a.b" may be one key or two: the first one counts
        return;
    size_t length = strlen(path);
    m = ta_xcalloc(1, sizeof(*m) + length + 1);
    memcpy(m->path, path, length);
    m->line = (int)line + 1;
    HASH_ADD_STR(marks->marks, path, m);
}

// Puts a value (a new reference, taken over) where it belongs.
static int add_value(struct reader *r, json_t *value, size_t line)
{
    if (!value)
        return refuse(r, line, "not valid UTF-8");
    struct level *top = r->depth ? &r->levels[r->depth - 1] : NULL;
    if (top) {
        r->path.size = top->path_size;
        if (r->path.size)
            ta_buf_putc(&r->path, '.');
    }
    int failed = 0;
    if (!top) {
        r->root = value;
    } else if (json_is_array(top->container)) {
        ta_buf_printf(&r->path, "%zu", json_array_size(top->container));
        failed = json_array_append_new(top->container, value);
    } else {
        ta_buf_puts(&r->path, top->key);
        line = top->key_line;
        failed = json_object_set_new(top->container, top->key, value);
        ta_freep(&top->key);
    }
    if (failed) {
        ta_error(r->log, "%s:%zu: out of memory", r->name, line + 1);
        return TA_ERR_NOMEM;
    }
    if (r->marks)
        add_mark(r->marks, ta_buf_text(&r->path), line);
    return 0;
}

static bool is_one_of(const char *text, const char *const *names)
{
    for (; *names; names++)
        if (!strcmp(text, *names))
            return true;
    return false;
}

// "0o17" and "0x1f". TA_ERR_FORMAT if it is neither.
static int parse_radix(const char *text, int64_t *value)
{
    if (text[0] != '0' || (text[1] != 'o' && text[1] != 'x') || !text[2])
        return TA_ERR_FORMAT;
    const char *digits = text[1] == 'o' ? "01234567" : "0123456789abcdefABCDEF";
    if (text[2 + strspn(text + 2, digits)])
        return TA_ERR_FORMAT;
    errno = 0;
    *value = strtoll(text + 2, NULL, text[1] == 'o' ? 8 : 16);
    return errno ? TA_ERR_INVALID : 0;
}

// A plain scalar by the core schema of YAML 1.2.2 (10.3.2). *value is NULL when it is text.
static int resolve_plain(const struct reader *r, const char *text, size_t line, json_t **value)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    static const char *const not_finite[] = {".inf",  ".Inf",  ".INF", "+.inf", "+.Inf", "+.INF", "-.inf",
                                             "-.Inf", "-.INF", ".nan", ".NaN",  ".NAN",  NULL};
    *value = NULL;
    if (is_one_of(text, nulls)) {
        *value = json_null();
    } else if (is_one_of(text, trues) || is_one_of(text, falses)) {
        *value = json_boolean(is_one_of(text, trues));
    } else if (is_one_of(text, not_finite)) {
        return refuse(r, line, "a number must be finite");
    } else {
        int64_t integer;
        double number;
        int ret = parse_radix(text, &integer);
        if (ret == TA_ERR_FORMAT)
            ret = ta_int_parse(text, &integer);
        if (!ret) {
            *value = json_integer(integer);
        } else if (ret == TA_ERR_INVALID) {
            return refuse(r, line, "a whole number is too large (put it in quotes if it is text)");
        } else {
            ret = ta_number_parse(text, &number);
            if (ret == TA_ERR_INVALID)
                return refuse(r, line, "a number is too large (put it in quotes if it is text)");
            if (!ret)
                *value = json_real(number);
        }
    }
    return 0;
}

static int read_key(struct reader *r, struct level *top, const char *text, size_t length, size_t line)
{
    if (strlen(text) != length)
        return refuse(r, line, "a key must not hold a NUL character");
    if (json_object_get(top->container, text)) {
        struct ta_buf quoted = {0};
        ta_buf_quote(&quoted, text);
        ta_error(r->log, "%s:%zu: key %s appears twice", r->name, line + 1, quoted.data);
        ta_buf_release(&quoted);
        return TA_ERR_FORMAT;
    }
    top->key = ta_xstrdup(text);
    top->key_line = line;
    return 0;
}

static int read_scalar(struct reader *r, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length, line = event->start_mark.line;
    if (event->data.scalar.anchor)
        return refuse(r, line, "anchors are not allowed");
    if (event->data.scalar.tag)
        return refuse(r, line, "tags are not allowed");
    struct level *top = r->depth ? &r->levels[r->depth - 1] : NULL;
    if (top && json_is_object(top->container) && !top->key)
        return read_key(r, top, text, length, line);
    if (strlen(text) != length)
        return refuse(r, line, "text must not hold a NUL character");
    json_t *value = NULL;
    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
        int ret = resolve_plain(r, text, line, &value);
        if (ret < 0)
            return ret;
    }
    return add_value(r, value ? value : json_stringn(text, length), line);
}

static int open_level(struct reader *r, const yaml_event_t *event)
{
    bool list = event->type == YAML_SEQUENCE_START_EVENT;
    const yaml_char_t *anchor = list ? event->data.sequence_start.anchor : event->data.mapping_start.anchor;
    const yaml_char_t *tag = list ? event->data.sequence_start.tag : event->data.mapping_start.tag;
    size_t line = event->start_mark.line;
    if (anchor)
        return refuse(r, line, "anchors are not allowed");
    if (tag)
        return refuse(r, line, "tags are not allowed");
    const struct level *top = r->depth ? &r->levels[r->depth - 1] : NULL;
    if (top && json_is_object(top->container) && !top->key)
        return refuse(r, line, "a key must be a single value");
    if (r->depth == TA_TREE_DEPTH_MAX) {
        ta_error(r->log, "%s:%zu: nested more than %d levels deep", r->name, line + 1, TA_TREE_DEPTH_MAX);
        return TA_ERR_FORMAT;
    }
    json_t *container = list ? json_array() : json_object();
    int ret = add_value(r, container, line);
    if (!ret)
        r->levels[r->depth++] = (struct level){.container = container, .path_size = r->path.size};
    return ret;
}

static int report_parser(const struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    const char *problem = p->problem ? p->problem : "can't be read";
    if (p->error == YAML_MEMORY_ERROR) {
        ta_error(r->log, "%s: out of memory", r->name);
        return TA_ERR_NOMEM;
    }
    if (p->error == YAML_READER_ERROR) // knows the byte only, and not the line
        ta_error(r->log, "%s: %s at byte %zu", r->name, problem, p->problem_offset + 1);
    else if (p->context)
        ta_error(r->log, "%s:%zu: %s (%s at line %zu)", r->name, p->problem_mark.line + 1, problem,
                 p->context, p->context_mark.line + 1);
    else
        ta_error(r->log, "%s:%zu: %s", r->name, p->problem_mark.line + 1, problem);
    return TA_ERR_FORMAT;
}

// Reads one event; 1 at the end of the stream.
static int read_event(struct reader *r)
{
    yaml_event_t event;
    if (!yaml_parser_parse(&r->parser, &event))
        return report_parser(r);
    int ret = 0;
    switch (event.type) {
    case YAML_STREAM_END_EVENT:
        ret = 1;
        break;
    case YAML_DOCUMENT_START_EVENT:
        if (r->root)
            ret = refuse(r, event.start_mark.line, "only one document is allowed");
        break;
    case YAML_ALIAS_EVENT:
        ret = refuse(r, event.start_mark.line, "aliases are not allowed");
        break;
    case YAML_SCALAR_EVENT:
        ret = read_scalar(r, &event);
        break;
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        ret = open_level(r, &event);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        r->depth--;
        break;
    default:
        break;
    }
    yaml_event_delete(&event);
    return ret;
}

int ta_yaml_parse(const char *text, size_t size, const char *name, json_t **root, struct ta_marks **marks,
                  struct ta_log *log)
{
    *root = NULL;
    if (marks)
        *marks = NULL;
    if (size > TA_TREE_SIZE_MAX) {
        ta_error(log, "%s: larger than the limit of %d bytes", name, TA_TREE_SIZE_MAX);
        return TA_ERR_INVALID;
    }
    struct reader r = {.name = name, .log = log};
    if (!yaml_parser_initialize(&r.parser)) {
        ta_error(log, "%s: out of memory", name);
        return TA_ERR_NOMEM;
    }
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, size);
    if (marks)
        r.marks = ta_xcalloc(1, sizeof(*r.marks));
    int ret;
    do
        ret = read_event(&r);
    while (!ret);
    yaml_parser_delete(&r.parser);
    for (int i = 0; i < r.depth; i++)
        free(r.levels[i].key);
    ta_buf_release(&r.path);
    if (ret < 0) {
        json_decref(r.root);
        ta_marks_destroy(&r.marks);
        return ret;
    }
    *root = r.root ? r.root : json_null();
    if (marks)
        *marks = r.marks;
    return 0;
}

int ta_yaml_load(const char *path, json_t **root, struct ta_marks **marks, struct ta_log *log)
{
    struct ta_buf text = {0};
    *root = NULL;
    if (marks)
        *marks = NULL;
    int ret = ta_file_read(path, TA_TREE_SIZE_MAX, &text, log);
    if (!ret)
        ret = ta_yaml_parse(ta_buf_text(&text), text.size, path, root, marks, log);
    ta_buf_release(&text);
    return ret;
}
