// What the files of look.h share: where the walk through a function is, and the source's text.
#ifndef TA_PERF_LOOK_PARTS_H
#define TA_PERF_LOOK_PARTS_H

#include "base/mem.h"
#include "perf/clang.h"
#include "perf/look.h"

enum { LOOK_GUARDS = 64, LOOK_LOCKS = 8, LOOK_LOOPS = 32, LOOK_DEPTH = 300 };

// A branch that the walk is in.
struct look_guard {
    char *condition;
    bool exits; // its end leaves the loop or the function
    int loop;   // innermost where it began
};

struct look_lock {
    char *text;
    int line, loop;
    bool heavy; // loops over what costs ran in it
};

struct look_loop {
    int index; // in the function's loops
    char *variable;
    bool is_for;
};

struct look {
    const struct ta_clang *clang;
    void *unit;
    const struct ta_look_file *in;
    struct ta_facts *facts;
    int function; // in facts
    void *file;
    const char *text; // of the file of this function
    size_t size;
    struct look_loop loops[LOOK_LOOPS];
    int loop_count, switches; // switches: since the innermost loop began
    bool head;
    struct look_guard guards[LOOK_GUARDS];
    int guard_count;
    struct look_lock locks[LOOK_LOCKS];
    int lock_count;
    bool released;      // a lock was given back that the function did not take
    const char *target; // what the expression's value goes to; NULL
    int depth;
};

struct ta_perf_look_children {
    struct ta_clang_cursor *items;
    int count;
    size_t room;
};

static inline struct ta_function *look_function(struct look *l)
{
    return &l->facts->functions[l->function];
}

static inline int look_loop_index(const struct look *l)
{
    return l->loop_count ? l->loops[l->loop_count - 1].index : -1;
}

// ta_perf_look_text.c
struct ta_perf_look_children ta_perf_look_children(const struct look *l, struct ta_clang_cursor at);
// Byte offsets of its text in the file of the function: begin <= end, both inside.
void ta_perf_look_extent(const struct look *l, struct ta_clang_cursor at, size_t *begin, size_t *end);
// Its text with blanks joined, cut at `limit` bytes; to be freed.
char *ta_perf_look_text(const struct look *l, struct ta_clang_cursor at, size_t limit);
char *ta_perf_look_text_between(const struct look *l, size_t begin, size_t end, size_t limit);
// Its name; to be freed.
char *ta_perf_look_name(const struct look *l, struct ta_clang_cursor at);
// Line of its text's beginning, and the column where it is wanted.
int ta_perf_look_line(const struct look *l, struct ta_clang_cursor at, int *column);
// Is there something that may change `word` in the text? Calls that it is handed to count only with `calls`.
bool ta_perf_look_changes(const char *text, const char *word, bool calls);
// The name at the end of "a->b.c[i]": "c"; to be freed.
char *ta_perf_look_last_word(const char *text);
// Has the text any of the words of a NULL-terminated list in it, letters of both sizes alike?
bool ta_perf_look_has_part(const char *text, const char *const *parts);

// ta_perf_look_walk.c
void ta_perf_look_walk(struct look *l, struct ta_clang_cursor at);
// look_loops.c
void ta_perf_look_walk_loop(struct look *l, struct ta_clang_cursor at);
void ta_perf_look_subscript(struct look *l, struct ta_clang_cursor at);
// What is known of the sites of a loop (-1: of the function) when its end is reached.
void ta_perf_look_finish_sites(struct look *l, int loop, const char *text);
// look_calls.c
void ta_perf_look_walk_call(struct look *l, struct ta_clang_cursor at);
struct ta_site *ta_perf_look_add_site(struct look *l, enum ta_site_kind kind, struct ta_clang_cursor at,
                                      const char *name);

#endif
