// The measures of the program, in the order of their results.
#include "diagnose/measure.h"
#include "diagnose/noise.h"
#include "diagnose/scan_type.h"
#include "diagnose/tape.h"

const struct ta_measure_info *const ta_measures[] = {
    &ta_measure_scan_type, &ta_measure_noise, &ta_measure_levels, &ta_measure_head_switching, NULL,
};
