// Statements and expressions, in the order in which they run.
#include <stdlib.h>
#include <string.h>

#include "perf/look_parts.h"

enum { CONDITION_LIMIT = 400, TEXT_LIMIT = 160, COPY_BYTES = 4096 };

static void push_guard(struct look *l, const char *condition, bool exits)
{
    if (l->guard_count == LOOK_GUARDS)
        return;
    l->guards[l->guard_count++] = (struct look_guard){
        .condition = ta_xstrdup(condition), .exits = exits, .loop = look_loop_index(l)};
}

static void drop_guards(struct look *l, int count)
{
    while (l->guard_count > count)
        free(l->guards[--l->guard_count].condition);
}

static bool ends_program(const struct look *l, struct ta_clang_cursor at)
{
    static const char *const names[] = {"exit",    "_exit", "abort", "quick_exit",
                                        "longjmp", "fatal", "die",   NULL};
    char *name = ta_perf_look_name(l, at);
    bool is = false;
    for (const char *const *n = names; *n && !is; n++)
        is = !strcmp(name, *n);
    free(name);
    return is;
}

// Does a statement end by leaving the loop, or the function?
static bool leaves(const struct look *l, struct ta_clang_cursor at)
{
    switch (at.kind) {
    case TA_CLANG_RETURN:
    case TA_CLANG_GOTO:
        return true;
    case TA_CLANG_BREAK:
        return l->switches == 0;
    case TA_CLANG_CALL:
        return ends_program(l, at);
    case TA_CLANG_BLOCK: {
        struct ta_perf_look_children parts = ta_perf_look_children(l, at);
        bool is = parts.count > 0 && leaves(l, parts.items[parts.count - 1]);
        free(parts.items);
        return is;
    }
    default:
        return false;
    }
}

struct kept_locks {
    struct look_lock items[LOOK_LOCKS];
    int count;
};

static void keep_locks(const struct look *l, struct kept_locks *out)
{
    out->count = l->lock_count;
    for (int i = 0; i < l->lock_count; i++) {
        out->items[i] = l->locks[i];
        out->items[i].text = ta_xstrdup(l->locks[i].text);
    }
}

static void drop_locks(struct look *l)
{
    while (l->lock_count)
        free(l->locks[--l->lock_count].text);
}

static void put_locks(struct look *l, struct kept_locks *kept)
{
    drop_locks(l);
    memcpy(l->locks, kept->items, sizeof kept->items);
    l->lock_count = kept->count;
    kept->count = 0;
}

static void drop_kept(struct kept_locks *kept)
{
    while (kept->count)
        free(kept->items[--kept->count].text);
}

// Behind two ways that both go on, held is what both hold.
static void join_locks(struct look *l, struct kept_locks *other)
{
    int n = 0;
    for (int i = 0; i < l->lock_count; i++) {
        bool both = false;
        for (int k = 0; k < other->count && !both; k++)
            both = !strcmp(l->locks[i].text, other->items[k].text);
        if (both)
            l->locks[n++] = l->locks[i];
        else
            free(l->locks[i].text);
    }
    l->lock_count = n;
    drop_kept(other);
}

static void walk_branch(struct look *l, struct ta_clang_cursor at, const char *condition, bool exits)
{
    int guards = l->guard_count;
    push_guard(l, condition, exits);
    ta_perf_look_walk(l, at);
    drop_guards(l, guards);
}

static void walk_if(struct look *l, struct ta_clang_cursor at)
{
    struct ta_perf_look_children parts = ta_perf_look_children(l, at);
    if (parts.count < 2) {
        free(parts.items);
        return;
    }
    char *condition = ta_perf_look_text(l, parts.items[0], CONDITION_LIMIT);
    struct kept_locks before = {.count = 0}, after = {.count = 0};
    bool first_leaves = leaves(l, parts.items[1]),
         second_leaves = parts.count > 2 && leaves(l, parts.items[2]);
    ta_perf_look_walk(l, parts.items[0]);
    keep_locks(l, &before);
    bool released = l->released;
    walk_branch(l, parts.items[1], condition, first_leaves);
    released = first_leaves ? released : l->released;
    keep_locks(l, &after);
    put_locks(l, &before);
    if (parts.count > 2)
        walk_branch(l, parts.items[2], condition, second_leaves);
    if (second_leaves && !first_leaves)
        put_locks(l, &after);
    else if (!first_leaves)
        join_locks(l, &after);
    l->released = released;
    drop_kept(&after);
    free(condition);
    free(parts.items);
}

static void walk_switch(struct look *l, struct ta_clang_cursor at)
{
    struct kept_locks before = {.count = 0};
    struct ta_perf_look_children parts = ta_perf_look_children(l, at);
    keep_locks(l, &before);
    l->switches++;
    for (int i = 0; i < parts.count; i++)
        ta_perf_look_walk(l, parts.items[i]);
    l->switches--;
    put_locks(l, &before);
    free(parts.items);
}

static void walk_conditional(struct look *l, struct ta_clang_cursor at)
{
    struct ta_perf_look_children parts = ta_perf_look_children(l, at);
    char *condition = parts.count ? ta_perf_look_text(l, parts.items[0], CONDITION_LIMIT) : ta_xstrdup("");
    for (int i = 0; i < parts.count; i++) {
        if (i == 0)
            ta_perf_look_walk(l, parts.items[i]);
        else
            walk_branch(l, parts.items[i], condition, false);
    }
    free(condition);
    free(parts.items);
}

// The text between two operands: libclang of old does not tell the operator.
static char *operator_of(const struct look *l, const struct ta_perf_look_children *parts)
{
    size_t begin, end, other;
    ta_perf_look_extent(l, parts->items[0], &other, &begin);
    ta_perf_look_extent(l, parts->items[1], &end, &other);
    return begin < end ? ta_perf_look_text_between(l, begin, end, 16) : ta_xstrdup("");
}

static void note_copy(struct look *l, struct ta_clang_cursor at)
{
    struct ta_clang_type type = l->clang->getCanonicalType(l->clang->getCursorType(at));
    long long bytes = type.kind == TA_CLANG_RECORD_TYPE ? l->clang->Type_getSizeOf(type) : 0;
    if (bytes < COPY_BYTES || bytes > INT32_MAX)
        return;
    struct ta_buf name = {0};
    ta_clang_append(l->clang, l->clang->getTypeSpelling(type), &name);
    struct ta_site *s = ta_perf_look_add_site(l, TA_SITE_COPY, at, ta_buf_text(&name));
    s->number = (int)bytes;
    ta_buf_release(&name);
}

static void walk_binary(struct look *l, struct ta_clang_cursor at)
{
    struct ta_perf_look_children parts = ta_perf_look_children(l, at);
    if (parts.count == 2) {
        char *op = operator_of(l, &parts);
        const char *outer = l->target;
        // Parentheses of the operands may stand in it.
        bool assigns = strchr(op, '=') && !strstr(op, "==") && !strpbrk(op, "!<>");
        bool lazy = strstr(op, "&&") || strstr(op, "||");
        char *left = ta_perf_look_text(l, parts.items[0], lazy ? CONDITION_LIMIT : TEXT_LIMIT);
        ta_perf_look_walk(l, parts.items[0]);
        if (assigns) {
            note_copy(l, at);
            l->target = left;
            ta_perf_look_walk(l, parts.items[1]);
        } else if (lazy) {
            l->target = NULL;
            walk_branch(l, parts.items[1], left, false);
        } else {
            ta_perf_look_walk(l, parts.items[1]);
        }
        l->target = outer;
        free(left);
        free(op);
    }
    free(parts.items);
}

static void walk_all(struct look *l, struct ta_clang_cursor at)
{
    struct ta_perf_look_children parts = ta_perf_look_children(l, at);
    for (int i = 0; i < parts.count; i++)
        ta_perf_look_walk(l, parts.items[i]);
    free(parts.items);
}

static void walk_return(struct look *l, struct ta_clang_cursor at)
{
    int guards = l->guard_count;
    // What a loop returns it does once.
    if (l->loop_count)
        push_guard(l, "", true);
    walk_all(l, at);
    drop_guards(l, guards);
}

static void walk_variable(struct look *l, struct ta_clang_cursor at)
{
    const char *outer = l->target;
    char *name = ta_perf_look_name(l, at);
    l->target = name;
    walk_all(l, at);
    l->target = outer;
    free(name);
}

void ta_perf_look_walk(struct look *l, struct ta_clang_cursor at)
{
    if (l->depth >= LOOK_DEPTH)
        return;
    l->depth++;
    switch (at.kind) {
    case TA_CLANG_IF:
        walk_if(l, at);
        break;
    case TA_CLANG_WHILE:
    case TA_CLANG_DO:
    case TA_CLANG_FOR:
        ta_perf_look_walk_loop(l, at);
        break;
    case TA_CLANG_SWITCH:
        walk_switch(l, at);
        break;
    case TA_CLANG_CONDITIONAL:
        walk_conditional(l, at);
        break;
    case TA_CLANG_CALL:
        ta_perf_look_walk_call(l, at);
        break;
    case TA_CLANG_BINARY:
        walk_binary(l, at);
        break;
    case TA_CLANG_RETURN:
        walk_return(l, at);
        break;
    case TA_CLANG_VARIABLE:
        walk_variable(l, at);
        break;
    case TA_CLANG_SUBSCRIPT:
        ta_perf_look_subscript(l, at);
        walk_all(l, at);
        break;
    default:
        walk_all(l, at);
        break;
    }
    l->depth--;
}
