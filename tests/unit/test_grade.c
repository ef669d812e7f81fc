// Grading against a reference in double precision: all matrices, ranges, depths, samplings, odd sizes and
// fields; and what must be exact.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <libavutil/pixdesc.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "media/av.h"
#include "video/grade.h"
#include "video/siting.h"
#include "grade_kit.h"

static void test_formats(void **state)
{
    (void)state;
    for (size_t i = 0; i < TA_COUNT(formats); i++)
        for (int n = 0; n < SETTINGS; n++) {
            const char *name;
            struct ta_grade_settings s = settings(n, &name);
            struct ta_format f = format(formats[i], 21, 11);
            check(name, &f, &s);
        }
}

static void test_matrices_and_ranges(void **state)
{
    (void)state;
    static const enum AVColorSpace matrices[] = {AVCOL_SPC_BT709, AVCOL_SPC_BT470BG, AVCOL_SPC_SMPTE170M,
                                                 AVCOL_SPC_SMPTE240M, AVCOL_SPC_BT2020_NCL};
    for (size_t m = 0; m < TA_COUNT(matrices); m++)
        for (int range = AVCOL_RANGE_MPEG; range <= AVCOL_RANGE_JPEG; range++)
            for (int n = 0; n < SETTINGS; n++) {
                const char *name;
                struct ta_grade_settings s = settings(n, &name);
                struct ta_format f = format(n % 2 ? AV_PIX_FMT_YUV444P10 : AV_PIX_FMT_YUV420P, 19, 8);
                f.matrix = matrices[m];
                f.range = (enum AVColorRange)range;
                check(name, &f, &s);
            }
}

static void test_sitings_and_fields(void **state)
{
    (void)state;
    const char *name;
    struct ta_grade_settings s = settings(5, &name);
    for (int location = AVCHROMA_LOC_LEFT; location <= AVCHROMA_LOC_BOTTOM; location++)
        for (int height = 8; height <= 11; height++)
            for (int interlaced = 0; interlaced < 2; interlaced++) {
                struct ta_format f = format(AV_PIX_FMT_YUV420P10, 13, height);
                f.chroma_location = (enum AVChromaLocation)location;
                f.scan = interlaced ? TA_SCAN_TFF : TA_SCAN_PROGRESSIVE;
                check(name, &f, &s);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_matrices_and_ranges),
        cmocka_unit_test(test_sitings_and_fields),
    };
    return cmocka_run_group_tests(tests, create_cubes, release_cubes);
}
