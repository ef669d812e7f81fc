// terminalai audio: the sound alone. Of films the pictures are copied as they are.
#include "cli/cmd_restore.h"
#include "cli/command.h"

static enum ta_exit run_audio(struct ta_cli *cli)
{
    if (ta_options_set(cli->options, TA_LAYER_CALLER, "pictures", "copy", "the command audio") < 0)
        return TA_EXIT_FAILED;
    return ta_command_restore.run(cli);
}

static const struct ta_example audio_examples[] = {
    {"terminalai audio tape.wav --audio-enhance auto", "mends what is heard to be wrong: tape.restored.wav"},
    {"terminalai audio talk.mp3 -o talk.m4a --audio-enhance voice --loudness web",
     "speech, as loud as the web has it"},
    {"terminalai audio film.mkv -o film.mp4 --loudness broadcast", "a film's sound; its pictures are copied"},
    {"terminalai audio tapes/*.wav -o mended/ --audio-hum auto", "several files, into a folder"},
    {0},
};

static const char *const audio_often[] = {
    "output",      "audio-enhance", "audio-hum", "loudness", "audio-layout",
    "audio-codec", "range",         "overwrite", "dry-run",  NULL};

static const struct ta_command_group audio_groups[] = {{"Files and messages", ta_restore_options, 0}, {0}};

const struct ta_command ta_command_audio = {
    .name = "audio",
    .operands = "INPUT...",
    .summary = "restore sound: of sound files, or of films whose pictures stay as they are",
    .description =
        "Restores the sound of each INPUT. Files without pictures are fine; of films pictures, subtitles and all "
        "else are copied. What is done is said by the options of sound; without any, sound is copied or, where "
        "the output's kind of file does not take it, encoded.\n\nIt is made in pieces of ten minutes and goes on "
        "where it was interrupted, as \"restore\" does, of which it takes all options.",
    .examples = audio_examples,
    .often = audio_often,
    .groups = audio_groups,
    .values_size = TA_RESTORE_VALUES_SIZE,
    .recipe = true,
    .operand_kind = TA_OPERAND_FILE,
    .min_operands = 1,
    .max_operands = -1,
    .run = run_audio,
};
