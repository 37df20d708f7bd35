/* The vectors of options, walked in C: options FOLDER SCRATCH. */
#include "check.h"

#include <sys/stat.h>

static const char *folder, *scratch;

static azs_status back_up(const char *options, azs_share *share, azs_error **error) {
    azs_encryption_certificate *certificate = NULL;
    azs_backup_builder *builder = NULL;
    azs_backup *backup = NULL;
    char *cer = join(folder, "envelope/rsa2048.cer");
    azs_status status;
    (void)((status = azs_encryption_certificate_load(cer, &certificate, error)) == AZS_STATUS_OK &&
        (status = azs_backup_builder_new(share, "contoso.com/nyc/Switches", &builder, error)) == AZS_STATUS_OK &&
        (status = azs_backup_builder_certificate(builder, certificate, error)) == AZS_STATUS_OK &&
        (status = azs_backup_builder_create(builder, true, error)) == AZS_STATUS_OK &&
        (status = azs_backup_builder_options(builder, options, error)) == AZS_STATUS_OK &&
        (status = azs_backup_start(builder, &backup, error)));
    azs_backup_free(backup);
    azs_backup_builder_free(builder);
    azs_encryption_certificate_free(certificate);
    free(cer);
    return status;
}

static azs_status restore(const char *json, const char *target, azs_error **error) {
    azs_decryption_certificate *pfx = NULL;
    azs_opener *opener = NULL;
    azs_share *share = NULL;
    azs_set *set = NULL;
    azs_restore_options *options = NULL;
    char *report = NULL, *key = join(folder, "envelope/rsa2048.pfx"), *root = join(folder, "sets");
    azs_status status;
    (void)((status = azs_decryption_certificate_load(key, "correct horse", &pfx, error)) == AZS_STATUS_OK &&
        (status = azs_opener_new((const azs_decryption_certificate *const *)&pfx, 1, &opener, error)) == AZS_STATUS_OK &&
        (status = azs_folder_share_open(root, NULL, &share, error)) == AZS_STATUS_OK &&
        (status = azs_set_open(share, "whole", &set, error)) == AZS_STATUS_OK &&
        (status = azs_restore_options_from_json(json, &options, error)) == AZS_STATUS_OK &&
        (status = azs_set_restore(set, opener, target, options, NULL, NULL, &report, error)));
    azs_string_free(report);
    azs_restore_options_free(options);
    azs_set_free(set);
    azs_share_free(share);
    azs_opener_free(opener);
    azs_decryption_certificate_free(pfx);
    free(root);
    free(key);
    return status;
}

/* Does with the options what a user would. */
static azs_status take(const char *of, const char *options, azs_share *share, const char *target, azs_error **error) {
    azs_status status = AZS_STATUS_OK;
    char *report = NULL;
    if (same(of, "backup")) {
        return back_up(options, share, error);
    } else if (same(of, "restore")) {
        return restore(options, target, error);
    } else if (same(of, "smb")) {
        azs_share *smb = NULL;
        status = azs_smb_share_connect("\\\\127.0.0.1\\AzSBackups", "CONTOSO\\azsbackup", "not used", options, &smb, error);
        azs_share_free(smb);
    } else if (same(of, "check")) {
        status = azs_share_check(share, "contoso.com/nyc", options, &report, error);
    } else if (same(of, "schedule")) {
        azs_schedule *schedule = NULL;
        status = azs_schedule_new(options, &schedule, error);
        azs_schedule_free(schedule);
    } else if (same(of, "retention")) {
        azs_retention_policy *policy = NULL;
        status = azs_retention_policy_new(options, &policy, error);
        azs_retention_policy_free(policy);
    } else {
        azs_review *review = NULL;
        CHECK(same(of, "review"));
        status = azs_review_new((const uint8_t *)options, strlen(options), share, NULL, 0, NULL, "2026-11-23T02:00:00Z", &review, error);
        azs_review_free(review);
    }
    azs_string_free(report);
    return status;
}

int main(int count, char **arguments) {
    CHECK(count == 3);
    folder = arguments[1];
    scratch = arguments[2];
    char *path = join(folder, "options.json");
    char *text = (char *)slurp(path, NULL);
    cJSON *cases = cJSON_Parse(text);
    CHECK(cases != NULL);
    free(text);
    const cJSON *test;
    int wrong = 0, number = 0;
    cJSON_ArrayForEach(test, cases) {
        char name[32];
        snprintf(name, sizeof name, "options-%d", number++);
        char *root = join(scratch, name), *target = join(root, "new");
        char *options = cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(test, "options"));
        const char *says = text_of(test, "says"), *expected = text_of(test, "error");
        azs_share *share;
        azs_error *error = NULL;
        CHECK(mkdir(root, 0700) == 0);
        OK(azs_folder_share_open(root, NULL, &share, &error));
        azs_status status = take(text_of(test, "of"), options, share, target, &error);
        const char *code = status == AZS_STATUS_OK ? NULL : azs_error_code(error);
        const char *message = status == AZS_STATUS_OK ? "" : azs_error_message(error);
        if (!same(expected, code) || (says != NULL && strstr(message, says) == NULL)) {
            fprintf(stderr, "options: %s: %s: %s\n", text_of(test, "name"), code == NULL ? "no error" : code, message);
            wrong++;
        }
        azs_error_free(error);
        azs_share_free(share);
        cJSON_free(options);
        free(target);
        free(root);
    }
    cJSON_Delete(cases);
    free(path);
    printf("vectors: options %d\n", number);
    return wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
