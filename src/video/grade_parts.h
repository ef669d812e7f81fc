// Inside of a grade: what grade.c works out and grade_run.c does.
#ifndef TA_VIDEO_GRADE_PARTS_H
#define TA_VIDEO_GRADE_PARTS_H

#include "dsp/grade.h"
#include "video/grade.h"
#include "video/siting.h"

enum {
    TA_GRADE_PAD = 16,  // floats before and after each row: more than any kernel of chroma reaches
    TA_GRADE_RING = 16, // rows of chroma that wait for those below; more than the taps of a siting
    TA_GRADE_MAX_STEPS = 5,
};

enum ta_grade_step_kind { TA_GRADE_MATRIX, TA_GRADE_POWER, TA_GRADE_LUT, TA_GRADE_CURVE };

// One pass over the three channels of a row.
struct ta_grade_step {
    enum ta_grade_step_kind kind;
    float matrix[12];
};

struct ta_grade {
    const struct ta_grade_dsp *dsp;
    int width, height, depth, bytes, max; // bytes a sample, largest sample
    int chroma_width, chroma_height, ratio_x, ratio_y;

    bool rgb; // the way of floats
    // Without: a table of luma (256 bytes or 65536 words, NULL: kept) and a matrix of chroma.
    void *luma_map;
    bool turns;
    float turn[6];

    // With: luma to floats by a table (NULL: as they are), then steps that end in samples.
    float *look;
    struct ta_grade_step steps[TA_GRADE_MAX_STEPS];
    int step_count;
    float exponents[3];
    float *nodes;
    struct ta_grade_lut lut;
    float *curve_values[3];
    struct ta_grade_curve curves[3];

    struct ta_siting across, down[3]; // down: of frames, top and bottom fields
    float *memory;
    float *full[3];                // a row of luma and chroma at full resolution
    float *line[2][2];             // rows of chroma as floats: two of each plane
    int line_of[2];                // which
    float *mixed[2];               // between these
    float *ring[2][TA_GRADE_RING]; // rows of graded chroma, of each luma row
};

void ta_grade_run_rgb(struct ta_grade *g, const AVFrame *in, AVFrame *out);

#endif
