// Fields are numbered in the order of time: 2n and 2n+1 are the first and second field of frame n.
#include "diagnose/cadence.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/mem.h"

enum {
    CYCLE = 10,  // fields of the longest cadence
    STATES = 31, // places in all cadences
    CONTEXT = 5, // fields to both sides whose motion tells that a field stands still on purpose
    STILL_WINDOW = 30,
    HALF_FIELD = TA_FILM_PARTS / 4, // in the unit of shifts: a frame has two fields
};

// How many fields each film frame is shown. Where measurements say nothing the first ones are preferred.
static const int cadences[][CYCLE] = {
    {2}, {2, 3}, {2, 3, 3, 2}, {2, 2, 2, 4}, {3}, {1},
};

// A change of state must save as much as so many fields that contradict it.
static const double change_cost = 2;
// Edits are often cuts.
static const double cut_discount = 0.5;
// Share of the blocks whose votes count in full.
static const double full_votes = 0.03;
// Costs of a field that fits neither neighbour in a cadence, and of one that stands still where a change was
// expected while all around moves.
static const double torn_cost = 0.6, still_cost = 0.1;

struct state {
    int next;    // state of the following field
    bool starts; // first field of a film frame
    int inside;  // fields since that
    int late;    // film frames at even distances would start it so much later, in half fields
};

static void build_states(struct state *states)
{
    int s = 0;
    for (size_t c = 0; c < TA_COUNT(cadences); c++) {
        int frames = 0, fields = 0, first = s;
        for (; frames < CYCLE && cadences[c][frames]; frames++)
            fields += cadences[c][frames];
        for (int f = 0, start = 0; f < frames; start += cadences[c][f++])
            for (int k = 0; k < cadences[c][f]; k++, s++)
                states[s] = (struct state){.next = s + 1,
                                           .starts = k == 0,
                                           .inside = k,
                                           .late = 2 * fields * f / frames - 2 * start};
        states[s - 1].next = first;
    }
}

// What the triple around a field says, 0..1 each.
struct evidence {
    float before, after; // it belongs with that neighbour
    float torn;          // it moves, and belongs with neither
    float moving;
    float around; // the most motion near it
    bool cut;     // another scene begins at it or right after: then fitting one side better says little
};

static double clip(double x)
{
    return fmax(0, fmin(1, x));
}

// Coding noise can be larger where more moves, so that a repeated field has some, too: where motion has clear
// dips, what counts is how far above them it is.
static double against_dips(const struct ta_field_triple *t, int64_t fields, int64_t i)
{
    double low = INFINITY, high = 0;
    for (int64_t k = TA_MAX(0, i - CONTEXT); k <= TA_MIN(fields - 1, i + CONTEXT); k++) {
        low = fmin(low, t[k].moved_most);
        high = fmax(high, t[k].moved_most);
    }
    return high > 2 * low ? clip((t[i].moved_most - low) / (0.4 * (high - low))) : 1;
}

// The least change in a second is what noise does, where a field was repeated in it. Where none was, motion
// says nothing: then the votes must do.
static void weigh_all(const struct ta_field_triple *t, int64_t fields, struct evidence *out)
{
    for (int64_t i = 0; i < fields; i++) {
        double still = INFINITY;
        for (int64_t k = TA_MAX(0, i - STILL_WINDOW); k < TA_MIN(fields, i + STILL_WINDOW); k++)
            still = fmin(still, t[k].moved_most);
        double votes = (double)t[i].before + t[i].after, sum = votes + t[i].torn;
        double strength = fmin(1, sum / full_votes);
        double side = sum > 0 ? strength * ((double)t[i].before - t[i].after) / sum : 0;
        double moving = clip((t[i].moved_most - 1.15 * still - 0.5) / (0.25 * still + 1.5));
        moving *= against_dips(t, fields, i);
        out[i] = (struct evidence){.before = (float)fmax(0, side),
                                   .after = (float)fmax(0, -side),
                                   .torn = (float)(sum > 0 ? strength * t[i].torn / sum : 0),
                                   .moving = (float)moving};
    }
    for (int64_t i = 0; i < fields; i++) {
        double most = 0; // near it, but not across the same place
        for (int64_t k = TA_MAX(0, i - CONTEXT); k <= TA_MIN(fields - 1, i + CONTEXT); k++) {
            out[i].around = fmaxf(out[i].around, out[k].moving);
            if (llabs(k - i) > 1)
                most = fmax(most, t[k].moved_most);
        }
        out[i].cut = t[i].moved_most > 1.6 * most + 8;
    }
}

// What it costs to say that a field shows the same moment as its neighbours.
static double cost_of(const struct evidence *e, bool same_before, bool same_after)
{
    if (same_before && same_after)
        return fmax(e->before + e->after + e->torn, e->moving);
    double still = still_cost * e->around * (1 - e->moving);
    if (!same_before && !same_after)
        return (e->cut ? 0 : 0.6 * (e->before + e->after)) + still;
    return (same_before ? e->after : e->before) + torn_cost * e->torn + still;
}

// How the best way reaches the states of a field.
struct step {
    uint32_t after_change; // bit s: the way that goes on to state s had just changed at the field before
    uint8_t from;          // state that a change leaves
    bool from_change;      // ... having just changed itself
};

// Costs of the best ways to each state: going on, and just after a change.
struct ways {
    double on[STATES], changed[STATES];
};

// Where the best way ends: a state, and whether it has just changed.
struct place {
    int state;
    bool changed;
};

// From the field of evidence e[0] to that of e[1].
static void advance(const struct state *states, const struct evidence *e, const struct ways *now,
                    struct ways *next, struct step *step)
{
    double best = INFINITY;
    *step = (struct step){0};
    for (int s = 0; s < STATES; s++) {
        bool before = !states[s].starts, after = !states[states[s].next].starts;
        double on = now->on[s] + cost_of(e, before, after),
               changed = now->changed[s] + cost_of(e, false, after);
        int to = states[s].next;
        next->on[to] = fmin(on, changed);
        if (changed < on)
            step->after_change |= 1U << to;
        on = now->on[s] + cost_of(e, before, false);
        changed = now->changed[s] + cost_of(e, false, false);
        if (fmin(on, changed) < best) {
            best = fmin(on, changed);
            step->from = (uint8_t)s;
            step->from_change = changed < on;
        }
    }
    for (int s = 0; s < STATES; s++)
        next->changed[s] = best + change_cost - (e[0].cut && e[1].cut ? cut_discount : 0);
}

// The state of each field by the best way; changed[i] says that it is reached by a change.
static int find_way(const struct state *states, const struct evidence *e, int64_t fields, uint8_t *way,
                    bool *changed)
{
    struct step *steps = malloc((size_t)fields * sizeof(*steps));
    if (!steps)
        return TA_ERR_NOMEM;
    struct ways a = {{0}, {0}}, b;
    for (int s = 0; s < STATES; s++) {
        a.on[s] = s > 0 ? 1e-6 : 0; // where nothing moves, frames are whole
        a.changed[s] = INFINITY;
    }
    for (int64_t i = 0; i + 1 < fields; i++) {
        advance(states, &e[i], &a, &b, &steps[i + 1]);
        a = b;
    }
    struct place p = {0, false};
    for (int s = 1; s < STATES; s++)
        if (a.on[s] < a.on[p.state] - 1e-9)
            p.state = s;
    int back[STATES];
    for (int s = 0; s < STATES; s++)
        back[states[s].next] = s;
    for (int64_t i = fields - 1; i >= 0; i--) {
        way[i] = (uint8_t)p.state;
        changed[i] = p.changed;
        const struct step *step = &steps[i];
        if (i > 0 && p.changed)
            p = (struct place){step->from, step->from_change};
        else if (i > 0)
            p = (struct place){back[p.state], step->after_change >> p.state & 1};
    }
    free(steps);
    return 0;
}

// Are two fields in succession of two scenes beyond doubt? An edit can leave single fields that go on in the
// cadence before it.
static bool are_apart(const struct evidence *e, int64_t first)
{
    double left = fmax(e[first].torn, e[first].before) - e[first].after,
           right = fmax(e[first + 1].torn, e[first + 1].after) - e[first + 1].before;
    return (e[first].cut || e[first + 1].cut) && fmin(left, right) > 0.5;
}

// A film frame's fields first..end-1, at least two; `run` is where its cadence began.
static void give_film(const struct state *states, const uint8_t *way, int64_t run, int64_t first, int64_t end,
                      bool top_first, struct ta_film_frame *out)
{
    int64_t n = (first + 1) / 2; // first frame that begins in it
    bool whole = 2 * n + 1 < end;
    if (!whole)
        n = first / 2;
    const struct state *s = &states[way[first]];
    // Even distances, but never before the cadence began, nor after the film frame ended.
    int64_t time = 2 * (first - s->inside) + s->late;
    time = TA_MAX(2 * run, TA_MIN(time, 2 * end - 1));
    out[n] = (struct ta_film_frame){
        .action = (char)(whole       ? TA_FILM_KEEP
                         : top_first ? TA_FILM_TOP
                                     : TA_FILM_BOTTOM),
        .shift = (int8_t)((time - 4 * n) * HALF_FIELD),
    };
}

int ta_cadence_decide(const struct ta_field_triple (*triples)[2], int64_t count, bool top_first,
                      struct ta_film_frame *out)
{
    int64_t fields = 2 * count;
    if (count <= 0)
        return 0;
    struct state states[STATES];
    build_states(states);
    struct evidence *e = calloc((size_t)fields, sizeof(*e));
    uint8_t *way = malloc((size_t)fields);
    bool *changed = malloc((size_t)fields * sizeof(*changed)), *used = calloc((size_t)fields, sizeof(*used));
    int err = e && way && changed && used ? 0 : TA_ERR_NOMEM;
    if (err >= 0) {
        weigh_all(triples[0], fields, e);
        err = find_way(states, e, fields, way, changed);
    }
    if (err < 0)
        goto end;
    for (int64_t n = 0; n < count; n++)
        out[n] = (struct ta_film_frame){TA_FILM_DROP, 0};
    for (int64_t first = 0, run = 0, next; first < fields; first = next) {
        if (changed[first])
            run = first;
        for (next = first + 1; next < fields && !states[way[next]].starts && !changed[next];)
            next++;
        if (next - first < 2 || (next - first == 2 && are_apart(e, first)))
            continue;
        give_film(states, way, run, first, next, top_first, out);
        memset(used + first, 1, (size_t)(next - first));
    }
    for (int64_t n = 0; n < count; n++)
        if (!used[2 * n] && !used[2 * n + 1])
            out[n].action = top_first ? TA_FILM_VIDEO_TFF : TA_FILM_VIDEO_BFF;

end:
    free(e);
    free(way);
    free(changed);
    free(used);
    return err;
}
