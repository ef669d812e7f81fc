// Prints what the scan type diagnosis finds, as JSON:
//
//     scan_tool [--full] [--time] FILE
//
// "needs_full" is added to the result, with --time also how long a frame's measurement takes ("ns_per_frame":
// CPU time of measuring alone, without decoding).
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <terminalai/error.h>
#include <terminalai/log.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/tree.h"
#include "diagnose/field_metrics.h"
#include "diagnose/measure.h"
#include "diagnose/scan_type.h"
#include "media/reader.h"
#include "media/source.h"

static int64_t thread_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int64_t measure_time(const char *path, const struct ta_index *index, struct ta_log *log)
{
    struct ta_reader *reader = NULL;
    AVFrame *frames[3] = {NULL};
    size_t count = index->frame_count < 60 ? index->frame_count : 60;
    int64_t ns = 0, measured = 0;
    int err = ta_reader_open(&reader, path, index, 0, count, NULL, log);
    while (err >= 0) {
        av_frame_free(&frames[0]);
        frames[0] = frames[1];
        frames[1] = frames[2];
        err = ta_reader_next(reader, &frames[2]);
        if (err < 0 || !frames[2])
            break;
        if (!frames[0])
            continue;
        struct ta_field_metrics m;
        int64_t start = thread_ns();
        ta_field_metrics_measure(frames[0], frames[1], frames[2], &m);
        ns += thread_ns() - start;
        measured++;
    }
    for (int i = 0; i < 3; i++)
        av_frame_free(&frames[i]);
    ta_reader_close(&reader);
    return measured ? ns / measured : 0;
}

// Runs of film actions as "FIRST+COUNT:PATTERN", with times ("c+3") where they are not the frame's own.
static json_t *film_json(const struct ta_scan_result *r)
{
    json_t *list = json_array();
    for (int i = 0; i < r->film_count; i++) {
        const struct ta_film_run *run = &r->film[i];
        struct ta_buf text = {0};
        ta_buf_printf(&text, "%lld+%lld:", (long long)run->first, (long long)run->count);
        ta_film_write_pattern(run, &text);
        json_array_append_new(list, json_string(ta_buf_text(&text)));
        ta_buf_release(&text);
    }
    return list;
}

int main(int argc, char **argv)
{
    bool full = false, timing = false;
    const char *path = NULL;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--full"))
            full = true;
        else if (!strcmp(argv[i], "--time"))
            timing = true;
        else
            path = argv[i];
    }
    if (!path)
        return 2;
    struct ta_log *log = NULL;
    struct ta_source *source = NULL;
    struct ta_index *index = NULL;
    struct ta_scan_result result = {0};
    static const struct ta_measure_info *const table[] = {&ta_measure_scan_type, NULL};
    struct ta_measured *measured = NULL;
    if (ta_log_create(&log, NULL, NULL) < 0)
        return 1;
    int err = ta_source_open(&source, path, NULL, log);
    if (err >= 0)
        err = ta_index_create(&index, source, false, NULL, log);
    if (err >= 0)
        err = ta_measure_run(&measured, table, path, index, full ? TA_DEPTH_FULL : TA_DEPTH_SAMPLE, NULL,
                             NULL, log);
    if (err >= 0)
        err = ta_scan_result_from_json(&result, measured->value, (int64_t)index->frame_count, path, log);
    if (err >= 0) {
        json_t *root = ta_scan_result_to_json(&result);
        json_object_set_new(root, "needs_full", json_boolean(measured->wants_full));
        json_object_set_new(root, "film", film_json(&result));
        if (timing)
            json_object_set_new(root, "ns_per_frame", json_integer(measure_time(path, index, log)));
        char *text = ta_json_text(root);
        fputs(text, stdout);
        free(text);
        json_decref(root);
    }
    ta_measured_free(&measured, 1);
    ta_scan_result_release(&result);
    ta_index_destroy(&index);
    ta_source_close(&source);
    ta_log_destroy(&log);
    return err < 0;
}
