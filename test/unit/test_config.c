#include "tools/sys/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/harness.h"

struct settings {
    char folder[16];
    uint64_t blocks;
    bool loud;
    char level[8];
    char peers[32];
    char name[16];
};

static const struct config_key keys[] = {
    CONFIG_TEXT_KEY(struct settings, folder, "node", "folder", "data", "where data lies"),
    CONFIG_NUMBER_KEY(struct settings, blocks, "node", "blocks", "8", 1, 64, "blocks in flight"),
    CONFIG_BOOL_KEY(struct settings, loud, "log", "loud", "no", "say more"),
    CONFIG_CHOICE_KEY(struct settings, level, "log", "level", "info", "info warn",
                      "the least that is said"),
    CONFIG_LINES_KEY(struct settings, peers, "net", "peer", "", "another node"),
    CONFIG_TEXT_KEY(struct settings, name, "net", "name", NULL, "how this node is called"),
};
static const struct config_table table = {keys, sizeof(keys) / sizeof(keys[0])};

static char path[64];
static struct settings settings;
static struct fault fault;

static enum err read_text(const char *text)
{
    strcpy(path, "/tmp/tenure-test-config-XXXXXX");
    int descriptor = mkstemp(path);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(write(descriptor, text, strlen(text)), (int)strlen(text));
    close(descriptor);
    enum err err = config_read(&settings, &table, path, &fault);
    unlink(path);
    return err;
}

/* The sentence behind the path. */
static const char *sentence(void)
{
    ck_assert_mem_eq(fault.text, path, strlen(path));
    return fault.text + strlen(path);
}

START_TEST(defaults_stand_where_the_file_is_silent)
{
    ck_assert_int_eq(read_text("[net]\nname = a ; a comment\n"), ERR_NONE);
    ck_assert_str_eq(settings.folder, "data");
    ck_assert_uint_eq(settings.blocks, 8);
    ck_assert(!settings.loud);
    ck_assert_str_eq(settings.level, "info");
    ck_assert_str_eq(settings.peers, "");
    ck_assert_str_eq(settings.name, "a");
}
END_TEST

START_TEST(values_and_lines_are_taken)
{
    ck_assert_int_eq(
        read_text("# all\n[node]\nfolder = x y\nblocks = 64\n[log]\nloud = yes\nlevel = warn\n"
                  "[net]\nname = b\npeer = one\npeer = two\n"),
        ERR_NONE);
    ck_assert_str_eq(settings.folder, "x y");
    ck_assert_uint_eq(settings.blocks, 64);
    ck_assert(settings.loud);
    ck_assert_str_eq(settings.level, "warn");
    ck_assert_str_eq(settings.peers, "one\ntwo\n");
}
END_TEST

START_TEST(every_mistake_names_its_line)
{
    ck_assert_int_eq(read_text("[net]\nname = a\ncolour = red\n"), ERR_USAGE);
    ck_assert_str_eq(sentence(), ":3: unknown key \"colour\" in section [net]");
    ck_assert_int_eq(read_text("[node]\nblocks = 65\n"), ERR_USAGE);
    ck_assert_str_eq(sentence(), ":2: node.blocks = \"65\": is out of range (1 to 64)");
    ck_assert_int_eq(read_text("[node]\nblocks = -1\n"), ERR_USAGE);
    ck_assert_str_eq(sentence(), ":2: node.blocks = \"-1\": is not a whole number (1 to 64)");
    ck_assert_int_eq(read_text("[node]\nblocks = 99999999999999999999\n"), ERR_USAGE);
    ck_assert_str_eq(sentence(),
                     ":2: node.blocks = \"99999999999999999999\": is not a whole number (1 to 64)");
    ck_assert_int_eq(read_text("\n\n[log]\nloud = true\n"), ERR_USAGE);
    ck_assert_str_eq(sentence(), ":4: log.loud = \"true\": is neither yes nor no");
    ck_assert_int_eq(read_text("[log]\nlevel = inf\n"), ERR_USAGE);
    ck_assert_str_eq(sentence(), ":2: log.level = \"inf\": is none of the choices");
    ck_assert_int_eq(read_text("[node]\nfolder = 0123456789012345\n"), ERR_USAGE);
    ck_assert_str_eq(sentence(), ":2: node.folder = \"0123456789012345\": is too long");
    ck_assert_int_eq(read_text("[node]\nfolder = a\nfolder = b\n"), ERR_USAGE);
    ck_assert_str_eq(sentence(), ":3: node.folder = \"b\": is given twice");
    ck_assert_int_eq(read_text("[net]\nname = a\nnonsense\n"), ERR_USAGE);
    ck_assert_str_eq(sentence(), ":3: is neither [section], key = value nor a comment");
    ck_assert_int_eq(read_text("[net]\npeer = 0123456789\npeer = 0123456789\npeer = 0123456789\n"),
                     ERR_USAGE);
    ck_assert_str_eq(sentence(), ":4: net.peer = \"0123456789\": is one line too many");
    ck_assert_int_eq(read_text("[node]\n"), ERR_USAGE);
    ck_assert_str_eq(sentence(), ": net.name must be given: how this node is called");
    char longer[300];
    snprintf(longer, sizeof(longer), "[net]\nname = %0220d\n", 0);
    ck_assert_int_eq(read_text(longer), ERR_USAGE);
    ck_assert_str_eq(sentence(), ":2: the line is longer than 198 characters");
}
END_TEST

START_TEST(a_missing_file_is_named)
{
    ck_assert_int_eq(config_read(&settings, &table, "/none/x.ini", &fault), ERR_NOT_FOUND);
    ck_assert_str_eq(fault.text, "configuration file /none/x.ini: No such file or directory");
}
END_TEST

START_TEST(the_sample_reads_as_the_defaults)
{
    struct text sample;
    text_init(&sample, 4096);
    config_print(&sample, &table, NULL);
    ck_assert_str_eq(text_string(&sample),
                     "[node]\n# where data lies\nfolder = data\n# blocks in flight (1 to 64)\n"
                     "blocks = 8\n\n[log]\n# say more (yes or no)\nloud = no\n"
                     "# the least that is said (one of: info warn)\nlevel = info\n\n[net]\n"
                     "# another node (may be repeated)\n# peer =\n"
                     "# how this node is called\n# name =\n");
    text_release(&sample);
}
END_TEST

START_TEST(printed_settings_read_back)
{
    struct text printed;
    ck_assert_int_eq(
        read_text(
            "[node]\nblocks = 9\n[log]\nloud = yes\n[net]\nname = b\npeer = one\npeer = two\n"),
        ERR_NONE);
    struct settings before = settings;
    text_init(&printed, 4096);
    config_print(&printed, &table, &settings);
    ck_assert_int_eq(read_text(text_string(&printed)), ERR_NONE);
    ck_assert_uint_eq(settings.blocks, before.blocks);
    ck_assert(settings.loud);
    ck_assert_str_eq(settings.peers, "one\ntwo\n");
    ck_assert_str_eq(settings.name, "b");
    text_release(&printed);
}
END_TEST

HARNESS_MAIN("config", defaults_stand_where_the_file_is_silent, values_and_lines_are_taken,
             every_mistake_names_its_line, a_missing_file_is_named,
             the_sample_reads_as_the_defaults, printed_settings_read_back)
