#include "media/parts/ifo.h"

#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "media/parts/ifo_table.h"

enum { MAX_CHAPTERS = 999, CELL_SIZE = 24, PGC_SIZE = 0xec };
// A disc needs a small part of these; a file that was made to hang its reader stops here.
enum { MAX_WORK = 20000000, CELL_WORK = 64 };

static int digits(unsigned bcd)
{
    return (int)(bcd >> 4 & 15) * 10 + (int)(bcd & 15);
}

// hh mm ss ff in decimal digits; the top bits of the frames say how many make a second.
static int64_t time_ms(uint32_t t)
{
    unsigned frames = t & 0x3f, rate = t >> 6 & 3;
    int64_t seconds = digits(t >> 24) * 3600 + digits(t >> 16 & 255) * 60 + digits(t >> 8 & 255);
    return 1000 * seconds + (rate == 1 ? digits(frames) * 40 : (int64_t)digits(frames) * 1001 / 30);
}

struct parser {
    struct ta_ifo *ifo;
    struct ta_ifo_table chapters, chains, addresses;
    int64_t work; // what is left
};

// --- what the set says of its streams ---

static void read_language(const struct ta_ifo_table *t, size_t at, struct ta_ifo_stream *s)
{
    char a = (char)ta_ifo_get(t, at, 1), b = (char)ta_ifo_get(t, at + 1, 1);
    a = (char)(a | 0x20);
    b = (char)(b | 0x20);
    if (a >= 'a' && a <= 'z' && b >= 'a' && b <= 'z') {
        s->language[0] = a;
        s->language[1] = b;
    }
}

static void read_attributes(struct ta_ifo *ifo, const struct ta_ifo_table *t)
{
    unsigned video = ta_ifo_get(t, 0x200, 1);
    ifo->pal = (video >> 4 & 3) == 1;
    if ((video >> 2 & 3) == 0 || (video >> 2 & 3) == 3) {
        bool wide = (video >> 2 & 3) == 3;
        ifo->aspect_num = wide ? 16 : 4;
        ifo->aspect_den = wide ? 9 : 3;
    }
    ifo->sound_count = (int)TA_MIN(ta_ifo_get(t, 0x202, 2), (uint32_t)TA_IFO_SOUNDS);
    for (int i = 0; i < ifo->sound_count; i++) {
        size_t at = 0x204 + 8 * (size_t)i;
        unsigned flags = ta_ifo_get(t, at, 1);
        ifo->sounds[i].coding = (int)(flags >> 5);
        ifo->sounds[i].extension = (int)ta_ifo_get(t, at + 5, 1);
        if ((flags >> 2 & 3) == 1)
            read_language(t, at + 2, &ifo->sounds[i]);
    }
    ifo->subtitle_count = (int)TA_MIN(ta_ifo_get(t, 0x254, 2), (uint32_t)TA_IFO_SUBTITLES);
    for (int i = 0; i < ifo->subtitle_count; i++) {
        size_t at = 0x256 + 6 * (size_t)i;
        ifo->subtitles[i].extension = (int)ta_ifo_get(t, at + 5, 1);
        if ((ta_ifo_get(t, at, 1) & 3) == 1)
            read_language(t, at + 2, &ifo->subtitles[i]);
    }
}

static uint8_t clip(int v)
{
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

// 0, Y, Cr, Cb as BT.601 has them.
static uint32_t rgb_of(uint32_t c)
{
    int y = (int)(c >> 16 & 255) - 16, cr = (int)(c >> 8 & 255) - 128, cb = (int)(c & 255) - 128;
    int r = (298 * y + 409 * cr + 128) / 256, g = (298 * y - 100 * cb - 208 * cr + 128) / 256,
        b = (298 * y + 516 * cb + 128) / 256;
    return (uint32_t)clip(r) << 16 | (uint32_t)clip(g) << 8 | clip(b);
}

static void read_controls(struct ta_ifo_title *title, const struct ta_ifo_table *pgc, bool wide)
{
    for (int i = 0; i < TA_IFO_SOUNDS; i++) {
        unsigned c = ta_ifo_get(pgc, 0x0c + 2 * (size_t)i, 1);
        title->sounds[i] = c & 0x80 ? (int)(c & 7) : -1;
    }
    for (int i = 0; i < TA_IFO_SUBTITLES; i++) {
        uint32_t c = ta_ifo_get(pgc, 0x1c + 4 * (size_t)i, 4);
        title->subtitles[i] = c & 0x80000000u ? (int)((wide ? c >> 16 : c >> 24) & 31) : -1;
    }
    for (int i = 0; i < 16; i++)
        title->palette[i] = rgb_of(ta_ifo_get(pgc, 0xa4 + 4 * (size_t)i, 4));
}

// --- cells ---

static void add_run(struct ta_ifo_title *title, uint32_t first, uint32_t last)
{
    struct ta_ifo_run *end = title->run_count ? &title->runs[title->run_count - 1] : NULL;
    if (end && end->last + 1 == first) {
        end->last = last;
        return;
    }
    title->runs = ta_xrealloc(title->runs, (size_t)(title->run_count + 1) * sizeof(*title->runs));
    title->runs[title->run_count++] = (struct ta_ifo_run){first, last};
}

// A cell whose pieces lie between those of other cells: the address table has each of them.
static bool add_interleaved(struct ta_ifo_title *title, struct parser *p, unsigned vob, unsigned cell,
                            uint32_t first, uint32_t last)
{
    const struct ta_ifo_table *addresses = &p->addresses;
    size_t count = addresses->size < 8 ? 0
                                       : TA_MIN(((size_t)ta_ifo_get(addresses, 4, 4) + 1 - 8) / 12,
                                                (addresses->size - 8) / 12);
    bool found = false;
    uint32_t next = first;
    p->work -= (int64_t)count;
    for (size_t i = 0; i < count; i++) {
        size_t at = 8 + 12 * i;
        uint32_t from = ta_ifo_get(addresses, at + 4, 4), to = ta_ifo_get(addresses, at + 8, 4);
        if (ta_ifo_get(addresses, at, 2) != vob || ta_ifo_get(addresses, at + 2, 1) != cell || from < next ||
            to < from || to > last)
            continue;
        add_run(title, from, to);
        next = to + 1;
        found = true;
    }
    return found;
}

// Cell `n` (from 1) of a program chain, at the end of the title.
static void add_cell(struct ta_ifo_title *title, const struct ta_ifo_table *pgc, struct parser *p, int n)
{
    size_t playback = ta_ifo_get(pgc, 0xe8, 2) + (size_t)CELL_SIZE * (size_t)(n - 1),
           position = ta_ifo_get(pgc, 0xea, 2) + 4 * (size_t)(n - 1);
    unsigned flags = ta_ifo_get(pgc, playback, 1), mode = flags >> 6, type = flags >> 4 & 3;
    if (type == 1 && mode != 0) { // one of several angles: the first one is taken
        title->angles = mode == 1 ? TA_MAX(title->angles, 1) : title->angles + 1;
        if (mode != 1)
            return;
    }
    uint32_t first = ta_ifo_get(pgc, playback + 8, 4), last = ta_ifo_get(pgc, playback + 20, 4);
    // No disc has so many sectors.
    p->work -= CELL_WORK;
    if (last < first || last >= 1u << 24 || p->work < 0) {
        title->bad_cells++;
        return;
    }
    if (!(flags & 4)) {
        add_run(title, first, last);
    } else if (!add_interleaved(title, p, ta_ifo_get(pgc, position, 2), ta_ifo_get(pgc, position + 3, 1),
                                first, last)) {
        title->mixed = true;
        add_run(title, first, last);
    }
    title->changes_clock |= title->cell_count > 0 && (flags & 2);
    title->cell_count++;
    title->duration_ms += time_ms(ta_ifo_get(pgc, playback + 4, 4));
}

static void add_chapter(struct ta_ifo_title *title, int64_t ms)
{
    if (title->chapter_count && title->chapters_ms[title->chapter_count - 1] >= ms)
        return;
    title->chapters_ms = ta_xrealloc(title->chapters_ms,
                                     (size_t)(title->chapter_count + 1) * sizeof(*title->chapters_ms));
    title->chapters_ms[title->chapter_count++] = ms;
}

// --- titles ---

// A title's chapters: pairs of program chain and program.
struct chapters {
    struct ta_ifo_table table;
    int count;
};

static int chain_of(const struct chapters *c, int i)
{
    return (int)ta_ifo_get(&c->table, 4 * (size_t)i, 2);
}

static int program_of(const struct chapters *c, int i)
{
    return (int)ta_ifo_get(&c->table, 4 * (size_t)i + 2, 2);
}

static struct ta_ifo_table find_chain(const struct ta_ifo_table *chains, int number)
{
    if (number < 1 || number > (int)ta_ifo_get(chains, 0, 2))
        return (struct ta_ifo_table){chains->data, 0, chains->outside};
    struct ta_ifo_table t = ta_ifo_sub(chains, ta_ifo_get(chains, 8 + 8 * (size_t)(number - 1) + 4, 4));
    if (t.size < PGC_SIZE)
        t.size = 0;
    return t;
}

// The cell with which a program begins; 0 when there is none.
static int entry_cell(const struct ta_ifo_table *chain, int program)
{
    int programs = (int)ta_ifo_get(chain, 2, 1), cells = (int)ta_ifo_get(chain, 3, 1);
    if (program < 1 || program > programs)
        return 0;
    int cell = (int)ta_ifo_get(chain, ta_ifo_get(chain, 0xe6, 2) + (size_t)(program - 1), 1);
    return cell <= cells ? cell : 0;
}

// The cells of the chain of chapters from..to-1, from the first one's on, and where the chapters begin.
static void add_chain(struct ta_ifo_title *title, const struct chapters *c, int from, int to,
                      const struct ta_ifo_table *chain, struct parser *p)
{
    int cells = (int)ta_ifo_get(chain, 3, 1), first = entry_cell(chain, program_of(c, from)), next = from;
    for (int n = from == 0 && first ? first : 1; n <= cells; n++) {
        while (next < to) {
            int begin = entry_cell(chain, program_of(c, next));
            if (begin > n)
                break;
            if (begin == n)
                add_chapter(title, title->duration_ms);
            next++;
        }
        add_cell(title, chain, p, n);
    }
}

static void read_title(struct parser *p, struct ta_ifo_title *title, const struct chapters *c)
{
    bool described = false;
    for (int from = 0, to; from < c->count; from = to) {
        for (to = from + 1; to < c->count && chain_of(c, to) == chain_of(c, from); to++)
            ;
        bool outside = false;
        struct ta_ifo_table chain = find_chain(&p->chains, chain_of(c, from));
        chain.outside = &outside;
        if (!chain.size)
            continue;
        if (!described)
            read_controls(title, &chain, p->ifo->aspect_num == 16);
        described = true;
        add_chain(title, c, from, to, &chain, p);
    }
    title->angles = title->angles > 1 ? title->angles : 0;
}

static void release_title(struct ta_ifo_title *title)
{
    free(title->runs);
    free(title->chapters_ms);
}

static void read_titles(struct ta_ifo *ifo, const struct ta_ifo_table *file)
{
    struct parser p = {
        .ifo = ifo,
        .chapters = ta_ifo_sub(file, (uint64_t)ta_ifo_get(file, 0xc8, 4) * TA_IFO_SECTOR),
        .chains = ta_ifo_sub(file, (uint64_t)ta_ifo_get(file, 0xcc, 4) * TA_IFO_SECTOR),
        .addresses = ta_ifo_sub(file, (uint64_t)ta_ifo_get(file, 0xe0, 4) * TA_IFO_SECTOR),
        .work = MAX_WORK,
    };
    const struct ta_ifo_table *chapters = &p.chapters;
    int count = (int)TA_MIN(ta_ifo_get(chapters, 0, 2), (uint32_t)TA_IFO_MAX_TITLES);
    uint64_t end = TA_MIN((uint64_t)ta_ifo_get(chapters, 4, 4) + 1, (uint64_t)chapters->size);
    ifo->titles = ta_xcalloc((size_t)count + 1, sizeof(*ifo->titles));
    for (int i = 0; i < count; i++) {
        uint64_t at = ta_ifo_get(chapters, 8 + 4 * (size_t)i, 4), next = end;
        // Up to the table of whichever title comes next.
        for (int k = 0; k < count; k++) {
            uint64_t other = ta_ifo_get(chapters, 8 + 4 * (size_t)k, 4);
            if (other > at && other < next)
                next = other;
        }
        struct ta_ifo_title *title = &ifo->titles[ifo->title_count++];
        for (int k = 0; k < TA_IFO_SUBTITLES; k++)
            title->subtitles[k] = title->sounds[k % TA_IFO_SOUNDS] = -1;
        if (at < 8 || at >= next)
            continue;
        struct chapters c = {ta_ifo_sub(chapters, at), (int)TA_MIN((next - at) / 4, (uint64_t)MAX_CHAPTERS)};
        read_title(&p, title, &c);
    }
}

static int refuse(const char *name, const char *why, struct ta_log *log)
{
    ta_error(log, "%s: %s", name, why);
    return TA_ERR_FORMAT;
}

int ta_ifo_parse(struct ta_ifo **out, const void *data, size_t size, const char *name, struct ta_log *log)
{
    *out = NULL;
    bool outside = false;
    struct ta_ifo_table file = {data, size, &outside};
    if (size < TA_IFO_SECTOR || memcmp(data, "DVDVIDEO-VTS", 12) != 0)
        return refuse(name, "this is not the description of a title set of a DVD", log);
    struct ta_ifo *ifo = ta_xcalloc(1, sizeof(*ifo));
    read_attributes(ifo, &file);
    read_titles(ifo, &file);
    int playable = 0;
    for (int i = 0; i < ifo->title_count; i++)
        playable += ifo->titles[i].run_count > 0;
    if (!playable) {
        ta_ifo_destroy(&ifo);
        return refuse(name, "no title can be found in it: it is cut off or damaged", log);
    }
    *out = ifo;
    return 0;
}

void ta_ifo_destroy(struct ta_ifo **ifo)
{
    if (!*ifo)
        return;
    for (int i = 0; i < (*ifo)->title_count; i++)
        release_title(&(*ifo)->titles[i]);
    free((*ifo)->titles);
    ta_freep(ifo);
}

int ta_ifo_parse_disc(struct ta_ifo_entry entries[TA_IFO_MAX_TITLES], const void *data, size_t size,
                      const char *name, struct ta_log *log)
{
    bool outside = false;
    struct ta_ifo_table file = {data, size, &outside};
    if (size < TA_IFO_SECTOR || memcmp(data, "DVDVIDEO-VMG", 12) != 0)
        return refuse(name, "this is not the description of a DVD", log);
    struct ta_ifo_table list = ta_ifo_sub(&file, (uint64_t)ta_ifo_get(&file, 0xc4, 4) * TA_IFO_SECTOR);
    int count = (int)TA_MIN(ta_ifo_get(&list, 0, 2), (uint32_t)TA_IFO_MAX_TITLES), found = 0;
    for (int i = 0; i < count; i++) {
        size_t at = 8 + 12 * (size_t)i;
        int set = (int)ta_ifo_get(&list, at + 6, 1), title = (int)ta_ifo_get(&list, at + 7, 1);
        if (set >= 1 && set <= 99 && title >= 1 && title <= TA_IFO_MAX_TITLES)
            entries[found++] = (struct ta_ifo_entry){set, title};
    }
    return found ? found : refuse(name, "no title can be found in it: it is cut off or damaged", log);
}
