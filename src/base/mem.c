#include "base/mem.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/utf8.h"

static _Noreturn void out_of_memory(size_t size)
{
    fprintf(stderr, "terminalai: error: out of memory (%zu bytes)\n", size);
    abort();
}

void *ta_xcalloc(size_t count, size_t size)
{
    // One byte at least: NULL would then mean failure, whatever the C library does with zero.
    void *p = count && size ? calloc(count, size) : calloc(1, 1);
    if (!p)
        out_of_memory(size && count > SIZE_MAX / size ? SIZE_MAX : count * size);
    return p;
}

void *ta_xrealloc(void *p, size_t size)
{
    void *grown = realloc(p, size ? size : 1);
    if (!grown)
        out_of_memory(size);
    return grown;
}

char *ta_xstrndup(const char *s, size_t n)
{
    size_t length = strnlen(s, n);
    char *copy = ta_xcalloc(length + 1, 1);
    memcpy(copy, s, length);
    return copy;
}

char *ta_xstrdup(const char *s)
{
    return ta_xstrndup(s, strlen(s));
}

char *ta_xvprintf(const char *format, va_list args)
{
    if (!format) // never: but the checks that sanitizers put in make the compiler see a way here with none
        return ta_xstrdup("");
    va_list copy;
    va_copy(copy, args);
    int length = vsnprintf(NULL, 0, format, copy);
    va_end(copy);
    if (length < 0)
        return ta_xstrdup(format); // a wide character failed: the bare format still says something
    char *text = ta_xcalloc((size_t)length + 1, 1);
    vsnprintf(text, (size_t)length + 1, format, args);
    return text;
}

char *ta_xprintf(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = ta_xvprintf(format, args);
    va_end(args);
    return text;
}

int ta_try_grow(void **p, size_t *capacity, size_t need, size_t size)
{
    if (need <= *capacity)
        return 0;
    size_t count = *capacity > SIZE_MAX / 2 ? SIZE_MAX : TA_MAX(*capacity * 2, (size_t)8);
    count = TA_MAX(count, need);
    if (size && count > SIZE_MAX / size)
        count = need; // doubling is too much, but what is needed may fit
    if (size && count > SIZE_MAX / size)
        return TA_ERR_NOMEM;
    void *grown = realloc(*p, size ? count * size : 1);
    if (!grown)
        return TA_ERR_NOMEM;
    *p = grown;
    *capacity = count;
    return 0;
}

// Makes room for `size` more bytes and the final NUL.
static void reserve(struct ta_buf *b, size_t size)
{
    if (size > SIZE_MAX - b->size - 1)
        out_of_memory(SIZE_MAX);
    void *data = b->data;
    if (ta_try_grow(&data, &b->capacity, b->size + size + 1, 1) < 0)
        out_of_memory(b->size + size + 1);
    b->data = data;
}

void ta_buf_append(struct ta_buf *b, const void *data, size_t size)
{
    reserve(b, size);
    if (size)
        memcpy(b->data + b->size, data, size);
    b->size += size;
    b->data[b->size] = '\0';
}

void ta_buf_puts(struct ta_buf *b, const char *text)
{
    ta_buf_append(b, text, strlen(text));
}

void ta_buf_putc(struct ta_buf *b, char c)
{
    ta_buf_append(b, &c, 1);
}

void ta_buf_printf(struct ta_buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = ta_xvprintf(format, args);
    va_end(args);
    ta_buf_puts(b, text);
    free(text);
}

void ta_buf_quote(struct ta_buf *b, const char *text)
{
    ta_buf_putc(b, '"');
    for (size_t length; *text; text += length) {
        char c = *text;
        length = ta_utf8_length(text);
        if (!length || ta_utf8_is_control(text, length)) {
            length = length ? length : 1;
            for (size_t i = 0; i < length; i++) {
                if (text[i] == '\n')
                    ta_buf_puts(b, "\\n");
                else
                    ta_buf_printf(b, "\\x%02x", (unsigned char)text[i]);
            }
            continue;
        }
        if (c == '"' || c == '\\')
            ta_buf_putc(b, '\\');
        ta_buf_append(b, text, length);
    }
    ta_buf_putc(b, '"');
}

void ta_buf_visible(struct ta_buf *out, const char *text, bool lines)
{
    while (*text) {
        size_t n = ta_utf8_length(text), size = n ? n : 1;
        bool layout = lines && (*text == '\n' || *text == '\t');
        if (n && (layout || !ta_utf8_is_control(text, n)))
            ta_buf_append(out, text, n);
        else if (*text == '\n')
            ta_buf_puts(out, "\\n");
        else
            for (size_t i = 0; i < size; i++)
                ta_buf_printf(out, "\\x%02x", (unsigned char)text[i]);
        text += size;
    }
}

void ta_buf_name(struct ta_buf *out, const char *text)
{
    const char *name = text;
    bool plain = true;
    for (size_t n; *name && plain; name += n ? n : 1) {
        n = ta_utf8_length(name);
        plain = n && !ta_utf8_is_control(name, n);
    }
    if (plain)
        ta_buf_puts(out, text);
    else
        ta_buf_quote(out, text);
}

void ta_buf_clear(struct ta_buf *b)
{
    b->size = 0;
    if (b->data)
        b->data[0] = '\0';
}

char *ta_buf_take(struct ta_buf *b)
{
    char *text = b->data ? b->data : ta_xcalloc(1, 1);
    *b = (struct ta_buf){0};
    return text;
}

const char *ta_buf_text(const struct ta_buf *b)
{
    return b->data ? b->data : "";
}

void ta_buf_release(struct ta_buf *b)
{
    free(b->data);
    *b = (struct ta_buf){0};
}
