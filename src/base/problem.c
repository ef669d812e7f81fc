#include "base/problem.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/mem.h"

const struct ta_problem_kind ta_problem_kinds[TA_PROBLEM_COUNT] = {
#define TA_PROBLEM_ROW(id, code, severity, meaning) \
    [TA_PROBLEM_##id] = {code, TA_SEVERITY_##severity, meaning},
    TA_PROBLEM_LIST(TA_PROBLEM_ROW)
#undef TA_PROBLEM_ROW
};

static const char *const severity_names[] = {"none", "warning", "loss", "error"};

const char *ta_severity_name(enum ta_severity severity)
{
    return (unsigned)severity < TA_COUNT(severity_names) ? severity_names[severity] : "unknown";
}

int ta_exit_status(enum ta_severity worst, int err)
{
    enum { DONE = 0, FAILED = 1, WRONG_CALL = 2, LACKS_SOMETHING = 3, INTERRUPTED = 130 };
    switch (err) {
    case TA_ERR_CANCELED:
        return INTERRUPTED;
    case TA_ERR_USAGE:
    case TA_ERR_INVALID:
        return WRONG_CALL;
    default:
        break;
    }
    if (err < 0 || worst == TA_SEVERITY_ERROR)
        return FAILED;
    return worst == TA_SEVERITY_LOSS ? LACKS_SOMETHING : DONE;
}

// ---- one ----

static char *copy(const char *text)
{
    return text ? ta_xstrdup(text) : NULL;
}

// What is NULL in `p` stays so, but for the texts that a problem always has.
static struct ta_problem *problem_copy(const struct ta_problem *p)
{
    struct ta_problem *c = ta_xcalloc(1, sizeof *c);
    *c = (struct ta_problem){.code = ta_xstrdup(p->code ? p->code : ""),
                             .severity = p->severity,
                             .message = ta_xstrdup(p->message ? p->message : ""),
                             .advice = ta_xstrdup(p->advice ? p->advice : ""),
                             .file = copy(p->file),
                             .option = copy(p->option),
                             .stage = copy(p->stage),
                             .frame = p->frame,
                             .args = ta_xstrdup(p->args ? p->args : "{}")};
    return c;
}

struct ta_problem *ta_problem_create(enum ta_problem_id id, const struct ta_problem_about *about,
                                     const char *message)
{
    static const struct ta_problem_about nothing = {0};
    const struct ta_problem_about *a = about ? about : &nothing;
    char *args = a->args ? json_dumps(a->args, JSON_COMPACT) : NULL;
    struct ta_problem p = {.code = ta_problem_kinds[id].code,
                           .severity = ta_problem_kinds[id].severity,
                           .message = message,
                           .advice = a->advice,
                           .file = a->file,
                           .option = a->option,
                           .stage = a->stage,
                           .frame = a->frame ? *a->frame : -1,
                           .args = args};
    struct ta_problem *made = problem_copy(&p);
    free(args);
    json_decref(a->args);
    return made;
}

void ta_problem_destroy(struct ta_problem **problem)
{
    struct ta_problem *p = *problem;
    *problem = NULL;
    if (!p)
        return;
    const char *const texts[] = {p->code, p->message, p->advice, p->file, p->option, p->stage, p->args};
    for (size_t i = 0; i < TA_COUNT(texts); i++)
        free((char *)texts[i]);
    free(p);
}

// ---- JSON ----

// Names of files may hold anything.
static json_t *text_json(const char *text)
{
    json_t *valid = json_string(text);
    if (valid)
        return valid;
    struct ta_buf clean = {0};
    for (; *text; text++)
        ta_buf_putc(&clean, (unsigned char)*text < 0x80 ? *text : '?');
    valid = json_string(ta_buf_text(&clean));
    ta_buf_release(&clean);
    return valid;
}

json_t *ta_problem_to_json(const struct ta_problem *p)
{
    json_t *o = json_object(), *where = json_object(), *args = json_loads(p->args, 0, NULL);
    json_object_set_new(o, "code", text_json(p->code));
    json_object_set_new(o, "severity", json_string(ta_severity_name(p->severity)));
    json_object_set_new(o, "message", text_json(p->message));
    if (*p->advice)
        json_object_set_new(o, "advice", text_json(p->advice));
    if (p->file)
        json_object_set_new(where, "file", text_json(p->file));
    if (p->option)
        json_object_set_new(where, "option", text_json(p->option));
    if (p->stage)
        json_object_set_new(where, "stage", text_json(p->stage));
    if (p->frame >= 0)
        json_object_set_new(where, "frame", json_integer(p->frame));
    if (json_object_size(where))
        json_object_set(o, "where", where);
    if (json_object_size(args))
        json_object_set(o, "args", args);
    json_decref(where);
    json_decref(args);
    return o;
}

static enum ta_severity severity_of(const char *name)
{
    for (size_t i = 0; name && i < TA_COUNT(severity_names); i++)
        if (!strcmp(name, severity_names[i]))
            return (enum ta_severity)i;
    return TA_SEVERITY_NONE;
}

struct ta_problem *ta_problem_from_json(const json_t *json)
{
    if (json_is_string(json))
        return ta_problem_create(TA_PROBLEM_PLAN_WARNING, NULL, json_string_value(json));
    const json_t *where = json_object_get(json, "where"), *frame = json_object_get(where, "frame");
    char *args = json_dumps(json_object_get(json, "args"), JSON_COMPACT);
    struct ta_problem p = {.code = json_string_value(json_object_get(json, "code")),
                           .severity = severity_of(json_string_value(json_object_get(json, "severity"))),
                           .message = json_string_value(json_object_get(json, "message")),
                           .advice = json_string_value(json_object_get(json, "advice")),
                           .file = json_string_value(json_object_get(where, "file")),
                           .option = json_string_value(json_object_get(where, "option")),
                           .stage = json_string_value(json_object_get(where, "stage")),
                           .frame = json_is_integer(frame) ? json_integer_value(frame) : -1,
                           .args = args};
    bool is_one = p.code && p.message && p.severity != TA_SEVERITY_NONE;
    struct ta_problem *made = is_one ? problem_copy(&p) : NULL;
    free(args);
    return made;
}

char *ta_problem_text(const struct ta_problem *problem)
{
    json_t *o = ta_problem_to_json(problem);
    char *text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    return text;
}

// ---- lists ----

struct ta_problems {
    pthread_mutex_t lock;
    struct ta_problem **items; // each its own allocation: pointers that were given out stay good
    size_t count, capacity;
    struct ta_problems *to; // may be NULL; set before other threads know the list
};

int ta_problems_create(struct ta_problems **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out)
        return TA_ERR_NOMEM;
    pthread_mutex_init(&(*out)->lock, NULL);
    return 0;
}

void ta_problems_clear(struct ta_problems *l)
{
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < l->count; i++)
        ta_problem_destroy(&l->items[i]);
    l->count = 0;
    pthread_mutex_unlock(&l->lock);
}

void ta_problems_destroy(struct ta_problems **list)
{
    struct ta_problems *l = *list;
    *list = NULL;
    if (!l)
        return;
    ta_problems_clear(l);
    pthread_mutex_destroy(&l->lock);
    free(l->items);
    free(l);
}

size_t ta_problems_count(const struct ta_problems *list)
{
    struct ta_problems *l = (struct ta_problems *)list;
    pthread_mutex_lock(&l->lock);
    size_t count = l->count;
    pthread_mutex_unlock(&l->lock);
    return count;
}

const struct ta_problem *ta_problems_get(const struct ta_problems *list, size_t i)
{
    struct ta_problems *l = (struct ta_problems *)list;
    pthread_mutex_lock(&l->lock);
    const struct ta_problem *p = i < l->count ? l->items[i] : NULL;
    pthread_mutex_unlock(&l->lock);
    return p;
}

enum ta_severity ta_problems_worst(const struct ta_problems *list)
{
    enum ta_severity worst = TA_SEVERITY_NONE;
    const struct ta_problem *p;
    for (size_t i = 0; (p = ta_problems_get(list, i)); i++)
        worst = TA_MAX(worst, p->severity);
    return worst;
}

const struct ta_problem *ta_problems_error(const struct ta_problems *list)
{
    const struct ta_problem *p;
    for (size_t i = 0; (p = ta_problems_get(list, i)); i++)
        if (p->severity == TA_SEVERITY_ERROR)
            return p;
    return NULL;
}

int64_t ta_problems_count_of(const struct ta_problems *list, enum ta_severity severity)
{
    int64_t n = 0;
    const struct ta_problem *p;
    for (size_t i = 0; (p = ta_problems_get(list, i)); i++)
        n += p->severity == severity;
    return n;
}

json_t *ta_problems_to_json(const struct ta_problems *list)
{
    json_t *all = json_array();
    const struct ta_problem *p;
    for (size_t i = 0; (p = ta_problems_get(list, i)); i++)
        json_array_append_new(all, ta_problem_to_json(p));
    return all;
}

static bool same(const struct ta_problem *a, const struct ta_problem *b)
{
    return a->severity == b->severity && !strcmp(a->message, b->message) &&
           !strcmp(a->code, b->code ? b->code : "");
}

static bool add(struct ta_problems *l, const struct ta_problem *problem)
{
    pthread_mutex_lock(&l->lock);
    bool known = false;
    for (size_t i = 0; i < l->count && !known; i++)
        known = same(l->items[i], problem);
    if (!known && ta_try_grow((void **)&l->items, &l->capacity, l->count + 1, sizeof *l->items) >= 0)
        l->items[l->count++] = problem_copy(problem);
    pthread_mutex_unlock(&l->lock);
    return !known;
}

bool ta_problems_add(struct ta_problems *list, const struct ta_problem *problem)
{
    bool fresh = true;
    for (struct ta_problems *l = list; l; l = l->to)
        fresh = add(l, problem) && fresh;
    return fresh;
}

void ta_problems_pass_on(struct ta_problems *list, struct ta_problems *to)
{
    list->to = to;
}

// Under the lock.
static void replace(const char **text, const char *with)
{
    free((char *)*text);
    *text = ta_xstrdup(with);
}

// Messages begin with what they are about: "tape.avi: no demuxer knows this file".
static bool is_about(const struct ta_problem *p, const char *about)
{
    size_t n = strlen(about);
    return n && !strncmp(p->message, about, n) && p->message[n] == ':';
}

static bool fail(struct ta_problems *l, const char *code, const char *about, const char *advice)
{
    bool found = false;
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < l->count; i++) {
        struct ta_problem *p = l->items[i];
        if (p->severity != TA_SEVERITY_ERROR)
            continue;
        if (!*p->code)
            replace(&p->code, code);
        if (!p->file && is_about(p, about))
            p->file = ta_xstrdup(about);
        if (!found && advice && *advice && !*p->advice)
            replace(&p->advice, advice);
        found = true;
    }
    pthread_mutex_unlock(&l->lock);
    return found;
}

void ta_problems_fail(struct ta_problems *list, int err, const char *about, const char *advice)
{
    char *message = ta_xprintf("%s: %s", about, ta_error_text(err));
    struct ta_problem p = {.code = ta_error_code(err),
                           .severity = TA_SEVERITY_ERROR,
                           .message = message,
                           .advice = advice,
                           .file = about,
                           .frame = -1};
    for (struct ta_problems *l = list; l; l = l->to)
        if (!fail(l, p.code, about, advice))
            add(l, &p);
    free(message);
}
