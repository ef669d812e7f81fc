// Kernels of the HDR stage: rows of Y'CbCr of SDR pictures, 4:4:4 in 16 bits, to rows of Y'CbCr of BT.2100,
// non-constant luminance, limited range. All instruction sets give the same bits. Light is counted in units
// of SDR white: 1 is 203 cd/m2.
//
// What happens to a pixel: matrix and range to R'G'B'; the transfer to light, as a display makes it; the
// gamut to BT.2020; light above white along the knee to the peak; PQ, or the inverse OOTF and HLG; the matrix
// of BT.2020.
#ifndef TA_DSP_HDR_H
#define TA_DSP_HDR_H

#include <stdbool.h>
#include <stdint.h>

#define TA_HDR_WHITE 203 // cd/m2, BT.2408

// How numbers become light. BT.1886 is what pictures made for BT.601 and BT.709 are looked at with.
enum ta_hdr_transfer {
    TA_HDR_BT1886 = 0, // power 2.4
    TA_HDR_GAMMA22,
    TA_HDR_GAMMA28,
    TA_HDR_SRGB,
    TA_HDR_LINEAR,
};

struct ta_hdr_source {
    double kr, kb; // of the matrix
    bool full_range;
    enum ta_hdr_transfer transfer;
    double primaries[6]; // x and y of red, green, blue; white is D65
};

enum {
    TA_HDR_STEPS = 15000,  // of `linear`, from black to white
    TA_HDR_BEYOND = 1400,  // and above white, more than video has
    TA_HDR_OCTAVES = 23,   // of a curve, from 2^-20 to 2^3
    TA_HDR_CURVE = 23 * 64 // its pieces
};

// A function of light: straight pieces, 64 in each octave of x + 2^-20, which may be anything below 8.
struct ta_hdr_curve {
    float base[TA_HDR_CURVE], slope[TA_HDR_CURVE];
};

// Everything that a conversion needs, made once.
struct ta_hdr {
    float y_zero, y_scale;    // Y' to steps of `linear`
    float r_v, g_u, g_v, b_u; // and what chroma adds to it
    float top;                // the last step that is used; what lies above is as bright
    float linear[TA_HDR_STEPS + TA_HDR_BEYOND + 1];
    float gamut[9];         // rows give R, G, B of BT.2020
    float bend, room, peak; // the knee: with t = Y - 1, Y > 1: 1 + min(t + bend t^2, room)
    bool hlg;
    struct ta_hdr_curve ootf;   // HLG: scene light over display light, by the luminance of the latter
    struct ta_hdr_curve encode; // light to signal
};

// `peak` is in cd/m2, 203 to 1000: what the brightest light above white becomes.
void ta_hdr_init(struct ta_hdr *h, const struct ta_hdr_source *source, bool hlg, int peak);
double ta_hdr_pq(double light);  // cd/m2 to 0..1, SMPTE ST 2084
double ta_hdr_hlg(double scene); // 0..1 to 0..1, BT.2100

// max(R, G, B) of pixels in TA_HDR_LIGHT of a cd/m2.
#define TA_HDR_LIGHT 64
struct ta_hdr_light {
    uint32_t highest;
    uint64_t sum;
};

struct ta_hdr_dsp {
    const char *name; // "c", "avx2", "avx512"
    // `dst` may be `src`. What was measured is added to *light.
    void (*convert)(uint16_t *const dst[3], const uint16_t *const src[3], const struct ta_hdr *h, int n,
                    struct ta_hdr_light *light);
};

// The fastest that ta_cpu_flags() allows.
const struct ta_hdr_dsp *ta_hdr_dsp(void);

// One a set of instructions, for the choice above and for tests.
extern const struct ta_hdr_dsp ta_hdr_dsp_c, ta_hdr_dsp_avx2, ta_hdr_dsp_avx512;

#endif
