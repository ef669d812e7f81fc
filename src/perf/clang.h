// libclang, opened at run time: the program is built without it, and says what to install where it is needed.
// Only what the analyser uses, by declarations of our own of an interface that its makers keep stable.
#ifndef TA_PERF_CLANG_H
#define TA_PERF_CLANG_H

#include <stddef.h>

struct ta_buf;
struct ta_log;

// Values that libclang passes by copy; nothing in them is ours to read but `kind`.
struct ta_clang_cursor {
    int kind, more;
    const void *data[3];
};
struct ta_clang_place {
    const void *data[2];
    unsigned number;
};
struct ta_clang_range {
    const void *data[2];
    unsigned begin, end;
};
struct ta_clang_type {
    int kind;
    void *data[2];
};
struct ta_clang_string {
    const void *data;
    unsigned flags;
};

// Kinds of cursors.
enum {
    TA_CLANG_FIELD = 6,
    TA_CLANG_FUNCTION = 8,
    TA_CLANG_VARIABLE = 9,
    TA_CLANG_PARAMETER = 10,
    TA_CLANG_UNEXPOSED = 100,
    TA_CLANG_NAMED = 101,
    TA_CLANG_MEMBER = 102,
    TA_CLANG_CALL = 103,
    TA_CLANG_PARENTHESES = 111,
    TA_CLANG_UNARY = 112,
    TA_CLANG_SUBSCRIPT = 113,
    TA_CLANG_BINARY = 114,
    TA_CLANG_COMPOUND_ASSIGNMENT = 115,
    TA_CLANG_CONDITIONAL = 116,
    TA_CLANG_CAST = 117,
    TA_CLANG_BLOCK = 202,
    TA_CLANG_CASE = 203,
    TA_CLANG_DEFAULT = 204,
    TA_CLANG_IF = 205,
    TA_CLANG_SWITCH = 206,
    TA_CLANG_WHILE = 207,
    TA_CLANG_DO = 208,
    TA_CLANG_FOR = 209,
    TA_CLANG_GOTO = 210,
    TA_CLANG_CONTINUE = 212,
    TA_CLANG_BREAK = 213,
    TA_CLANG_RETURN = 214,
    TA_CLANG_NOTHING = 230,
    TA_CLANG_DECLARATION = 231,
};
enum { TA_CLANG_RECORD_TYPE = 105 };  // kinds of types
enum { TA_CLANG_GO_ON = 1 };          // what a visitor answers
enum { TA_CLANG_STATIC = 3 };         // storage
enum { TA_CLANG_SEVERITY_ERROR = 3 }; // of a diagnostic, or worse
enum { TA_CLANG_KEEP_GOING = 0x200 }; // an error does not end reading

typedef int ta_clang_visitor(struct ta_clang_cursor cursor, struct ta_clang_cursor parent, void *priv);
typedef void ta_clang_include_visitor(void *file, struct ta_clang_place *stack, unsigned depth, void *priv);

#define TA_CLANG_CALLS(X)                                                                             \
    X(void *, createIndex, (int only_own, int show))                                                  \
    X(void, disposeIndex, (void *index))                                                              \
    X(int, parseTranslationUnit2,                                                                     \
      (void *index, const char *file, const char *const *args, int count, void *unsaved,              \
       unsigned unsaved_count, unsigned options, void **unit))                                        \
    X(void, disposeTranslationUnit, (void *unit))                                                     \
    X(struct ta_clang_cursor, getTranslationUnitCursor, (void *unit))                                 \
    X(unsigned, visitChildren, (struct ta_clang_cursor at, ta_clang_visitor * visit, void *priv))     \
    X(struct ta_clang_cursor, getCursorReferenced, (struct ta_clang_cursor at))                       \
    X(struct ta_clang_string, getCursorSpelling, (struct ta_clang_cursor at))                         \
    X(const char *, getCString, (struct ta_clang_string text))                                        \
    X(void, disposeString, (struct ta_clang_string text))                                             \
    X(struct ta_clang_range, getCursorExtent, (struct ta_clang_cursor at))                            \
    X(struct ta_clang_place, getCursorLocation, (struct ta_clang_cursor at))                          \
    X(struct ta_clang_place, getRangeStart, (struct ta_clang_range range))                            \
    X(struct ta_clang_place, getRangeEnd, (struct ta_clang_range range))                              \
    X(void, getExpansionLocation,                                                                     \
      (struct ta_clang_place place, void **file, unsigned *line, unsigned *column, unsigned *offset)) \
    X(int, Location_isInSystemHeader, (struct ta_clang_place place))                                  \
    X(struct ta_clang_string, getFileName, (void *file))                                              \
    X(const char *, getFileContents, (void *unit, void *file, size_t *size))                          \
    X(struct ta_clang_type, getCursorType, (struct ta_clang_cursor at))                               \
    X(struct ta_clang_type, getCanonicalType, (struct ta_clang_type type))                            \
    X(struct ta_clang_type, getPointeeType, (struct ta_clang_type type))                              \
    X(struct ta_clang_string, getTypeSpelling, (struct ta_clang_type type))                           \
    X(long long, Type_getSizeOf, (struct ta_clang_type type))                                         \
    X(unsigned, isCursorDefinition, (struct ta_clang_cursor at))                                      \
    X(int, Cursor_getStorageClass, (struct ta_clang_cursor at))                                       \
    X(int, Cursor_getNumArguments, (struct ta_clang_cursor at))                                       \
    X(struct ta_clang_cursor, Cursor_getArgument, (struct ta_clang_cursor at, unsigned i))            \
    X(unsigned, getNumDiagnostics, (void *unit))                                                      \
    X(void *, getDiagnostic, (void *unit, unsigned i))                                                \
    X(int, getDiagnosticSeverity, (void *diagnostic))                                                 \
    X(struct ta_clang_string, formatDiagnostic, (void *diagnostic, unsigned options))                 \
    X(void, disposeDiagnostic, (void *diagnostic))                                                    \
    X(void, getInclusions, (void *unit, ta_clang_include_visitor *visit, void *priv))                 \
    X(struct ta_clang_string, getClangVersion, (void))

struct ta_clang {
    void *library;
    char *version;  // "Debian clang version 14.0.6"
    char *resource; // folder with the compiler's own headers, as an argument; NULL when none was found
#define TA_CLANG_MEMBER_OF(result, name, args) result(*name) args;
    TA_CLANG_CALLS(TA_CLANG_MEMBER_OF)
#undef TA_CLANG_MEMBER_OF
};

// Opens libclang: `named` (may be NULL) or whichever the system has, the newest first. 0, or
// TA_ERR_UNSUPPORTED after a message that says what to install. Thread-safety of what it holds: Safe, one
// index a thread.
int ta_clang_open(struct ta_clang **out, const char *named, struct ta_log *log);
void ta_clang_close(struct ta_clang **clang);

// A string of libclang's as text; appended to `out`, the string is disposed of.
void ta_clang_append(const struct ta_clang *clang, struct ta_clang_string text, struct ta_buf *out);

#endif
