// The source's text, and questions about it.
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "perf/look_parts.h"

static int collect(struct ta_clang_cursor cursor, struct ta_clang_cursor parent, void *priv)
{
    struct ta_perf_look_children *list = priv;
    (void)parent;
    if ((size_t)list->count == list->room) {
        list->room = list->room ? 2 * list->room : 8;
        list->items = ta_xrealloc(list->items, list->room * sizeof *list->items);
    }
    list->items[list->count++] = cursor;
    return TA_CLANG_GO_ON;
}

struct ta_perf_look_children ta_perf_look_children(const struct look *l, struct ta_clang_cursor at)
{
    struct ta_perf_look_children list = {0};
    l->clang->visitChildren(at, collect, &list);
    return list;
}

void ta_perf_look_extent(const struct look *l, struct ta_clang_cursor at, size_t *begin, size_t *end)
{
    struct ta_clang_range range = l->clang->getCursorExtent(at);
    void *first = NULL, *last = NULL;
    unsigned a = 0, b = 0;
    l->clang->getExpansionLocation(l->clang->getRangeStart(range), &first, NULL, NULL, &a);
    l->clang->getExpansionLocation(l->clang->getRangeEnd(range), &last, NULL, NULL, &b);
    bool inside = first == l->file && last == l->file && a <= b && b <= l->size;
    *begin = inside ? a : 0;
    *end = inside ? b : 0;
}

// Behind a comment that begins at `i`; `i` where none does.
static size_t skip_comment(const struct look *l, size_t i, size_t end)
{
    const char *t = l->text;
    if (i + 1 >= end || t[i] != '/')
        return i;
    if (t[i + 1] == '/') {
        while (i < end && t[i] != '\n')
            i++;
    } else if (t[i + 1] == '*') {
        for (i += 2; i + 1 < end && !(t[i] == '*' && t[i + 1] == '/');)
            i++;
        i = TA_MIN(i + 2, end);
    }
    return i;
}

char *ta_perf_look_text_between(const struct look *l, size_t begin, size_t end, size_t limit)
{
    struct ta_buf out = {0};
    bool blank = false;
    char quote = 0;
    for (size_t i = begin; i < end && out.size < limit; i++) {
        char c = l->text[i];
        size_t behind = quote ? i : skip_comment(l, i, end);
        if (behind > i || (!quote && isspace((unsigned char)c))) {
            blank = out.size > 0;
            i = behind > i ? behind - 1 : i;
            continue;
        }
        if (blank)
            ta_buf_putc(&out, ' ');
        blank = false;
        ta_buf_putc(&out, c);
        if (quote && c == '\\' && i + 1 < end)
            ta_buf_putc(&out, l->text[++i]);
        else if (quote ? c == quote : c == '"' || c == '\'')
            quote = quote ? 0 : c;
    }
    return ta_buf_take(&out);
}

char *ta_perf_look_text(const struct look *l, struct ta_clang_cursor at, size_t limit)
{
    size_t begin, end;
    ta_perf_look_extent(l, at, &begin, &end);
    return ta_perf_look_text_between(l, begin, end, limit);
}

char *ta_perf_look_name(const struct look *l, struct ta_clang_cursor at)
{
    struct ta_buf out = {0};
    ta_clang_append(l->clang, l->clang->getCursorSpelling(at), &out);
    return ta_buf_take(&out);
}

int ta_perf_look_line(const struct look *l, struct ta_clang_cursor at, int *column)
{
    unsigned line = 0, col = 0;
    l->clang->getExpansionLocation(l->clang->getRangeStart(l->clang->getCursorExtent(at)), NULL, &line, &col,
                                   NULL);
    if (column)
        *column = (int)col;
    return (int)line;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static const char *skip_blanks(const char *p)
{
    while (isspace((unsigned char)*p))
        p++;
    return p;
}

// Behind "word": members and subscripts, then what is done with it.
static bool is_assigned(const char *p)
{
    for (;;) {
        p = skip_blanks(p);
        if (*p == '[') {
            int depth = 0;
            for (; *p; p++) {
                depth += *p == '[';
                depth -= *p == ']';
                if (!depth)
                    break;
            }
            if (!*p)
                return false;
            p++;
        } else if (*p == '.' || (p[0] == '-' && p[1] == '>')) {
            p = skip_blanks(p + (*p == '.' ? 1 : 2));
            while (is_word(*p))
                p++;
        } else {
            break;
        }
    }
    if ((p[0] == '+' && p[1] == '+') || (p[0] == '-' && p[1] == '-'))
        return true;
    if (*p && strchr("+-*/%&|^", *p) && p[1] == '=')
        return true;
    if ((!strncmp(p, "<<=", 3)) || !strncmp(p, ">>=", 3))
        return true;
    return p[0] == '=' && p[1] != '=';
}

bool ta_perf_look_changes(const char *text, const char *word, bool calls)
{
    size_t n = strlen(word);
    for (const char *p = n ? strstr(text, word) : NULL; p; p = strstr(p + 1, word)) {
        if (is_word(p[n]) || (p > text && is_word(p[-1])))
            continue;
        if (is_assigned(p + n))
            return true;
        const char *before = p;
        while (before > text && isspace((unsigned char)before[-1]))
            before--;
        char last = before > text ? before[-1] : 0, first = before > text + 1 ? before[-2] : 0;
        if ((last == '&' && first != '&') || (last == '+' && first == '+') || (last == '-' && first == '-'))
            return true;
        const char *behind = skip_blanks(p + n);
        if (calls && (last == '(' || last == ',') && (*behind == ',' || *behind == ')'))
            return true;
    }
    return false;
}

char *ta_perf_look_last_word(const char *text)
{
    size_t end = strlen(text);
    while (end > 0) {
        if (text[end - 1] == ']') {
            int depth = 0;
            do {
                depth += text[end - 1] == ']';
                depth -= text[end - 1] == '[';
                end--;
            } while (end > 0 && depth);
        } else if (!is_word(text[end - 1])) {
            end--;
        } else {
            break;
        }
    }
    size_t begin = end;
    while (begin > 0 && is_word(text[begin - 1]))
        begin--;
    return ta_xstrndup(text + begin, end - begin);
}

bool ta_perf_look_has_part(const char *text, const char *const *parts)
{
    for (const char *const *w = parts; *w; w++) {
        size_t n = strlen(*w);
        for (const char *p = text; *p; p++)
            if (!strncasecmp(p, *w, n))
                return true;
    }
    return false;
}
