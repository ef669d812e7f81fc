// All problems that have a code of their own: identifier, code, severity, what it means (docs/json.md has the
// same list). A new one goes to its group. A code that has been released never changes its meaning; one that
// is no longer told stays in docs/json.md as such.
#ifndef TA_BASE_PROBLEM_LIST_H
#define TA_BASE_PROBLEM_LIST_H

// clang-format off
#define TA_PROBLEM_LIST(X) \
    /* options */ \
    X(OPTION_WITHOUT_EFFECT, "option-without-effect", WARNING, \
      "an option changes nothing with the others as they are") \
    X(OPTION_DEPRECATED, "option-deprecated", WARNING, "an option will go away") \
    X(ENVIRONMENT_IGNORED, "environment-ignored", WARNING, "a TERMINALAI_ variable that is no option") \
    X(TUNING_IGNORED, "tuning-ignored", WARNING, "the tuning file can't be used") \
    /* plan */ \
    X(PLAN_WARNING, "plan-warning", LOSS, "a warning of a plan that was made before warnings had codes") \
    X(STREAM_LEFT_OUT, "stream-left-out", LOSS, "a stream of the source is not in the output") \
    X(COVER_LEFT_OUT, "cover-left-out", WARNING, "a cover that is no picture is not in the output") \
    X(TRANSPARENCY_DROPPED, "transparency-dropped", LOSS, "the output has no alpha channel") \
    X(FILM_SUSPECTED, "film-suspected", WARNING, "the source is film in video, and the plan keeps the video's rate") \
    X(FIELDS_WOVEN, "fields-woven", WARNING, "the preset leaves interlaced pictures interlaced") \
    X(RATE_HIGH, "rate-high", WARNING, "the output has more bits a second than players take") \
    X(TAKES_LONG, "takes-long", WARNING, "it takes longer than a day on this machine") \
    X(FIELDS_MIXED, "fields-mixed", WARNING, "a stage mixes the fields of interlaced pictures") \
    X(FIELDS_SCALED, "fields-scaled", WARNING, "interlaced pictures are scaled field by field") \
    X(DEBLOCK_GRID, "deblock-grid", WARNING, "cropping moves the grid of blocks that deblocking expects") \
    X(HDR_TAGS_LOST, "hdr-tags-lost", WARNING, "the container has no place for the tags of HDR") \
    /* source */ \
    X(FILE_DAMAGED, "file-damaged", LOSS, "parts of the source can't be read; it goes on behind them") \
    X(FILE_SHORT, "file-short", LOSS, "the source is cut off, or holds less than it says") \
    X(START_LEFT_OUT, "start-left-out", LOSS, "more than a second at the start can't be decoded") \
    /* pictures */ \
    X(FRAMES_CONCEALED, "frames-concealed", LOSS, "frames that can't be decoded show a neighbour") \
    X(FRAMES_DAMAGED, "frames-damaged", LOSS, "frames decode with errors") \
    X(PICTURES_CONVERTED, "pictures-converted", WARNING, \
      "pictures change size or format within the source") \
    X(TIMES_LOST, "times-lost", LOSS, "the container has a constant frame rate, the pictures have not") \
    X(ROTATION_LOST, "rotation-lost", LOSS, "the rotation of the pictures can't be written") \
    /* sound and subtitles */ \
    X(SOUND_UNDECODABLE, "sound-undecodable", LOSS, "pieces of sound can't be decoded and are silent") \
    X(SOUND_MISSING, "sound-missing", LOSS, "a sound stream of the source gives no sound") \
    X(SOUND_OUT_OF_SYNC, "sound-out-of-sync", LOSS, "sound does not start where the source has it") \
    X(SOUND_CLOCK_BACK, "sound-clock-back", WARNING, \
      "timestamps of sound go back; it goes on where it was") \
    X(PEAKS_OVER, "peaks-over", WARNING, "a track's true peaks go over the ceiling once it is encoded") \
    X(LOUDNESS_MISSED, "loudness-missed", WARNING, "a track stays quieter or louder than was asked for") \
    X(LOUDNESS_UNKNOWN, "loudness-unknown", WARNING, \
      "a track is silent or too short for a loudness; it stays as it is") \
    X(STREAMS_CUT, "streams-cut", LOSS, "the rest of sound and subtitles can't be read") \
    X(PACKETS_REFUSED, "packets-refused", LOSS, \
      "packets that the container does not take are left out") \
    X(STREAMS_APART, "streams-apart", WARNING, "streams lie far apart in the file, which takes memory") \
    X(SUBTITLES_UNDECODABLE, "subtitles-undecodable", LOSS, "subtitles can't be decoded and are left out") \
    /* work folder and disk */ \
    X(SPACE_SHORT, "space-short", WARNING, "the disk may be too small for the run") \
    X(WORK_REMADE, "work-remade", WARNING, "finished work is not as it was left and is made again") \
    X(JOURNAL_GARBLED, "journal-garbled", WARNING, \
      "lines of the journal are cut short or garbled and ignored") \
    X(WORK_FOREIGN, "work-foreign", WARNING, \
      "what lies in the work folder is of another plan and is ignored") \
    X(PLAN_REWRITTEN, "plan-rewritten", WARNING, "plan.json was missing or garbled and is written anew") \
    X(INDEX_REWRITTEN, "index-rewritten", WARNING, "index.bin was missing or garbled and is written anew") \
    X(WORK_NOT_REMOVED, "work-not-removed", WARNING, "the work folder can't be removed") \
    /* simulate */ \
    X(DV_FIELD_ORDER, "dv-field-order", WARNING, "DV calls every frame bottom field first") \
    /* failures that have more to say than their kind */ \
    X(SOURCE_ENCRYPTED, "source-encrypted", ERROR, "the source is encrypted")
// clang-format on

#endif
