// YAML. What is read must be written as JSON text that both parsers read as the same tree, and have marks.
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok, const char *what, const char *text)
{
    if (ok)
        return;
    fprintf(stderr, "%s: %s\n", what, text);
    abort();
}

// JSON text is YAML but for some characters that stand in it unescaped: YAML takes no control characters
// (U+007F to U+009F, U+FFFE, U+FFFF), and ends lines at U+0085, U+2028 and U+2029, which it folds inside
// quotes.
static bool is_yaml_too(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if (*c == 0x7f || (*c == 0xc2 && c[1] < 0xa0))
            return false;
    return !strstr(text, "\xe2\x80\xa8") && !strstr(text, "\xe2\x80\xa9") && !strstr(text, "\xef\xbf\xbe") &&
           !strstr(text, "\xef\xbf\xbf");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *root, *again;
    struct ta_marks *marks;
    if (ta_yaml_parse((const char *)data, size, "fuzz", &root, &marks, NULL) < 0) {
        check(!root && !marks, "a failure left something", "");
        return 0;
    }
    char *text = ta_json_text(root);
    int lines = 2; // the first, and the end of the text counts as a line
    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n' || data[i] == '\r' || data[i] >= 0x80 ||
                 !data[i]; // U+0085 and others end lines too
    check(ta_marks_line(marks, "") <= lines, "a mark lies behind the end", text);
    const char *key;
    json_t *value;
    json_object_foreach(root, key, value)
    {
        int line = ta_marks_line(marks, key);
        check(line >= 1 && line <= lines, "a key has no line", key);
    }
    check(!ta_json_parse(text, strlen(text), "fuzz", &again, NULL), "JSON refuses", text);
    check(json_equal(root, again), "JSON changes", text);
    json_decref(again);
    if (is_yaml_too(text)) {
        check(!ta_yaml_parse(text, strlen(text), "fuzz", &again, NULL, NULL), "YAML refuses", text);
        check(json_equal(root, again), "YAML changes", text);
        json_decref(again);
    }
    free(text);
    json_decref(root);
    ta_marks_destroy(&marks);
    return 0;
}
