// .cube files of any content: refused with nothing left behind, or read into a whole table of finite
// values, which is written and read again.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "video/cube.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void check_cube(const struct ta_cube *c)
{
    size_t n = (size_t)c->size;
    check(c->title != NULL, "no title");
    check(c->size >= TA_CUBE_MIN_SIZE && c->size <= (c->curves ? TA_CUBE_MAX_CURVE : TA_CUBE_MAX_SIZE),
          "size");
    check(c->row_count == (c->curves ? n : n * n * n), "rows do not fit the size");
    for (size_t i = 0; i < 3 * c->row_count; i++)
        check(fabsf(c->rows[i]) <= 65504, "a value out of range");
    for (int k = 0; k < 3; k++)
        check(c->domain_max[k] > c->domain_min[k], "an empty domain");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ta_cube c, again;
    if (ta_cube_parse(&c, (const char *)data, size, "fuzz", NULL) < 0) {
        check(!c.rows && !c.title && !c.row_count, "a failure left something");
        return 0;
    }
    check_cube(&c);
    struct ta_buf text = {0};
    ta_cube_write(&c, &text);
    // A domain of less than six decimals, and a title with a quote at its end, do not survive the writing.
    if (ta_cube_parse(&again, ta_buf_text(&text), text.size, "again", NULL) >= 0) {
        check(again.size == c.size && again.curves == c.curves && again.row_count == c.row_count,
              "what was written is another table");
        ta_cube_release(&again);
    }
    ta_buf_release(&text);
    ta_cube_release(&c);
    return 0;
}
