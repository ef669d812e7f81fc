#include "video/siting.h"

#include <math.h>
#include <string.h>

enum { MAX_RULES = 6 };

// What the taps have to fulfil: the sum over taps of a * tap is b.
struct rules {
    int count;
    double a[MAX_RULES][TA_SITING_MAX_TAPS], b[MAX_RULES];
};

static double hat(double x)
{
    return fabs(x) < 1 ? 1 - fabs(x) : 0;
}

static void collect_rules(struct rules *r, const struct ta_siting *s, double offset)
{
    static const int cosine[4] = {1, 0, -1, 0}; // of quarter turns
    memset(r, 0, sizeof *r);
    for (int j = -1; j <= 1; j++, r->count++) { // the share of chroma j in chroma 0
        for (int k = 0; k < s->taps; k++)
            r->a[r->count][k] = hat((s->first + k - offset) / s->ratio - j);
        r->b[r->count] = j == 0;
    }
    for (int m = 1; m <= s->ratio / 2; m++) // m turns in `ratio` positions
        for (int sine = 0; sine < (2 * m < s->ratio ? 2 : 1); sine++, r->count++)
            for (int k = 0; k < s->taps; k++) {
                int quarters = (s->first + k) * m * 4 / s->ratio;
                r->a[r->count][k] = cosine[(quarters + (sine ? 3 : 0)) & 3];
            }
}

// Solves the equations `m` x = `b` of `n` unknowns; x replaces b.
static void solve(double m[MAX_RULES][MAX_RULES], double b[MAX_RULES], int n)
{
    for (int i = 0; i < n; i++) {
        int best = i;
        for (int r = i + 1; r < n; r++)
            if (fabs(m[r][i]) > fabs(m[best][i]))
                best = r;
        for (int c = 0; c < n; c++) {
            double t = m[i][c];
            m[i][c] = m[best][c];
            m[best][c] = t;
        }
        double t = b[i];
        b[i] = b[best];
        b[best] = t;
        for (int r = 0; r < n; r++) {
            double f = r == i ? 0 : m[r][i] / m[i][i];
            for (int c = i; c < n; c++)
                m[r][c] -= f * m[i][c];
            b[r] -= f * b[i];
        }
    }
    for (int i = 0; i < n; i++)
        b[i] /= m[i][i];
}

// The shortest vector of taps that fulfils the rules is a sum of their rows.
static void find_taps(struct ta_siting *s, double offset)
{
    struct rules r;
    double m[MAX_RULES][MAX_RULES] = {{0}};
    collect_rules(&r, s, offset);
    for (int i = 0; i < r.count; i++)
        for (int j = 0; j < r.count; j++)
            for (int k = 0; k < s->taps; k++)
                m[i][j] += r.a[i][k] * r.a[j][k];
    solve(m, r.b, r.count);
    for (int k = 0; k < s->taps; k++) {
        double tap = 0;
        for (int i = 0; i < r.count; i++)
            tap += r.b[i] * r.a[i][k];
        s->back[k] = (float)(floor(tap * (1 << 20) + 0.5) / (1 << 20)); // most are such fractions exactly
    }
}

void ta_siting_init(struct ta_siting *s, int ratio, double offset)
{
    *s = (struct ta_siting){.ratio = ratio, .weight = {1}, .taps = 1, .back = {1}};
    if (ratio == 1)
        return;
    for (int k = 0; k < ratio; k++) {
        double x = (k - offset) / ratio;
        s->at[k] = x < 0 ? -1 : 0;
        s->weight[k] = (float)(1 - (x - s->at[k]));
    }
    s->first = (int)ceil(offset - ratio);
    s->taps = (int)floor(offset + ratio) - s->first + 1;
    find_taps(s, offset);
}
