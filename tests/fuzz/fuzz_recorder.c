// Recorders' lists of any content: refused with a reason and nothing left behind, or read into recordings
// that keep what their header promises.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "media/parts/recorder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ta_buf why = {0};
    struct ta_recorder *r;
    int err = ta_recorder_parse(&r, data, size, &why);
    check((err < 0) == (r == NULL) && (err < 0) == (why.size > 0),
          "a reason where there is a list, or none where there is not");
    ta_buf_release(&why);
    if (!r)
        return 0;
    check(r->recording_count > 0 && r->recording_count <= TA_RECORDER_MAX, "number of recordings");
    check(!r->aspect_num == !r->aspect_den, "a shape");
    for (int i = 0; i < r->recording_count; i++) {
        const struct ta_recording *one = &r->recordings[i], *before = i ? one - 1 : NULL;
        check(one->byte >= 0 && one->bytes > 0 && one->byte + one->bytes <= r->bytes, "a place out of range");
        check(one->later_us >= 0, "a time out of range");
        check(!before || before->byte < one->byte ||
                  (before->byte == one->byte && before->later_us < one->later_us),
              "not in order");
        check(ta_utf8_valid(one->title) && (one->listed || !*one->title), "a title");
        check(!*one->date || strlen(one->date) == 19, "a date");
    }
    ta_recorder_destroy(&r);
    return 0;
}
