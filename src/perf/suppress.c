// "perf-ok(RULE): why" beside what a rule finds.
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "perf/rules.h"

enum { FILE_LIMIT = 64 << 20, LINES_ABOVE = 12 };

// Line `number` (from 1) of a text; its length in *size. NULL beyond the end.
static const char *line_of(const char *text, int number, size_t *size)
{
    const char *p = text;
    for (int i = 1; i < number && p; i++) {
        p = strchr(p, '\n');
        p = p ? p + 1 : NULL;
    }
    *size = p ? strcspn(p, "\n") : 0;
    return p;
}

static bool is_comment_line(const char *line, size_t size)
{
    size_t n = 0;
    while (n < size && isspace((unsigned char)line[n]))
        n++;
    return size - n >= 2 &&
           ((line[n] == '/' && (line[n + 1] == '/' || line[n + 1] == '*')) || line[n] == '*');
}

// Is the rule one of those between two places, which commas part?
static bool is_listed(const char *begin, const char *end, const char *rule)
{
    while (begin < end) {
        size_t n = strcspn(begin, ", )");
        if (n == strlen(rule) && !strncmp(begin, rule, n))
            return true;
        begin += n + strspn(begin + n, ", ") + (begin[n] == ')');
    }
    return false;
}

// The reason that the line gives for a rule; "" for none given; NULL where it does not speak of the rule.
static char *reason_in(const char *line, size_t size, const char *rule)
{
    char *text = ta_xstrndup(line, size), *result = NULL;
    for (char *p = strstr(text, "perf-ok("); p && !result; p = strstr(p + 1, "perf-ok(")) {
        char *end = strchr(p, ')');
        if (!end)
            break;
        if (!is_listed(p + 8, end, rule))
            continue;
        char *reason = end + 1 + (end[1] == ':');
        reason += strspn(reason, " ");
        size_t n = strcspn(reason, "\n");
        char *close = strstr(reason, "*/");
        n = close ? (size_t)(close - reason) : n;
        while (n && isspace((unsigned char)reason[n - 1]))
            n--;
        result = ta_xstrndup(reason, n);
    }
    free(text);
    return result;
}

// Of a line and the comment above it.
static char *reason_at(const char *text, int number, const char *rule)
{
    size_t size;
    const char *line = line_of(text, number, &size);
    char *reason = line ? reason_in(line, size, rule) : NULL;
    for (int above = 1; above <= LINES_ABOVE && !reason && number > above; above++) {
        line = line_of(text, number - above, &size);
        if (!line || !is_comment_line(line, size))
            break;
        reason = reason_in(line, size, rule);
    }
    return reason;
}

static void suppress_one(struct ta_finding *f, const char *text)
{
    char *reason = reason_at(text, f->line, f->rule->id);
    if (!reason)
        reason = reason_at(text, f->function_line, f->rule->id);
    f->unreasoned = reason && !*reason;
    if (reason && *reason)
        f->reason = reason;
    else
        free(reason);
}

void ta_findings_suppress(struct ta_findings *f)
{
    struct ta_buf text = {0};
    for (int i = 0; i < f->count; i++) {
        if (i == 0 || strcmp(f->items[i].file, f->items[i - 1].file) != 0) {
            ta_buf_clear(&text);
            if (ta_file_read(f->items[i].file, FILE_LIMIT, &text, NULL) < 0)
                ta_buf_clear(&text);
        }
        suppress_one(&f->items[i], ta_buf_text(&text));
    }
    ta_buf_release(&text);
}
