#include "video/cube.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include <terminalai/error.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/words.h"
#include "base/utf8.h"

// A 3D table of 256 nodes a side, written with six decimals, takes 453 MB.
#define MAX_BYTES ((off_t)512 << 20)
// What half floats reach, which some programs write; larger values are garbage.
#define MAX_VALUE 65504.0

enum { MAX_LINE = 1024, MAX_WORD = 64 };

struct parser {
    struct ta_cube *cube;
    struct ta_log *log;
    const char *name;
    int line;
    size_t expected; // rows, once the size is known
    size_t capacity;
    bool has_title, has_min, has_max;
};

static int refuse(const struct parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int refuse(const struct parser *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = ta_xvprintf(format, args);
    va_end(args);
    ta_error(p->log, "%s:%d: %s", p->name, p->line, text);
    free(text);
    return TA_ERR_FORMAT;
}

static int refuse_word(const struct parser *p, const char *word, const char *what)
{
    struct ta_buf quoted = {0};
    ta_buf_quote(&quoted, word);
    int err = refuse(p, "%s %s", ta_buf_text(&quoted), what);
    ta_buf_release(&quoted);
    return err;
}

static const char *skip_blanks(const char *s)
{
    return s + strspn(s, " \t");
}

// The next word of a line, cut where it is too long to be one of ours; false at the end of the line.
static bool next_word(const char **s, char word[MAX_WORD])
{
    const char *start = skip_blanks(*s);
    size_t n = strcspn(start, " \t");
    *s = start + n;
    size_t kept = TA_MIN(n, (size_t)MAX_WORD - 1);
    memcpy(word, start, kept);
    word[kept] = 0;
    return n > 0;
}

static int read_value(const struct parser *p, const char *word, double *out)
{
    int err = ta_number_parse(word, out);
    if (err == TA_ERR_FORMAT)
        return refuse_word(p, word, "is no number");
    if (err < 0 || fabs(*out) > MAX_VALUE)
        return refuse_word(p, word, "is out of range: values must lie in -65504..65504");
    return 0;
}

// `count` numbers and nothing else.
static int read_values(const struct parser *p, const char *s, const char *what, int count, double *out)
{
    char word[MAX_WORD];
    for (int i = 0; i < count; i++) {
        if (!next_word(&s, word))
            return refuse(p, "%s has %d of %d %s", what, i, count, ta_plural(count, "number", "numbers"));
        int err = read_value(p, word, &out[i]);
        if (err < 0)
            return err;
    }
    if (next_word(&s, word))
        return refuse(p, "%s has more than %d %s", what, count, ta_plural(count, "number", "numbers"));
    return 0;
}

static int read_size(struct parser *p, const char *s, bool curves)
{
    const char *key = curves ? "LUT_1D_SIZE" : "LUT_3D_SIZE";
    int most = curves ? TA_CUBE_MAX_CURVE : TA_CUBE_MAX_SIZE;
    char word[MAX_WORD], more[MAX_WORD];
    int64_t size = 0;
    if (p->cube->size)
        return refuse(p, "a second %s", p->cube->curves == curves ? key : "table: 1D and 3D in one file");
    if (!next_word(&s, word) || next_word(&s, more) || ta_int_parse(word, &size) < 0 ||
        size < TA_CUBE_MIN_SIZE || size > most)
        return refuse(p, "%s must be a whole number in %d..%d", key, TA_CUBE_MIN_SIZE, most);
    p->cube->curves = curves;
    p->cube->size = (int)size;
    p->expected = curves ? (size_t)size : (size_t)size * (size_t)size * (size_t)size;
    return 0;
}

static int read_title(struct parser *p, const char *s)
{
    if (p->has_title)
        return refuse(p, "a second TITLE");
    p->has_title = true;
    s = skip_blanks(s);
    const char *end = *s == '"' ? strrchr(s + 1, '"') : NULL;
    if (!end || *skip_blanks(end + 1))
        return refuse(p, "TITLE must be text in double quotes");
    char *title = ta_xstrndup(s + 1, (size_t)(end - s - 1));
    if (ta_utf8_valid(title)) {
        free(p->cube->title);
        p->cube->title = title;
    } else {
        free(title); // of no use to anyone, and no harm
    }
    return 0;
}

// DOMAIN_MIN and DOMAIN_MAX, three numbers each; or both as one line of two, as DaVinci Resolve writes them.
static int read_domain(struct parser *p, const char *key, const char *s)
{
    bool min = strcmp(key, "DOMAIN_MAX") != 0, max = strcmp(key, "DOMAIN_MIN") != 0;
    if ((min && p->has_min) || (max && p->has_max))
        return refuse(p, "%s, but the domain was given before", key);
    p->has_min |= min;
    p->has_max |= max;
    double v[3];
    int err = read_values(p, s, key, min && max ? 2 : 3, v);
    for (int i = 0; i < 3 && err >= 0; i++) {
        if (min)
            p->cube->domain_min[i] = v[max ? 0 : i];
        if (max)
            p->cube->domain_max[i] = v[min ? 1 : i];
    }
    return err;
}

static int read_keyword(struct parser *p, const char *key, const char *s)
{
    if (p->cube->row_count)
        return refuse_word(p, key, "must stand before the rows of the table");
    if (!strcmp(key, "TITLE"))
        return read_title(p, s);
    if (!strcmp(key, "LUT_1D_SIZE") || !strcmp(key, "LUT_3D_SIZE"))
        return read_size(p, s, key[4] == '1');
    if (!strcmp(key, "DOMAIN_MIN") || !strcmp(key, "DOMAIN_MAX") || !strcmp(key, "LUT_1D_INPUT_RANGE") ||
        !strcmp(key, "LUT_3D_INPUT_RANGE"))
        return read_domain(p, key, s);
    // Some of what programs add ("LUT_IN_VIDEO_RANGE") changes what the numbers mean: nothing is passed over.
    return refuse_word(p, key, "is no word of a .cube file");
}

static int read_row(struct parser *p, const char *s)
{
    struct ta_cube *c = p->cube;
    double v[3];
    if (!p->expected)
        return refuse(p, "numbers before LUT_1D_SIZE or LUT_3D_SIZE");
    if (c->row_count == p->expected)
        return refuse(p, "more rows than the %zu of %s %d", p->expected,
                      c->curves ? "LUT_1D_SIZE" : "LUT_3D_SIZE", c->size);
    int err = read_values(p, s, "the row", 3, v);
    if (err < 0)
        return err;
    void *rows = c->rows;
    err = ta_try_grow(&rows, &p->capacity, c->row_count + 1, 3 * sizeof *c->rows);
    c->rows = rows;
    if (err < 0) {
        ta_error(p->log, "%s: out of memory", p->name);
        return err;
    }
    for (int i = 0; i < 3; i++)
        c->rows[3 * c->row_count + (size_t)i] = (float)v[i];
    c->row_count++;
    return 0;
}

// Words that C takes for numbers stand where numbers do; they get the message for numbers.
static bool is_number_word(const char *word)
{
    static const char *const names[] = {"nan", "inf", "infinity"};
    for (size_t i = 0; i < TA_COUNT(names); i++)
        if (!strncasecmp(word, names[i], strlen(names[i])))
            return true;
    return word[0] && strchr("+-.0123456789", word[0]);
}

static int read_line(struct parser *p, const char *line, size_t n)
{
    char text[MAX_LINE + 1], word[MAX_WORD];
    for (size_t i = 0; i < n; i++)
        if (((unsigned char)line[i] < ' ' && line[i] != '\t') || line[i] == 0x7f)
            return refuse(p, "is not text: no .cube file");
    if (n > MAX_LINE)
        return refuse(p, "a line of more than %d characters: no .cube file", MAX_LINE);
    memcpy(text, line, n);
    text[n] = 0;
    const char *rest = text;
    if (!next_word(&rest, word) || word[0] == '#')
        return 0;
    return is_number_word(word) ? read_row(p, text) : read_keyword(p, word, rest);
}

static int check_whole(const struct parser *p)
{
    const struct ta_cube *c = p->cube;
    if (!p->expected)
        return refuse(p, "ends without LUT_1D_SIZE or LUT_3D_SIZE: no .cube file");
    if (c->row_count < p->expected)
        return refuse(p, "ends after %zu of the %zu %s of %s %d", c->row_count, p->expected,
                      ta_plural((int64_t)p->expected, "row", "rows"),
                      c->curves ? "LUT_1D_SIZE" : "LUT_3D_SIZE", c->size);
    for (int i = 0; i < 3; i++)
        if (c->domain_max[i] - c->domain_min[i] < 1e-6)
            return refuse(p, "DOMAIN_MAX must be larger than DOMAIN_MIN");
    return 0;
}

int ta_cube_parse(struct ta_cube *out, const char *text, size_t size, const char *name, struct ta_log *log)
{
    *out = (struct ta_cube){.title = ta_xstrdup(""), .domain_max = {1, 1, 1}};
    struct parser p = {.cube = out, .log = log, .name = name};
    const char *end = text + size;
    int err = 0;
    if (size >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
        text += 3;
    while (text < end && err >= 0) {
        const char *stop = text;
        while (stop < end && *stop != '\n' && *stop != '\r')
            stop++;
        p.line++;
        err = read_line(&p, text, (size_t)(stop - text));
        bool pair = end - stop >= 2 && stop[0] == '\r' && stop[1] == '\n';
        text = stop + (pair ? 2 : 1);
    }
    if (err >= 0)
        err = check_whole(&p);
    if (err < 0)
        ta_cube_release(out);
    return err;
}

int ta_cube_load(struct ta_cube *out, const char *path, const char *wanted, char sum[TA_SHA256_HEX],
                 struct ta_log *log)
{
    struct ta_buf text = {0};
    struct stat st;
    *out = (struct ta_cube){0};
    // Found out before anything is read: a pipe would wait for a writer, a film would fill the memory.
    if (stat(path, &st) == 0 && (!S_ISREG(st.st_mode) || st.st_size > MAX_BYTES)) {
        ta_error(log, "%s: %s", path,
                 S_ISREG(st.st_mode) ? "larger than 512 MiB, the limit of .cube files" : "is no file");
        return TA_ERR_INVALID;
    }
    int err = ta_file_read(path, MAX_BYTES, &text, log);
    if (err >= 0) {
        ta_sha256_hex(ta_buf_text(&text), text.size, sum);
        err = wanted && strcmp(wanted, sum) != 0 ? TA_ERR_MISMATCH : 0;
    }
    if (err >= 0)
        err = ta_cube_parse(out, ta_buf_text(&text), text.size, path, log);
    ta_buf_release(&text);
    return err;
}

// "%.6f", but fast and with a point in every locale.
static void append_value(struct ta_buf *out, double v)
{
    char digits[32];
    long long micro = llround(v * 1e6);
    unsigned long long n = (unsigned long long)llabs(micro);
    int at = sizeof digits;
    for (int i = 0; i < 8 || n; i++) {
        digits[--at] = i == 6 ? '.' : (char)('0' + n % 10);
        n /= i == 6 ? 1 : 10;
    }
    if (micro < 0)
        digits[--at] = '-';
    ta_buf_append(out, digits + at, sizeof digits - (size_t)at);
}

static void append_values(struct ta_buf *out, const char *key, const double v[3])
{
    ta_buf_puts(out, key);
    for (int i = 0; i < 3; i++) {
        if (i || key[0])
            ta_buf_putc(out, ' ');
        append_value(out, v[i]);
    }
    ta_buf_putc(out, '\n');
}

void ta_cube_write(const struct ta_cube *c, struct ta_buf *out)
{
    if (c->title[0])
        ta_buf_printf(out, "TITLE \"%s\"\n", c->title);
    ta_buf_printf(out, "%s %d\n", c->curves ? "LUT_1D_SIZE" : "LUT_3D_SIZE", c->size);
    append_values(out, "DOMAIN_MIN", c->domain_min);
    append_values(out, "DOMAIN_MAX", c->domain_max);
    for (size_t i = 0; i < c->row_count; i++)
        append_values(
            out, "",
            (double[3]){(double)c->rows[3 * i], (double)c->rows[3 * i + 1], (double)c->rows[3 * i + 2]});
}

void ta_cube_release(struct ta_cube *c)
{
    free(c->title);
    free(c->rows);
    *c = (struct ta_cube){0};
}
