// The kinds of option values: how each is read and written.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "base/number.h"
#include "base/opt.h"
#include "base/words.h"
#include "base/utf8.h"

#define TIME_DECIMALS 9
#define SECONDS_MAX 1e9
#define FRAMES_MAX 9007199254740992.0 // whole numbers up to here are exact in a double

static int refuse(struct ta_buf *why, const char *reason)
{
    ta_buf_puts(why, reason);
    return TA_ERR_INVALID;
}

static bool is_limited(const struct ta_opt *o)
{
    return o->min != 0 || o->max != 0;
}

// `append` writes a limit in the manner of the kind.
static int check_limits(const struct ta_opt *o, double value, void (*append)(struct ta_buf *, double),
                        struct ta_buf *why)
{
    if (!is_limited(o) || (value >= o->min && value <= o->max))
        return 0;
    if (isinf(o->max)) {
        ta_buf_puts(why, "must be at least ");
        append(why, o->min);
    } else if (isinf(o->min)) {
        ta_buf_puts(why, "must be at most ");
        append(why, o->max);
    } else {
        ta_buf_puts(why, "must lie in ");
        append(why, o->min);
        ta_buf_puts(why, "..");
        append(why, o->max);
    }
    return TA_ERR_INVALID;
}

// --- switch ---

static int parse_switch(const struct ta_opt *o, const char *text, void *field, struct ta_buf *why)
{
    (void)o;
    static const char *const names[] = {"off", "on", "no", "yes", "false", "true", "0", "1"};
    for (size_t i = 0; i < TA_COUNT(names); i++) {
        if (!strcmp(text, names[i])) {
            *(bool *)field = i % 2;
            return 0;
        }
    }
    return refuse(why, "must be on or off");
}

static void format_switch(const struct ta_opt *o, const void *field, struct ta_buf *out)
{
    (void)o;
    ta_buf_puts(out, *(const bool *)field ? "on" : "off");
}

const struct ta_opt_kind ta_opt_switch = {
    .name = "switch", .parse = parse_switch, .format = format_switch, .type = TA_OPT_TYPE_BOOL};

// --- integer ---

static int parse_int(const struct ta_opt *o, const char *text, void *field, struct ta_buf *why)
{
    int64_t value;
    int ret = ta_int_parse(text, &value);
    if (ret == TA_ERR_FORMAT)
        return refuse(why, "must be a whole number");
    if (ret < 0) { // beyond 64 bits: say the range if there is one
        if (!check_limits(o, *text == '-' ? -INFINITY : INFINITY, ta_number_append, why))
            ta_buf_puts(why, *text == '-' ? "is too small" : "is too large");
        return TA_ERR_INVALID;
    }
    ret = check_limits(o, (double)value, ta_number_append, why);
    if (ret < 0)
        return ret;
    *(int64_t *)field = value;
    return 0;
}

static void format_int(const struct ta_opt *o, const void *field, struct ta_buf *out)
{
    (void)o;
    ta_buf_printf(out, "%lld", (long long)*(const int64_t *)field);
}

const struct ta_opt_kind ta_opt_int = {
    .name = "integer", .syntax = "N", .parse = parse_int, .format = format_int, .type = TA_OPT_TYPE_INT64};

// --- number ---

static int parse_double(const struct ta_opt *o, const char *text, double *value, struct ta_buf *why)
{
    double parsed;
    int ret = ta_number_parse(text, &parsed);
    if (ret < 0)
        return refuse(why, ret == TA_ERR_FORMAT ? "must be a number" : "is too large");
    ret = check_limits(o, parsed, ta_number_append, why);
    if (!ret)
        *value = parsed + 0.0; // no negative zero
    return ret;
}

static int parse_float(const struct ta_opt *o, const char *text, void *field, struct ta_buf *why)
{
    return parse_double(o, text, field, why);
}

static void format_float(const struct ta_opt *o, const void *field, struct ta_buf *out)
{
    (void)o;
    ta_number_append(out, *(const double *)field);
}

const struct ta_opt_kind ta_opt_float = {.name = "number",
                                         .syntax = "X",
                                         .parse = parse_float,
                                         .format = format_float,
                                         .type = TA_OPT_TYPE_DOUBLE};

// --- numbers ---

static int refuse_count(const struct ta_opt *o, int most, struct ta_buf *why)
{
    if (o->min_count == most)
        ta_buf_printf(why, "must be %d %s", most, ta_plural(most, "number", "numbers"));
    else
        ta_buf_printf(why, "must be %d to %d numbers", TA_MAX(o->min_count, 1), most);
    ta_buf_puts(why, most == 1 ? "" : " joined by \":\"");
    return TA_ERR_INVALID;
}

static int parse_floats(const struct ta_opt *o, const char *text, void *field, struct ta_buf *why)
{
    struct ta_floats values = {.count = 0};
    int most = o->max_count > 0 ? TA_MIN(o->max_count, (int)TA_COUNT(values.v)) : (int)TA_COUNT(values.v);
    while (*text || values.count) {
        if (values.count == most)
            return refuse_count(o, most, why);
        size_t length = strcspn(text, ":");
        char *number = ta_xstrndup(text, length);
        int ret = parse_double(o, number, &values.v[values.count], why);
        free(number);
        if (ret < 0) {
            // Of several numbers, say which.
            if (values.count || text[length]) {
                char *reason = ta_buf_take(why);
                ta_buf_printf(why, "number %d %s", values.count + 1, reason);
                free(reason);
            }
            return ret;
        }
        values.count++;
        text += length;
        if (!*text)
            break;
        text++;
    }
    if (values.count < o->min_count && (values.count || o->def))
        return refuse_count(o, most, why);
    *(struct ta_floats *)field = values;
    return 0;
}

static void format_floats(const struct ta_opt *o, const void *field, struct ta_buf *out)
{
    (void)o;
    const struct ta_floats *values = field;
    for (int i = 0; i < values->count; i++) {
        if (i)
            ta_buf_putc(out, ':');
        ta_number_append(out, values->v[i]);
    }
}

const struct ta_opt_kind ta_opt_floats = {.name = "numbers",
                                          .syntax = "X:X:...",
                                          .parse = parse_floats,
                                          .format = format_floats,
                                          .type = TA_OPT_TYPE_FLOATS};

// --- text ---

static int parse_text(const struct ta_opt *o, const char *text, void *field, struct ta_buf *why)
{
    (void)o;
    if (!ta_utf8_valid(text))
        return refuse(why, "must be UTF-8");
    char *copy = *text ? ta_xstrdup(text) : NULL; // before the release: `text` may be the old value
    free(*(char **)field);
    *(char **)field = copy;
    return 0;
}

static void format_text(const struct ta_opt *o, const void *field, struct ta_buf *out)
{
    (void)o;
    const char *text = *(char *const *)field;
    ta_buf_puts(out, text ? text : "");
}

static void release_text(void *field)
{
    ta_freep((char **)field);
}

const struct ta_opt_kind ta_opt_text = {.name = "text",
                                        .syntax = "TEXT",
                                        .parse = parse_text,
                                        .format = format_text,
                                        .release = release_text,
                                        .type = TA_OPT_TYPE_TEXT};

// --- path ---

static int parse_path(const struct ta_opt *o, const char *text, void *field, struct ta_buf *why)
{
    if (!*text && !(o->def && !*o->def)) { // rather a variable that is not set than a wish
        ta_buf_puts(why, "must not be empty");
        return TA_ERR_INVALID;
    }
    char *copy = *text ? ta_xstrdup(text) : NULL;
    free(*(char **)field);
    *(char **)field = copy;
    return 0;
}

const struct ta_opt_kind ta_opt_path = {.name = "path",
                                        .syntax = "FILE",
                                        .parse = parse_path,
                                        .format = format_text,
                                        .release = release_text,
                                        .type = TA_OPT_TYPE_TEXT};

// --- choice ---

static int parse_choice(const struct ta_opt *o, const char *text, void *field, struct ta_buf *why)
{
    size_t count = 0;
    for (; o->choices[count].name; count++) {
        if (!strcmp(text, o->choices[count].name)) {
            *(int *)field = (int)count;
            return 0;
        }
    }
    const char **names = ta_xcalloc(count + 1, sizeof(*names));
    ta_buf_puts(why, "must be ");
    for (size_t i = 0; i < count; i++) {
        names[i] = o->choices[i].name;
        ta_buf_puts(why, !i ? "" : i + 1 < count ? ", " : " or ");
        ta_buf_puts(why, names[i]);
    }
    const char *nearest = ta_nearest(text, names);
    if (nearest && count > 3) // in a short list one sees it oneself
        ta_buf_printf(why, "; did you mean \"%s\"?", nearest);
    free(names);
    return TA_ERR_INVALID;
}

static void format_choice(const struct ta_opt *o, const void *field, struct ta_buf *out)
{
    int index = *(const int *)field, count = 0;
    while (o->choices[count].name)
        count++;
    ta_buf_puts(out, index >= 0 && index < count ? o->choices[index].name : "");
}

const struct ta_opt_kind ta_opt_choice = {.name = "choice",
                                          .syntax = "NAME",
                                          .parse = parse_choice,
                                          .format = format_choice,
                                          .type = TA_OPT_TYPE_INT};

// --- size ---

static const char byte_units[] = "kMGTP";

int ta_bytes_parse(const char *text, int64_t *out, struct ta_buf *why)
{
    static const char reason[] = "must be a size such as 2G, 500M or 64k";
    size_t length = strspn(text, "0123456789.");
    char *digits = ta_xstrndup(text, length);
    const char *rest = text + length;
    double value = 0;
    int64_t whole = 0;
    int ret = ta_number_parse(digits, &value);
    bool exact = !ta_int_parse(digits, &whole);
    free(digits);
    if (ret < 0)
        return refuse(why, reason);
    int shift = 0;
    const char *unit = *rest ? strchr(byte_units, *rest == 'K' ? 'k' : *rest) : NULL;
    if (unit) {
        shift = 10 * (int)(unit - byte_units + 1);
        rest++;
        if (rest[0] == 'i' && rest[1] == 'B')
            rest++;
    }
    if (!strcmp(rest, "B"))
        rest++;
    if (*rest)
        return refuse(why, reason);
    if (exact) {
        if (whole > INT64_MAX >> shift)
            return refuse(why, "is too large");
        *out = whole << shift;
        return 0;
    }
    value = ldexp(value, shift);
    if (!shift && value != floor(value))
        return refuse(why, "must be whole bytes");
    if (value >= 9223372036854775808.0)
        return refuse(why, "is too large");
    *out = (int64_t)value;
    return 0;
}

void ta_bytes_format(int64_t bytes, struct ta_buf *out)
{
    size_t units = 0;
    while (bytes && bytes % 1024 == 0 && units < sizeof(byte_units) - 1) {
        bytes /= 1024;
        units++;
    }
    ta_buf_printf(out, "%lld", (long long)bytes);
    if (units)
        ta_buf_putc(out, byte_units[units - 1]);
}

static void append_bytes(struct ta_buf *out, double bytes)
{
    ta_bytes_format((int64_t)bytes, out);
}

static int parse_bytes(const struct ta_opt *o, const char *text, void *field, struct ta_buf *why)
{
    int64_t value;
    int ret = ta_bytes_parse(text, &value, why);
    if (!ret)
        ret = check_limits(o, (double)value, append_bytes, why);
    if (!ret)
        *(int64_t *)field = value;
    return ret;
}

static void format_bytes(const struct ta_opt *o, const void *field, struct ta_buf *out)
{
    (void)o;
    ta_bytes_format(*(const int64_t *)field, out);
}

const struct ta_opt_kind ta_opt_bytes = {.name = "size",
                                         .syntax = "SIZE",
                                         .parse = parse_bytes,
                                         .format = format_bytes,
                                         .type = TA_OPT_TYPE_INT64};

// --- time and range ---

// Digits with at most nine after a point; the end in *end. False if there are none or they end in the point.
static bool scan_decimal(const char *text, const char **end, double *value)
{
    size_t whole = strspn(text, "0123456789"), decimals = 0;
    const char *s = text + whole;
    if (whole && *s == '.') {
        decimals = strspn(s + 1, "0123456789");
        if (!decimals || decimals > TIME_DECIMALS)
            return false;
        s += 1 + decimals;
    }
    char *digits = ta_xstrndup(text, (size_t)(s - text));
    bool ok = !ta_number_parse(digits, value);
    free(digits);
    *end = s;
    return ok;
}

// "[H:]M:S" from the second part on: `total` holds the hours or minutes that were read.
static bool scan_sexagesimal(const char **text, double *total)
{
    for (int colons = 0; **text == ':' && colons < 2; colons++) {
        const char *s = *text + 1;
        double part;
        // Only the last part may have a fraction, and each has two digits, as people write it.
        if (strspn(s, "0123456789") != 2 || *total != floor(*total) || !scan_decimal(s, text, &part) ||
            part >= 60)
            return false;
        *total = *total * 60 + part;
    }
    return true;
}

int ta_time_parse(const char *text, struct ta_time *out, struct ta_buf *why)
{
    static const char reason[] = "must be a time such as 90, 1:23:45.5, 25% or 1200f";
    struct ta_time time = {.unit = TA_TIME_SECONDS};
    const char *rest;
    if (!scan_decimal(text, &rest, &time.value))
        return refuse(why, reason);
    if (*rest == ':') {
        if (text + strspn(text, "0123456789") != rest || !scan_sexagesimal(&rest, &time.value) || *rest)
            return refuse(why, reason);
    } else if (!strcmp(rest, "%")) {
        time.unit = TA_TIME_PERCENT;
    } else if (!strcmp(rest, "f")) {
        time.unit = TA_TIME_FRAMES;
    } else if (*rest && strcmp(rest, "s")) {
        return refuse(why, reason);
    }
    if (time.unit == TA_TIME_PERCENT && time.value > 100)
        return refuse(why, "must be at most 100%");
    if (time.unit == TA_TIME_FRAMES && time.value != floor(time.value))
        return refuse(why, "must be a whole number of frames");
    if (time.value > (time.unit == TA_TIME_FRAMES ? FRAMES_MAX : SECONDS_MAX))
        return refuse(why, "is too large");
    *out = time;
    return 0;
}

// "1:23:45.5" when it reads back exactly, else plain seconds.
static void format_seconds(double value, struct ta_buf *out)
{
    if (value >= 60 && value <= SECONDS_MAX) {
        struct ta_buf text = {0};
        int64_t whole = (int64_t)value, hours = whole / 3600;
        if (hours)
            ta_buf_printf(&text, "%lld:%02d", (long long)hours, (int)(whole / 60 % 60));
        else
            ta_buf_printf(&text, "%d", (int)(whole / 60));
        ta_buf_printf(&text, ":%02d", (int)(whole % 60));
        if (value != (double)whole) {
            struct ta_buf fraction = {0};
            ta_number_append_fixed(&fraction, value,
                                   TIME_DECIMALS); // that of the sum: it has fewer exact digits
            ta_buf_puts(&text, strchr(fraction.data, '.') ? strchr(fraction.data, '.') : "");
            ta_buf_release(&fraction);
        }
        struct ta_time again = {0};
        struct ta_buf ignored = {0};
        bool exact = !ta_time_parse(text.data, &again, &ignored) && again.value == value;
        if (exact)
            ta_buf_puts(out, text.data);
        ta_buf_release(&ignored);
        ta_buf_release(&text);
        if (exact)
            return;
    }
    ta_number_append_fixed(out, value, TIME_DECIMALS);
}

void ta_time_format(const struct ta_time *time, struct ta_buf *out)
{
    switch (time->unit) {
    case TA_TIME_NONE:
        break;
    case TA_TIME_SECONDS:
        format_seconds(time->value, out);
        break;
    case TA_TIME_PERCENT:
        ta_number_append_fixed(out, time->value, TIME_DECIMALS);
        ta_buf_putc(out, '%');
        break;
    case TA_TIME_FRAMES:
        ta_number_append_fixed(out, time->value, 0);
        ta_buf_putc(out, 'f');
        break;
    }
}

static int parse_time(const struct ta_opt *o, const char *text, void *field, struct ta_buf *why)
{
    (void)o;
    if (!*text) {
        *(struct ta_time *)field = (struct ta_time){0};
        return 0;
    }
    return ta_time_parse(text, field, why);
}

static void format_time(const struct ta_opt *o, const void *field, struct ta_buf *out)
{
    (void)o;
    ta_time_format(field, out);
}

const struct ta_opt_kind ta_opt_time = {
    .name = "time", .syntax = "TIME", .parse = parse_time, .format = format_time, .type = TA_OPT_TYPE_TIME};

static int parse_range(const struct ta_opt *o, const char *text, void *field, struct ta_buf *why)
{
    (void)o;
    struct ta_range range = {.start = {TA_TIME_NONE, 0}};
    const char *dash = strchr(text, '-');
    if (*text && !dash)
        return refuse(why, "must be START-END, where either may be empty");
    if (dash && dash > text) {
        char *start = ta_xstrndup(text, (size_t)(dash - text));
        int ret = ta_time_parse(start, &range.start, why);
        free(start);
        if (ret < 0) {
            char *reason = ta_buf_take(why);
            ta_buf_printf(why, "the start %s", reason);
            free(reason);
            return ret;
        }
    }
    if (dash && dash[1] && ta_time_parse(dash + 1, &range.end, why) < 0) {
        char *reason = ta_buf_take(why);
        ta_buf_printf(why, "the end %s", reason);
        free(reason);
        return TA_ERR_INVALID;
    }
    bool both = range.start.unit && range.start.unit == range.end.unit;
    if (both && range.start.value >= range.end.value)
        return refuse(why, "the end must lie after the start");
    if (range.end.unit && range.end.value == 0)
        return refuse(why, "the end must lie after the start");
    *(struct ta_range *)field = range;
    return 0;
}

static void format_range(const struct ta_opt *o, const void *field, struct ta_buf *out)
{
    (void)o;
    const struct ta_range *range = field;
    if (!range->start.unit && !range->end.unit)
        return;
    ta_time_format(&range->start, out);
    ta_buf_putc(out, '-');
    ta_time_format(&range->end, out);
}

const struct ta_opt_kind ta_opt_range = {.name = "range",
                                         .syntax = "START-END",
                                         .parse = parse_range,
                                         .format = format_range,
                                         .type = TA_OPT_TYPE_RANGE};
