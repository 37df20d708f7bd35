/*
 * Restore one file from the newest complete set, on the day you need it: one_file SHARE PFX FILE > COPY. The password
 * is in AZS_PFX_PASSWORD.
 */
#include <azs_backup.h>
#include <errno.h>
#include <stdbool.h>
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
        status = azs_set_restore_stream(set, opener, file, NULL, 0, print, NULL, stdout, NULL, error);
    }
    azs_set_free(set);
    return status;
}

/* Searches from the newest set to the oldest, and skips sets that are not complete, are damaged or lack the file. */
static azs_status search(azs_share *share, azs_opener *opener, const char *file, azs_error **error) {
    azs_sets *sets;
    azs_status status = azs_share_list_sets(share, "contoso.com/nyc", "Switches", 0, NULL, 0, &sets, error);
    bool is_over = status != AZS_STATUS_OK;
    for (size_t left = azs_sets_count(sets); left > 0 && !is_over; left--) {
        char *set = NULL, *state = NULL, *folder = NULL;
        azs_error_free(*error);
        if ((status = azs_sets_item(sets, left - 1, &set, error)) == AZS_STATUS_OK &&
            (status = azs_json_text(set, "/state", &state, error)) == AZS_STATUS_OK &&
            (status = azs_json_text(set, "/folder", &folder, error)) == AZS_STATUS_OK) {
            status = restore(share, folder, opener, file, error);
        }
        bool is_complete = state != NULL && strcmp(state, "complete") == 0;
        bool may_lie_in_another = !is_complete || status == AZS_STATUS_DAMAGED || status == AZS_STATUS_NOT_FOUND;
        is_over = status == AZS_STATUS_OK || folder == NULL || !may_lie_in_another;
        if (status == AZS_STATUS_OK) {
            fprintf(stderr, "%s from %s\n", file, folder);
        } else if (!is_over) {
            fprintf(stderr, "%s, %s: %s: %s\n", folder, state, azs_error_code(*error), azs_error_message(*error));
        }
        azs_string_free(set);
        azs_string_free(state);
        azs_string_free(folder);
    }
    if (azs_sets_count(sets) == 0 && status == AZS_STATUS_OK) {
        fputs("there are no sets\n", stderr);
        status = AZS_STATUS_NOT_FOUND;
    }
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
    azs_status status;
    if ((status = azs_decryption_certificate_load(arguments[2], getenv("AZS_PFX_PASSWORD"), &pfx, &error)) == AZS_STATUS_OK &&
        (status = azs_opener_new((const azs_decryption_certificate *const *)&pfx, 1, &opener, &error)) == AZS_STATUS_OK &&
        (status = azs_folder_share_open(arguments[1], NULL, &share, &error)) == AZS_STATUS_OK) {
        status = search(share, opener, arguments[3], &error);
    }
    if (error != NULL) {
        fprintf(stderr, "%s: %s\n", azs_error_code(error), azs_error_message(error));
    }
    azs_share_free(share);
    azs_opener_free(opener);
    azs_decryption_certificate_free(pfx);
    azs_error_free(error);
    return status == AZS_STATUS_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
