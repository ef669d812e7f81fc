#include "jobs/store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include <terminalai/error.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"

struct ta_store {
    sqlite3 *db;
    sqlite3_stmt *begin, *commit, *rollback;
    sqlite3_stmt *insert, *update, *remove, *history, *forget, *set;
    char *path;
    struct ta_log *log;
};

// One step from each version of the schema to the next; a step is never changed after it was released.
static const char *const steps[] = {
    "CREATE TABLE jobs(id INTEGER PRIMARY KEY AUTOINCREMENT, state TEXT NOT NULL, wish INTEGER NOT NULL,"
    " priority INTEGER NOT NULL, position REAL NOT NULL, attempt INTEGER NOT NULL, created INTEGER NOT NULL,"
    " changed INTEGER NOT NULL,"
    " not_before INTEGER NOT NULL, warnings INTEGER NOT NULL, input TEXT NOT NULL, output TEXT NOT NULL,"
    " options TEXT NOT NULL, batch TEXT NOT NULL, reason TEXT NOT NULL, result TEXT NOT NULL);"
    "CREATE TABLE changes(job INTEGER NOT NULL REFERENCES jobs(id) ON DELETE CASCADE, time INTEGER NOT NULL,"
    " was TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL);"
    "CREATE INDEX changes_of_job ON changes(job);"
    "CREATE TABLE switches(key TEXT PRIMARY KEY, value TEXT NOT NULL);",
    // What is told to whom (notify.c), what folders are watched and what was found there (watch.c), what runs
    // usually take (alerts.c), what was got of an address (jobs.h).
    "CREATE TABLE notices(id INTEGER PRIMARY KEY AUTOINCREMENT, endpoint TEXT NOT NULL, event TEXT NOT NULL,"
    " created INTEGER NOT NULL, due INTEGER NOT NULL, attempt INTEGER NOT NULL, state TEXT NOT NULL,"
    " error TEXT NOT NULL, body TEXT NOT NULL);"
    "CREATE INDEX notices_waiting ON notices(endpoint, id) WHERE state='waiting';"
    "CREATE TABLE watched(folder TEXT PRIMARY KEY, begun INTEGER NOT NULL);"
    "CREATE TABLE seen(folder TEXT NOT NULL, identity TEXT NOT NULL, path TEXT NOT NULL,"
    " time INTEGER NOT NULL, job INTEGER NOT NULL, settled INTEGER NOT NULL, PRIMARY KEY(folder, identity))"
    " WITHOUT ROWID;"
    "CREATE INDEX seen_open ON seen(job) WHERE settled=0;"
    "CREATE TABLE baselines(key TEXT NOT NULL, measure TEXT NOT NULL, samples TEXT NOT NULL,"
    " raised INTEGER NOT NULL, PRIMARY KEY(key, measure)) WITHOUT ROWID;"
    "ALTER TABLE jobs ADD COLUMN source TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE jobs ADD COLUMN title TEXT NOT NULL DEFAULT '';",
    // Files whose work was left by a job that is gone to others that make them too (left.h).
    "CREATE TABLE left_work(output TEXT NOT NULL, place TEXT NOT NULL, PRIMARY KEY(output, place))"
    " WITHOUT ROWID;"
    "CREATE INDEX jobs_by_output ON jobs(output);",
};

enum { BUSY_MS = 5000 };

static int error_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return TA_ERR_NOMEM;
    case SQLITE_FULL:
        return TA_ERR_NO_SPACE;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
        return TA_ERR_ACCESS;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return TA_ERR_BUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return TA_ERR_DAMAGED;
    default:
        return TA_ERR_IO;
    }
}

static int fail(struct ta_store *s, const char *doing)
{
    int err = error_of(sqlite3_extended_errcode(s->db));
    // SQLite calls a full disk an I/O error where it met it in a write of its journal.
    if (err == TA_ERR_IO && sqlite3_system_errno(s->db) == ENOSPC)
        err = TA_ERR_NO_SPACE;
    ta_error(s->log, "%s: %s: %s", s->path, doing, sqlite3_errmsg(s->db));
    return err;
}

static int run(struct ta_store *s, const char *sql)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : -1;
}

// ---- opening ----

static int64_t number_of(struct ta_store *s, const char *sql)
{
    sqlite3_stmt *q = NULL;
    int64_t value = -1;
    if (sqlite3_prepare_v2(s->db, sql, -1, &q, NULL) == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW)
        value = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    return value;
}

// Is it a database whose pages hold together?
static bool is_whole(struct ta_store *s)
{
    sqlite3_stmt *q = NULL;
    bool whole = sqlite3_prepare_v2(s->db, "PRAGMA integrity_check(1)", -1, &q, NULL) == SQLITE_OK &&
                 sqlite3_step(q) == SQLITE_ROW && !strcmp((const char *)sqlite3_column_text(q, 0), "ok");
    sqlite3_finalize(q);
    return whole;
}

// A copy of the database as it is, for whoever goes back to an older version.
static int keep_copy(struct ta_store *s, int64_t version)
{
    char *copy = ta_xprintf("%s.before-%" PRId64, s->path, version + 1);
    sqlite3_stmt *q = NULL;
    unlink(copy); // of an attempt that was stopped
    int ok = sqlite3_prepare_v2(s->db, "VACUUM INTO ?", -1, &q, NULL) == SQLITE_OK &&
             sqlite3_bind_text(q, 1, copy, -1, SQLITE_STATIC) == SQLITE_OK && sqlite3_step(q) == SQLITE_DONE;
    sqlite3_finalize(q);
    int err = ok ? 0 : fail(s, "it could not be copied before it is changed to the form of this version");
    if (!err)
        ta_info(s->log, "%s: copied to %s before it is changed to the form of this version", s->path, copy);
    free(copy);
    return err;
}

static int migrate(struct ta_store *s)
{
    int64_t version = number_of(s, "PRAGMA user_version");
    if (version > (int64_t)TA_COUNT(steps)) {
        ta_error(s->log, "%s: written by a newer version of this program (form %" PRId64 ", known: %zu)",
                 s->path, version, TA_COUNT(steps));
        return TA_ERR_UNSUPPORTED;
    }
    int err = version > 0 && version < (int64_t)TA_COUNT(steps) ? keep_copy(s, version) : 0;
    for (; !err && version < (int64_t)TA_COUNT(steps); version++) {
        char *done = ta_xprintf("PRAGMA user_version=%" PRId64 "; COMMIT", version + 1);
        if (run(s, "BEGIN IMMEDIATE") < 0 || run(s, steps[version]) < 0 || run(s, done) < 0) {
            err = fail(s, "it could not be brought to the form of this version");
            sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
        }
        free(done);
    }
    return err;
}

static int prepare(struct ta_store *s)
{
    const struct {
        sqlite3_stmt **out;
        const char *sql;
    } all[] = {
        {&s->begin, "BEGIN IMMEDIATE"},
        {&s->commit, "COMMIT"},
        {&s->rollback, "ROLLBACK"},
        {&s->insert,
         "INSERT INTO jobs(state, priority, position, attempt, created, changed, not_before, warnings, input,"
         " output, options, batch, reason, result, wish, source, title)"
         " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17)"},
        {&s->update,
         "UPDATE jobs SET state=?1, priority=?2, position=?3, attempt=?4, created=?5, changed=?6,"
         " not_before=?7, warnings=?8, input=?9, output=?10, options=?11, batch=?12, reason=?13, result=?14,"
         " wish=?15, source=?16, title=?17 WHERE id=?18"},
        {&s->remove, "DELETE FROM jobs WHERE id=?1"},
        {&s->history, "INSERT INTO changes(job, time, was, state, reason) VALUES(?1,?2,?3,?4,?5)"},
        {&s->forget, "DELETE FROM changes WHERE job=?1"},
        {&s->set, "INSERT INTO switches(key, value) VALUES(?1,?2) ON CONFLICT(key) DO UPDATE SET value=?2"},
    };
    for (size_t i = 0; i < TA_COUNT(all); i++)
        if (sqlite3_prepare_v3(s->db, all[i].sql, -1, SQLITE_PREPARE_PERSISTENT, all[i].out, NULL) !=
            SQLITE_OK)
            return fail(s, "it could not be used");
    return 0;
}

static void close_db(struct ta_store *s)
{
    sqlite3_stmt **all[] = {&s->begin,  &s->commit,  &s->rollback, &s->insert, &s->update,
                            &s->remove, &s->history, &s->forget,   &s->set};
    for (size_t i = 0; i < TA_COUNT(all); i++) {
        sqlite3_finalize(*all[i]);
        *all[i] = NULL;
    }
    sqlite3_close(s->db);
    s->db = NULL;
}

static int open_db(struct ta_store *s)
{
    if (sqlite3_open_v2(s->path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK)
        return fail(s, "it could not be opened");
    sqlite3_extended_result_codes(s->db, 1);
    sqlite3_busy_timeout(s->db, BUSY_MS);
    // FULL: what was committed survives a power cut; what the client was told is on disk.
    if (run(s, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON") < 0) {
        int err = error_of(sqlite3_extended_errcode(s->db));
        return err == TA_ERR_DAMAGED ? err : fail(s, "it could not be opened");
    }
    return is_whole(s) ? 0 : TA_ERR_DAMAGED;
}

static int move_aside(struct ta_store *s)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    char *aside = ta_xprintf("%s.damaged-%" PRId64, s->path, (int64_t)time(NULL));
    int err = 0;
    for (size_t i = 0; i < TA_COUNT(ends) && !err; i++) {
        char *from = ta_xprintf("%s%s", s->path, ends[i]), *to = ta_xprintf("%s%s", aside, ends[i]);
        if (rename(from, to) < 0 && errno != ENOENT) {
            err = ta_error_from_errno(errno);
            ta_error(s->log, "%s: it is damaged and could not be moved aside: %s", from,
                     ta_errno_text(errno, (char[TA_ERRNO_TEXT]){0}));
        }
        free(from);
        free(to);
    }
    if (!err)
        ta_warn(s->log, "%s: the list of jobs is damaged; it was moved to %s, and a new one is begun",
                s->path, aside);
    free(aside);
    return err;
}

int ta_store_open(struct ta_store **out, const char *path, struct ta_log *log)
{
    struct ta_store *s = ta_xcalloc(1, sizeof(*s));
    s->path = ta_xstrdup(path);
    s->log = log;
    int err = open_db(s);
    if (err == TA_ERR_DAMAGED) {
        close_db(s);
        err = move_aside(s);
        if (!err)
            err = open_db(s);
    }
    if (!err)
        err = migrate(s);
    if (!err)
        err = prepare(s);
    if (err < 0)
        ta_store_close(&s);
    *out = s;
    return err;
}

void ta_store_close(struct ta_store **s)
{
    if (!*s)
        return;
    close_db(*s);
    free((*s)->path);
    ta_freep(s);
}

// ---- rows ----

static char *text_of(sqlite3_stmt *q, int column)
{
    const char *text = (const char *)sqlite3_column_text(q, column);
    return ta_xstrdup(text ? text : "");
}

static struct ta_job *job_of(struct ta_store *s, sqlite3_stmt *q)
{
    struct ta_job *j = ta_xcalloc(1, sizeof(*j));
    const char *state = (const char *)sqlite3_column_text(q, 1);
    atomic_init(&j->references, 1);
    j->id = sqlite3_column_int64(q, 0);
    if (!state || !ta_job_state_from_name(state, &j->state)) {
        ta_warn(s->log, "%s: job %" PRId64 " has no state that is known; it counts as failed", s->path,
                j->id);
        j->state = TA_JOB_FAILED;
    }
    j->priority = sqlite3_column_int(q, 2);
    j->position = sqlite3_column_double(q, 3);
    j->attempt = sqlite3_column_int(q, 4);
    j->created_ms = sqlite3_column_int64(q, 5);
    j->changed_ms = sqlite3_column_int64(q, 6);
    j->not_before_ms = sqlite3_column_int64(q, 7);
    j->warnings = sqlite3_column_int64(q, 8);
    j->input = text_of(q, 9);
    j->output = text_of(q, 10);
    j->options = text_of(q, 11);
    j->batch = text_of(q, 12);
    j->reason = text_of(q, 13);
    j->result = text_of(q, 14);
    j->source = text_of(q, 16);
    j->title = text_of(q, 17);
    int wish = sqlite3_column_int(q, 15);
    j->wish = wish > 0 && wish < TA_JOB_WISH_COUNT ? (enum ta_job_wish)wish : TA_JOB_WISH_NONE;
    return j;
}

int ta_store_load(struct ta_store *s, int (*visit)(void *priv, struct ta_job *job), void *priv)
{
    sqlite3_stmt *q = NULL;
    int err = 0, code = sqlite3_prepare_v2(s->db,
                                           "SELECT id, state, priority, position, attempt, created, changed,"
                                           " not_before, warnings, input, output, options, batch, reason,"
                                           " result, wish, source, title FROM jobs ORDER BY id",
                                           -1, &q, NULL);
    if (code == SQLITE_OK)
        while (!err && (code = sqlite3_step(q)) == SQLITE_ROW)
            err = visit(priv, job_of(s, q));
    if (!err && code != SQLITE_DONE)
        err = fail(s, "its jobs could not be read");
    sqlite3_finalize(q);
    return err;
}

static int step(struct ta_store *s, sqlite3_stmt *q, const char *doing)
{
    int code = sqlite3_step(q);
    int err = code == SQLITE_DONE || code == SQLITE_ROW ? 0 : fail(s, doing);
    sqlite3_reset(q);
    return err;
}

int ta_store_begin(struct ta_store *s)
{
    return step(s, s->begin, "it can't be written");
}

int ta_store_commit(struct ta_store *s)
{
    return step(s, s->commit, "it can't be written");
}

void ta_store_rollback(struct ta_store *s)
{
    if (!sqlite3_get_autocommit(s->db))
        sqlite3_step(s->rollback);
    sqlite3_reset(s->rollback);
}

static void bind_job(sqlite3_stmt *q, const struct ta_job *j)
{
    const char *texts[] = {j->input, j->output, j->options, j->batch, j->reason, j->result};
    sqlite3_bind_text(q, 1, ta_job_state_name(j->state), -1, SQLITE_STATIC);
    sqlite3_bind_int(q, 2, j->priority);
    sqlite3_bind_double(q, 3, j->position);
    sqlite3_bind_int(q, 4, j->attempt);
    sqlite3_bind_int64(q, 5, j->created_ms);
    sqlite3_bind_int64(q, 6, j->changed_ms);
    sqlite3_bind_int64(q, 7, j->not_before_ms);
    sqlite3_bind_int64(q, 8, j->warnings);
    for (int i = 0; i < (int)TA_COUNT(texts); i++)
        sqlite3_bind_text(q, 9 + i, texts[i], -1, SQLITE_STATIC);
    sqlite3_bind_int(q, 15, (int)j->wish);
    sqlite3_bind_text(q, 16, j->source, -1, SQLITE_STATIC);
    sqlite3_bind_text(q, 17, j->title, -1, SQLITE_STATIC);
}

static int add_change(struct ta_store *s, const struct ta_job *j, const char *from)
{
    sqlite3_bind_int64(s->history, 1, j->id);
    sqlite3_bind_int64(s->history, 2, j->changed_ms);
    sqlite3_bind_text(s->history, 3, from, -1, SQLITE_STATIC);
    sqlite3_bind_text(s->history, 4, ta_job_state_name(j->state), -1, SQLITE_STATIC);
    sqlite3_bind_text(s->history, 5, j->reason, -1, SQLITE_STATIC);
    return step(s, s->history, "the change of a job can't be written");
}

int ta_store_insert(struct ta_store *s, struct ta_job *job)
{
    bind_job(s->insert, job);
    int err = step(s, s->insert, "a new job can't be written");
    if (!err) {
        job->id = sqlite3_last_insert_rowid(s->db);
        err = add_change(s, job, "");
    }
    return err;
}

int ta_store_update(struct ta_store *s, const struct ta_job *job, enum ta_job_state from)
{
    bind_job(s->update, job);
    sqlite3_bind_int64(s->update, 18, job->id);
    int err = step(s, s->update, "a job can't be written");
    return err || from == job->state ? err : add_change(s, job, ta_job_state_name(from));
}

int ta_store_delete(struct ta_store *s, int64_t id)
{
    sqlite3_bind_int64(s->forget, 1, id);
    sqlite3_bind_int64(s->remove, 1, id);
    int err = step(s, s->forget, "a job can't be removed");
    return err ? err : step(s, s->remove, "a job can't be removed");
}

static void bind_all(sqlite3_stmt *q, const char *types, va_list args)
{
    for (int i = 0; types[i]; i++)
        if (types[i] == 'i')
            sqlite3_bind_int64(q, i + 1, va_arg(args, int64_t));
        else
            sqlite3_bind_text(q, i + 1, va_arg(args, const char *), -1, SQLITE_TRANSIENT);
}

int ta_store_do(struct ta_store *s, const char *doing, const char *sql, const char *types, ...)
{
    sqlite3_stmt *q = NULL;
    va_list args;
    if (sqlite3_prepare_v2(s->db, sql, -1, &q, NULL) != SQLITE_OK)
        return fail(s, doing);
    va_start(args, types);
    bind_all(q, types, args);
    va_end(args);
    int err = step(s, q, doing);
    sqlite3_finalize(q);
    return err;
}

int64_t ta_row_number(const struct ta_row *row, int column)
{
    return sqlite3_column_int64((sqlite3_stmt *)row, column);
}

const char *ta_row_text(const struct ta_row *row, int column)
{
    const char *text = (const char *)sqlite3_column_text((sqlite3_stmt *)row, column);
    return text ? text : "";
}

int ta_store_each(struct ta_store *s, const char *doing, const char *sql,
                  void (*visit)(void *priv, const struct ta_row *row), void *priv, const char *types, ...)
{
    sqlite3_stmt *q = NULL;
    va_list args;
    int code = sqlite3_prepare_v2(s->db, sql, -1, &q, NULL);
    if (code != SQLITE_OK)
        return fail(s, doing);
    va_start(args, types);
    bind_all(q, types, args);
    va_end(args);
    while ((code = sqlite3_step(q)) == SQLITE_ROW)
        visit(priv, (const struct ta_row *)q);
    int err = code == SQLITE_DONE ? 0 : fail(s, doing);
    sqlite3_finalize(q);
    return err;
}

int ta_store_set(struct ta_store *s, const char *key, const char *value)
{
    sqlite3_bind_text(s->set, 1, key, -1, SQLITE_STATIC);
    sqlite3_bind_text(s->set, 2, value, -1, SQLITE_STATIC);
    return step(s, s->set, "a switch can't be written");
}

char *ta_store_get(struct ta_store *s, const char *key)
{
    sqlite3_stmt *q = NULL;
    char *value = NULL;
    if (sqlite3_prepare_v2(s->db, "SELECT value FROM switches WHERE key=?1", -1, &q, NULL) == SQLITE_OK) {
        sqlite3_bind_text(q, 1, key, -1, SQLITE_STATIC);
        if (sqlite3_step(q) == SQLITE_ROW)
            value = text_of(q, 0);
    }
    sqlite3_finalize(q);
    return value;
}

json_t *ta_store_history(const char *path, int64_t id, struct ta_log *log)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    json_t *all = json_array();
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK ||
        sqlite3_busy_timeout(db, BUSY_MS) != SQLITE_OK ||
        sqlite3_prepare_v2(db, "SELECT time, was, state, reason FROM changes WHERE job=?1 ORDER BY rowid", -1,
                           &q, NULL) != SQLITE_OK)
        ta_warn(log, "%s: the history of job %" PRId64 " could not be read: %s", path, id,
                sqlite3_errmsg(db));
    sqlite3_bind_int64(q, 1, id);
    while (q && sqlite3_step(q) == SQLITE_ROW)
        json_array_append_new(all, json_pack("{s:I, s:s*, s:s*, s:s*}", "time_ms",
                                             (json_int_t)sqlite3_column_int64(q, 0), "from",
                                             sqlite3_column_text(q, 1), "state", sqlite3_column_text(q, 2),
                                             "reason", sqlite3_column_text(q, 3)));
    sqlite3_finalize(q);
    sqlite3_close(db);
    return all;
}
