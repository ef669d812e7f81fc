// What functions do, by their names: the C library's, POSIX's and those of libraries that media programs use.
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "perf/facts.h"

struct name_row {
    const char *pattern; // "name", "begin*", "*end", "*within*"
    unsigned does;
};

// All rows that fit count together.
static const struct name_row rows[] = {
    {"malloc", TA_DOES_ALLOC},
    {"calloc", TA_DOES_ALLOC},
    {"aligned_alloc", TA_DOES_ALLOC},
    {"posix_memalign", TA_DOES_ALLOC},
    {"memalign", TA_DOES_ALLOC},
    {"strdup", TA_DOES_ALLOC},
    {"strndup", TA_DOES_ALLOC},
    {"*xmalloc*", TA_DOES_ALLOC},
    {"*xcalloc*", TA_DOES_ALLOC},
    {"*xzalloc*", TA_DOES_ALLOC},
    {"*xstrdup*", TA_DOES_ALLOC},
    {"*xstrndup*", TA_DOES_ALLOC},
    {"av_malloc*", TA_DOES_ALLOC},
    {"av_calloc", TA_DOES_ALLOC},
    {"av_strdup", TA_DOES_ALLOC},
    {"av_memdup", TA_DOES_ALLOC},
    {"av_frame_alloc", TA_DOES_ALLOC},
    {"av_packet_alloc", TA_DOES_ALLOC},
    {"av_image_alloc", TA_DOES_ALLOC},
    {"av_samples_alloc*", TA_DOES_ALLOC},
    {"g_malloc*", TA_DOES_ALLOC},
    {"g_new*", TA_DOES_ALLOC},
    {"g_strdup", TA_DOES_ALLOC},
    {"g_strndup", TA_DOES_ALLOC},
    {"SDL_malloc", TA_DOES_ALLOC},
    {"SDL_CreateRGBSurface*", TA_DOES_ALLOC},
    {"fftw*_malloc", TA_DOES_ALLOC},
    {"talloc*", TA_DOES_ALLOC},
    {"realloc", TA_DOES_GROW},
    {"reallocarray", TA_DOES_GROW},
    {"*xrealloc*", TA_DOES_GROW},
    {"av_realloc*", TA_DOES_GROW},
    {"av_fast_realloc", 0},
    {"g_realloc*", TA_DOES_GROW},
    {"SDL_realloc", TA_DOES_GROW},
    {"json_array_append*", TA_DOES_GROW},
    {"g_array_append*", TA_DOES_GROW},
    {"g_ptr_array_add", TA_DOES_GROW},
    {"g_list_append", TA_DOES_GROW},
    {"av_dynarray_add*", TA_DOES_GROW},
    {"free", TA_DOES_FREE},
    {"av_free*", TA_DOES_FREE},
    {"av_frame_free", TA_DOES_FREE},
    {"av_packet_free", TA_DOES_FREE},
    {"g_free", TA_DOES_FREE},
    {"SDL_free", TA_DOES_FREE},
    {"SDL_FreeSurface", TA_DOES_FREE},
    {"*_freep", TA_DOES_FREE},
    {"sws_freeContext", TA_DOES_FREE},
    {"swr_free", TA_DOES_FREE},
    {"cudaFree*", TA_DOES_FREE},

    {"fread", TA_DOES_IO},
    {"fwrite", TA_DOES_IO},
    {"fgets", TA_DOES_IO},
    {"fputs", TA_DOES_IO},
    {"getline", TA_DOES_IO},
    {"fscanf", TA_DOES_IO},
    {"pread*", TA_DOES_IO | TA_DOES_BYTES},
    {"pwrite*", TA_DOES_IO | TA_DOES_BYTES},
    {"read", TA_DOES_IO | TA_DOES_BYTES},
    {"write", TA_DOES_IO | TA_DOES_BYTES},
    {"readv", TA_DOES_IO},
    {"writev", TA_DOES_IO},
    {"sendfile", TA_DOES_IO},
    {"unlink", TA_DOES_IO},
    {"rename", TA_DOES_IO},
    {"opendir", TA_DOES_IO},
    {"readdir", TA_DOES_IO},
    {"ftruncate", TA_DOES_IO},
    {"avio_open*", TA_DOES_IO | TA_DOES_OPEN},
    {"avformat_open_input", TA_DOES_IO | TA_DOES_OPEN},
    {"avformat_find_stream_info", TA_DOES_IO},
    {"sqlite3_exec", TA_DOES_IO},
    {"fopen*", TA_DOES_IO | TA_DOES_OPEN},
    {"open", TA_DOES_IO | TA_DOES_OPEN},
    {"openat", TA_DOES_IO | TA_DOES_OPEN},
    {"sf_open*", TA_DOES_IO | TA_DOES_OPEN},
    {"fsync", TA_DOES_IO | TA_DOES_SYNC},
    {"fdatasync", TA_DOES_IO | TA_DOES_SYNC},
    {"sync", TA_DOES_IO | TA_DOES_SYNC},
    {"syncfs", TA_DOES_IO | TA_DOES_SYNC},
    {"msync", TA_DOES_IO | TA_DOES_SYNC},
    {"fflush", TA_DOES_SYNC},
    {"printf", TA_DOES_LOG},
    {"vprintf", TA_DOES_LOG},
    {"fprintf", TA_DOES_LOG},
    {"vfprintf", TA_DOES_LOG},
    {"puts", TA_DOES_LOG},
    {"perror", TA_DOES_LOG},
    {"syslog", TA_DOES_LOG},
    {"dprintf", TA_DOES_LOG | TA_DOES_IO},

    {"waitpid", TA_DOES_BLOCK},
    {"wait", TA_DOES_BLOCK},
    {"poll", TA_DOES_BLOCK},
    {"ppoll", TA_DOES_BLOCK},
    {"select", TA_DOES_BLOCK},
    {"epoll_wait", TA_DOES_BLOCK},
    {"accept*", TA_DOES_BLOCK},
    {"connect", TA_DOES_BLOCK},
    {"recv", TA_DOES_BLOCK},
    {"recvfrom", TA_DOES_BLOCK},
    {"recvmsg", TA_DOES_BLOCK},
    {"getaddrinfo", TA_DOES_BLOCK | TA_DOES_SETUP},
    {"gethostbyname*", TA_DOES_BLOCK | TA_DOES_SETUP},
    {"curl_easy_perform", TA_DOES_BLOCK},
    {"pthread_join", TA_DOES_BLOCK},
    {"thrd_join", TA_DOES_BLOCK},
    {"SDL_WaitThread", TA_DOES_BLOCK},
    {"g_thread_join", TA_DOES_BLOCK},
    {"sem_wait", TA_DOES_BLOCK},
    {"flock", TA_DOES_BLOCK},
    {"snd_pcm_writei", TA_DOES_BLOCK | TA_DOES_FRAME},
    {"snd_pcm_readi", TA_DOES_BLOCK | TA_DOES_FRAME},
    {"sleep", TA_DOES_SLEEP | TA_DOES_BLOCK},
    {"usleep", TA_DOES_SLEEP | TA_DOES_BLOCK},
    {"nanosleep", TA_DOES_SLEEP | TA_DOES_BLOCK},
    {"clock_nanosleep", TA_DOES_SLEEP | TA_DOES_BLOCK},
    {"thrd_sleep", TA_DOES_SLEEP | TA_DOES_BLOCK},
    {"av_usleep", TA_DOES_SLEEP | TA_DOES_BLOCK},
    {"SDL_Delay", TA_DOES_SLEEP | TA_DOES_BLOCK},
    {"g_usleep", TA_DOES_SLEEP | TA_DOES_BLOCK},
    {"Sleep", TA_DOES_SLEEP | TA_DOES_BLOCK},
    {"system", TA_DOES_PROCESS | TA_DOES_BLOCK},
    {"popen", TA_DOES_PROCESS},
    {"fork", TA_DOES_PROCESS},
    {"vfork", TA_DOES_PROCESS},
    {"posix_spawn*", TA_DOES_PROCESS},
    {"posix_spawn_file_actions*", 0},
    {"posix_spawnattr*", 0},
    {"g_spawn_*", TA_DOES_PROCESS},
    {"pthread_create", TA_DOES_THREAD},
    {"thrd_create", TA_DOES_THREAD},
    {"SDL_CreateThread*", TA_DOES_THREAD},
    {"g_thread_new", TA_DOES_THREAD},

    {"json_dump*", TA_DOES_JSON},
    {"json_load*", TA_DOES_JSON},
    {"cJSON_Parse*", TA_DOES_JSON},
    {"cJSON_Print*", TA_DOES_JSON},
    {"json_tokener_parse*", TA_DOES_JSON},
    {"json_object_to_json_string*", TA_DOES_JSON},
    {"yyjson_read*", TA_DOES_JSON},
    {"yyjson_write*", TA_DOES_JSON},
    {"yyjson_mut_write*", TA_DOES_JSON},
    {"json_parser_load*", TA_DOES_JSON},
    {"*_json_text", TA_DOES_JSON},
    {"sprintf", TA_DOES_FORMAT},
    {"snprintf", TA_DOES_FORMAT},
    {"vsnprintf", TA_DOES_FORMAT},
    {"vsprintf", TA_DOES_FORMAT},
    {"asprintf", TA_DOES_FORMAT | TA_DOES_ALLOC},
    {"vasprintf", TA_DOES_FORMAT | TA_DOES_ALLOC},
    {"*xprintf", TA_DOES_FORMAT | TA_DOES_ALLOC},
    {"*xasprintf", TA_DOES_FORMAT | TA_DOES_ALLOC},
    {"av_asprintf", TA_DOES_FORMAT | TA_DOES_ALLOC},
    {"g_strdup_printf", TA_DOES_FORMAT | TA_DOES_ALLOC},
    {"strftime", TA_DOES_FORMAT},
    {"sscanf", TA_DOES_FORMAT},

    {"sws_getContext", TA_DOES_SETUP},
    {"sws_init_context", TA_DOES_SETUP},
    {"swr_alloc_set_opts*", TA_DOES_SETUP},
    {"swr_init", TA_DOES_SETUP},
    {"avcodec_open2", TA_DOES_SETUP},
    {"avcodec_alloc_context3", TA_DOES_SETUP},
    {"avfilter_graph_alloc", TA_DOES_SETUP},
    {"avfilter_graph_config", TA_DOES_SETUP},
    {"avfilter_graph_parse*", TA_DOES_SETUP},
    {"zimg_filter_graph_build", TA_DOES_SETUP},
    {"regcomp", TA_DOES_SETUP},
    {"pcre*_compile", TA_DOES_SETUP},
    {"g_regex_new", TA_DOES_SETUP},
    {"iconv_open", TA_DOES_SETUP},
    {"curl_easy_init", TA_DOES_SETUP},
    {"sqlite3_open*", TA_DOES_SETUP | TA_DOES_IO},
    {"sqlite3_prepare*", TA_DOES_SETUP},
    {"dlopen", TA_DOES_SETUP | TA_DOES_IO},
    {"fftw*_plan_*", TA_DOES_SETUP},
    {"av_fft_init", TA_DOES_SETUP},
    {"av_rdft_init", TA_DOES_SETUP},
    {"av_tx_init", TA_DOES_SETUP},
    {"SDL_CreateTexture*", TA_DOES_SETUP},
    {"glCompileShader", TA_DOES_SETUP},
    {"glLinkProgram", TA_DOES_SETUP},
    {"TTF_OpenFont*", TA_DOES_SETUP | TA_DOES_IO},
    {"FT_New_Face", TA_DOES_SETUP | TA_DOES_IO},
    {"strcat", TA_DOES_APPEND},
    {"strncat", TA_DOES_APPEND},
    {"av_strlcat", TA_DOES_APPEND},
    {"strlcat", TA_DOES_APPEND},
    {"strlen", TA_DOES_LENGTH},
    {"pow", TA_DOES_MATH},
    {"powf", TA_DOES_MATH},
    {"exp", TA_DOES_MATH},
    {"expf", TA_DOES_MATH},
    {"log", TA_DOES_MATH},
    {"logf", TA_DOES_MATH},
    {"log10*", TA_DOES_MATH},
    {"sin", TA_DOES_MATH},
    {"sinf", TA_DOES_MATH},
    {"cos", TA_DOES_MATH},
    {"cosf", TA_DOES_MATH},
    {"tan", TA_DOES_MATH},
    {"atan2*", TA_DOES_MATH},
    {"cbrt*", TA_DOES_MATH},
    {"qsort*", TA_DOES_SORT},

    {"av_read_frame", TA_DOES_FRAME | TA_DOES_IO},
    {"avcodec_send_packet", TA_DOES_FRAME},
    {"avcodec_receive_frame", TA_DOES_FRAME},
    {"avcodec_send_frame", TA_DOES_FRAME},
    {"avcodec_receive_packet", TA_DOES_FRAME},
    {"avcodec_decode_*", TA_DOES_FRAME},
    {"avcodec_encode_*", TA_DOES_FRAME},
    {"av_buffersink_get_frame*", TA_DOES_FRAME},
    {"av_buffersink_get_samples", TA_DOES_FRAME},
    {"av_buffersrc_add_frame*", TA_DOES_FRAME},
    {"av_buffersrc_write_frame", TA_DOES_FRAME},
    {"av_interleaved_write_frame", TA_DOES_FRAME | TA_DOES_IO},
    {"av_write_frame", TA_DOES_FRAME | TA_DOES_IO},
    {"sws_scale", TA_DOES_FRAME},
    {"swr_convert", TA_DOES_FRAME},
    {"x264_encoder_encode", TA_DOES_FRAME},
    {"x265_encoder_encode", TA_DOES_FRAME},
    {"dav1d_get_picture", TA_DOES_FRAME},
    {"dav1d_send_data", TA_DOES_FRAME},
    {"vpx_codec_decode", TA_DOES_FRAME},
    {"vpx_codec_encode", TA_DOES_FRAME},
    {"ogg_stream_packetout", TA_DOES_FRAME},
    {"ogg_sync_pageout", TA_DOES_FRAME},
    {"mpeg2_parse", TA_DOES_FRAME},
    {"sf_readf_*", TA_DOES_FRAME},
    {"sf_writef_*", TA_DOES_FRAME},
    {"lame_encode_buffer*", TA_DOES_FRAME},
    {"mpg123_read", TA_DOES_FRAME},

    {"pthread_mutex_lock", TA_DOES_LOCK},
    {"pthread_mutex_unlock", TA_DOES_UNLOCK},
    {"pthread_rwlock_rdlock", TA_DOES_LOCK},
    {"pthread_rwlock_wrlock", TA_DOES_LOCK},
    {"pthread_rwlock_unlock", TA_DOES_UNLOCK},
    {"pthread_spin_lock", TA_DOES_LOCK},
    {"pthread_spin_unlock", TA_DOES_UNLOCK},
    {"mtx_lock", TA_DOES_LOCK},
    {"mtx_unlock", TA_DOES_UNLOCK},
    {"SDL_LockMutex", TA_DOES_LOCK},
    {"SDL_UnlockMutex", TA_DOES_UNLOCK},
    {"SDL_mutexP", TA_DOES_LOCK},
    {"SDL_mutexV", TA_DOES_UNLOCK},
    {"g_mutex_lock", TA_DOES_LOCK},
    {"g_mutex_unlock", TA_DOES_UNLOCK},
    {"EnterCriticalSection", TA_DOES_LOCK},
    {"LeaveCriticalSection", TA_DOES_UNLOCK},
    {"*mutex_lock", TA_DOES_LOCK},
    {"*mutex_unlock", TA_DOES_UNLOCK},
    {"*rwlock_read", TA_DOES_LOCK},
    {"*rwlock_write", TA_DOES_LOCK},
    {"*rwlock_rdlock", TA_DOES_LOCK},
    {"*rwlock_wrlock", TA_DOES_LOCK},
    {"*rwlock_unlock", TA_DOES_UNLOCK},
    {"pthread_cond_wait", TA_DOES_WAIT},
    {"pthread_cond_timedwait", TA_DOES_WAIT},
    {"cnd_wait", TA_DOES_WAIT},
    {"cnd_timedwait", TA_DOES_WAIT},
    {"SDL_CondWait*", TA_DOES_WAIT},
    {"g_cond_wait*", TA_DOES_WAIT},

    {"cudaMalloc*", TA_DOES_GPU_ALLOC},
    {"cudaHostAlloc", TA_DOES_GPU_ALLOC},
    {"cuMemAlloc*", TA_DOES_GPU_ALLOC},
    {"clCreateBuffer", TA_DOES_GPU_ALLOC},
    {"vkAllocateMemory", TA_DOES_GPU_ALLOC},
    {"NvCVImage_Alloc", TA_DOES_GPU_ALLOC},
    {"cudaDeviceSynchronize", TA_DOES_GPU_SYNC},
    {"cudaStreamSynchronize", TA_DOES_GPU_SYNC},
    {"cuCtxSynchronize", TA_DOES_GPU_SYNC},
    {"cuStreamSynchronize", TA_DOES_GPU_SYNC},
    {"clFinish", TA_DOES_GPU_SYNC},
    {"glFinish", TA_DOES_GPU_SYNC},
    {"vkQueueWaitIdle", TA_DOES_GPU_SYNC},
    {"vkDeviceWaitIdle", TA_DOES_GPU_SYNC},
    {"cudaMemcpy", TA_DOES_GPU_COPY},
    {"cudaMemcpy2D", TA_DOES_GPU_COPY},
    {"cuMemcpyHtoD*", TA_DOES_GPU_COPY},
    {"cuMemcpyDtoH*", TA_DOES_GPU_COPY},
    {"glReadPixels", TA_DOES_GPU_COPY},
};

static bool fits(const char *pattern, const char *name)
{
    const char *star = strchr(pattern, '*');
    if (!star)
        return !strcmp(pattern, name);
    size_t before = (size_t)(star - pattern), n = strlen(name);
    if (strncmp(pattern, name, before) != 0)
        return false;
    const char *rest = star + 1, *second = strchr(rest, '*');
    if (!second)
        return n >= before + strlen(rest) && !strcmp(name + n - strlen(rest), rest);
    char middle[40];
    size_t size = (size_t)(second - rest);
    memcpy(middle, rest, size);
    middle[size] = 0;
    return strstr(name + before, middle) != NULL;
}

static bool is_literal(const char *args, const char *begin)
{
    return args && !strncmp(args, begin, strlen(begin));
}

// Does the first argument name a file that tells people something?
static bool is_told(const char *args)
{
    static const char *const names[] = {"std", "err", "log", "con", "tty", "debug", "trace"};
    char *file = args ? ta_xstrndup(args, strcspn(args, ",")) : NULL;
    bool told = !file;
    for (size_t i = 0; i < TA_COUNT(names) && !told; i++)
        told = strcasestr(file, names[i]);
    free(file);
    return told;
}

unsigned ta_name_does(const char *name, const char *args)
{
    unsigned does = 0;
    for (size_t i = 0; i < TA_COUNT(rows); i++) {
        if (fits(rows[i].pattern, name)) {
            if (!rows[i].does)
                return 0;
            does |= rows[i].does;
        }
    }
    // A wait for nothing but time.
    if ((!strcmp(name, "poll") && (is_literal(args, "NULL") || is_literal(args, "0,"))) ||
        (!strcmp(name, "select") && is_literal(args, "0, NULL, NULL, NULL")))
        does |= TA_DOES_SLEEP;
    // Text into a file is what somebody wants, unless the file's name says that it is a log.
    if ((!strcmp(name, "fprintf") || !strcmp(name, "vfprintf")) && !is_told(args))
        does = TA_DOES_IO;
    // What people are to see at once, and no disk.
    if (!strcmp(name, "fflush") && (is_literal(args, "stdout") || is_literal(args, "stderr")))
        does = TA_DOES_LOG;
    if (!does && ta_name_of_frame(name))
        does = TA_DOES_FRAME;
    return does;
}

// Words of a name: parts between underscores, and where a capital begins.
static int split(const char *name, char words[][24], int room)
{
    int count = 0;
    size_t n = 0;
    for (const char *p = name;; p++) {
        bool capital = isupper((unsigned char)*p) && p > name && islower((unsigned char)p[-1]);
        if ((!*p || *p == '_' || capital) && n > 0 && count < room) {
            words[count++][n] = 0;
            n = 0;
        }
        if (!*p || count == room)
            return count;
        if (*p != '_' && n < 23)
            words[count][n++] = (char)tolower((unsigned char)*p);
    }
}

static bool has_any(char words[][24], int count, const char *const *list)
{
    for (int i = 0; i < count; i++)
        for (const char *const *w = list; *w; w++)
            if (!strcmp(words[i], *w))
                return true;
    return false;
}

static const char *const verbs[] = {"read",    "next",    "get",     "pop",     "receive", "decode",
                                    "encode",  "send",    "process", "filter",  "render",  "scale",
                                    "convert", "draw",    "pull",    "fetch",   "demux",   "mux",
                                    "write",   "deliver", "show",    "display", NULL};
// Of the verbs those that are work, and not a look at something.
static const char *const works[] = {"decode",  "encode", "process", "filter", "render", "scale",
                                    "convert", "send",   "write",   "draw",   "push",   "deliver",
                                    "mux",     "handle", "apply",   NULL};
static const char *const things[] = {"frame", "packet", "picture", "pkt", "samples",
                                     "pcm",   "nal",    "nalu",    NULL};
static const char *const making[] = {
    "alloc",   "new",       "create",  "init",   "open",   "close",    "free",        "destroy", "delete",
    "release", "ref",       "unref",   "size",   "count",  "rate",     "type",        "format",  "info",
    "header",  "flags",     "time",    "setup",  "start",  "stop",     "finish",      "flush",   "reset",
    "error",   "error",     "config",  "parse",  "number", "number",   "usage",       "props",   "length",
    "name",    "dump",      "print",   "max",    "num",    "shutdown", "end",         "begin",   "duration",
    "buffer",  "timestamp", "pts",     "is",     "has",    "set",      "configure",   "load",    "save",
    "help",    "uninit",    "prepare", "seek",   "side",   "cleanup",  "reconfigure", "pool",    "option",
    "options", "metadata",  "width",   "height", NULL};

bool ta_name_of_frame(const char *name)
{
    char words[8][24];
    int count = split(name, words, 8);
    return has_any(words, count, verbs) && has_any(words, count, things) && !has_any(words, count, making);
}

bool ta_name_of_work(const char *name)
{
    char words[8][24];
    int count = split(name, words, 8);
    return has_any(words, count, works) && !has_any(words, count, making);
}

bool ta_name_of_setup(const char *name)
{
    char words[8][24];
    int count = split(name, words, 8);
    return has_any(words, count, making);
}

bool ta_text_has_word(const char *text, const char *word)
{
    size_t n = strlen(word);
    if (!n)
        return false;
    for (const char *p = strstr(text, word); p; p = strstr(p + 1, word)) {
        bool before = p > text && (isalnum((unsigned char)p[-1]) || p[-1] == '_');
        if (!before && !isalnum((unsigned char)p[n]) && p[n] != '_')
            return true;
    }
    return false;
}
