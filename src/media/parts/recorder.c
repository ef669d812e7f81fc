#include "media/parts/recorder.h"

#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "media/parts/ifo.h"
#include "media/parts/ifo_table.h"

enum {
    FORMAT_SIZE = 60, // of a description of pictures and sound
    PIECE_SIZE = 23,  // of what a piece says ahead of its map
    JOINT_SIZE = 12,  // follows where it goes on from the piece before
    GAPS_SIZE = 16,   // follows where its sound has gaps
    MAP_SIZE = 10,    // and then entries by time, and those of units
    TIME_SIZE = 7,
    UNIT_SIZE = 3,
    PROGRAMME_SIZE = 142,
    CELL_SIZE = 18,
    NAME_SIZE = 64,
    MAX_WORK = 20000000,  // units; a file that was made to hang its reader stops here
    UNLISTED_US = 500000, // what no programme plays at the beginning of a piece is told when it is longer
};

// Pictures of one clock, one behind the other in the .VRO.
struct piece {
    int64_t byte, bytes;
    uint32_t first_time, last_time; // by its clock, 90 kHz
    char date[20];
    int format;       // from 1
    int64_t first_us; // the first that a programme plays of it; INT64_MAX: none does
};

struct parser {
    struct ta_ifo_table file, pieces_table;
    struct piece *pieces;
    int piece_count;
    struct ta_recorder *out;
    int *programmes; // of each recording; -1: none
    unsigned charset;
    int64_t work; // what is left
};

// --- text ---

static const char *charset_name(unsigned charset)
{
    return charset == 0x12 ? "CP932" : charset == 0x13 ? "EUC-KR" : "ISO-8859-1";
}

// What stands in a field, without blanks at its end and what can't be seen; NULL when that is nothing or
// can't be read.
static char *read_name(const struct ta_ifo_table *t, size_t at, unsigned charset)
{
    char raw[NAME_SIZE + 1] = {0}, text[4 * NAME_SIZE + 1] = {0};
    for (size_t i = 0; i < NAME_SIZE; i++)
        raw[i] = (char)ta_ifo_get(t, at + i, 1);
    size_t left = strlen(raw), room = sizeof(text) - 1;
    char *from = raw, *to = text;
    if (charset != 0x12 && charset != 0x13 &&
        ta_utf8_valid(raw)) { // ASCII mostly, and who writes more than that
        memcpy(text, raw, left);
    } else {
        iconv_t converter = iconv_open("UTF-8", charset_name(charset));
        bool read = converter != (iconv_t)-1 && iconv(converter, &from, &left, &to, &room) != (size_t)-1;
        if (converter != (iconv_t)-1)
            iconv_close(converter);
        if (!read || !ta_utf8_valid(text))
            return NULL;
    }
    for (char *c = text; *c; c += ta_utf8_length(c))
        if (ta_utf8_is_control(c, ta_utf8_length(c)))
            memset(c, ' ', ta_utf8_length(c));
    size_t end = strlen(text), start = strspn(text, " ");
    while (end > start && text[end - 1] == ' ')
        end--;
    return end > start ? ta_xstrndup(text + start, end - start) : NULL;
}

// Two fields: one in ASCII, one in the disc's own set of characters, often the same or empty.
static char *read_title(const struct ta_ifo_table *t, size_t at, unsigned charset)
{
    char *title = read_name(t, at + NAME_SIZE, charset);
    return title ? title : read_name(t, at, 0);
}

// Year, month, day, hour, minute and second in 14, 4, 5, 5, 6 and 6 bits.
static void read_date(const struct ta_ifo_table *t, size_t at, char out[20])
{
    uint64_t v = (uint64_t)ta_ifo_get(t, at, 4) << 8 | ta_ifo_get(t, at + 4, 1);
    unsigned year = v >> 26 & 0x3fff, month = v >> 22 & 15, day = v >> 17 & 31, hour = v >> 12 & 31,
             minute = v >> 6 & 63, second = v & 63;
    if (year < 1970 || year > 2200 || month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 ||
        second > 59)
        return;
    snprintf(out, 20, "%04u-%02u-%02u %02u:%02u:%02u", year, month, day, hour, minute, second);
}

// --- pieces ---

// The map of a piece's units at a byte of its description; its sectors, or 0 when that can't be one.
static int64_t read_map(const struct ta_ifo_table *t, size_t at, uint32_t *sector, int64_t *work)
{
    bool outside = false;
    struct ta_ifo_table map = ta_ifo_sub(&(struct ta_ifo_table){t->data, t->size, &outside}, at);
    size_t times = ta_ifo_get(&map, 0, 2), units = ta_ifo_get(&map, 2, 2);
    size_t first = MAP_SIZE + TIME_SIZE * times;
    int64_t sectors = 0;
    *sector = ta_ifo_get(&map, 6, 4);
    *work -= (int64_t)(times + units);
    if (outside || !units || *work < 0 || first + UNIT_SIZE * units > map.size)
        return 0;
    for (size_t i = 0; i < times; i++) {
        uint32_t unit = ta_ifo_get(&map, MAP_SIZE + TIME_SIZE * i, 2);
        if (unit > units)
            return 0;
    }
    for (size_t i = 0; i < units; i++) {
        uint32_t size = ta_ifo_get(&map, first + UNIT_SIZE * i + 1, 2) & 0x3ff;
        if (!size)
            return 0;
        sectors += size;
    }
    // No disc has so many sectors.
    return *sector < 1u << 24 && sectors < 1 << 24 ? sectors : 0;
}

static bool read_piece(const struct ta_ifo_table *t, struct piece *p, int64_t *work)
{
    unsigned kind = ta_ifo_get(t, 0, 2);
    size_t at = PIECE_SIZE + (kind & 0x80 ? (size_t)JOINT_SIZE : 0);
    bool gaps = (kind & 0x78) != 0;
    uint32_t sector = 0;
    // Whether gaps are described where there are some is not known for sure: the map shows it.
    int64_t sectors = read_map(t, at + (gaps ? (size_t)GAPS_SIZE : 0), &sector, work);
    if (!sectors && gaps)
        sectors = read_map(t, at, &sector, work);
    read_date(t, 2, p->date);
    p->format = (int)ta_ifo_get(t, 8, 1);
    p->first_time = ta_ifo_get(t, 9, 4);
    p->last_time = ta_ifo_get(t, 15, 4);
    p->byte = (int64_t)sector * TA_IFO_SECTOR;
    p->bytes = sectors * TA_IFO_SECTOR;
    return sectors > 0;
}

static int by_place(const void *a, const void *b)
{
    const struct piece *const *x = a, *const *y = b;
    return ((*x)->byte > (*y)->byte) - ((*x)->byte < (*y)->byte);
}

static bool overlap(const struct parser *p)
{
    const struct piece **order = ta_xcalloc((size_t)p->piece_count, sizeof(*order));
    bool any = false;
    for (int i = 0; i < p->piece_count; i++)
        order[i] = &p->pieces[i];
    qsort(order, (size_t)p->piece_count, sizeof(*order), by_place);
    for (int i = 1; i < p->piece_count; i++)
        any |= order[i]->byte < order[i - 1]->byte + order[i - 1]->bytes;
    free(order);
    return any;
}

static const char *read_pieces(struct parser *p)
{
    const struct ta_ifo_table *t = &p->pieces_table;
    int lists = (int)ta_ifo_get(t, 2, 1), formats = (int)ta_ifo_get(t, 3, 1);
    size_t at = 8 + (size_t)FORMAT_SIZE * (size_t)formats;
    int count = (int)ta_ifo_get(t, at, 2);
    if (!lists || !count)
        return "it names no recording";
    if (count > TA_RECORDER_MAX || at + 2 + 4 * (size_t)count > t->size)
        return "it is cut off or damaged";
    p->pieces = ta_xcalloc((size_t)count, sizeof(*p->pieces));
    for (int i = 0; i < count; i++) {
        uint32_t place = ta_ifo_get(t, at + 2 + 4 * (size_t)i, 4);
        struct ta_ifo_table piece = ta_ifo_sub(t, place);
        p->pieces[i].first_us = INT64_MAX;
        if (!read_piece(&piece, &p->pieces[p->piece_count++], &p->work))
            return "it is cut off or damaged";
    }
    return overlap(p) ? "its recordings lie over each other" : NULL;
}

// The shape of all pieces' pictures.
static void read_shape(struct parser *p)
{
    int shape = -1, formats = (int)ta_ifo_get(&p->pieces_table, 3, 1);
    for (int i = 0; i < p->piece_count; i++) {
        int n = p->pieces[i].format;
        if (n < 1 || n > formats)
            return;
        int told = (int)(ta_ifo_get(&p->pieces_table, 8 + (size_t)FORMAT_SIZE * (size_t)(n - 1), 2) >> 10 &
                         3);
        if (told > 1 || (shape >= 0 && told != shape))
            return;
        shape = told;
    }
    p->out->aspect_num = shape == 1 ? 16 : 4;
    p->out->aspect_den = shape == 1 ? 9 : 3;
}

// --- programmes ---

static void add(struct parser *p, int programme, int piece, int64_t later_us, char *title)
{
    struct ta_recorder *r = p->out;
    struct piece *from = &p->pieces[piece];
    size_t n = (size_t)r->recording_count + 1;
    r->recordings = ta_xrealloc(r->recordings, n * sizeof(*r->recordings));
    p->programmes = ta_xrealloc(p->programmes, n * sizeof(*p->programmes));
    struct ta_recording *new = &r->recordings[r->recording_count];
    *new = (struct ta_recording){.byte = from->byte,
                                 .bytes = from->bytes,
                                 .later_us = later_us,
                                 .title = title ? title : ta_xstrdup(""),
                                 .listed = programme >= 0};
    memcpy(new->date, from->date, sizeof(new->date));
    p->programmes[r->recording_count++] = programme;
    if (programme >= 0)
        from->first_us = TA_MIN(from->first_us, later_us);
}

// A cell of a programme: the piece that it plays, and from when on. False when it is not of moving pictures.
static bool read_cell(const struct parser *p, const struct ta_ifo_table *programmes, size_t at, int *piece,
                      int64_t *later_us)
{
    struct ta_ifo_table cell = ta_ifo_sub(programmes, ta_ifo_get(programmes, at, 4));
    int number = (int)ta_ifo_get(&cell, 2, 2);
    uint32_t from = ta_ifo_get(&cell, 6, 4);
    if (cell.size < CELL_SIZE || ta_ifo_get(&cell, 1, 1) >> 5 || number < 1 || number > p->piece_count)
        return false;
    *piece = number - 1;
    const struct piece *of = &p->pieces[*piece];
    bool within = from > of->first_time && from < of->last_time;
    *later_us = within ? (int64_t)(from - of->first_time) * 100 / 9 : 0;
    return true;
}

// Programmes are one behind the other, and their cells in the same order behind all of them.
static void read_programmes(struct parser *p)
{
    struct ta_ifo_table t = ta_ifo_sub(&p->file, ta_ifo_get(&p->file, 304, 4));
    int programmes = (int)ta_ifo_get(&t, 1, 1), cells = (int)ta_ifo_get(&t, 2, 2), cell = 0;
    size_t list = 4 + (size_t)PROGRAMME_SIZE * (size_t)programmes;
    if (t.size < list + 4 * (size_t)cells)
        return;
    for (int i = 0; i < programmes; i++) {
        size_t at = 4 + (size_t)PROGRAMME_SIZE * (size_t)i;
        int count = (int)ta_ifo_get(&t, at + 2, 2);
        for (int k = 0; k < count && cell < cells && p->out->recording_count < TA_RECORDER_MAX; k++, cell++) {
            int piece = 0;
            int64_t later_us = 0;
            if (read_cell(p, &t, list + 4 * (size_t)cell, &piece, &later_us))
                add(p, i, piece, later_us, read_title(&t, at + 4, p->charset));
        }
    }
}

struct ordered {
    struct ta_recording recording;
    int programme;
};

static int by_begin(const void *a, const void *b)
{
    const struct ordered *x = a, *y = b;
    if (x->recording.byte != y->recording.byte)
        return x->recording.byte < y->recording.byte ? -1 : 1;
    if (x->recording.later_us != y->recording.later_us)
        return x->recording.later_us < y->recording.later_us ? -1 : 1;
    return (x->programme > y->programme) - (x->programme < y->programme);
}

// In the order of the .VRO. Cells of one programme that lie one behind the other are one recording, and one
// place begins one recording.
static void put_in_order(struct parser *p)
{
    struct ta_recorder *r = p->out;
    int count = r->recording_count, kept = 0;
    struct ordered *list = ta_xcalloc((size_t)count, sizeof(*list));
    for (int i = 0; i < count; i++)
        list[i] = (struct ordered){r->recordings[i], p->programmes[i]};
    qsort(list, (size_t)count, sizeof(*list), by_begin);
    for (int i = 0, last = 0; i < count; last = i++) {
        const struct ta_recording *now = &list[i].recording, *before = &list[last].recording;
        bool same = i > 0 && ((list[i].programme >= 0 && list[i].programme == list[last].programme) ||
                              (now->byte == before->byte && now->later_us == before->later_us));
        if (same)
            free(now->title);
        else
            r->recordings[kept++] = *now;
    }
    r->recording_count = kept;
    free(list);
}

static const char *parse(struct parser *p)
{
    if (p->file.size < 512 || memcmp(p->file.data, "DVD_RTR_VMG0", 12) != 0)
        return "it is not a recorder's list";
    p->pieces_table = ta_ifo_sub(&p->file, ta_ifo_get(&p->file, 256, 4));
    p->charset = ta_ifo_get(&p->file, 67, 1);
    const char *why = read_pieces(p);
    if (why)
        return why;
    read_shape(p);
    read_programmes(p);
    for (int i = 0; i < p->piece_count && p->out->recording_count < TA_RECORDER_MAX; i++)
        if (p->pieces[i].first_us > UNLISTED_US)
            add(p, -1, i, 0, NULL);
    for (int i = 0; i < p->piece_count; i++)
        p->out->bytes = TA_MAX(p->out->bytes, p->pieces[i].byte + p->pieces[i].bytes);
    put_in_order(p);
    return NULL;
}

int ta_recorder_parse(struct ta_recorder **out, const void *data, size_t size, struct ta_buf *why)
{
    bool outside = false;
    struct parser p = {
        .file = {data, size, &outside}, .out = ta_xcalloc(1, sizeof(*p.out)), .work = MAX_WORK};
    const char *refused = parse(&p);
    free(p.pieces);
    free(p.programmes);
    if (refused) {
        ta_buf_puts(why, refused);
        ta_recorder_destroy(&p.out);
    }
    *out = p.out;
    return refused ? TA_ERR_FORMAT : 0;
}

void ta_recorder_destroy(struct ta_recorder **r)
{
    if (!*r)
        return;
    for (int i = 0; i < (*r)->recording_count; i++)
        free((*r)->recordings[i].title);
    free((*r)->recordings);
    ta_freep(r);
}
