// Loops: what a round of theirs is, and what is known of the places in them when their end is reached.
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "perf/look_parts.h"

enum { HEAD_LIMIT = 400, SMALL_ROUNDS = 64 };

// A loop's parts; kind 0 where there is none.
struct parts {
    struct ta_clang_cursor init, condition, step, body;
};

// Which of a for's parts libclang left out is seen by where the semicolons are.
static void split_for(const struct look *l, struct ta_clang_cursor at,
                      const struct ta_perf_look_children *all, struct parts *out)
{
    size_t begin, end, semicolons[2] = {0, 0};
    int depth = 0, found = 0;
    ta_perf_look_extent(l, at, &begin, &end);
    for (size_t i = begin; i < end && found < 2; i++) {
        char c = l->text[i];
        if (c == '\'' || c == '"') {
            for (i++; i < end && l->text[i] != c; i++)
                i += l->text[i] == '\\';
        }
        depth += c == '(';
        depth -= c == ')';
        if (c == ';' && depth == 1)
            semicolons[found++] = i;
    }
    for (int i = 0; i + 1 < all->count; i++) {
        size_t place, other;
        ta_perf_look_extent(l, all->items[i], &place, &other);
        if (found < 2 && all->count == 4)
            place = 0;
        if (found < 2 ? i == 0 : place < semicolons[0])
            out->init = all->items[i];
        else if (found < 2 ? i == 1 : place < semicolons[1])
            out->condition = all->items[i];
        else
            out->step = all->items[i];
    }
}

static void split_loop(const struct look *l, struct ta_clang_cursor at,
                       const struct ta_perf_look_children *all, struct parts *out)
{
    *out = (struct parts){0};
    if (!all->count)
        return;
    out->body = all->items[at.kind == TA_CLANG_DO ? 0 : all->count - 1];
    if (at.kind == TA_CLANG_FOR)
        split_for(l, at, all, out);
    else if (all->count >= 2)
        out->condition = all->items[at.kind == TA_CLANG_DO ? 1 : 0];
}

static const char *const of_frames[] = {"nb_frames", "frame_count", "num_frames", "n_frames",
                                        "nframes",   "frameno",     "frame_no",   "numframes",
                                        "packets",   "num_packets", "frames",     NULL};
static const char *const of_pixels[] = {"height",  "width",       "rows",     "stride",
                                        "samples", "nb_samples",  "linesize", "nsamples",
                                        "pixels",  "num_samples", NULL};
static const char *const of_ends[] = {"quit",   "stop",  "running", "exit",      "done",
                                      "cancel", "alive", "abort",   "terminate", NULL};

static bool has_any_word(const char *text, const char *const *words)
{
    for (const char *const *w = words; *w; w++)
        if (ta_text_has_word(text, *w))
            return true;
    return false;
}

// "i < 8", "i < COUNT", "i < sizeof ...": a bound that the compiler knows.
static bool has_small_bound(const char *condition)
{
    const char *p = strchr(condition, '<');
    if (!p)
        p = strstr(condition, "!=");
    if (!p)
        return false;
    p += strspn(p, "<!= ");
    if (isdigit((unsigned char)*p))
        return strtol(p, NULL, 0) <= SMALL_ROUNDS;
    if (!strncmp(p, "sizeof", 6) || strstr(p, "ARRAY") || strstr(p, "COUNT(") || strstr(p, "countof"))
        return true;
    size_t n = strcspn(p, " )&|;+-");
    bool capitals = n > 1;
    for (size_t i = 0; i < n; i++)
        capitals &= isupper((unsigned char)p[i]) || p[i] == '_' || isdigit((unsigned char)p[i]);
    return capitals;
}

static unsigned head_flags(const struct parts *p, const char *condition, const char *head)
{
    unsigned flags = 0;
    bool always = !p->condition.kind || !strcmp(condition, "1") || !strcmp(condition, "true") ||
                  !strcmp(condition, "TRUE") || !strcmp(condition, "0 == 0");
    if (always || ta_perf_look_has_part(condition, of_ends))
        flags |= TA_LOOP_ENDLESS;
    else if (p->step.kind && has_small_bound(condition))
        flags |= TA_LOOP_SMALL;
    // "y < h" and "x < w", but not "w->next".
    size_t n = strlen(condition);
    bool size = n > 3 && strchr("hw", condition[n - 1]) && strchr("< ", condition[n - 2]) &&
                strchr(condition, '<');
    if (size || has_any_word(head, of_pixels))
        flags |= TA_LOOP_PIXELS;
    if (has_any_word(head, of_frames))
        flags |= TA_LOOP_FRAMES;
    return flags;
}

static bool is_pause(const char *body)
{
    static const char *const names[] = {"sched_yield", "pthread_yield",        "thrd_yield", "_mm_pause",
                                        "cpu_relax",   "__builtin_ia32_pause", NULL};
    const char *p = body + strspn(body, "{ ");
    for (const char *const *n = names; *n; n++) {
        size_t size = strlen(*n);
        if (!strncmp(p, *n, size) && !strcmp(p + size + strcspn(p + size, ";"), "; }"))
            return true;
    }
    return false;
}

// A loop that does nothing but ask, and asks nothing that would wait.
static void note_spin(struct look *l, struct ta_clang_cursor at, const struct parts *p, const char *condition)
{
    char *body = ta_perf_look_text(l, p->body, 80);
    bool empty = p->body.kind == TA_CLANG_NOTHING || !strcmp(body, "{}") || !strcmp(body, "{ }") || !*body;
    bool changes = p->step.kind || strstr(condition, "++") || strstr(condition, "--");
    for (const char *c = strchr(condition, '='); c && !changes; c = strchr(c + 1, '=')) {
        changes = c == condition || (c[1] != '=' && !strchr("=!<>", c[-1]));
        c += c[1] == '=';
    }
    bool names = false, calls = false;
    char last = ' '; // what is no space
    for (const char *c = condition; *c; c++) {
        names |= isalpha((unsigned char)*c);
        calls |= *c == '(' && (isalnum((unsigned char)last) || last == '_');
        last = *c == ' ' ? last : *c;
    }
    if (calls && strstr(condition, "atomic_load") && !strstr(condition, "exchange"))
        calls = false;
    if ((empty || is_pause(body)) && names && !changes && !calls && strcmp(condition, "true") != 0)
        ta_perf_look_add_site(l, TA_SITE_SPIN, at, condition);
    free(body);
}

static char *loop_variable(const struct look *l, const struct parts *p)
{
    if (!p->step.kind)
        return NULL;
    char *text = ta_perf_look_text(l, p->step, 80);
    size_t begin = strspn(text, "+-( "), n = begin;
    while (isalnum((unsigned char)text[n]) || text[n] == '_')
        n++;
    char *name = ta_xstrndup(text + begin, n - begin);
    free(text);
    return name;
}

static void mark_invariant(struct ta_site *s, const char *loop_text)
{
    // The call itself does not count as a change.
    char *text = ta_xstrdup(loop_text), *call = ta_xprintf("%s(%s", s->name, s->args);
    for (char *own = strstr(text, call); own; own = strstr(own, call))
        memset(own, ' ', strlen(call));
    free(call);
    bool fixed = *s->args && s->kind == TA_SITE_CALL;
    for (const char *p = s->args; *p && fixed;) {
        if (*p == '"') {
            for (p++; *p && *p != '"'; p++)
                p += *p == '\\' && p[1];
            p += *p == '"';
        } else if (isalpha((unsigned char)*p) || *p == '_') {
            size_t n = 0;
            while (isalnum((unsigned char)p[n]) || p[n] == '_')
                n++;
            char *word = ta_xstrndup(p, n);
            fixed = !ta_perf_look_changes(text, word,
                                          !(s->does & TA_DOES_LENGTH) || (s->flags & TA_SITE_HEAD) == 0);
            free(word);
            p += n;
        } else if (*p == '(') {
            fixed = false; // what a call answers may change
        } else {
            p++;
        }
    }
    if (fixed)
        s->flags |= TA_SITE_INVARIANT;
    free(text);
}

static bool is_inside(const struct ta_function *f, int loop, int outer)
{
    while (loop >= 0 && loop != outer)
        loop = f->loops[loop].parent;
    return loop == outer;
}

static bool gives_back(const struct ta_site *s, const char *word)
{
    bool frees = (s->does & TA_DOES_FREE) || strstr(s->name, "free") || strstr(s->name, "destroy") ||
                 strstr(s->name, "unref") || strstr(s->name, "release");
    return frees && ta_text_has_word(s->args, word);
}

void ta_perf_look_finish_sites(struct look *l, int loop, const char *text)
{
    static const char *const bounds[] = {"max", "limit", "full", "oldest", "trim", "evict", NULL};
    struct ta_function *f = look_function(l);
    for (int i = 0; i < f->site_count; i++) {
        struct ta_site *s = &f->sites[i];
        char *word = ta_perf_look_last_word(s->target);
        if ((s->does & TA_DOES_ALLOC) && *word && is_inside(f, s->loop, loop)) {
            for (int k = 0; k < f->site_count; k++)
                if (gives_back(&f->sites[k], word) && is_inside(f, f->sites[k].loop, loop))
                    s->flags |= TA_SITE_FREED;
        }
        if (s->loop == loop && loop >= 0 && (s->does & (TA_DOES_OPEN | TA_DOES_JSON | TA_DOES_LENGTH)))
            mark_invariant(s, text);
        if ((s->does & TA_DOES_APPEND) && s->loop == loop && loop >= 0) {
            // The text begins anew in each round: "*text = 0", "text[0] = 0", "strcpy(text, ...)".
            char *first = ta_xstrndup(s->args, strcspn(s->args, ","));
            char *to = ta_perf_look_last_word(first), *copied = ta_xprintf("cpy(%s", first);
            char *printed = ta_xprintf("printf(%s", first);
            if (ta_perf_look_changes(text, to, false) || strstr(text, copied) || strstr(text, printed))
                s->flags |= TA_SITE_LAZY;
            free(printed);
            free(copied);
            free(to);
            free(first);
        }
        if (loop < 0 && (s->does & TA_DOES_GROW) && ta_perf_look_has_part(text, bounds))
            s->flags |= TA_SITE_BOUNDED;
        free(word);
    }
}

static void walk_parts(struct look *l, struct ta_clang_cursor at, const struct parts *p)
{
    bool head = l->head;
    if (p->condition.kind && at.kind != TA_CLANG_DO) {
        l->head = true;
        ta_perf_look_walk(l, p->condition);
    }
    l->head = false;
    if (p->body.kind)
        ta_perf_look_walk(l, p->body);
    l->head = true;
    if (p->step.kind)
        ta_perf_look_walk(l, p->step);
    if (p->condition.kind && at.kind == TA_CLANG_DO)
        ta_perf_look_walk(l, p->condition);
    l->head = head;
}

void ta_perf_look_walk_loop(struct look *l, struct ta_clang_cursor at)
{
    struct ta_perf_look_children all = ta_perf_look_children(l, at);
    struct parts p;
    split_loop(l, at, &all, &p);
    if (p.init.kind)
        ta_perf_look_walk(l, p.init);
    if (l->loop_count < LOOK_LOOPS && p.body.kind) {
        char *condition = p.condition.kind ? ta_perf_look_text(l, p.condition, HEAD_LIMIT) : ta_xstrdup("");
        char *init = p.init.kind ? ta_perf_look_text(l, p.init, HEAD_LIMIT) : ta_xstrdup("");
        char *head = ta_xprintf("%s; %s", init, condition), *text = ta_perf_look_text(l, at, SIZE_MAX);
        struct ta_loop *loop = ta_facts_add_loop(look_function(l));
        loop->parent = look_loop_index(l);
        loop->line = ta_perf_look_line(l, at, NULL);
        loop->flags = head_flags(&p, condition, head);
        loop->because = ta_xstrdup("");
        if (at.kind == TA_CLANG_WHILE || at.kind == TA_CLANG_FOR)
            note_spin(l, at, &p, condition);
        int index = look_function(l)->loop_count - 1, switches = l->switches;
        l->switches = 0;
        l->loops[l->loop_count++] = (struct look_loop){
            .index = index, .variable = loop_variable(l, &p), .is_for = at.kind == TA_CLANG_FOR};
        const char *target = l->target;
        l->target = NULL;
        walk_parts(l, at, &p);
        l->target = target;
        ta_perf_look_finish_sites(l, index, text);
        free(l->loops[--l->loop_count].variable);
        l->switches = switches;
        free(text);
        free(head);
        free(init);
        free(condition);
    }
    free(all.items);
}

// A step over what lies side by side in any case.
static bool is_narrow(const char *factor)
{
    static const char *const names[] = {"chan", "nch", "comp", "bpp", "plane", "bytes", NULL};
    char *name = ta_xstrndup(factor, strcspn(factor, ")+]*"));
    bool is = ta_perf_look_has_part(name, names);
    free(name);
    return is;
}

// Is `word` multiplied in the text, by something that is no number and no count of channels?
static bool is_multiplied(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = strstr(text, word); p; p = strstr(p + 1, word)) {
        if ((p > text && (isalnum((unsigned char)p[-1]) || p[-1] == '_')) || isalnum((unsigned char)p[n]) ||
            p[n] == '_')
            continue;
        const char *behind = p + n + strspn(p + n, ") ");
        if (*behind == '*') {
            behind += 1 + strspn(behind + 1, "( ");
            if (!strncmp(behind, "size_t)", 7))
                behind += 7;
            if (isalpha((unsigned char)*behind) || *behind == '_')
                return !is_narrow(behind);
        }
        const char *before = p;
        while (before > text && (before[-1] == ' ' || before[-1] == '('))
            before--;
        if (before > text + 1 && before[-1] == '*') {
            before--;
            while (before > text && (before[-1] == ' ' || before[-1] == ')'))
                before--;
            const char *end = before;
            while (before > text && (isalnum((unsigned char)before[-1]) || strchr("_.>-", before[-1])))
                before--;
            if (before < end && !isdigit((unsigned char)*before))
                return !is_narrow(before);
        }
    }
    return false;
}

// An inner loop that steps by rows: a[y * stride + x] with y the inner variable.
void ta_perf_look_subscript(struct look *l, struct ta_clang_cursor at)
{
    if (l->loop_count < 2)
        return;
    const struct look_loop *inner = &l->loops[l->loop_count - 1], *outer = inner - 1;
    struct ta_function *f = look_function(l);
    if (!inner->is_for || !outer->is_for || !inner->variable || !outer->variable ||
        ((f->loops[inner->index].flags | f->loops[outer->index].flags) & TA_LOOP_SMALL))
        return;
    struct ta_perf_look_children parts = ta_perf_look_children(l, at);
    char *index = parts.count == 2 ? ta_perf_look_text(l, parts.items[1], 200) : ta_xstrdup("");
    if (*inner->variable && *outer->variable && is_multiplied(index, inner->variable) &&
        ta_text_has_word(index, outer->variable) && !is_multiplied(index, outer->variable))
        ta_perf_look_add_site(l, TA_SITE_COLUMNS, at, index);
    free(index);
    free(parts.items);
}
