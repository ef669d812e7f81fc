#include "perf/facts.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void *add(void **list, size_t *room, int *count, size_t size)
{
    if ((size_t)*count == *room) {
        *room = *room ? 2 * *room : 8;
        *list = ta_xrealloc(*list, *room * size);
    }
    void *item = (char *)*list + (size_t)(*count)++ * size;
    memset(item, 0, size);
    return item;
}

struct ta_function *ta_facts_add_function(struct ta_facts *f)
{
    return add((void **)&f->functions, &f->function_room, &f->function_count, sizeof *f->functions);
}

struct ta_loop *ta_facts_add_loop(struct ta_function *f)
{
    return add((void **)&f->loops, &f->loop_room, &f->loop_count, sizeof *f->loops);
}

struct ta_site *ta_facts_add_site(struct ta_function *f)
{
    return add((void **)&f->sites, &f->site_room, &f->site_count, sizeof *f->sites);
}

static void release_function(struct ta_function *f)
{
    for (int i = 0; i < f->loop_count; i++)
        free(f->loops[i].because);
    for (int i = 0; i < f->site_count; i++) {
        struct ta_site *s = &f->sites[i];
        free(s->name);
        free(s->callee);
        free(s->args);
        free(s->target);
        free(s->lock);
    }
    free(f->loops);
    free(f->sites);
    free(f->id);
    free(f->name);
    free(f->file);
}

void ta_facts_release(struct ta_facts *f)
{
    for (int i = 0; i < f->function_count; i++)
        release_function(&f->functions[i]);
    free(f->functions);
    free(f->first_error);
    *f = (struct ta_facts){0};
}

// Source may hold any bytes; in the cache they are text.
static json_t *text(const char *s)
{
    json_t *t = json_string(s ? s : "");
    return t ? t : json_string("?");
}

static json_t *function_json(const struct ta_function *f)
{
    json_t *loops = json_array(), *sites = json_array();
    for (int i = 0; i < f->loop_count; i++) {
        const struct ta_loop *l = &f->loops[i];
        json_array_append_new(loops,
                              json_pack("[i,i,i,o]", l->parent, l->line, (int)l->flags, text(l->because)));
    }
    for (int i = 0; i < f->site_count; i++) {
        const struct ta_site *s = &f->sites[i];
        json_array_append_new(sites, json_pack("[i,i,i,i,i,i,i,o,o,o,o,o,i,i]", (int)s->kind, s->line,
                                               s->column, s->loop, (int)s->does, (int)s->flags, s->number,
                                               text(s->name), text(s->callee), text(s->args), text(s->target),
                                               text(s->lock), s->lock_line, s->locks));
    }
    return json_pack("{s:o,s:o,s:o,s:i,s:b,s:o,s:o}", "id", text(f->id), "name", text(f->name), "file",
                     text(f->file), "line", f->line, "of_frame", (int)f->of_frame, "loops", loops, "sites",
                     sites);
}

json_t *ta_facts_to_json(const struct ta_facts *f)
{
    json_t *functions = json_array();
    for (int i = 0; i < f->function_count; i++)
        json_array_append_new(functions, function_json(&f->functions[i]));
    return json_pack("{s:i,s:o,s:o}", "errors", f->errors, "first_error", text(f->first_error), "functions",
                     functions);
}

static bool read_function(struct ta_function *f, json_t *o)
{
    const char *id, *name, *file, *t[5];
    int of_frame, flags, does, kind;
    json_t *loops, *sites, *item;
    size_t i;
    if (json_unpack(o, "{s:s,s:s,s:s,s:i,s:b,s:o,s:o}", "id", &id, "name", &name, "file", &file, "line",
                    &f->line, "of_frame", &of_frame, "loops", &loops, "sites", &sites) < 0)
        return false;
    f->id = ta_xstrdup(id);
    f->name = ta_xstrdup(name);
    f->file = ta_xstrdup(file);
    f->of_frame = of_frame;
    json_array_foreach(loops, i, item)
    {
        struct ta_loop *l = ta_facts_add_loop(f);
        if (json_unpack(item, "[i,i,i,s]", &l->parent, &l->line, &flags, &t[0]) < 0)
            return false;
        l->flags = (unsigned)flags;
        l->because = ta_xstrdup(t[0]);
        if (l->parent >= f->loop_count - 1 || l->parent < -1)
            return false;
    }
    json_array_foreach(sites, i, item)
    {
        struct ta_site *s = ta_facts_add_site(f);
        if (json_unpack(item, "[i,i,i,i,i,i,i,s,s,s,s,s,i,i]", &kind, &s->line, &s->column, &s->loop, &does,
                        &flags, &s->number, &t[0], &t[1], &t[2], &t[3], &t[4], &s->lock_line, &s->locks) < 0)
            return false;
        s->kind = (enum ta_site_kind)kind;
        s->does = (unsigned)does;
        s->flags = (unsigned)flags;
        s->name = ta_xstrdup(t[0]);
        s->callee = ta_xstrdup(t[1]);
        s->args = ta_xstrdup(t[2]);
        s->target = ta_xstrdup(t[3]);
        s->lock = ta_xstrdup(t[4]);
        if (s->loop >= f->loop_count || s->loop < -1)
            return false;
    }
    return true;
}

bool ta_facts_from_json(struct ta_facts *f, const json_t *root)
{
    const char *error;
    json_t *functions, *item;
    size_t i;
    *f = (struct ta_facts){0};
    if (json_unpack((json_t *)root, "{s:i,s:s,s:o}", "errors", &f->errors, "first_error", &error, "functions",
                    &functions) < 0)
        return false;
    f->first_error = f->errors ? ta_xstrdup(error) : NULL;
    json_array_foreach(functions, i, item)
    {
        if (!read_function(ta_facts_add_function(f), item)) {
            ta_facts_release(f);
            return false;
        }
    }
    return true;
}
