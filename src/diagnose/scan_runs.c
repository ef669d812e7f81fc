#include "diagnose/scan_runs.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include <terminalai/error.h>

#include "base/mem.h"

enum {
    CADENCE = 5, // frames in which four film frames are shown
    CADENCE_WINDOW = 20,
};

// A change of type must save the evidence of this many frames; half a frame's less where the picture is cut.
static const double change_cost = 5, cut_discount = 0.5;
// Votes of a frame (share of its blocks) that make it count in full, and those below which it is a still.
static const double full_votes = 0.03, least_votes = 0.002;
// Lossy coding smooths noise within frames, which makes still frames look a little progressive. Nothing fakes
// a field order.
static const double progressive_weight = 0.35;

void ta_scan_fact_from_metrics(struct ta_scan_fact *out, const struct ta_field_metrics *m)
{
    // Fast motion makes blocks of progressive frames vote for an order by chance, for either alike: only the
    // surplus counts.
    double chance = fmin(m->votes_tff, m->votes_bff);
    double votes[TA_SCAN_TYPES] = {
        [TA_SCAN_PROGRESSIVE] = progressive_weight * m->votes_progressive,
        [TA_SCAN_TFF] = m->votes_tff - chance,
        [TA_SCAN_BFF] = m->votes_bff - chance,
    };
    double sum = votes[0] + votes[1] + votes[2];
    *out = (struct ta_scan_fact){.repeat = (float)m->repeat, .motion = (float)m->motion};
    // Where both orders find many voters, it is one-line detail that deceives.
    if (sum < least_votes || sum < 4 * chance)
        return;
    for (int t = 0; t < TA_SCAN_TYPES; t++)
        out->share[t] = (float)(votes[t] / sum);
    out->strength = (float)fmin(1, sum / full_votes);
}

int ta_scan_fact_type(const struct ta_scan_fact *f)
{
    if (f->strength <= 0)
        return -1;
    int best = 0;
    for (int t = 1; t < TA_SCAN_TYPES; t++)
        if (f->share[t] > f->share[best])
            best = t;
    return best;
}

// One place in the cycle of five where the first field is shown again and one where the second is; elsewhere
// both fields change alike.
static bool has_repeat_cadence(const struct ta_scan_fact *facts, int64_t count)
{
    double sum[CADENCE] = {0};
    int seen[CADENCE] = {0};
    for (int64_t i = 0; i < count; i++) {
        if (facts[i].repeat != 0) {
            sum[i % CADENCE] += facts[i].repeat;
            seen[i % CADENCE]++;
        }
    }
    int top = 0, bottom = 0, quiet = 0;
    for (int p = 0; p < CADENCE; p++) {
        double mean = seen[p] ? sum[p] / seen[p] : 0;
        top += mean > 0.5 && seen[p] >= 2;
        bottom += mean < -0.5 && seen[p] >= 2;
        quiet += fabs(mean) < 0.3;
    }
    return top == 1 && bottom == 1 && quiet == CADENCE - 2;
}

// Combed and clean frames in a cycle of five, each place of it always alike.
static bool has_comb_cadence(const struct ta_scan_fact *facts, int64_t count)
{
    int combed = 0, clean = 0;
    for (int p = 0; p < CADENCE; p++) {
        int votes[2] = {0, 0};
        for (int64_t i = p; i < count; i += CADENCE) {
            int type = ta_scan_fact_type(&facts[i]);
            if (type >= 0)
                votes[type != TA_SCAN_PROGRESSIVE]++;
        }
        if (votes[0] + votes[1] < 3 || (votes[0] && votes[1]))
            return false;
        combed += votes[1] > 0;
        clean += votes[0] > 0;
    }
    return combed >= 2 && clean >= 1;
}

bool ta_scan_is_telecine(const struct ta_scan_fact *facts, int64_t count)
{
    return count >= 2 * CADENCE && (has_repeat_cadence(facts, count) || has_comb_cadence(facts, count));
}

int64_t ta_scan_mask_telecine(struct ta_scan_fact *facts, int64_t count)
{
    // Windows overlap and masked frames look like no cadence any more, so all is marked before anything is
    // masked.
    for (int64_t i = 0; i < count; i += CADENCE) {
        int64_t size = TA_MIN(CADENCE_WINDOW, count - i);
        if (!ta_scan_is_telecine(facts + i, size))
            continue;
        for (int64_t k = i; k < i + size; k++)
            facts[k].telecine = true;
    }
    int64_t marked = 0;
    for (int64_t i = 0; i < count; i++) {
        struct ta_scan_fact *f = &facts[i];
        if (!f->telecine)
            continue;
        marked++;
        float interlaced = f->share[TA_SCAN_TFF] + f->share[TA_SCAN_BFF];
        f->share[TA_SCAN_PROGRESSIVE] = 0;
        if (interlaced > 0.2f) {
            f->share[TA_SCAN_TFF] /= interlaced;
            f->share[TA_SCAN_BFF] /= interlaced;
            f->strength *= interlaced;
        } else {
            f->share[TA_SCAN_TFF] = f->share[TA_SCAN_BFF] = 0;
            f->strength = 0;
        }
    }
    return marked;
}

static double cost_of(const struct ta_scan_fact *f, int type)
{
    return f->strength * (1 - f->share[type]);
}

static bool is_cut(const struct ta_scan_fact *facts, int64_t count, int64_t i)
{
    float around = fmaxf(i > 0 ? facts[i - 1].motion : 0, i + 1 < count ? facts[i + 1].motion : 0);
    return facts[i].motion > 8 && facts[i].motion > 3 * around;
}

enum { CONTINUE = 3 }; // in `from`; other values name the type before the change

// Dynamic programming over frames: from[i][t] says how the cheapest labelling of frames 0..i that ends in
// type t got there: it went on, or it changed from another type exactly TA_SCAN_MIN_RUN frames ago. Returns
// the type that the cheapest labelling of all ends in.
static int solve(const struct ta_scan_fact *facts, int64_t count, uint8_t (*from)[TA_SCAN_TYPES])
{
    enum { RING = TA_SCAN_MIN_RUN + 1 };
    double best[RING][TA_SCAN_TYPES] = {{0}}, sums[RING][TA_SCAN_TYPES] = {{0}};
    for (int64_t i = 0; i < count; i++) {
        double *now = best[i % RING], *sum = sums[i % RING];
        const double *before = best[(i + RING - 1) % RING], *sum_before = sums[(i + RING - 1) % RING];
        const double *entry = best[(i + 1) % RING],
                     *entry_sum = sums[(i + 1) % RING]; // TA_SCAN_MIN_RUN frames ago
        bool may_change = i + 1 >= 2 * TA_SCAN_MIN_RUN; // the first run has its least length as well
        double change = change_cost -
                        (may_change && is_cut(facts, count, i + 1 - TA_SCAN_MIN_RUN) ? cut_discount : 0);
        for (int t = 0; t < TA_SCAN_TYPES; t++) {
            sum[t] = (i > 0 ? sum_before[t] : 0) + cost_of(&facts[i], t);
            now[t] = (i > 0 ? before[t] : 0) + cost_of(&facts[i], t);
            from[i][t] = CONTINUE;
        }
        for (int t = 0; may_change && t < TA_SCAN_TYPES; t++) {
            for (int other = 0; other < TA_SCAN_TYPES; other++) {
                double cost = entry[other] + change + sum[t] - entry_sum[t];
                if (other != t && cost < now[t] - 1e-9) {
                    now[t] = cost;
                    from[i][t] = (uint8_t)other;
                }
            }
        }
    }
    const double *last = best[(count - 1) % RING];
    int type = 0;
    for (int t = 1; t < TA_SCAN_TYPES; t++)
        if (last[t] < last[type])
            type = t;
    return type;
}

int ta_scan_find_runs(const struct ta_scan_fact *facts, int64_t count, struct ta_scan_run **runs,
                      int *run_count)
{
    *runs = NULL;
    *run_count = 0;
    if (count <= 0)
        return TA_ERR_INVALID;
    uint8_t(*from)[TA_SCAN_TYPES] = malloc((size_t)count * sizeof(*from));
    if (!from)
        return TA_ERR_NOMEM;
    int type = solve(facts, count, from);

    // Back from the end: the runs come in reverse order.
    int err = 0;
    size_t capacity = 0;
    int64_t end = count;
    for (int64_t i = count - 1; i >= 0;) {
        uint8_t step = from[i][type];
        i -= step == CONTINUE ? 1 : TA_SCAN_MIN_RUN;
        if (step == CONTINUE && i >= 0)
            continue;
        if ((err = ta_try_grow((void **)runs, &capacity, (size_t)*run_count + 1, sizeof(**runs))) < 0)
            goto fail;
        (*runs)[(*run_count)++] = (struct ta_scan_run){i + 1, end - i - 1, (enum ta_scan_type)type};
        end = i + 1;
        type = step;
    }
    for (int a = 0, b = *run_count - 1; a < b; a++, b--) {
        struct ta_scan_run t = (*runs)[a];
        (*runs)[a] = (*runs)[b];
        (*runs)[b] = t;
    }
    free(from);
    return 0;

fail:
    free(from);
    free(*runs);
    *runs = NULL;
    *run_count = 0;
    return err;
}
