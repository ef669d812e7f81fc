#include "media/film.h"

#include <stdlib.h>
#include <string.h>

#include <libavutil/frame.h>

#include <terminalai/error.h>

#include "base/mem.h"

static int64_t repeating(const struct ta_film_frame *frames, const int32_t *repeats, int64_t count,
                         int period)
{
    int64_t n = 0;
    while (n < count && (!repeats || repeats[n] == repeats[0]) &&
           (n < period ||
            (frames[n].action == frames[n - period].action && frames[n].shift == frames[n - period].shift)))
        n++;
    return n;
}

int ta_film_compress(const struct ta_film_frame *frames, const int32_t *repeats, int64_t first, int64_t count,
                     struct ta_film_run **runs, int *run_count)
{
    *runs = NULL;
    *run_count = 0;
    size_t capacity = 0;
    for (int64_t i = 0; i < count;) {
        // A longer pattern must be worth its letters.
        int period = 1;
        int64_t length = 0;
        for (int p = 1; p <= TA_FILM_MAX_PERIOD; p++) {
            int64_t n = repeating(frames + i, repeats ? repeats + i : NULL, count - i, p);
            if (n > length + p - period) {
                length = n;
                period = p;
            }
        }
        if (ta_try_grow((void **)runs, &capacity, (size_t)*run_count + 1, sizeof(**runs)) < 0) {
            ta_freep(runs);
            *run_count = 0;
            return TA_ERR_NOMEM;
        }
        struct ta_film_run *r = &(*runs)[(*run_count)++];
        *r = (struct ta_film_run){first + i, length, period, .repeat = repeats ? repeats[i] : 0};
        for (int k = 0; k < period; k++)
            r->pattern[k] = frames[i + k];
        i += length;
    }
    return 0;
}

const struct ta_film_run *ta_film_find(const struct ta_film_run *runs, int run_count, int64_t frame)
{
    int low = 0, high = run_count - 1;
    while (low < high) {
        int mid = (low + high) / 2;
        if (runs[mid].first + runs[mid].count <= frame)
            low = mid + 1;
        else
            high = mid;
    }
    bool found = run_count > 0 && frame >= runs[low].first && frame < runs[low].first + runs[low].count;
    return found ? &runs[low] : NULL;
}

struct ta_film_frame ta_film_at(const struct ta_film_run *run, int64_t frame)
{
    return run->pattern[(frame - run->first) % run->period];
}

bool ta_film_is_video(char action)
{
    return action == TA_FILM_VIDEO_TFF || action == TA_FILM_VIDEO_BFF;
}

bool ta_film_gives(char action)
{
    return action == TA_FILM_KEEP || action == TA_FILM_TOP || action == TA_FILM_BOTTOM ||
           ta_film_is_video(action);
}

char ta_film_left_out(char action)
{
    return action == TA_FILM_VIDEO_TFF   ? TA_FILM_UNSEEN_TFF
           : action == TA_FILM_VIDEO_BFF ? TA_FILM_UNSEEN_BFF
                                         : TA_FILM_DROP;
}

void ta_film_write_pattern(const struct ta_film_run *run, struct ta_buf *out)
{
    for (int i = 0; i < run->period; i++) {
        ta_buf_putc(out, run->pattern[i].action);
        if (run->pattern[i].shift)
            ta_buf_printf(out, "%+d", run->pattern[i].shift);
    }
}

int ta_film_read_pattern(struct ta_film_run *run, const char *text)
{
    run->period = 0;
    while (*text) {
        char action = *text++;
        long shift = 0;
        if (!strchr("dctbvwxy", action) || run->period == TA_FILM_MAX_PERIOD)
            return TA_ERR_FORMAT;
        if (*text == '+' || *text == '-') {
            char *end;
            if (text[1] < '1' || text[1] > '9')
                return TA_ERR_FORMAT;
            shift = strtol(text, &end, 10);
            text = end;
        }
        if (shift < -TA_FILM_MAX_SHIFT || shift > TA_FILM_MAX_SHIFT)
            return TA_ERR_FORMAT;
        run->pattern[run->period++] = (struct ta_film_frame){action, (int8_t)shift};
    }
    return run->period > 0 ? 0 : TA_ERR_FORMAT;
}

void ta_film_mark(AVFrame *frame, char action)
{
    frame->opaque = (void *)(intptr_t)action;
}

char ta_film_marked(const AVFrame *frame)
{
    return (char)(intptr_t)frame->opaque;
}
