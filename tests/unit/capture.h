// A log whose messages a test can compare. Include after cmocka.h.
#ifndef TA_TESTS_UNIT_CAPTURE_H
#define TA_TESTS_UNIT_CAPTURE_H

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

struct capture {
    struct ta_log *log;
    struct ta_buf text; // "LEVEL COMPONENT: MESSAGE" lines
};

static inline void capture_message(void *priv, enum ta_log_level level, const char *component,
                                   const char *message, const char *code)
{
    (void)code;
    struct capture *c = priv;
    ta_buf_printf(&c->text, "%s %s: %s\n", ta_log_level_name(level), component, message);
}

static inline void capture_init(struct capture *c)
{
    *c = (struct capture){0};
    assert_int_equal(ta_log_create(&c->log, capture_message, c), 0);
}

static inline void capture_release(struct capture *c)
{
    ta_log_destroy(&c->log);
    ta_buf_release(&c->text);
}

// Exactly these lines were logged since the last call.
static inline void capture_expect(struct capture *c, const char *lines)
{
    assert_string_equal(ta_buf_text(&c->text), lines);
    ta_buf_clear(&c->text);
}

// One error was logged since the last call, and it holds `part`.
static inline void capture_expect_error(struct capture *c, const char *part)
{
    const char *text = ta_buf_text(&c->text);
    const char *newline = strchr(text, '\n');
    if (strncmp(text, "error ", 6) || !newline || newline[1] || !strstr(text, part))
        fail_msg("expected one error with \"%s\", got: %s", part, text);
    ta_buf_clear(&c->text);
}

#endif
