/* Restore one file from the newest set that is whole, the day of need: one_file SHARE PFX FILE > COPY.
 * The password is in AZS_PFX_PASSWORD. */
#include <azs_backup.h>
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t print(const uint8_t *bytes, size_t length, void *user_data) {
    size_t written = fwrite(bytes, 1, length, (FILE *)user_data);
    return written > 0 ? (int64_t)written : -EIO;
}

static azs_status restore(azs_share *share, const char *folder, azs_opener *opener, const char *file, azs_error **error) {
    azs_set *set;
    azs_status status = azs_set_open(share, folder, &set, error);
    if (status == AZS_STATUS_OK) {
        status = azs_set_restore_stream(set, opener, file, print, NULL, stdout, NULL, error);
    }
    azs_set_free(set);
    return status;
}

/* From the newest set to the oldest: what is damaged or does not have the file is passed over. */
static azs_status search(azs_share *share, azs_opener *opener, const char *file, azs_error **error) {
    azs_sets *sets;
    char *json = NULL;
    azs_status status = azs_share_list_sets(share, "contoso.com/nyc", "Switches", &sets, error);
    if (status == AZS_STATUS_OK) {
        status = azs_sets_json(sets, &json, error);
    }
    cJSON *all = cJSON_Parse(json != NULL ? json : "[]");
    for (int i = cJSON_GetArraySize(all) - 1; i >= 0; i--) {
        const cJSON *set = cJSON_GetArrayItem(all, i);
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(set, "name"));
        if (strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(set, "state")), "complete") != 0) {
            continue;
        }
        azs_error_free(*error);
        status = restore(share, cJSON_GetStringValue(cJSON_GetObjectItem(set, "folder")), opener, file, error);
        if (status == AZS_STATUS_OK) {
            fprintf(stderr, "%s from %s\n", file, name);
        }
        if (status != AZS_STATUS_DAMAGED && status != AZS_STATUS_NOT_FOUND) {
            break;
        }
        fprintf(stderr, "%s: %s: %s\n", name, azs_error_code(*error), azs_error_message(*error));
    }
    cJSON_Delete(all);
    azs_string_free(json);
    azs_sets_free(sets);
    return status;
}

int main(int count, char **arguments) {
    azs_error *error = NULL;
    azs_decryption_certificate *pfx = NULL;
    azs_opener *opener = NULL;
    azs_share *share = NULL;
    if (count != 4) {
        fputs("one_file SHARE PFX FILE\n", stderr);
        return EXIT_FAILURE;
    }
    if (azs_decryption_certificate_load(arguments[2], getenv("AZS_PFX_PASSWORD"), &pfx, &error) == AZS_STATUS_OK &&
        azs_opener_new((const azs_decryption_certificate *const *)&pfx, 1, &opener, &error) == AZS_STATUS_OK &&
        azs_folder_share_open(arguments[1], NULL, &share, &error) == AZS_STATUS_OK) {
        search(share, opener, arguments[3], &error);
    }
    if (error != NULL) {
        fprintf(stderr, "%s: %s\n", azs_error_code(error), azs_error_message(error));
    }
    azs_share_free(share);
    azs_opener_free(opener);
    azs_decryption_certificate_free(pfx);
    azs_status status = azs_error_status(error);
    azs_error_free(error);
    return status == AZS_STATUS_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
