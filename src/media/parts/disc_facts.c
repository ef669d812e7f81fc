// What a DVD says of a title's streams.
#include "media/parts/disc.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

// ISO 639-1 (and what older discs have) and the codes of three letters.
static const char languages[] =
    "aa aar ab abk ae ave af afr ak aka am amh an arg ar ara as asm av ava ay aym az aze ba bak be bel bg bul "
    "bi bis bm bam bn ben bo bod br bre bs bos ca cat ce che ch cha co cos cr cre cs ces cu chu cv chv cy cym "
    "da dan de deu dv div dz dzo ee ewe el ell en eng eo epo es spa et est eu eus fa fas ff ful fi fin fj fij "
    "fo fao fr fra fy fry ga gle gd gla gl glg gn grn gu guj gv glv ha hau he heb hi hin ho hmo hr hrv ht hat "
    "hu hun hy hye hz her ia ina id ind ie ile ig ibo ii iii ik ipk in ind io ido is isl it ita iu iku iw heb "
    "ja jpn ji yid jv jav jw jav ka kat kg kon ki kik kj kua kk kaz kl kal km khm kn kan ko kor kr kau ks kas "
    "ku kur kv kom kw cor ky kir la lat lb ltz lg lug li lim ln lin lo lao lt lit lu lub lv lav mg mlg mh mah "
    "mi mri mk mkd ml mal mn mon mo ron mr mar ms msa mt mlt my mya na nau nb nob nd nde ne nep ng ndo nl nld "
    "nn nno no nor nr nbl nv nav ny nya oc oci oj oji om orm or ori os oss pa pan pi pli pl pol ps pus pt por "
    "qu que rm roh rn run ro ron ru rus rw kin sa san sc srd sd snd se sme sg sag sh hbs si sin sk slk sl slv "
    "sm smo sn sna so som sq sqi sr srp ss ssw st sot su sun sv swe sw swa ta tam te tel tg tgk th tha ti tir "
    "tk tuk tl tgl tn tsn to ton tr tur ts tso tt tat tw twi ty tah ug uig uk ukr ur urd uz uzb ve ven vi vie "
    "vo vol wa wln wo wol xh xho yi yid yo yor za zha zh zho zu zul ";

static void set_language(AVStream *st, const struct ta_ifo_stream *s)
{
    char key[] = {s->language[0], s->language[1], ' ', 0}, code[4] = {0};
    const char *at = languages;
    while (*s->language && *at && strncmp(at, key, 3) != 0)
        at += 7;
    if (!*s->language || !*at)
        return;
    memcpy(code, at + 3, 3);
    av_dict_set(&st->metadata, "language", code, 0);
}

// Number of the sound in the program chain; -1: no sound of a DVD.
static int sound_number(const AVStream *st, int *coding)
{
    static const struct {
        int first, last, coding;
    } ids[] = {{0x80, 0x87, 0}, {0x88, 0x8f, 6}, {0xa0, 0xa7, 4}, {0x1c0, 0x1c7, 2}};
    for (size_t i = 0; i < TA_COUNT(ids); i++) {
        if (st->id >= ids[i].first && st->id <= ids[i].last) {
            *coding = ids[i].coding;
            return st->id - ids[i].first;
        }
    }
    return -1;
}

static void describe_sound(const struct ta_title *t, AVStream *st)
{
    int coding = 0, number = sound_number(st, &coding);
    for (int i = 0; i < t->ifo->sound_count && number >= 0; i++) {
        const struct ta_ifo_stream *s = &t->ifo->sounds[i];
        if (t->title->sounds[i] != number || (s->coding == 3 ? 2 : s->coding) != coding)
            continue;
        set_language(st, s);
        if (s->extension == 2)
            st->disposition |= AV_DISPOSITION_VISUAL_IMPAIRED;
        if (s->extension == 3 || s->extension == 4)
            st->disposition |= AV_DISPOSITION_COMMENT;
        return;
    }
}

static void set_palette(const struct ta_title *t, AVStream *st)
{
    if (st->codecpar->extradata_size)
        return;
    struct ta_buf b = {0};
    ta_buf_printf(&b, "size: 720x%d\npalette: ", t->ifo->pal ? 576 : 480);
    for (int i = 0; i < 16; i++)
        ta_buf_printf(&b, "%s%06x", i ? ", " : "", (unsigned)t->title->palette[i]);
    ta_buf_putc(&b, '\n');
    uint8_t *data = av_mallocz(b.size + AV_INPUT_BUFFER_PADDING_SIZE);
    if (data) {
        memcpy(data, ta_buf_text(&b), b.size);
        st->codecpar->extradata = data;
        st->codecpar->extradata_size = (int)b.size;
    }
    ta_buf_release(&b);
}

static void describe_subtitle(const struct ta_title *t, AVStream *st)
{
    if (st->id < 0x20 || st->id > 0x3f)
        return;
    set_palette(t, st);
    for (int i = 0; i < t->ifo->subtitle_count; i++) {
        const struct ta_ifo_stream *s = &t->ifo->subtitles[i];
        if (t->title->subtitles[i] != st->id - 0x20)
            continue;
        set_language(st, s);
        if (s->extension == 9)
            st->disposition |= AV_DISPOSITION_FORCED;
        if (s->extension >= 5 && s->extension <= 7)
            st->disposition |= AV_DISPOSITION_HEARING_IMPAIRED;
        if (s->extension >= 13 && s->extension <= 15)
            st->disposition |= AV_DISPOSITION_COMMENT;
        return;
    }
}

// Players go by what the disc says, whatever stands in the pictures.
static void describe_shape(const struct ta_title *t, AVStream *st)
{
    const AVCodecParameters *p = st->codecpar;
    if (!t->ifo->aspect_num || p->width <= 0 || p->height <= 0)
        return;
    AVRational sar;
    av_reduce(&sar.num, &sar.den, (int64_t)t->ifo->aspect_num * p->height,
              (int64_t)t->ifo->aspect_den * p->width, 1 << 20);
    st->sample_aspect_ratio = sar;
}

void ta_title_describe(const struct ta_title *t, AVFormatContext *fmt, int video)
{
    for (unsigned i = 0; i < fmt->nb_streams; i++) {
        AVStream *st = fmt->streams[i];
        if ((int)i == video)
            describe_shape(t, st);
        else if (st->codecpar->codec_type == AVMEDIA_TYPE_AUDIO)
            describe_sound(t, st);
        else if (st->codecpar->codec_id == AV_CODEC_ID_DVD_SUBTITLE)
            describe_subtitle(t, st);
    }
    const struct ta_ifo_title *title = t->title;
    int64_t start = fmt->start_time != AV_NOPTS_VALUE ? fmt->start_time / 1000 : 0;
    for (int i = 0; i < title->chapter_count && title->chapter_count > 1; i++) {
        int64_t end = i + 1 < title->chapter_count ? title->chapters_ms[i + 1] : title->duration_ms;
        if (end > title->chapters_ms[i])
            ta_av_add_chapter(fmt, (AVRational){1, 1000}, start + title->chapters_ms[i], start + end, NULL);
    }
    // libav's guess is made from the clock, which may jump.
    if (title->duration_ms > 0)
        fmt->duration = title->duration_ms * 1000;
}

// --- encryption ---

enum { PLACES = 64, PACKS = 16 };

// 1: a pack with pictures or sound that is scrambled; 0: one that is not; -1: nothing that tells.
static int is_scrambled(const uint8_t *pack)
{
    if (memcmp(pack, "\0\0\1\xba", 4) != 0 || (pack[4] & 0xc0) != 0x40)
        return -1;
    const uint8_t *pes = pack + 14 + (pack[13] & 7);
    bool coded = !memcmp(pes, "\0\0\1", 3) &&
                 (pes[3] == 0xbd || (pes[3] & 0xf0) == 0xe0 || (pes[3] & 0xe0) == 0xc0);
    return coded && (pes[6] & 0xc0) == 0x80 ? (pes[6] & 0x30) != 0 : -1;
}

bool ta_disc_is_encrypted(AVIOContext *pb)
{
    int64_t sectors = avio_size(pb) / TA_IFO_SECTOR;
    uint8_t pack[TA_IFO_SECTOR];
    int scrambled = 0, plain = 0;
    for (int place = 0; place < PLACES && sectors > 0; place++) {
        int64_t at = sectors * place / PLACES;
        if (avio_seek(pb, at * TA_IFO_SECTOR, SEEK_SET) < 0)
            break;
        for (int i = 0; i < PACKS && at + i < sectors; i++) {
            if (avio_read(pb, pack, sizeof(pack)) != (int)sizeof(pack))
                break;
            int s = is_scrambled(pack);
            scrambled += s == 1;
            plain += s == 0;
        }
    }
    // A damaged pack or two are none.
    return scrambled >= 4 && scrambled * 20 >= plain;
}
