/* Answers are read without a JSON library: json VECTORS FOLDER. */
#include "check.h"

static azs_error *error = NULL;

static const char *answer = "{\"set\": \"2026-11-23T02-00-00Z-1\", \"none\": null, \"is_sound\": true, \"half\": 0.5, "
                            "\"stored\": {\"bytes\": 9007199254740993, \"most\": 18446744073709551615}, "
                            "\"faults\": [{\"path\": \"tor1/a~b\", \"code\": \"DAMAGED\"}, {\"path\": {\"base64\": \"/w==\"}}], "
                            "\"labels\": {\"a/b\": \"slash\", \"a~b\": \"tilde\", \"\": \"empty\"}}";

static bool is_text(const char *pointer, const char *wanted) {
    char *text;
    OK(azs_json_text(answer, pointer, &text, &error));
    bool is_same = same(text, wanted);
    azs_string_free(text);
    return is_same;
}

static void texts(void) {
    CHECK(is_text("/set", "2026-11-23T02-00-00Z-1"));
    CHECK(is_text("/none", NULL));
    CHECK(is_text("/faults/0/code", "DAMAGED"));
    CHECK(is_text("/faults/1/path/base64", "/w=="));
    CHECK(is_text("/labels/a~1b", "slash"));
    CHECK(is_text("/labels/a~0b", "tilde"));
    CHECK(is_text("/labels/", "empty"));
    char *text = (char *)"left";
    FAILS(AZS_STATUS_NOT_FOUND, azs_json_text(answer, "/sett", &text, &error));
    CHECK(text == NULL);
    FAILS(AZS_STATUS_NOT_FOUND, azs_json_text(answer, "/faults/2/code", &text, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_json_text(answer, "set", &text, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_json_text(answer, "/is_sound", &text, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_json_text(answer, "/faults/1/path", &text, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_json_text(answer, "/set", NULL, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_json_text("{\"set\": \"a\\u0000b\"}", "/set", &text, &error));
    FAILS(AZS_STATUS_MALFORMED, azs_json_text("{\"set\": ", "/set", &text, &error));
    FAILS(AZS_STATUS_MALFORMED, azs_json_text("", "", &text, &error));
}

static void numbers(void) {
    int64_t number = 7;
    OK(azs_json_number(answer, "/stored/bytes", &number, &error));
    CHECK(number == 9007199254740993);
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_json_number(answer, "/stored/most", &number, &error));
    CHECK(number == 0);
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_json_number(answer, "/half", &number, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_json_number(answer, "/set", &number, &error));
    FAILS(AZS_STATUS_NOT_FOUND, azs_json_number(answer, "/none", &number, &error));
    FAILS(AZS_STATUS_NOT_FOUND, azs_json_number(answer, "/freed", &number, &error));
    bool is_so = false;
    OK(azs_json_bool(answer, "/is_sound", &is_so, &error));
    CHECK(is_so);
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_json_bool(answer, "/set", &is_so, &error));
    CHECK(!is_so);
    size_t count = 7;
    OK(azs_json_count(answer, "/faults", &count, &error));
    CHECK(count == 2);
    OK(azs_json_count("[1, 2, 3]", "", &count, &error));
    CHECK(count == 3);
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_json_count(answer, "/labels", &count, &error));
    CHECK(count == 0);
}

static void parts(void) {
    char *part, *code;
    OK(azs_json_part(answer, "/faults/0", &part, &error));
    OK(azs_json_text(part, "/code", &code, &error));
    CHECK(same(code, "DAMAGED"));
    azs_string_free(code);
    azs_string_free(part);
    FAILS(AZS_STATUS_NOT_FOUND, azs_json_part(answer, "/faults/9", &part, &error));
    CHECK(part == NULL);
}

/* What a service asks of a night: the set's status and size, its folder, what a policy decides, whether it is sound. */
static void answers_of_the_library(const char *vectors, const char *folder) {
    char *path = join(vectors, "envelope/rsa2048.cer"), *report, *text, *item, *json;
    int64_t number;
    size_t count;
    bool is_sound;
    azs_encryption_certificate *cer;
    azs_share *share;
    azs_backup_builder *builder;
    azs_backup *backup;
    azs_sets *sets;
    OK(azs_encryption_certificate_load(path, &cer, &error));
    OK(azs_folder_share_open(folder, NULL, &share, &error));
    OK(azs_backup_builder_new(share, "contoso.com/nyc/Switches", &builder, &error));
    OK(azs_backup_builder_certificate(builder, cer, &error));
    OK(azs_backup_builder_source_problems(builder, "report", &error));
    OK(azs_backup_start(builder, &backup, &error));
    OK(azs_backup_add_bytes(backup, "tor1", (const uint8_t *)"hostname", 8, &error));
    OK(azs_backup_add_problem(backup, "tor2", "no answer", &error));
    OK(azs_backup_commit(backup, &report, &error));
    OK(azs_json_text(report, "/status", &text, &error));
    CHECK(same(text, "PartialSucceeded"));
    azs_string_free(text);
    OK(azs_json_number(report, "/stored/bytes", &number, &error));
    CHECK(number > 0);
    OK(azs_json_count(report, "/problems", &count, &error));
    CHECK(count == 1);
    OK(azs_share_list_sets(share, "contoso.com/nyc", NULL, 0, NULL, 0, &sets, &error));
    CHECK(azs_sets_count(sets) == 1);
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_sets_item(sets, 1, &item, &error));
    OK(azs_sets_item(sets, 0, &item, &error));
    OK(azs_json_text(item, "/folder", &text, &error));
    azs_set *set;
    OK(azs_set_open(share, text, &set, &error));
    azs_string_free(text);
    OK(azs_set_verify(set, NULL, 0, NULL, NULL, &json, &error));
    OK(azs_json_count(json, "/faults", &count, &error));
    CHECK(count == 0);
    azs_string_free(json);
    azs_retention_policy *policy;
    azs_retention_plan *plan;
    OK(azs_retention_policy_new("{\"keep_days\": 7}", &policy, &error));
    OK(azs_retention_policy_plan(policy, sets, NULL, &plan, &error));
    OK(azs_retention_plan_json(plan, &json, &error));
    OK(azs_json_count(json, "/kept", &count, &error));
    CHECK(count == 1);
    azs_string_free(json);
    OK(azs_share_check(share, "contoso.com/nyc", NULL, &json, &error));
    OK(azs_json_bool(json, "/is_sound", &is_sound, &error));
    azs_string_free(json);
    azs_retention_plan_free(plan);
    azs_retention_policy_free(policy);
    azs_set_free(set);
    azs_string_free(item);
    azs_sets_free(sets);
    azs_string_free(report);
    azs_backup_free(backup);
    azs_backup_builder_free(builder);
    azs_share_free(share);
    azs_encryption_certificate_free(cer);
    free(path);
}

int main(int count, char **arguments) {
    CHECK(count == 3);
    texts();
    numbers();
    parts();
    answers_of_the_library(arguments[1], arguments[2]);
    return 0;
}
