#include "media/alone.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <libavutil/avstring.h>

#include "base/mem.h"
#include "media/av.h"

bool ta_is_playlist(const AVInputFormat *f)
{
    // Those of scripts and streams run or listen to what they are told; "ffmetadata" holds no stream.
    static const char *const names[] = {
        "hls",    "applehttp",          "dash",       "concat",   "sdp",         "imf",  "rtsp", "rtp",
        "vobsub", "webm_dash_manifest", "ffmetadata", "avisynth", "vapoursynth", "lavfi"};
    for (size_t i = 0; i < TA_COUNT(names); i++)
        if (av_match_name(names[i], f->name))
            return true;
    return false;
}

static int refuse(AVFormatContext *fmt, AVIOContext **pb, const char *url, int flags, AVDictionary **options)
{
    (void)flags;
    (void)options;
    *pb = NULL;
    av_log(fmt, AV_LOG_ERROR, "it refers to another file, %s, which is not opened\n", url);
    return AVERROR(EACCES);
}

bool ta_keep_alone(AVFormatContext *fmt)
{
    ta_av_listen();
    fmt->io_open = refuse;
    // Some demuxers open a second one by themselves, which inherits this list and nothing else (VobSub). No
    // protocol is on it.
    av_freep(&fmt->protocol_whitelist);
    fmt->protocol_whitelist = av_strdup("none");
    return fmt->protocol_whitelist != NULL;
}

int ta_open_alone(AVFormatContext **out, const char *path)
{
    *out = NULL;
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) // a pipe would wait for a writer
        return AVERROR(S_ISDIR(st.st_mode) ? EISDIR : EINVAL);
    AVFormatContext *fmt = avformat_alloc_context();
    if (!fmt || !ta_keep_alone(fmt)) {
        avformat_free_context(fmt);
        return AVERROR(ENOMEM);
    }
    char *url = ta_xprintf("file:%s", path); // a name such as "a:b.mp4" is no protocol
    AVIOContext *pb = NULL;
    int ret = avio_open(&pb, url, AVIO_FLAG_READ);
    free(url);
    const AVInputFormat *demuxer = NULL;
    if (ret >= 0)
        ret = av_probe_input_buffer2(pb, &demuxer, path, NULL, 0, 0);
    if (ret >= 0 && ta_is_playlist(demuxer))
        ret = AVERROR_INVALIDDATA;
    if (ret < 0) {
        avformat_free_context(fmt);
        avio_closep(&pb);
        return ret;
    }
    fmt->pb = pb;
    ret = avformat_open_input(&fmt, path, demuxer, NULL); // frees the context on failure, not what it reads
    if (ret < 0) {
        avio_closep(&pb);
        return ret;
    }
    *out = fmt;
    ret = avformat_find_stream_info(fmt, NULL);
    if (ret < 0)
        ta_close_alone(out);
    return ret;
}

void ta_close_alone(AVFormatContext **fmt)
{
    if (!*fmt)
        return;
    AVIOContext *pb = (*fmt)->pb;
    avformat_close_input(fmt); // leaves the pb of a context that it didn't open itself
    avio_closep(&pb);
}
