#include "base/words.h"

#include <stddef.h>
#include <stdio.h>

#include "base/mem.h"

const char *ta_plural(int64_t count, const char *one, const char *many)
{
    return count == 1 || count == -1 ? one : many;
}

const char *ta_bytes_text(int64_t bytes, char out[TA_BYTES_TEXT])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 999.5 && unit + 1 < TA_COUNT(units)) {
        value /= 1000;
        unit++;
    }
    snprintf(out, TA_BYTES_TEXT, value < 99.95 && unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
    return out;
}
