// The measures of the program, in the order of their results.
#include "diagnose/measure.h"
#include "diagnose/scan_type.h"

const struct ta_measure_info *const ta_measures[] = {
    &ta_measure_scan_type,
    NULL,
};
