// The tables of the HDR stage. Logarithm and power are our own: those of the C library differ between
// processors in the last bit, and tables must not.
#include "dsp/hdr.h"

#include <math.h>

// x > 0. The series of atanh around the mantissa that is nearest to 1.
static double log_of(double x)
{
    static const double ln2 = 0.693147180559945309417;
    int exponent;
    double m = frexp(x, &exponent); // exact
    if (m < 0.707106781186547524) {
        m *= 2;
        exponent--;
    }
    double z = (m - 1) / (m + 1), square = z * z, sum = 0;
    for (int k = 27; k >= 1; k -= 2)
        sum = sum * square + 1.0 / k;
    return 2 * z * sum + exponent * ln2;
}

static double exp_of(double x)
{
    static const double ln2 = 0.693147180559945309417;
    int n = (int)floor(x / ln2 + 0.5);
    double r = x - n * ln2, sum = 1;
    for (int k = 18; k >= 1; k--)
        sum = 1 + sum * r / k;
    return ldexp(sum, n); // exact
}

static double power(double x, double e)
{
    return x > 0 ? exp_of(e * log_of(x)) : 0;
}

double ta_hdr_pq(double light)
{
    double y = power(light / 10000, 2610.0 / 16384);
    return power((3424.0 / 4096 + 2413.0 / 128 * y) / (1 + 2392.0 / 128 * y), 2523.0 / 32);
}

double ta_hdr_hlg(double scene)
{
    static const double a = 0.17883277, b = 0.28466892, c = 0.55991073;
    if (scene <= 1.0 / 12)
        return sqrt(3 * scene); // correctly rounded everywhere
    return a * log_of(12 * scene - b) + c;
}

static double to_light(enum ta_hdr_transfer transfer, double x)
{
    switch (transfer) {
    case TA_HDR_GAMMA22:
        return power(x, 2.2);
    case TA_HDR_GAMMA28:
        return power(x, 2.8);
    case TA_HDR_SRGB:
        return x <= 0.04045 ? x / 12.92 : power((x + 0.055) / 1.055, 2.4);
    case TA_HDR_LINEAR:
        return x;
    default:
        return power(x, 2.4);
    }
}

enum curve { CURVE_PQ, CURVE_HLG, CURVE_OOTF };

// The OOTF of a display of 1000 cd/m2 has gamma 1.2: display light is scene light times the scene's luminance
// to the power 0.2. From the display's side: times the display's luminance to the power 1 / 1.2 - 1.
static double value_of(enum curve curve, double x)
{
    switch (curve) {
    case CURVE_PQ:
        return ta_hdr_pq(TA_HDR_WHITE * x);
    case CURVE_HLG:
        return fmin(ta_hdr_hlg(x), 1);
    default:
        return TA_HDR_WHITE / 1000.0 * power(TA_HDR_WHITE / 1000.0 * fmax(x, 0x1p-26), 1 / 1.2 - 1);
    }
}

static void fill_curve(struct ta_hdr_curve *c, enum curve curve)
{
    double next = value_of(curve, 0);
    for (int i = 0; i < TA_HDR_CURVE; i++) {
        double here = next;
        int n = i + 1;
        next = value_of(curve, ldexp(1 + n % 64 / 64.0, n / 64 - 20) - 0x1p-20);
        c->base[i] = (float)here;
        c->slope[i] = (float)((next - here) / (1 << 17));
    }
}

// out = a b; 3x3, rows first.
static void multiply(double out[9], const double a[9], const double b[9])
{
    for (int i = 0; i < 9; i++)
        out[i] = a[i / 3 * 3] * b[i % 3] + a[i / 3 * 3 + 1] * b[i % 3 + 3] + a[i / 3 * 3 + 2] * b[i % 3 + 6];
}

static void invert(double out[9], const double m[9])
{
    double cofactor[9];
    for (int i = 0; i < 9; i++) {
        int r = i / 3, c = i % 3, r1 = (r + 1) % 3, r2 = (r + 2) % 3, c1 = (c + 1) % 3, c2 = (c + 2) % 3;
        cofactor[i] = m[r1 * 3 + c1] * m[r2 * 3 + c2] - m[r1 * 3 + c2] * m[r2 * 3 + c1];
    }
    double det = m[0] * cofactor[0] + m[1] * cofactor[1] + m[2] * cofactor[2];
    for (int i = 0; i < 9; i++)
        out[i] = cofactor[i % 3 * 3 + i / 3] / det;
}

// RGB of these primaries, white D65, to XYZ.
static void to_xyz(double out[9], const double primaries[6])
{
    static const double white[3] = {0.3127 / 0.3290, 1, (1 - 0.3127 - 0.3290) / 0.3290};
    double columns[9], inverse[9];
    for (int k = 0; k < 3; k++) {
        double x = primaries[2 * k], y = primaries[2 * k + 1];
        columns[k] = x / y;
        columns[3 + k] = 1;
        columns[6 + k] = (1 - x - y) / y;
    }
    invert(inverse, columns);
    for (int k = 0; k < 3; k++) {
        double s = inverse[3 * k] * white[0] + inverse[3 * k + 1] * white[1] + inverse[3 * k + 2] * white[2];
        for (int r = 0; r < 3; r++)
            out[3 * r + k] = columns[3 * r + k] * s;
    }
}

static void fill_gamut(float out[9], const double primaries[6])
{
    static const double bt2020[6] = {0.708, 0.292, 0.170, 0.797, 0.131, 0.046};
    double from[9], to[9], back[9], all[9];
    to_xyz(from, primaries);
    to_xyz(to, bt2020);
    invert(back, to);
    multiply(all, back, from);
    for (int i = 0; i < 9; i++)
        out[i] = (float)all[i];
}

void ta_hdr_init(struct ta_hdr *h, const struct ta_hdr_source *source, bool hlg, int peak)
{
    double y_range = source->full_range ? 65535 : 219 * 256, c_range = source->full_range ? 65535 : 224 * 256;
    double kr = source->kr, kb = source->kb, kg = 1 - kr - kb;
    h->y_zero = source->full_range ? 0 : 16 * 256;
    h->y_scale = (float)(TA_HDR_STEPS / y_range);
    double step = TA_HDR_STEPS / c_range;
    h->r_v = (float)(2 * (1 - kr) * step);
    h->b_u = (float)(2 * (1 - kb) * step);
    h->g_u = (float)(-2 * (1 - kb) * kb / kg * step);
    h->g_v = (float)(-2 * (1 - kr) * kr / kg * step);
    // The brightest that limited range may hold is 254 of 8 bits.
    int top = source->full_range ? TA_HDR_STEPS : (int)(TA_HDR_STEPS * (254 - 16) / 219.0 + 0.5);
    h->top = (float)top;
    for (int i = 0; i <= TA_HDR_STEPS + TA_HDR_BEYOND; i++)
        h->linear[i] = (float)to_light(source->transfer, (double)i / TA_HDR_STEPS);
    fill_gamut(h->gamut, source->primaries);

    double room = (double)peak / TA_HDR_WHITE - 1, above = (double)h->linear[top] - 1;
    h->room = (float)room;
    h->peak = (float)((double)peak / TA_HDR_WHITE);
    h->bend = above > 0 && room > above ? (float)((room - above) / (above * above)) : 0;
    h->hlg = hlg;
    fill_curve(&h->ootf, CURVE_OOTF);
    fill_curve(&h->encode, hlg ? CURVE_HLG : CURVE_PQ);
}
