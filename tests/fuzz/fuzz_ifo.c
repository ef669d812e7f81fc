// .IFO files of any content: refused with nothing left behind, or read into titles whose runs and chapters
// keep what their header promises.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/parts/ifo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void check_title(const struct ta_ifo_title *t)
{
    for (int i = 0; i < t->run_count; i++)
        check(t->runs[i].first <= t->runs[i].last && t->runs[i].last < 1u << 24, "a run out of range");
    for (int i = 1; i < t->chapter_count; i++)
        check(t->chapters_ms[i] > t->chapters_ms[i - 1], "chapters do not rise");
    check(t->duration_ms >= 0 && t->cell_count >= 0 && t->angles != 1, "counts");
    for (int i = 0; i < TA_IFO_SOUNDS; i++)
        check(t->sounds[i] >= -1 && t->sounds[i] < TA_IFO_SOUNDS, "number of a sound");
    for (int i = 0; i < TA_IFO_SUBTITLES; i++)
        check(t->subtitles[i] >= -1 && t->subtitles[i] < TA_IFO_SUBTITLES, "number of a subtitle");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ta_ifo_entry entries[TA_IFO_MAX_TITLES];
    int count = ta_ifo_parse_disc(entries, data, size, "fuzz", NULL);
    check(count != 0 && count <= TA_IFO_MAX_TITLES, "number of titles");
    for (int i = 0; i < count; i++)
        check(entries[i].set >= 1 && entries[i].set <= 99 && entries[i].title >= 1, "an entry out of range");

    struct ta_ifo *ifo;
    if (ta_ifo_parse(&ifo, data, size, "fuzz", NULL) < 0) {
        check(!ifo, "a failure left something");
        return 0;
    }
    int playable = 0;
    for (int i = 0; i < ifo->title_count; i++) {
        check_title(&ifo->titles[i]);
        playable += ifo->titles[i].run_count > 0;
    }
    check(playable > 0 && ifo->title_count <= TA_IFO_MAX_TITLES, "no title");
    ta_ifo_destroy(&ifo);
    return 0;
}
