// compile_commands.json: which C files there are, and how each is compiled.
#ifndef TA_PERF_COMMANDS_H
#define TA_PERF_COMMANDS_H

struct ta_log;

struct ta_command_entry {
    char *path, *dir; // absolute
    char **args;      // without the compiler, the source and what is written; NULL-terminated
    int count;
};

struct ta_commands {
    struct ta_command_entry *items;
    int count;
};

// Finds and reads the database for `path` (a folder or a file, absolute): `named` (a file or its folder) or
// else path, path/build, path's other folders one level down, and the folders above. Kept are C files at or
// below `path`, each once, in the order of their names. 0, or TA_ERR_NOT_FOUND after a message that says how
// to make one, TA_ERR_FORMAT for one that can't be read.
int ta_commands_load(struct ta_commands *out, const char *path, const char *named, struct ta_log *log);
void ta_commands_release(struct ta_commands *c);

#endif
