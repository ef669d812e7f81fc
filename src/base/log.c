#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "base/problem.h"

#define FOLLOW_COMMON (-1)

// The threshold of one component. Entries are only added and live as long as the tree, so logs point at
// theirs.
struct component_level {
    struct component_level *next;
    _Atomic int level; // FOLLOW_COMMON: as the common one
    char name[];
};

// Shared by a root and its children; goes with the last of them.
struct log_tree {
    pthread_mutex_t lock; // guards `levels` and the calls of `fn`
    ta_log_fn fn;
    void *priv;
    _Atomic int common_level;
    struct component_level *levels;
    _Atomic int users;
};

// Shared by the logs of which only the first error passes; goes with the last of them.
struct log_family {
    atomic_bool failed;
    _Atomic int users;
};

struct ta_log {
    bool is_root; // stands in `roots`: a caller created it
    struct ta_log *next_root, *previous_root;
    struct log_tree *tree;
    struct component_level *level;
    char *component;
    char *about;                  // NULL for none
    struct log_family *family;    // NULL for none
    struct ta_problems *problems; // where problems are kept; NULL for nowhere; not owned
};

// What is about the process and not about a call is told to all of them: libav's log.
static pthread_rwlock_t roots_lock = PTHREAD_RWLOCK_INITIALIZER;
static struct ta_log *roots; // guarded by roots_lock

static const char *const level_names[] = {"quiet", "error", "warn", "info", "verbose", "debug"};

const char *ta_log_level_name(enum ta_log_level level)
{
    return (unsigned)level < TA_COUNT(level_names) ? level_names[level] : "unknown";
}

int ta_log_level_from_name(const char *name)
{
    for (size_t i = 0; name && i < TA_COUNT(level_names); i++)
        if (!strcmp(name, level_names[i]))
            return (int)i;
    return TA_ERR_INVALID;
}

// Control characters would let a file's name drive the terminal; new lines stay, for messages of several
// lines.
static void write_to_stderr(void *priv, enum ta_log_level level, const char *component, const char *message,
                            const char *code)
{
    (void)priv;
    (void)code;
    const char *word = level == TA_LOG_ERROR ? "error: " : level == TA_LOG_WARN ? "warning: " : "";
    struct ta_buf line = {0};
    ta_buf_printf(&line, "%s: %s", component, word);
    for (; *message; message++) {
        unsigned char c = (unsigned char)*message;
        if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
            ta_buf_printf(&line, "\\x%02x", c);
        else
            ta_buf_putc(&line, (char)c);
    }
    ta_buf_putc(&line, '\n');
    fwrite(line.data, 1, line.size, stderr);
    ta_buf_release(&line);
}

// The entry for the component's base name: "segment" for "segment 12". Call with the lock held (or before
// sharing).
static struct component_level *find_level(struct log_tree *tree, const char *component)
{
    size_t length = strcspn(component, " ");
    for (struct component_level *l = tree->levels; l; l = l->next)
        if (!strncmp(l->name, component, length) && !l->name[length])
            return l;
    struct component_level *l = ta_xcalloc(1, sizeof(*l) + length + 1);
    memcpy(l->name, component, length);
    atomic_init(&l->level, FOLLOW_COMMON);
    l->next = tree->levels;
    tree->levels = l;
    return l;
}

static int create_root(struct ta_log **out, ta_log_fn fn, void *priv)
{
    *out = NULL;
    struct ta_log *log = calloc(1, sizeof(*log));
    struct log_tree *tree = calloc(1, sizeof(*tree));
    if (!log || !tree) {
        free(log);
        free(tree);
        return TA_ERR_NOMEM;
    }
    tree->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    tree->fn = fn ? fn : write_to_stderr;
    tree->priv = priv;
    atomic_init(&tree->common_level, TA_LOG_INFO);
    atomic_init(&tree->users, 1);
    log->tree = tree;
    log->component = ta_xstrdup("terminalai");
    log->level = find_level(tree, log->component);
    *out = log;
    return 0;
}

int ta_log_create(struct ta_log **out, ta_log_fn fn, void *priv)
{
    int err = create_root(out, fn, priv);
    if (err < 0)
        return err;
    pthread_rwlock_wrlock(&roots_lock);
    (*out)->is_root = true;
    (*out)->next_root = roots;
    if (roots)
        roots->previous_root = *out;
    roots = *out;
    pthread_rwlock_unlock(&roots_lock);
    return 0;
}

static void forget_root(struct ta_log *log)
{
    pthread_rwlock_wrlock(&roots_lock);
    if (log->next_root)
        log->next_root->previous_root = log->previous_root;
    if (log->previous_root)
        log->previous_root->next_root = log->next_root;
    else
        roots = log->next_root;
    pthread_rwlock_unlock(&roots_lock);
}

struct ta_log *ta_log_child(struct ta_log *parent, const char *component, ...)
{
    if (!parent)
        return NULL;
    struct ta_log *log = ta_xcalloc(1, sizeof(*log));
    va_list args;
    va_start(args, component);
    log->component = ta_xvprintf(component, args);
    va_end(args);
    log->about = parent->about ? ta_xstrdup(parent->about) : NULL;
    log->problems = parent->problems;
    log->family = parent->family;
    if (log->family)
        atomic_fetch_add(&log->family->users, 1);
    log->tree = parent->tree;
    atomic_fetch_add(&log->tree->users, 1);
    pthread_mutex_lock(&log->tree->lock);
    log->level = find_level(log->tree, log->component);
    pthread_mutex_unlock(&log->tree->lock);
    return log;
}

static void keep_first(void *priv, enum ta_log_level level, const char *component, const char *message,
                       const char *code)
{
    struct ta_buf *first = priv;
    (void)component;
    (void)code;
    if (level == TA_LOG_ERROR && first && !first->size)
        ta_buf_puts(first, message);
}

int ta_log_keep_first(struct ta_log **out, struct ta_buf *first)
{
    return create_root(out, keep_first, first);
}

void ta_log_set_about(struct ta_log *log, const char *about)
{
    if (!log)
        return;
    free(log->about);
    log->about = ta_xstrdup(about);
}

void ta_log_only_first_error(struct ta_log *log)
{
    if (!log || log->family)
        return;
    log->family = ta_xcalloc(1, sizeof(*log->family));
    atomic_init(&log->family->failed, false);
    atomic_init(&log->family->users, 1);
}

void ta_log_set_level(struct ta_log *log, const char *component, enum ta_log_level level)
{
    if (!log)
        return;
    if (!component) {
        atomic_store(&log->tree->common_level, (int)level);
        return;
    }
    pthread_mutex_lock(&log->tree->lock);
    atomic_store(&find_level(log->tree, component)->level, (int)level);
    pthread_mutex_unlock(&log->tree->lock);
}

bool ta_log_wants(const struct ta_log *log, enum ta_log_level level)
{
    if (!log || level <= TA_LOG_QUIET)
        return false;
    int limit = atomic_load_explicit(&log->level->level, memory_order_relaxed);
    if (limit == FOLLOW_COMMON)
        limit = atomic_load_explicit(&log->tree->common_level, memory_order_relaxed);
    return (int)level <= limit;
}

static bool root_wants(struct ta_log *root, const char *component, enum ta_log_level level)
{
    pthread_mutex_lock(&root->tree->lock);
    const struct ta_log as = {.tree = root->tree, .level = find_level(root->tree, component)};
    pthread_mutex_unlock(&root->tree->lock);
    return ta_log_wants(&as, level);
}

bool ta_log_any_wants(const char *component, enum ta_log_level level)
{
    bool any = false;
    pthread_rwlock_rdlock(&roots_lock);
    for (struct ta_log *root = roots; root && !any; root = root->next_root)
        any = root_wants(root, component, level);
    pthread_rwlock_unlock(&roots_lock);
    return any;
}

// perf-ok(callback-under-lock): messages come whole and in order; ta_log_create() says what a callback may do
void ta_log_tell_all(const char *component, enum ta_log_level level, const char *message)
{
    pthread_rwlock_rdlock(&roots_lock);
    for (struct ta_log *root = roots; root; root = root->next_root)
        if (root_wants(root, component, level)) {
            pthread_mutex_lock(&root->tree->lock);
            root->tree->fn(root->tree->priv, level, component, message, NULL);
            pthread_mutex_unlock(&root->tree->lock);
        }
    pthread_rwlock_unlock(&roots_lock);
}

void ta_log_collect(struct ta_log *log, struct ta_problems *list)
{
    if (!log)
        return;
    if (list && list != log->problems)
        ta_problems_pass_on(list, log->problems);
    log->problems = list;
}

struct ta_problems *ta_log_problems(const struct ta_log *log)
{
    return log ? log->problems : NULL;
}

// Of a family's errors only the first is one.
static bool is_first_error(const struct ta_log *log)
{
    return !log->family || !atomic_exchange(&log->family->failed, true);
}

static char *with_about(const struct ta_log *log, char *message)
{
    if (log->about && strncmp(message, log->about, strlen(log->about)) != 0) {
        char *longer = ta_xprintf("%s: %s", log->about, message);
        free(message);
        message = longer;
    }
    size_t length = strlen(message);
    while (length && message[length - 1] == '\n')
        message[--length] = '\0';
    return message;
}

// perf-ok(callback-under-lock): as ta_log_tell_all()
static void write_message(const struct ta_log *log, enum ta_log_level level, const char *message,
                          const char *code)
{
    if (!ta_log_wants(log, level))
        return;
    pthread_mutex_lock(&log->tree->lock);
    log->tree->fn(log->tree->priv, level, log->component, message, code);
    pthread_mutex_unlock(&log->tree->lock);
}

void ta_log_vmessage(struct ta_log *log, enum ta_log_level level, const char *format, va_list args)
{
    if (!log)
        return;
    bool kept = level == TA_LOG_ERROR && log->problems;
    if (!kept && !ta_log_wants(log, level))
        return;
    if (level == TA_LOG_ERROR && !is_first_error(log)) {
        level = TA_LOG_VERBOSE;
        kept = false;
        if (!ta_log_wants(log, level))
            return;
    }
    int saved_errno = errno; // so that callers may log first and look at errno after
    char *message = with_about(log, ta_xvprintf(format, args));
    if (kept) {
        // What it is called follows from how the call ends: ta_problems_fail().
        struct ta_problem p = {
            .severity = TA_SEVERITY_ERROR, .message = message, .file = log->about, .frame = -1};
        ta_problems_add(log->problems, &p);
    }
    write_message(log, level, message, NULL);
    free(message);
    errno = saved_errno;
}

static void tell(struct ta_log *log, const struct ta_problem *p)
{
    static const enum ta_log_level levels[] = {TA_LOG_VERBOSE, TA_LOG_WARN, TA_LOG_WARN, TA_LOG_ERROR};
    enum ta_log_level level = levels[p->severity];
    if (level == TA_LOG_ERROR ? !is_first_error(log) : !ta_problems_add(log->problems, p))
        level = TA_LOG_VERBOSE; // known, or what follows from another
    else if (level == TA_LOG_ERROR)
        ta_problems_add(log->problems, p);
    write_message(log, level, p->message, p->code);
}

void ta_problem_tell(struct ta_log *log, const struct ta_problem *problem)
{
    if (log)
        tell(log, problem);
}

void ta_problem_at(struct ta_log *log, enum ta_problem_id id, const struct ta_problem_about *about,
                   const char *format, ...)
{
    int saved_errno = errno;
    struct ta_problem_about a = about ? *about : (struct ta_problem_about){0};
    va_list args;
    va_start(args, format);
    char *message = ta_xvprintf(format, args);
    va_end(args);
    if (log) {
        message = with_about(log, message);
        if (!a.file)
            a.file = log->about;
    }
    struct ta_problem *p = ta_problem_create(id, &a, message);
    if (log)
        tell(log, p);
    ta_problem_destroy(&p);
    free(message);
    errno = saved_errno;
}

int ta_log_fail(struct ta_log *log, int err, const char *about, const char *advice)
{
    if (err >= 0)
        return 0;
    struct ta_problems *list = ta_log_problems(log);
    if (!list)
        return err;
    // A reader that had enough is nobody's trouble.
    bool quiet = err == TA_ERR_CANCELED || err == TA_ERR_CLOSED;
    if (!quiet && !ta_problems_error(list))
        ta_error(log, "%s: %s", about, ta_error_text(err));
    ta_problems_fail(list, err, about, advice);
    return err;
}

void ta_log_message(struct ta_log *log, enum ta_log_level level, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    ta_log_vmessage(log, level, format, args);
    va_end(args);
}

void ta_log_destroy(struct ta_log **log)
{
    struct ta_log *l = *log;
    if (!l)
        return;
    *log = NULL;
    if (l->is_root)
        forget_root(l);
    struct log_tree *tree = l->tree;
    if (l->family && atomic_fetch_sub(&l->family->users, 1) == 1)
        free(l->family);
    free(l->about);
    free(l->component);
    free(l);
    if (atomic_fetch_sub(&tree->users, 1) != 1)
        return;
    while (tree->levels) {
        struct component_level *next = tree->levels->next;
        free(tree->levels);
        tree->levels = next;
    }
    pthread_mutex_destroy(&tree->lock);
    free(tree);
}
