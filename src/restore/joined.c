#include "restore/joined.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/words.h"
#include "media/parts/disc.h"
#include "media/parts/name.h"

#define TELL_SECONDS 0.005 // what sound may be apart at a seam before it is filled or trimmed
#define LOSS_SECONDS 0.045 // more than the padding behind compressed sound is a loss

static double number_of(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static void decide(struct ta_plan *plan, char *why)
{
    json_array_append_new(plan->decisions, json_pack("{s:s, s:s}", "what", "joined", "why", why));
    free(why);
}

static void warn(struct ta_plan *plan, char *text)
{
    json_array_append_new(plan->warnings, json_string(text));
    free(text);
}

// Where the sound of one file and that of the next do not meet.
static void tell_seams(struct ta_plan *plan, const json_t *pieces)
{
    double moved = 0;
    size_t k;
    json_t *piece;
    json_array_foreach((json_t *)pieces, k, piece)
    {
        double gap = number_of(piece, "sound_gap_seconds");
        moved = fmax(moved, fabs(number_of(piece, "sound_moved_seconds")));
        const char *name = json_string_value(json_object_get(piece, "name"));
        double stated = number_of(piece, "stated_seconds");
        if (stated > 0)
            warn(plan, ta_xprintf("%s: says %.1f s, holds %.1f s", name, stated,
                                  number_of(piece, "duration_seconds")));
        if (gap > TELL_SECONDS)
            decide(plan,
                   ta_xprintf("%s: its sound begins %.0f ms after that of the file before ends: silence "
                              "fills this",
                              name, 1000 * gap));
        else if (gap < -TELL_SECONDS)
            (gap < -LOSS_SECONDS ? warn : decide)(
                plan, ta_xprintf("%s: its sound begins %.0f ms before that of the file before ends: this is "
                                 "trimmed",
                                 name, -1000 * gap));
    }
    if (moved > 0.0005)
        decide(plan,
               ta_xprintf("sound goes on without a gap at the seams; for this it is moved by %.0f ms at most",
                          1000 * moved));
}

int ta_joined_read(json_t **files, const struct ta_source *source, struct ta_log *log)
{
    *files = NULL;
    if (!ta_name_is_several(source->path))
        return 0;
    char **paths;
    int count = ta_source_files(source->path, &paths, log), err = TA_MIN(count, 0);
    json_t *facts = ta_source_json(source), *pieces = json_object_get(facts, "files");
    *files = json_array();
    for (int k = 0; k < count && err >= 0; k++) {
        struct ta_fingerprint f;
        json_t *piece = json_array_get(pieces, (size_t)k);
        json_t *o = piece ? json_deep_copy(piece)
                          : json_pack("{s:o}", "name", ta_source_text_json(ta_path_name(paths[k])));
        err = ta_fingerprint_read_file(paths[k], &f, log);
        json_object_set_new(o, "size_bytes", json_integer(f.size_bytes));
        json_object_set_new(o, "mtime_ns", json_integer(f.mtime_ns));
        json_object_set_new(o, "head_tail_sha256", json_string(f.head_tail));
        json_array_append_new(*files, o);
    }
    json_decref(facts);
    ta_name_files_free(&paths);
    return err;
}

// "1:02:03"
static char *duration_text(int64_t ms)
{
    int64_t seconds = (ms + 500) / 1000;
    return ta_xprintf("%lld:%02lld:%02lld", (long long)(seconds / 3600), (long long)(seconds / 60 % 60),
                      (long long)(seconds % 60));
}

static void tell_title(struct ta_plan *plan, const struct ta_title *t)
{
    const struct ta_ifo_title *title = t->title;
    int set_titles = t->ifo->title_count, number = (int)(title - t->ifo->titles) + 1;
    char *duration = duration_text(title->duration_ms);
    decide(plan,
           ta_xprintf("title %d of %d of its title set: %d %s, %d %s, %s", number, set_titles,
                      title->cell_count, ta_plural(title->cell_count, "cell", "cells"), title->chapter_count,
                      ta_plural(title->chapter_count, "chapter", "chapters"), duration));
    free(duration);
    if (title->angles)
        decide(plan, ta_xprintf("the first of %d angles is taken", title->angles));
    if (title->mixed)
        warn(plan,
             ta_xprintf("scenes of the disc are interleaved and it does not say how: pieces of others may "
                        "be seen"));
    if (title->bad_cells)
        warn(plan, ta_xprintf("%d %s left out: what the disc says of them makes no sense", title->bad_cells,
                              ta_plural(title->bad_cells, "scene is", "scenes are")));
    if (t->missing)
        warn(plan, ta_xprintf("the disc says that the title has %.1f MB, its files hold %.1f MB of it",
                              (double)(t->bytes + t->missing) / 1e6, (double)t->bytes / 1e6));
}

void ta_joined_tell(struct ta_plan *plan, json_t *files)
{
    struct ta_title *title;
    plan->source_files = files;
    if (!files)
        return;
    if (ta_name_title(plan->input, NULL) >= 0) {
        if (ta_title_load(&title, plan->input, NULL) >= 0)
            tell_title(plan, title);
        ta_title_destroy(&title);
        return;
    }
    bool placed = json_object_get(json_array_get(files, 0), "start_seconds") != NULL;
    decide(plan, ta_xprintf("%zu files are one film, %s", json_array_size(files),
                            placed ? "each behind the pictures of the one before" : "byte behind byte"));
    tell_seams(plan, files);
}
