// Prints what index and reader make of a file, for tests: reader_tool [--decode-all] [--facts] FILE [FIRST
// COUNT]... with TERMINALAI_NO_CACHE=1 without the cache. One line "key value" for each fact of the index,
// one line "frame ..." for each frame of the index (pts, packet, flags), and one line "picture ..." for each
// decoded frame of the ranges (number, MD5 of its pixels, interlaced, top first).
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/imgutils.h>
#include <libavutil/md5.h>
#include <libavutil/mem.h>
#include <libavutil/pixdesc.h>

#include <terminalai/error.h>
#include <terminalai/options.h>

#include "base/log.h"
#include "base/mem.h"
#include "media/index/index_build.h"
#include "media/reader.h"
#include "media/source.h"

// The MD5 of the packed picture, as libavformat's framemd5 has it.
static int print_picture(const AVFrame *f)
{
    int size = av_image_get_buffer_size(f->format, f->width, f->height, 1);
    uint8_t *packed = size > 0 ? malloc((size_t)size) : NULL, sum[16];
    if (!packed)
        return TA_ERR_NOMEM;
    av_image_copy_to_buffer(packed, size, (const uint8_t *const *)f->data, f->linesize, f->format, f->width,
                            f->height, 1);
    av_md5_sum(sum, packed, (size_t)size);
    free(packed);
    printf("picture %" PRId64 " ", f->pts);
    for (int i = 0; i < 16; i++)
        printf("%02x", sum[i]);
    printf(" %d %d\n", ta_frame_is_interlaced(f), ta_frame_is_top_first(f));
    return 0;
}

static int print_range(const char *path, const struct ta_index *index, size_t first, size_t count,
                       struct ta_log *log)
{
    struct ta_reader *r = NULL;
    int err = ta_reader_open(&r, path, index, first, count, NULL, log);
    AVFrame *f = NULL;
    while (err >= 0 && (err = ta_reader_next(r, &f)) >= 0 && f) {
        err = print_picture(f);
        av_frame_free(&f);
    }
    if (err >= 0) {
        struct ta_reader_stats s;
        ta_reader_get_stats(r, &s);
        printf("range %zu %zu concealed %" PRId64 " damaged %" PRId64 " packets %" PRId64 " decoded %" PRId64
               "\n",
               first, count, s.concealed, s.damaged, s.packets_read, s.frames_decoded);
    }
    ta_reader_close(&r);
    return err;
}

static void print_index(const struct ta_index *index)
{
    struct ta_buf b = {0};
    ta_format_describe(&index->format, &b);
    printf("format %s\n", ta_buf_text(&b));
    ta_buf_release(&b);
    printf("packets %zu\nframes %zu\ndecoded %d\n", index->packet_count, index->frame_count, index->decoded);
    printf("time_base %d/%d\nend_pts %" PRId64 "\n", index->time_base.num, index->time_base.den,
           index->end_pts);
    printf("undecodable_start %" PRId64 "\ntime_jumps %" PRId64 "\nvariable %" PRId64 "\nmixed_scan %d\n",
           index->undecodable_start, index->time_jumps, index->variable, index->format.mixed_scan);
    printf("checksum %s\n", index->checksum);
    for (int i = 0; i < index->stream_count; i++) {
        const struct ta_index_stream *s = &index->streams[i];
        printf("stream %d %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64
               " %" PRId64 "\n",
               i, s->first_pts, s->end_pts, s->packets, s->bytes, s->gaps, s->overlaps, s->gap_time,
               s->overlap_time);
    }
    printf("clocks %d\n", index->clock_count);
    for (int i = 0; i < index->clock_count; i++)
        printf("clock %" PRIu32 " %" PRId64 "\n", index->clocks[i].frame, index->clocks[i].offset);
    for (int i = 0; i < index->part_count; i++) {
        const struct ta_index_part *p = &index->parts[i];
        printf("part %" PRIu32 " %dx%d %d/%d %s\n", p->first, p->width, p->height, p->sar.num, p->sar.den,
               av_get_pix_fmt_name(p->pix_fmt));
    }
    for (size_t i = 0; i < index->frame_count; i++)
        printf("frame %zu %" PRId64 " %" PRIu32 " %" PRIu32 "\n", i, index->frames[i].pts,
               index->frames[i].packet, index->frames[i].flags);
}

static char *cache_by_environment(struct ta_log *log)
{
    struct ta_options *options = NULL;
    char *cache = NULL;
    if (ta_options_create(&options, log) >= 0 && ta_options_load_environment(options) >= 0)
        cache = ta_options_cache(options);
    ta_options_destroy(&options);
    return cache;
}

static int run(int argc, char **argv, struct ta_log *log)
{
    bool decode_all = false, in_one = false, facts = false;
    const char *save = NULL, *load = NULL;
    int arg = 1;
    for (; arg < argc && !strncmp(argv[arg], "--", 2); arg++) {
        decode_all |= !strcmp(argv[arg], "--decode-all");
        in_one |= !strcmp(argv[arg], "--in-one");
        facts |= !strcmp(argv[arg], "--facts");
        if (!strncmp(argv[arg], "--save=", 7))
            save = argv[arg] + 7;
        if (!strncmp(argv[arg], "--load=", 7))
            load = argv[arg] + 7;
    }
    if (arg >= argc || (argc - arg) % 2 != 1) {
        fprintf(stderr, "usage: reader_tool [--decode-all | --in-one] [--facts] FILE [FIRST COUNT]...\n");
        return TA_ERR_USAGE;
    }
    const char *path = argv[arg++];
    struct ta_source *source = NULL;
    struct ta_index *index = NULL;
    char *cache = cache_by_environment(log);
    int err = ta_source_open(&source, path, NULL, log);
    if (err >= 0 && facts) {
        json_t *root = ta_source_json(source);
        json_dumpf(root, stdout, JSON_INDENT(2));
        json_decref(root);
        ta_source_close(&source);
        free(cache);
        return 0;
    }
    if (err >= 0)
        err = in_one ? ta_index_create_in_one(&index, source, log)
              : load ? ta_index_load(&index, load, log)
                     : ta_index_get(&index, source, decode_all, cache, NULL, log);
    if (err >= 0 && save)
        err = ta_index_save(index, save, log);
    ta_source_close(&source);
    free(cache);
    if (err >= 0)
        print_index(index);
    for (; err >= 0 && arg + 1 < argc; arg += 2) {
        size_t first = strtoul(argv[arg], NULL, 10), count = strtoul(argv[arg + 1], NULL, 10);
        if (!count && first < index->frame_count)
            count = index->frame_count - first;
        if (first >= index->frame_count || count > index->frame_count - first)
            err = TA_ERR_USAGE;
        else
            err = print_range(path, index, first, count, log);
    }
    ta_index_destroy(&index);
    return err;
}

int main(int argc, char **argv)
{
    struct ta_log *log = NULL;
    if (ta_log_create(&log, NULL, NULL) < 0)
        return 1;
    if (getenv("TA_READER_VERBOSE"))
        ta_log_set_level(log, NULL, TA_LOG_DEBUG);
    ta_log_set_level(log, "libav", TA_LOG_QUIET);
    int err = run(argc, argv, log);
    ta_log_destroy(&log);
    if (err < 0)
        fprintf(stderr, "reader_tool: %s\n", ta_error_text(err));
    return err < 0;
}
