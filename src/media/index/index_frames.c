#include "media/index/index_frames.h"

#include <stdlib.h>
#include <string.h>

#include <libavutil/common.h>
#include <libavutil/macros.h>
#include <libavutil/mathematics.h>

#include <terminalai/error.h>

#include "base/mem.h"

#define IS_FIELD (TA_PACKET_FIELD_TOP | TA_PACKET_FIELD_BOTTOM)
#define NO_FRAME (TA_PACKET_DISCARD | TA_PACKET_HIDDEN)
// Keeps sums of steps far from overflow, whatever a broken file says.
#define MAX_STEP ((int64_t)1 << 34)

int ta_index_reorder(const struct ta_index_packet *packets, size_t count)
{
    int depth = 0;
    for (size_t i = 0; i < count; i++) {
        if (packets[i].pts == AV_NOPTS_VALUE || (packets[i].flags & NO_FRAME))
            continue;
        int later = 0;
        for (size_t back = 1; back <= i && back <= 2 * TA_REORDER_MAX; back++) {
            const struct ta_index_packet *p = &packets[i - back];
            later += !(p->flags & NO_FRAME) && p->pts != AV_NOPTS_VALUE && p->pts > packets[i].pts;
        }
        depth = TA_MAX(depth, later);
    }
    return TA_MIN(depth, TA_REORDER_MAX);
}

// A clock of `wrap` units that has passed its end: the difference to the time before tells.
static int64_t unwrap(int64_t time, int64_t before, int64_t wrap, int64_t *offset)
{
    if (wrap > 0 && before != AV_NOPTS_VALUE) {
        if (before - (time + *offset) > wrap / 2)
            *offset += wrap;
        else if (time + *offset - before > wrap / 2)
            *offset -= wrap;
    }
    return time + *offset;
}

static uint32_t frame_flags(unsigned packet_flags)
{
    return (packet_flags & TA_PACKET_INTERLACED ? TA_FRAME_INTERLACED : 0) |
           (packet_flags & TA_PACKET_TOP_FIRST ? TA_FRAME_TOP_FIRST : 0) |
           (packet_flags & TA_PACKET_REPEAT ? TA_FRAME_REPEAT : 0);
}

static bool both_parities(const struct ta_index_packet *packets, size_t count)
{
    unsigned seen = 0;
    for (size_t i = 0; i < count; i++)
        seen |= packets[i].flags & IS_FIELD;
    return seen == IS_FIELD;
}

// One frame for each packet or pair of fields, in file order. 1, or 0 and *why.
static int list_in_file_order(const struct ta_index_packet *packets, size_t count,
                              const struct ta_clock_rules *rules, struct ta_index_frame *list,
                              size_t *list_count, const char **why)
{
    bool pairs = both_parities(packets, count);
    int64_t before = AV_NOPTS_VALUE, offset = 0;
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        const struct ta_index_packet *p = &packets[i];
        uint32_t flags = frame_flags(p->flags);
        size_t first = i;
        int64_t time = p->pts;
        if (pairs && (p->flags & IS_FIELD)) {
            // Fields of one parity only would be whole frames whose first field the parser has looked at.
            unsigned other = (p->flags & IS_FIELD) ^ IS_FIELD;
            if (i + 1 >= count || (packets[i + 1].flags & IS_FIELD) != other) {
                *why = "a field has no partner";
                return 0;
            }
            i++;
            flags = TA_FRAME_INTERLACED | (p->flags & TA_PACKET_FIELD_TOP ? TA_FRAME_TOP_FIRST : 0);
        }
        if (p->flags & NO_FRAME)
            continue;
        if (time == AV_NOPTS_VALUE) {
            *why = "times are missing";
            return 0;
        }
        before = unwrap(time, before, rules->wrap, &offset);
        list[n++] = (struct ta_index_frame){.pts = before, .packet = (uint32_t)first, .flags = flags};
    }
    *list_count = n;
    return 1;
}

// Sorts by time a list that is nearly sorted. The number of frames that a frame was moved before is the
// reordering.
static bool sort_by_time(struct ta_index_frame *list, size_t count, int delay)
{
    for (size_t i = 1; i < count; i++) {
        struct ta_index_frame f = list[i];
        size_t at = i;
        while (at && list[at - 1].pts > f.pts && i - at < (size_t)delay) {
            list[at] = list[at - 1];
            at--;
        }
        list[at] = f;
        if (at && list[at - 1].pts > f.pts)
            return false;
    }
    return true;
}

int ta_frames_from_packets(const struct ta_index_packet *packets, size_t count, int delay,
                           const struct ta_clock_rules *rules, struct ta_index_frame **frames,
                           size_t *frame_count, const char **why)
{
    *frames = NULL;
    *frame_count = 0;
    *why = NULL;
    struct ta_index_frame *list = calloc(count ? count : 1, sizeof(*list));
    if (!list)
        return TA_ERR_NOMEM;
    size_t n = 0;
    int ok = list_in_file_order(packets, count, rules, list, &n, why);
    if (ok && !n) {
        *why = "there are none";
        ok = 0;
    }
    if (ok && !sort_by_time(list, n, TA_MIN(delay, TA_REORDER_MAX))) {
        *why = "more is reordered than the stream states";
        ok = 0;
    }
    for (size_t i = 1; ok && i < n; i++) {
        if (list[i].pts == list[i - 1].pts)
            *why = "a time occurs twice";
        else if (rules->jump > 0 && list[i].pts - list[i - 1].pts > rules->jump)
            *why = "the clock jumps";
        ok = !*why;
    }
    if (!ok) {
        free(list);
        return 0;
    }
    *frames = list;
    *frame_count = n;
    return 1;
}

int64_t ta_frames_check_head(const struct ta_index_frame *frames, size_t frame_count, size_t fed,
                             const uint32_t *decoded, size_t decoded_count)
{
    if (!decoded_count)
        return -1;
    size_t at = 0;
    int64_t missing = 0;
    while (at < frame_count && frames[at].packet != decoded[0]) {
        missing += frames[at].packet < fed;
        if (frames[at].packet >= fed) // a gap in the middle of what was fed
            return -1;
        at++;
    }
    for (size_t i = 0; at < frame_count; at++) {
        if (frames[at].packet >= fed)
            continue;
        if (i >= decoded_count || decoded[i] != frames[at].packet)
            return -1;
        if (++i == decoded_count) {
            // No frame of a fed packet may follow.
            for (size_t rest = at + 1; rest < frame_count && rest < at + 4 * TA_REORDER_MAX; rest++)
                if (frames[rest].packet < fed)
                    return -1;
            return missing;
        }
    }
    return -1;
}

int64_t ta_time_guess_next(struct ta_time_guess *g, int64_t pts, int64_t dts)
{
    bool has_pts = pts != AV_NOPTS_VALUE, has_dts = dts != AV_NOPTS_VALUE;
    // AV_NOPTS_VALUE is the smallest number, so the first of each kind is never seen as going backwards.
    if (has_dts)
        g->bad_dts += dts <= g->last_dts;
    if (has_pts)
        g->bad_pts += pts <= g->last_pts;
    if (has_pts || has_dts) {
        g->last_dts = has_dts ? dts : pts;
        g->last_pts = has_pts ? pts : dts;
    }
    bool trust_pts = !has_dts || g->bad_pts <= g->bad_dts;
    return has_pts && trust_pts ? pts : dts;
}

static int compare_int64(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

// Typical step of the times that increase; `nominal` when there is none or memory is short (it only fills
// gaps then).
static int64_t typical_step(const struct ta_index_frame *frames, size_t count, int64_t nominal)
{
    int64_t *steps = malloc((count ? count : 1) * sizeof(*steps)), result = nominal;
    size_t n = 0;
    for (size_t i = 1; steps && i < count; i++)
        if (frames[i].pts != AV_NOPTS_VALUE && frames[i - 1].pts != AV_NOPTS_VALUE &&
            frames[i].pts > frames[i - 1].pts)
            steps[n++] = frames[i].pts - frames[i - 1].pts;
    if (n) {
        qsort(steps, n, sizeof(*steps), compare_int64);
        result = steps[n / 2];
    }
    free(steps);
    return av_clip64(result, 1, MAX_STEP);
}

// Spreads the frames between `from` and `to`, both of which have times.
static void spread(struct ta_index_frame *frames, size_t from, size_t to)
{
    int64_t span = frames[to].pts - frames[from].pts, parts = (int64_t)(to - from);
    for (size_t i = from + 1; i < to; i++) {
        frames[i].pts = frames[from].pts + av_rescale(span, (int64_t)(i - from), parts);
        frames[i].flags |= TA_FRAME_TIME_GUESSED;
    }
}

// Files whose writer gave the times of decoding as those of presentation go back again and again: the times
// are right as a set, and belong to the frames in their order. A few steps back are something else.
static void sort_times(struct ta_index_frame *frames, size_t count, int64_t second)
{
    size_t back = 0;
    int64_t before = AV_NOPTS_VALUE;
    for (size_t i = 0; i < count; i++) {
        if (frames[i].pts == AV_NOPTS_VALUE)
            continue;
        back += before != AV_NOPTS_VALUE && frames[i].pts < before && before - frames[i].pts <= second;
        before = frames[i].pts;
    }
    if (back < 3 || back * 20 < count)
        return;
    for (size_t i = 1; i < count; i++) {
        // Only past times that are near, so that a clock that starts anew stays where it is.
        for (size_t at = i; at && i - at < TA_REORDER_MAX; at--) {
            int64_t *a = &frames[at - 1].pts, *b = &frames[at].pts;
            if (*a == AV_NOPTS_VALUE || *b == AV_NOPTS_VALUE || *a <= *b || *a - *b > second)
                break;
            FFSWAP(int64_t, *a, *b);
        }
    }
}

// Notes that from frame `frame` on `offset` is added. A clock that lasts for a frame or two is none: its time
// was garbled.
static void note_clock(struct ta_index_clock **clocks, int *count, size_t frame, int64_t offset,
                       int64_t second)
{
    if (*count > 0 && frame - (*clocks)[*count - 1].frame <= 2)
        --*count;
    int64_t before = *count > 0 ? (*clocks)[*count - 1].offset : 0;
    if (llabs(offset - before) > second) {
        *clocks = ta_xrealloc(*clocks, (size_t)(*count + 1) * sizeof(**clocks));
        (*clocks)[(*count)++] = (struct ta_index_clock){.offset = offset, .frame = (uint32_t)frame};
    }
}

// Times before the first one that is known.
static void lead_in(struct ta_index_frame *frames, size_t first, int64_t step)
{
    for (size_t k = first; k-- > 0;) {
        frames[k].pts = frames[k + 1].pts - step;
        frames[k].flags |= TA_FRAME_TIME_GUESSED;
    }
}

void ta_frames_repair_times(struct ta_index_frame *frames, size_t count, const struct ta_clock_rules *rules,
                            struct ta_index_clock **clocks, int *clock_count)
{
    *clocks = NULL;
    *clock_count = 0;
    sort_times(frames, count, rules->second);
    int64_t step = typical_step(frames, count, rules->nominal), offset = 0;
    size_t good = SIZE_MAX; // last frame whose time can be used
    for (size_t i = 0; i < count; i++) {
        if (frames[i].pts == AV_NOPTS_VALUE)
            continue;
        int64_t before = good == SIZE_MAX ? AV_NOPTS_VALUE : frames[good].pts, offset_before = offset;
        frames[i].pts = unwrap(frames[i].pts, before, rules->wrap, &offset);
        if (good == SIZE_MAX) {
            lead_in(frames, i, step);
        } else {
            int64_t forward = frames[i].pts - before;
            if (forward <= 0 && -forward <= rules->second) {
                frames[i].pts = AV_NOPTS_VALUE; // doubled or slightly off
                offset = offset_before;
                continue;
            }
            if (forward <= 0 || (rules->jump > 0 && forward > rules->jump)) {
                // The clock has started anew (recordings joined into one file): go on where it was.
                int64_t next = before + step * (int64_t)(i - good);
                offset += next - frames[i].pts;
                frames[i].pts = next;
            }
            if (offset != offset_before)
                note_clock(clocks, clock_count, i, offset, rules->second);
            spread(frames, good, i);
        }
        good = i;
    }
    for (size_t i = good == SIZE_MAX ? 0 : good + 1; i < count; i++) {
        frames[i].pts = i ? frames[i - 1].pts + step : 0;
        frames[i].flags |= TA_FRAME_TIME_GUESSED;
    }
    // Frames crowded into less than one unit each.
    for (size_t i = 1; i < count; i++) {
        if (frames[i].pts <= frames[i - 1].pts) {
            frames[i].pts = frames[i - 1].pts + 1;
            frames[i].flags |= TA_FRAME_TIME_GUESSED;
        }
    }
}

int ta_index_measure(struct ta_index *index, int64_t nominal, double *step)
{
    size_t n = index->frame_count;
    const struct ta_index_frame *f = index->frames;
    int64_t *steps = n > 1 ? malloc((n - 1) * sizeof(*steps)) : NULL,
            median = av_clip64(nominal, 1, MAX_STEP);
    if (n > 1 && !steps)
        return TA_ERR_NOMEM;
    for (size_t i = 1; i < n; i++)
        steps[i - 1] = f[i].pts - f[i - 1].pts;
    if (n > 1) {
        qsort(steps, n - 1, sizeof(*steps), compare_int64);
        median = steps[(n - 1) / 2];
    }
    // One unit or a millisecond, whichever is more: what rounding in containers does.
    int64_t tolerance = TA_MAX(1, av_rescale_q(1, (AVRational){1, 1000}, index->time_base));
    index->time_jumps = index->variable = 0;
    double sum = 0;
    int64_t summed = 0;
    for (size_t i = 0; i + 1 < n; i++) {
        index->time_jumps += steps[i] > median && (steps[i] - median) > median + median / 2;
        index->variable += llabs(steps[i] - median) > tolerance;
        if (steps[i] - median <= median / 2) {
            sum += (double)steps[i];
            summed++;
        }
    }
    *step = summed ? sum / (double)summed : (double)median;
    free(steps);
    if (n && (index->end_pts == AV_NOPTS_VALUE || index->end_pts <= f[n - 1].pts))
        index->end_pts = f[n - 1].pts + median;
    return 0;
}
