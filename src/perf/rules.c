// Facts of all files put together: who calls whom for each frame, and what calls do.
#include "perf/rules.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "perf/rules_parts.h"

// How many calls a cause is followed.
enum { CALLS_DOWN = 2, CALLS_UP = 3 };
enum { EFFECTS = TA_DOES_IO | TA_DOES_BLOCK | TA_DOES_PROCESS | TA_DOES_SLEEP };

// What a caller need not count with: seldom, or not under its lock.
enum { NO_EFFECT = TA_SITE_EXITS | TA_SITE_LAZY | TA_SITE_RELEASED };

struct node {
    const struct ta_function *f;
    // Why it runs for each frame: the caller and its site. -1: it does not, that anybody saw.
    int caller, depth;
    const struct ta_site *by;
    // What it does by itself and by calls; for each of EFFECTS the site that does it.
    unsigned does;
    const struct ta_site *through[32];
};

struct model {
    struct node *nodes; // sorted by id, file and line; each function once
    int count;
};

static int by_place(const void *a, const void *b)
{
    const struct ta_function *one = ((const struct node *)a)->f, *two = ((const struct node *)b)->f;
    int order = strcmp(one->id, two->id);
    order = order ? order : strcmp(one->file, two->file);
    return order ? order : one->line - two->line;
}

static void build(struct model *m, const struct ta_facts *facts, int count)
{
    int n = 0;
    for (int i = 0; i < count; i++)
        m->count += facts[i].function_count;
    m->nodes = ta_xcalloc((size_t)TA_MAX(m->count, 1), sizeof *m->nodes);
    for (int i = 0; i < count; i++)
        for (int k = 0; k < facts[i].function_count; k++)
            m->nodes[n++].f = &facts[i].functions[k];
    qsort(m->nodes, (size_t)n, sizeof *m->nodes, by_place);
    m->count = 0;
    for (int i = 0; i < n; i++)
        if (!m->count || by_place(&m->nodes[m->count - 1], &m->nodes[i]) != 0)
            m->nodes[m->count++] = m->nodes[i];
    for (int i = 0; i < m->count; i++)
        m->nodes[i].caller = -1;
}

// The function that a site calls; of several with the name that in the same file. -1: none of the project.
static int callee_of(const struct model *m, const struct node *from, const struct ta_site *s)
{
    int low = 0, high = m->count;
    if (s->kind != TA_SITE_CALL || !*s->callee)
        return -1;
    while (low < high) {
        int middle = (low + high) / 2;
        if (strcmp(m->nodes[middle].f->id, s->callee) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == m->count || strcmp(m->nodes[low].f->id, s->callee) != 0)
        return -1;
    for (int i = low; i < m->count && !strcmp(m->nodes[i].f->id, s->callee); i++)
        if (!strcmp(m->nodes[i].f->file, from->f->file))
            return i;
    return low;
}

static const struct ta_loop *frame_loop(const struct ta_function *f, int loop)
{
    for (; loop >= 0; loop = f->loops[loop].parent)
        if (f->loops[loop].flags & TA_LOOP_FRAMES)
            return &f->loops[loop];
    return NULL;
}

static bool for_each_frame(const struct node *n, const struct ta_site *s)
{
    return frame_loop(n->f, s->loop) || n->f->of_frame || n->caller >= 0;
}

// Callees of what runs for each frame do so too, but for what makes and ends things.
static void spread_frames(struct model *m)
{
    for (int depth = 1; depth <= CALLS_DOWN; depth++) {
        for (int i = 0; i < m->count; i++) {
            struct node *n = &m->nodes[i];
            if (n->caller >= 0 && n->depth == depth)
                continue; // found in this round
            for (int k = 0; k < n->f->site_count; k++) {
                const struct ta_site *s = &n->f->sites[k];
                if ((s->flags & (TA_SITE_EXITS | TA_SITE_LAZY)) || !for_each_frame(n, s))
                    continue;
                int to = callee_of(m, n, s);
                // What a branch calls is for each frame only when its name or its parameters say so.
                if (to >= 0 && (s->flags & TA_SITE_BRANCH) && !m->nodes[to].f->of_frame &&
                    !ta_name_of_frame(s->name))
                    continue;
                if (to < 0 || to == i || m->nodes[to].caller >= 0 || ta_name_of_setup(s->name) ||
                    (s->does & (TA_DOES_ALLOC | TA_DOES_FREE | TA_DOES_GROW)))
                    continue;
                m->nodes[to].caller = i;
                m->nodes[to].depth = depth;
                m->nodes[to].by = s;
            }
        }
    }
}

static void note_effects(struct node *n, const struct ta_site *s, unsigned does)
{
    for (int bit = 0; bit < 32; bit++) {
        if ((does & EFFECTS & (1u << bit)) && !n->through[bit])
            n->through[bit] = s;
    }
    n->does |= does & EFFECTS;
}

static void spread_effects(struct model *m)
{
    for (int i = 0; i < m->count; i++)
        for (int k = 0; k < m->nodes[i].f->site_count; k++) {
            const struct ta_site *s = &m->nodes[i].f->sites[k];
            if (s->kind == TA_SITE_CALL && !(s->flags & NO_EFFECT))
                note_effects(&m->nodes[i], s, s->does);
        }
    for (int depth = 1; depth < CALLS_UP; depth++) {
        unsigned *before = ta_xcalloc((size_t)TA_MAX(m->count, 1), sizeof *before);
        for (int i = 0; i < m->count; i++)
            before[i] = m->nodes[i].does;
        for (int i = 0; i < m->count; i++)
            for (int k = 0; k < m->nodes[i].f->site_count; k++) {
                const struct ta_site *s = &m->nodes[i].f->sites[k];
                int to = s->flags & NO_EFFECT ? -1 : callee_of(m, &m->nodes[i], s);
                if (to >= 0 && to != i)
                    note_effects(&m->nodes[i], s, before[to] & ~m->nodes[i].does);
            }
        free(before);
    }
}

static const char *base_name(const char *file)
{
    const char *slash = strrchr(file, '/');
    return slash ? slash + 1 : file;
}

// " (it calls a(), which calls fopen() in b.c:12)"
static void append_way(const struct model *m, int to, unsigned does, struct ta_buf *out)
{
    const char *word = " (it calls ";
    for (int step = 0; to >= 0 && step < CALLS_UP; step++) {
        const struct node *n = &m->nodes[to];
        const struct ta_site *s = NULL;
        for (int bit = 0; bit < 32 && !s; bit++)
            s = (does & (1u << bit)) ? n->through[bit] : NULL;
        if (!s)
            break;
        ta_buf_printf(out, "%s%s()", word, s->name);
        word = ", which calls ";
        if (s->does & does) {
            ta_buf_printf(out, " in %s:%d", base_name(n->f->file), s->line);
            break;
        }
        to = callee_of(m, n, s);
    }
    if (*word == ',')
        ta_buf_puts(out, ")");
}

static void append_frame(const struct model *m, const struct node *n, const struct ta_site *s,
                         struct ta_buf *out)
{
    const struct ta_loop *loop = frame_loop(n->f, s->loop);
    if (loop && *loop->because)
        ta_buf_printf(out, "; the loop in line %d has a frame in each round (%s)", loop->line, loop->because);
    else if (loop)
        ta_buf_printf(out, "; the loop in line %d counts frames", loop->line);
    else if (n->f->of_frame)
        ta_buf_printf(out, "; %s() gets one frame a call", n->f->name);
    else if (n->caller >= 0)
        ta_buf_printf(out, "; %s() in %s:%d calls %s() for each frame", m->nodes[n->caller].f->name,
                      base_name(m->nodes[n->caller].f->file), n->by->line, n->f->name);
}

static char *message(const struct model *m, const struct ta_rule *r, const struct node *n,
                     const struct ta_site *s, int to, unsigned does)
{
    struct ta_buf out = {0};
    switch (s->kind) {
    case TA_SITE_CALL:
    case TA_SITE_POINTER:
        ta_buf_printf(&out, "%s() %s", s->name, r->what);
        break;
    case TA_SITE_VALUE:
    case TA_SITE_COPY:
        ta_buf_printf(&out, "%s (%d bytes) %s", s->name, s->number, r->what);
        break;
    case TA_SITE_SECTION:
        ta_buf_printf(&out, "the lock %s %s: %d lines%s", s->name, r->what, s->number,
                      s->flags & TA_SITE_LOOPED ? ", with loops over costly calls" : "");
        break;
    default:
        ta_buf_printf(&out, "\"%s\" %s", s->name, r->what);
        break;
    }
    if (to >= 0)
        append_way(m, to, does, &out);
    if (r->place == TA_PLACE_FRAME || r->place == TA_PLACE_LOOP)
        append_frame(m, n, s, &out);
    if (r->place == TA_PLACE_LOCK)
        ta_buf_printf(&out, "; %s since line %d", s->lock, s->lock_line);
    return ta_buf_take(&out);
}

static bool in_two_pixel_loops(const struct ta_function *f, int loop)
{
    int loops = 0;
    bool pixels = false;
    for (; loop >= 0; loop = f->loops[loop].parent) {
        if (f->loops[loop].flags & TA_LOOP_SMALL)
            return false;
        pixels |= (f->loops[loop].flags & TA_LOOP_PIXELS) != 0;
        loops++;
    }
    return pixels && loops >= 2;
}

static bool is_placed(const struct ta_rule *r, const struct ta_judged *j)
{
    switch (r->place) {
    case TA_PLACE_LOOP:
        return j->loop && !(j->loop->flags & TA_LOOP_SMALL);
    case TA_PLACE_FRAME:
        return j->frame;
    case TA_PLACE_PIXELS:
        return r->does == TA_DOES_LOCK ? j->loop && (j->loop->flags & TA_LOOP_PIXELS)
                                       : in_two_pixel_loops(j->function, j->site->loop);
    case TA_PLACE_LOCK:
        return *j->site->lock != 0;
    default:
        return true;
    }
}

static void add_finding(struct ta_findings *out, const struct ta_finding *finding)
{
    if ((size_t)out->count == out->room) {
        out->room = out->room ? 2 * out->room : 32;
        out->items = ta_xrealloc(out->items, out->room * sizeof *out->items);
    }
    out->items[out->count++] = *finding;
}

static void judge_site(const struct model *m, const struct ta_rule *r, const struct node *n,
                       const struct ta_site *s, struct ta_findings *out)
{
    if (s->kind != r->kind || (s->flags & r->without) || (s->flags & r->with) != r->with)
        return;
    struct ta_judged j = {.function = n->f,
                          .site = s,
                          .loop = s->loop >= 0 ? &n->f->loops[s->loop] : NULL,
                          .frame = for_each_frame(n, s)};
    j.indirect = j.frame && !frame_loop(n->f, s->loop) && !n->f->of_frame;
    int to = -1;
    unsigned does = s->does & r->does;
    if (r->does && !does) {
        to = r->through ? callee_of(m, n, s) : -1;
        does = to >= 0 ? m->nodes[to].does & r->does : 0;
        // What waits anyway is the other rule's.
        if (!does || (r->does == TA_DOES_IO && (m->nodes[to].does & (TA_DOES_BLOCK | TA_DOES_PROCESS))))
            return;
    }
    if (!is_placed(r, &j) || (r->fits && !r->fits(&j)))
        return;
    enum ta_weight severity = r->severity;
    // Less sure, or less bad.
    if ((j.indirect && r->place == TA_PLACE_FRAME) ||
        (r->does == TA_DOES_ALLOC && !(s->flags & TA_SITE_FREED)))
        severity = severity > TA_WEIGHT_LOW ? severity - 1 : severity;
    add_finding(out, &(struct ta_finding){.rule = r,
                                          .severity = severity,
                                          .file = ta_xstrdup(n->f->file),
                                          .function = ta_xstrdup(n->f->name),
                                          .message = message(m, r, n, s, to, does),
                                          .line = s->line,
                                          .function_line = n->f->line,
                                          .column = s->column});
}

static int by_line(const void *a, const void *b)
{
    const struct ta_finding *one = a, *two = b;
    int order = strcmp(one->file, two->file);
    order = order ? order : one->line - two->line;
    order = order ? order : strcmp(one->rule->id, two->rule->id);
    return order ? order : one->column - two->column;
}

static void release_finding(struct ta_finding *f)
{
    free(f->file);
    free(f->function);
    free(f->message);
    free(f->reason);
}

static void sort_findings(struct ta_findings *f)
{
    int n = 0;
    if (f->count)
        qsort(f->items, (size_t)f->count, sizeof *f->items, by_line);
    for (int i = 0; i < f->count; i++) {
        struct ta_finding *last = n ? &f->items[n - 1] : NULL, *now = &f->items[i];
        if (last && last->rule == now->rule && last->line == now->line && !strcmp(last->file, now->file))
            release_finding(now);
        else
            f->items[n++] = *now;
    }
    f->count = n;
}

static bool is_wanted(const struct ta_rule *r, const char *const *only)
{
    for (const char *const *o = only; o && *o; o++)
        if (!strcmp(*o, r->id))
            return true;
    return !only;
}

void ta_rules_judge(const struct ta_facts *facts, int count, const char *const *only, struct ta_findings *out)
{
    struct model m = {0};
    *out = (struct ta_findings){0};
    build(&m, facts, count);
    spread_frames(&m);
    spread_effects(&m);
    for (const struct ta_rule *r = ta_rules; r->id; r++) {
        if (!is_wanted(r, only))
            continue;
        for (int i = 0; i < m.count; i++)
            for (int k = 0; k < m.nodes[i].f->site_count; k++)
                judge_site(&m, r, &m.nodes[i], &m.nodes[i].f->sites[k], out);
    }
    sort_findings(out);
    free(m.nodes);
}

void ta_findings_release(struct ta_findings *f)
{
    for (int i = 0; i < f->count; i++)
        release_finding(&f->items[i]);
    free(f->items);
    *f = (struct ta_findings){0};
}
