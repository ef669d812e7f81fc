// A translation unit: its functions, and what the compiler says of it.
#include "perf/look.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <terminalai/error.h>

#include "perf/look_parts.h"

enum { VALUE_BYTES = 256 };

// A parameter's type, "struct" and "const" included; to be freed.
static char *type_text(const struct look *l, struct ta_clang_type type)
{
    struct ta_buf out = {0};
    ta_clang_append(l->clang, l->clang->getTypeSpelling(type), &out);
    return ta_buf_take(&out);
}

static bool takes_frame(const struct look *l, struct ta_clang_cursor parameter)
{
    struct ta_clang_type to = l->clang->getPointeeType(l->clang->getCursorType(parameter));
    char *text = to.kind ? type_text(l, to) : ta_xstrdup("");
    static const char *const ends[] = {"frame", "packet", "picture", NULL};
    size_t n = strlen(text);
    n -= n > 2 && !strcmp(text + n - 2, "_t") ? 2 : 0;
    bool is = false;
    for (const char *const *e = ends; *e && !is; e++)
        is = n >= strlen(*e) && !strncasecmp(text + n - strlen(*e), *e, strlen(*e));
    free(text);
    return is;
}

static void note_parameters(struct look *l, struct ta_clang_cursor at)
{
    int count = l->clang->Cursor_getNumArguments(at);
    bool frame = false;
    for (int i = 0; i < count; i++) {
        struct ta_clang_cursor p = l->clang->Cursor_getArgument(at, (unsigned)i);
        struct ta_clang_type type = l->clang->getCanonicalType(l->clang->getCursorType(p));
        long long bytes = type.kind == TA_CLANG_RECORD_TYPE ? l->clang->Type_getSizeOf(type) : 0;
        if (bytes >= VALUE_BYTES && bytes <= INT32_MAX) {
            char *name = type_text(l, type);
            ta_perf_look_add_site(l, TA_SITE_VALUE, p, name)->number = (int)bytes;
            free(name);
        }
        frame |= takes_frame(l, p);
    }
    if (frame) {
        struct ta_function *f = look_function(l);
        f->of_frame = ta_name_of_work(f->name);
    }
}

static void look_at_body(struct look *l, struct ta_clang_cursor at)
{
    struct ta_perf_look_children parts = ta_perf_look_children(l, at);
    for (int i = 0; i < parts.count; i++)
        if (parts.items[i].kind == TA_CLANG_BLOCK)
            ta_perf_look_walk(l, parts.items[i]);
    char *text = ta_perf_look_text(l, at, SIZE_MAX);
    ta_perf_look_finish_sites(l, -1, text);
    free(text);
    free(parts.items);
    while (l->lock_count)
        free(l->locks[--l->lock_count].text);
    l->released = false;
}

static bool is_below(const char *file, const char *root)
{
    size_t n = strlen(root);
    return !strncmp(file, root, n) && (file[n] == '/' || file[n] == 0 || (n > 0 && root[n - 1] == '/'));
}

static void look_at_function(struct look *l, struct ta_clang_cursor at, const char *file)
{
    struct ta_function *f = ta_facts_add_function(l->facts);
    l->function = l->facts->function_count - 1;
    f->name = ta_perf_look_name(l, at);
    f->file = ta_xstrdup(file);
    f->line = ta_perf_look_line(l, at, NULL);
    f->id = l->clang->Cursor_getStorageClass(at) == TA_CLANG_STATIC ? ta_xprintf("%s:%s", file, f->name)
                                                                    : ta_xstrdup(f->name);
    note_parameters(l, at);
    look_at_body(l, at);
}

static int look_at_top(struct ta_clang_cursor at, struct ta_clang_cursor parent, void *priv)
{
    struct look *l = priv;
    struct ta_clang_place place = l->clang->getCursorLocation(at);
    (void)parent;
    if (at.kind != TA_CLANG_FUNCTION || l->clang->Location_isInSystemHeader(place) ||
        !l->clang->isCursorDefinition(at))
        return TA_CLANG_GO_ON;
    struct ta_buf file = {0};
    l->clang->getExpansionLocation(place, &l->file, NULL, NULL, NULL);
    if (l->file)
        ta_clang_append(l->clang, l->clang->getFileName(l->file), &file);
    l->text = l->file ? l->clang->getFileContents(l->unit, l->file, &l->size) : NULL;
    if (l->text && is_below(ta_buf_text(&file), l->in->root))
        look_at_function(l, at, ta_buf_text(&file));
    ta_buf_release(&file);
    return TA_CLANG_GO_ON;
}

struct read_files {
    const struct ta_clang *clang;
    struct ta_buf *out;
};

static void note_file(void *file, struct ta_clang_place *stack, unsigned depth, void *priv)
{
    struct read_files *r = priv;
    (void)stack;
    (void)depth;
    ta_clang_append(r->clang, r->clang->getFileName(file), r->out);
    ta_buf_putc(r->out, 0);
}

static void note_errors(struct look *l)
{
    unsigned count = l->clang->getNumDiagnostics(l->unit);
    for (unsigned i = 0; i < count; i++) {
        void *d = l->clang->getDiagnostic(l->unit, i);
        if (l->clang->getDiagnosticSeverity(d) >= TA_CLANG_SEVERITY_ERROR) {
            struct ta_buf text = {0};
            ta_clang_append(l->clang, l->clang->formatDiagnostic(d, 1), &text);
            if (!l->facts->errors++)
                l->facts->first_error = ta_buf_take(&text);
            ta_buf_release(&text);
        }
        l->clang->disposeDiagnostic(d);
    }
}

int ta_look(const struct ta_clang *clang, const struct ta_look_file *file, struct ta_facts *facts,
            struct ta_buf *read)
{
    struct look *l = ta_xcalloc(1, sizeof *l);
    void *index = clang->createIndex(0, 0);
    const char **args = ta_xcalloc((size_t)file->count + 4, sizeof *args);
    char *dir = ta_xprintf("-working-directory=%s", file->dir);
    int count = 0, err = 0;
    args[count++] = dir;
    if (clang->resource)
        args[count++] = clang->resource;
    args[count++] = "-Wno-everything";
    for (int i = 0; i < file->count; i++)
        args[count++] = file->args[i];
    *l = (struct look){.clang = clang, .in = file, .facts = facts};
    int answer = index ? clang->parseTranslationUnit2(index, file->path, args, count, NULL, 0,
                                                      TA_CLANG_KEEP_GOING, &l->unit)
                       : 1;
    if (answer || !l->unit) {
        err = TA_ERR_FORMAT;
    } else {
        note_errors(l);
        clang->visitChildren(clang->getTranslationUnitCursor(l->unit), look_at_top, l);
        clang->getInclusions(l->unit, note_file, &(struct read_files){clang, read});
        clang->disposeTranslationUnit(l->unit);
    }
    if (index)
        clang->disposeIndex(index);
    free(dir);
    free((void *)args);
    free(l);
    return err;
}
