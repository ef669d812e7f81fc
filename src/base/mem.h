// Allocation that can't fail for small objects, owned strings and growing buffers.
// Anything whose size depends on the input (frames, packet lists of unknown length) uses ta_try_* and handles
// failure.
#ifndef TA_BASE_MEM_H
#define TA_BASE_MEM_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Zeroed memory, or a message on standard error and abort().
void *ta_xcalloc(size_t count, size_t size);
void *ta_xrealloc(void *p, size_t size);
char *ta_xstrdup(const char *s);
char *ta_xstrndup(const char *s, size_t n);
char *ta_xprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *ta_xvprintf(const char *format, va_list args);

// Grows *p (n elements of `size`) so that at least `need` fit, at least doubling; TA_ERR_NOMEM leaves all as
// it was.
int ta_try_grow(void **p, size_t *capacity, size_t need, size_t size);

// Growing text or bytes. Zero-initialised is a valid empty buffer. `data` is NUL-terminated whenever it is
// not NULL. Owned by whoever declared it; ta_buf_release() frees and zeroes it. Aborts when out of memory.
struct ta_buf {
    char *data;
    size_t size; // bytes used, the final NUL not counted
    size_t capacity;
};

void ta_buf_append(struct ta_buf *b, const void *data, size_t size);
void ta_buf_puts(struct ta_buf *b, const char *text);
void ta_buf_putc(struct ta_buf *b, char c);
void ta_buf_printf(struct ta_buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
// `text` quoted for a person ("it's" in double quotes, control characters and invalid UTF-8 as \xNN, newline
// as \n).
void ta_buf_quote(struct ta_buf *b, const char *text);
// `text` with what would drive a terminal, and what is no UTF-8, made visible ("\x1b", "\n"). lines: line
// breaks and tabs stay.
void ta_buf_visible(struct ta_buf *b, const char *text, bool lines);
// A name as it is, or quoted when it holds something that can't be seen.
void ta_buf_name(struct ta_buf *b, const char *name);
void ta_buf_clear(struct ta_buf *b); // size 0, memory kept
char *ta_buf_take(struct ta_buf *b); // the string (never NULL), to be freed by the caller; b is empty then
const char *ta_buf_text(const struct ta_buf *b); // never NULL
void ta_buf_release(struct ta_buf *b);

// free(*p), *p = NULL
#define ta_freep(p)  \
    do {             \
        free(*(p));  \
        *(p) = NULL; \
    } while (0)

#define TA_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TA_MIN(a, b) ((a) < (b) ? (a) : (b))
#define TA_MAX(a, b) ((a) > (b) ? (a) : (b))

#endif
