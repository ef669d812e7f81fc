// Parsing of the command line.
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <terminalai/terminalai.h>

#include "base/mem.h"
#include "cli/args.h"
#include "cli/command.h"
#include "cli/console.h"
#include "recipe/options.h"

#include "capture.h"

#define MAX_WORDS 16

struct fixture {
    struct capture capture;
    struct ta_cli cli;
};

// Parses `line`, split at spaces ("@" stands for an empty word).
static int parse(struct fixture *f, const char *line, char **words)
{
    int count = 0;
    *f = (struct fixture){0};
    capture_init(&f->capture);
    f->cli.log = f->capture.log;
    assert_int_equal(ta_console_create(&f->cli.console), 0);
    words[count++] = ta_xstrdup("terminalai");
    while (*line) {
        size_t length = strcspn(line, " ");
        assert_true(count < MAX_WORDS);
        words[count++] = length == 1 && *line == '@' ? ta_xstrdup("") : ta_xstrndup(line, length);
        line += length + (line[length] == ' ');
    }
    return ta_args_parse(&f->cli, count, words);
}

static void release(struct fixture *f, char **words)
{
    ta_cli_release(&f->cli);
    ta_console_destroy(&f->cli.console);
    capture_release(&f->capture);
    for (int i = 0; i < MAX_WORDS; i++)
        free(words[i]);
}

// The value of an option after parsing, whichever table it is in; freed by the caller.
static char *value_of(struct fixture *f, const char *name)
{
    const struct ta_command *c = f->cli.command;
    for (const struct ta_command_group *g = c ? c->groups : NULL; g && g->table; g++) {
        const struct ta_opt *o = ta_opt_find(g->table, name);
        if (o)
            return ta_opt_text_of(o, (char *)f->cli.values + g->offset);
    }
    const struct ta_opt *o = ta_opt_find(ta_common_options, name);
    if (o)
        return ta_opt_text_of(o, &f->cli.common);
    const char *text;
    assert_int_equal(ta_options_get(f->cli.options, name, &text, NULL), 0);
    return ta_xstrdup(text);
}

static void test_values(void **state)
{
    (void)state;
    static const struct {
        const char *line, *option, *value;
    } cases[] = {
        {"restore a --output b", "output", "b"},
        {"restore a --output=b", "output", "b"},
        {"restore a -o b", "output", "b"},
        {"restore a -ob", "output", "b"},
        {"restore a -vob", "output", "b"},
        {"restore a -o -", "output", "-"},
        {"restore a -o=b", "output", "=b"},
        {"restore a -o \xff\xfe", "output", "\xff\xfe"},
        {"restore --output=--overwrite a", "output", "--overwrite"},
        {"restore a -o -x", "output", "-x"},
        {"restore a -R", "recursive", "on"},
        {"restore a --recursive", "recursive", "on"},
        {"restore a --recursive=off", "recursive", "off"},
        {"restore a --recursive --no-recursive", "recursive", "off"},
        {"restore a --crf 16", "crf", "16"},
        {"restore a --crf=16.5", "crf", "16.5"},
        {"restore a --crf 16 --crf 20", "crf", "20"},
        {"restore a --overwrite", "overwrite", "on"},
        {"restore a -y", "overwrite", "on"},
        {"restore a --no-overwrite", "overwrite", "off"},
        {"restore a --no-resume", "no-resume", "on"},
        {"restore a --no-no-resume", "no-resume", "off"},
        {"restore a --range 1:00-1:20", "range", "1:00-1:20"},
        {"restore a --progress json", "progress", "json"},
        {"restore a -v", "verbose", "1"},
        {"restore a -vvv", "verbose", "3"},
        {"-v restore -v a -v", "verbose", "3"},
        {"restore a --verbose --verbose", "verbose", "2"},
        {"restore a --verbose=2", "verbose", "2"},
        {"restore a -vv --no-verbose", "verbose", "0"},
        {"-q restore a", "quiet", "on"},
        {"--log-level info --log-level segment=debug restore a", "log-level", "info,segment=debug"},
        {"--cpu-mask avx2 restore a", "cpu-mask", "avx2"},
        {"restore a", "cpu-mask", "all"},
        {"probe a --json", "json", "on"},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        char *words[MAX_WORDS] = {0};
        struct fixture f;
        if (parse(&f, cases[i].line, words))
            fail_msg("%s: refused: %s", cases[i].line, ta_buf_text(&f.capture.text));
        char *value = value_of(&f, cases[i].option);
        if (strcmp(value, cases[i].value))
            fail_msg("%s: %s is \"%s\", not \"%s\"", cases[i].line, cases[i].option, value, cases[i].value);
        free(value);
        capture_expect(&f.capture, "");
        release(&f, words);
    }
}

static void test_operands(void **state)
{
    (void)state;
    static const struct {
        const char *line, *command, *operands; // joined by commas
    } cases[] = {
        {"", NULL, ""},
        {"restore a b c", "restore", "a,b,c"},
        {"restore a --crf 3 b", "restore", "a,b"},
        {"restore -- -a --crf", "restore", "-a,--crf"},
        {"-v -- restore a -b", "restore", "a,-b"},
        {"restore -", "restore", "-"},
        {"restore @", "restore", ""},
        {"help", "help", ""},
        {"help restore", "help", "restore"},
        {"presets", "presets", ""},
        {"doctor --json", "doctor", ""},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        char *words[MAX_WORDS] = {0};
        struct fixture f;
        if (parse(&f, cases[i].line, words))
            fail_msg("%s: refused: %s", cases[i].line, ta_buf_text(&f.capture.text));
        struct ta_buf operands = {0};
        for (int k = 0; k < f.cli.operand_count; k++)
            ta_buf_printf(&operands, "%s%s", k ? "," : "", f.cli.operands[k]);
        assert_string_equal(ta_buf_text(&operands), cases[i].operands);
        if (cases[i].command)
            assert_string_equal(f.cli.command->name, cases[i].command);
        else
            assert_null(f.cli.command);
        ta_buf_release(&operands);
        release(&f, words);
    }
}

static void test_errors(void **state)
{
    (void)state;
    static const struct {
        const char *line, *message;
    } cases[] = {
        {"restore", "needs INPUT..."},
        {"restore a --crf", "--crf needs a value"},
        {"restore a -o", "-o needs a value"},
        {"restore a -o --overwrite", "-o needs a value"},
        {"restore a --output --no-overwrite", "--output needs a value"},
        {"restore -o -- a", "-o needs a value"},
        {"restore a --output=", "must not be empty"},
        {"restore a -o @", "must not be empty"},
        {"restore a --crf 99", "0..51"},
        {"restore a --crf=", "--crf"},
        {"restore a --crff 9", "did you mean \"--crf\"?"},
        {"restore a --outputs b", "did you mean \"--output\"?"},
        {"restore a --no-overwrit", "did you mean \"--overwrite\"?"},
        {"restore a --no-no-overwrite", "no-no-overwrite"},
        {"restore a --no-crf", "--crf can't be switched off"},
        {"restore a --no-help", "--help can't be switched off"},
        {"restore a --no-overwrite=on", "takes no value"},
        {"restore a --overwrite=maybe", "must be on or off"},
        {"restore a --progress jsn", "json"},
        {"restore a -Z", "unknown option \"-Z\""},
        {"restore a -vZ", "unknown letter in \"-vZ\""},
        {"restore a --help=some", "no group or option"},
        {"probe a --crf 3", "\"restore\" has it"},
        {"--crf 3 restore a", "behind the command"},
        {"resore a", "did you mean \"restore\"?"},
        {"tape.avi", "terminalai restore \"tape.avi\""},
        {"xyzzy", "unknown command \"xyzzy\""},
        {"completion bash b", "what is \"b\"?"},
        {"doctor a", "takes options only"},
        {"completion", "needs SHELL"},
        {"restore a --log-level=", "must not be empty"},
        {"restore a --cpu-mask mmx", "cpu-mask"},
        {"restore a --", NULL},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        char *words[MAX_WORDS] = {0};
        struct fixture f;
        int err = parse(&f, cases[i].line, words);
        if (!cases[i].message) {
            assert_int_equal(err, 0);
        } else {
            if (err != TA_ERR_USAGE)
                fail_msg("%s: returned %d", cases[i].line, err);
            capture_expect_error(&f.capture, cases[i].message);
        }
        release(&f, words);
    }
}

// --help and --version win over everything that follows them, missing operands included.
static void test_help(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int help;
        const char *command;
    } cases[] = {
        {"--help", TA_HELP_ALL, NULL},
        {"-h", TA_HELP_SHORT, NULL},
        {"--help restore", TA_HELP_ALL, "restore"},
        {"restore --help", TA_HELP_ALL, "restore"},
        {"restore --help=all", TA_HELP_ALL, "restore"},
        {"restore --help --nonsense", TA_HELP_ALL, "restore"},
        {"restore a -h", TA_HELP_SHORT, "restore"},
        {"--version --nonsense", TA_HELP_NONE, NULL},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        char *words[MAX_WORDS] = {0};
        struct fixture f;
        assert_int_equal(parse(&f, cases[i].line, words), 0);
        assert_int_equal(f.cli.common.help, cases[i].help);
        assert_int_equal(f.cli.common.version, !strncmp(cases[i].line, "--version", 9));
        assert_string_equal(f.cli.command ? f.cli.command->name : "",
                            cases[i].command ? cases[i].command : "");
        release(&f, words);
    }
}

struct seen {
    const struct ta_command *command;
    char names[256][64];
    int count;
    char letters[256];
};

static bool note_option(void *priv, const char *title, const char *name, const struct ta_opt *o)
{
    struct seen *seen = priv;
    assert_non_null(title);
    assert_true(seen->count < 256);
    for (int i = 0; i < seen->count; i++)
        if (!strcmp(seen->names[i], name))
            fail_msg("%s has two options --%s", seen->command->name, name);
    if (o->letter && strchr(seen->letters, o->letter))
        fail_msg("%s has two options -%c", seen->command->name, o->letter);
    if (!(o->flags & TA_OPT_HIDDEN) && (!o->help || !*o->help))
        fail_msg("--%s of %s has no help", name, seen->command->name);
    snprintf(seen->names[seen->count++], sizeof(seen->names[0]), "%s", name);
    if (o->letter)
        seen->letters[strlen(seen->letters)] = o->letter;
    return true;
}

// Within a command, names and letters are unique, whichever table they come from; everything is explained.
static void test_tables(void **state)
{
    (void)state;
    for (const struct ta_command *const *c = ta_commands; *c; c++) {
        struct seen *seen = ta_xcalloc(1, sizeof(*seen));
        seen->command = *c;
        ta_command_each_option(*c, note_option, seen);
        assert_true(seen->count >= 7); // the common ones at least
        free(seen);
        assert_true(*(*c)->summary && *(*c)->description);
        assert_true((*c)->family ? !(*c)->run : !!(*c)->run);
        assert_ptr_equal(ta_command_find((*c)->name), *c);
        for (const struct ta_example *e = (*c)->examples; e && e->command; e++)
            assert_non_null(strstr(e->command, (*c)->name));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values), cmocka_unit_test(test_operands), cmocka_unit_test(test_errors),
        cmocka_unit_test(test_help),   cmocka_unit_test(test_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
