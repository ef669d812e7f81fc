// Calls: what they do, under which locks, in which branch.
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "perf/look_parts.h"

enum { ARGS_LIMIT = 160 };

// A branch on one of these is taken now and then: when something grows, changes or begins.
static const char *const seldom[] = {"capac",  "alloc",  "room",  "size",   "init",   "first", "once",
                                     "opened", "change", "width", "height", "format", "cache", NULL};
// And on these, when somebody wants to be told.
static const char *const wished[] = {"verb",   "debug",   "trace", "quiet", "level", "interval",
                                     "last",   "elapsed", "%",     "now",   "show",  "progress",
                                     "report", "stat",    "log",   NULL};
enum {
    COSTLY = TA_DOES_ALLOC | TA_DOES_GROW | TA_DOES_IO | TA_DOES_JSON | TA_DOES_FORMAT | TA_DOES_SORT |
             TA_DOES_LOG | TA_DOES_MATH,
    MADE = TA_DOES_ALLOC | TA_DOES_GROW | TA_DOES_SETUP | TA_DOES_OPEN | TA_DOES_THREAD | TA_DOES_PROCESS |
           TA_DOES_GPU_ALLOC,
    TOLD = TA_DOES_LOG | TA_DOES_FORMAT,
};

static char *first_word(const char *text)
{
    while (*text && !isalpha((unsigned char)*text) && *text != '_')
        text++;
    size_t n = 0;
    while (isalnum((unsigned char)text[n]) || text[n] == '_')
        n++;
    return ta_xstrndup(text, n);
}

// Is the branch one that is taken once, or now and then, for what this call does?
static bool is_seldom(const struct look *l, const struct look_guard *g, unsigned does, const char *args)
{
    if (does & TA_DOES_GROW) { // "if (count == room) list = realloc(list, room * ...)"
        const char *size = strchr(args, ',');
        char *word = size ? first_word(size + 1) : ta_xstrdup("");
        bool asked = ta_text_has_word(g->condition, word);
        free(word);
        if (asked)
            return true;
    }
    if ((does & MADE) && l->target) {
        char *word = ta_perf_look_last_word(l->target);
        bool asked = ta_text_has_word(g->condition, word);
        free(word);
        if (asked)
            return true;
    }
    return ((does & MADE) && ta_perf_look_has_part(g->condition, seldom)) ||
           ((does & TOLD) && ta_perf_look_has_part(g->condition, wished));
}

static unsigned branch_flags(const struct look *l, unsigned does, const char *args)
{
    unsigned flags = (l->head ? TA_SITE_HEAD : 0) | (l->released ? TA_SITE_RELEASED : 0);
    int loop = look_loop_index(l);
    for (int i = 0; i < l->guard_count; i++) {
        const struct look_guard *g = &l->guards[i];
        if (g->exits && (g->loop == loop || g->loop >= 0))
            flags |= TA_SITE_EXITS;
        if (g->loop == loop)
            flags |= TA_SITE_BRANCH;
        if (is_seldom(l, g, does, args))
            flags |= TA_SITE_LAZY;
    }
    return flags;
}

struct ta_site *ta_perf_look_add_site(struct look *l, enum ta_site_kind kind, struct ta_clang_cursor at,
                                      const char *name)
{
    struct ta_site *s = ta_facts_add_site(look_function(l));
    s->kind = kind;
    s->line = ta_perf_look_line(l, at, &s->column);
    s->loop = look_loop_index(l);
    s->name = ta_xstrdup(name);
    s->callee = ta_xstrdup("");
    s->args = ta_xstrdup("");
    s->target = ta_xstrdup("");
    const struct look_lock *lock = l->lock_count ? &l->locks[l->lock_count - 1] : NULL;
    s->lock = ta_xstrdup(lock ? lock->text : "");
    s->lock_line = lock ? lock->line : 0;
    s->locks = l->lock_count;
    s->flags = branch_flags(l, 0, "");
    return s;
}

// The section ends here; it may end in several places, and counts once.
static void end_section(struct look *l, const struct look_lock *lock, struct ta_clang_cursor at)
{
    struct ta_function *f = look_function(l);
    int lines = ta_perf_look_line(l, at, NULL) - lock->line;
    struct ta_site *s = NULL;
    for (int i = 0; i < f->site_count && !s; i++)
        if (f->sites[i].kind == TA_SITE_SECTION && f->sites[i].line == lock->line)
            s = &f->sites[i];
    if (!s) {
        s = ta_perf_look_add_site(l, TA_SITE_SECTION, at, lock->text);
        s->line = lock->line;
        s->column = 1;
    }
    s->number = TA_MAX(s->number, lines);
    if (lock->heavy)
        s->flags |= TA_SITE_LOOPED;
}

static void take_lock(struct look *l, const char *args, struct ta_clang_cursor at)
{
    // One that was given back before is the caller's again.
    if (l->released || l->lock_count == LOOK_LOCKS) {
        l->released = false;
        return;
    }
    l->locks[l->lock_count++] = (struct look_lock){
        .text = ta_xstrdup(args), .line = ta_perf_look_line(l, at, NULL), .loop = look_loop_index(l)};
}

static void give_lock(struct look *l, const char *args, struct ta_clang_cursor at)
{
    int i = l->lock_count - 1;
    l->released = i < 0;
    while (i > 0 && strcmp(l->locks[i].text, args) != 0)
        i--;
    if (i < 0)
        return;
    end_section(l, &l->locks[i], at);
    free(l->locks[i].text);
    memmove(&l->locks[i], &l->locks[i + 1], (size_t)(l->lock_count - i - 1) * sizeof l->locks[0]);
    l->lock_count--;
}

// A costly call in a loop that began under the lock.
static void weigh_sections(struct look *l, unsigned does)
{
    int loop = look_loop_index(l);
    for (int i = 0; i < l->lock_count; i++)
        if ((does & TA_DOES_SORT) || ((does & COSTLY) && loop > l->locks[i].loop))
            l->locks[i].heavy = true;
}

static char *arguments(struct look *l, struct ta_clang_cursor at, int count)
{
    size_t begin, end, other;
    if (count <= 0)
        return ta_xstrdup("");
    ta_perf_look_extent(l, l->clang->Cursor_getArgument(at, 0), &begin, &other);
    ta_perf_look_extent(l, l->clang->Cursor_getArgument(at, (unsigned)count - 1), &other, &end);
    return ta_perf_look_text_between(l, begin, TA_MAX(begin, end), ARGS_LIMIT);
}

// Of a function of the system only what its name says counts; static ones are known with their file.
static char *callee_id(struct look *l, struct ta_clang_cursor function, const char *name)
{
    struct ta_clang_place place = l->clang->getCursorLocation(function);
    if (l->clang->Location_isInSystemHeader(place))
        return ta_xstrdup("");
    if (l->clang->Cursor_getStorageClass(function) != TA_CLANG_STATIC)
        return ta_xstrdup(name);
    struct ta_buf id = {0};
    void *file = NULL;
    l->clang->getExpansionLocation(place, &file, NULL, NULL, NULL);
    if (file)
        ta_clang_append(l->clang, l->clang->getFileName(file), &id);
    ta_buf_printf(&id, ":%s", name);
    return ta_buf_take(&id);
}

static void mark_loop(struct look *l, const char *name)
{
    if (!l->loop_count)
        return;
    struct ta_loop *loop = &look_function(l)->loops[look_loop_index(l)];
    loop->flags |= TA_LOOP_FRAMES;
    if (!*loop->because) {
        free(loop->because);
        loop->because = ta_xstrdup(name);
    }
}

static void note_call(struct look *l, struct ta_clang_cursor at, struct ta_clang_cursor function,
                      const char *name, const char *args)
{
    bool by_name = function.kind == TA_CLANG_FUNCTION;
    unsigned does = by_name ? ta_name_does(name, args) : ta_name_of_frame(name) ? TA_DOES_FRAME : 0;
    char *callee = by_name ? callee_id(l, function, name) : ta_xstrdup("");
    if (does & TA_DOES_FRAME)
        mark_loop(l, name);
    if (does & TA_DOES_UNLOCK)
        give_lock(l, args, at);
    weigh_sections(l, does);
    if (does || *callee || (!by_name && l->lock_count)) {
        struct ta_site *s = ta_perf_look_add_site(l, by_name ? TA_SITE_CALL : TA_SITE_POINTER, at, name);
        free(s->callee);
        free(s->args);
        s->callee = ta_xstrdup(callee);
        s->args = ta_xstrdup(args);
        s->does = does;
        s->flags = branch_flags(l, does, args);
        if (l->target) {
            free(s->target);
            s->target = ta_xstrdup(l->target);
        }
    }
    if (does & TA_DOES_LOCK)
        take_lock(l, args, at);
    free(callee);
}

void ta_perf_look_walk_call(struct look *l, struct ta_clang_cursor at)
{
    struct ta_perf_look_children parts = ta_perf_look_children(l, at);
    struct ta_clang_cursor function = l->clang->getCursorReferenced(at);
    const char *target = l->target;
    l->target = NULL;
    for (int i = 0; i < parts.count; i++)
        ta_perf_look_walk(l, parts.items[i]);
    l->target = target;
    free(parts.items);
    char *name = ta_perf_look_name(l, at), *args = arguments(l, at, l->clang->Cursor_getNumArguments(at));
    if (*name)
        note_call(l, at, function, name, args);
    free(args);
    free(name);
}
