/* Restore one file from the newest set that is whole, the day of need: one_file SHARE PFX FILE > COPY.
 * The password is in AZS_PFX_PASSWORD. */
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
        status = azs_set_restore_stream(set, opener, file, print, NULL, stdout, NULL, error);
    }
    azs_set_free(set);
    return status;
}

/* From the newest set to the oldest: what is damaged or does not have the file is passed over. */
static azs_status search(azs_share *share, azs_opener *opener, const char *file, azs_error **error) {
    azs_sets *sets;
    azs_status status = azs_share_list_sets(share, "contoso.com/nyc", "Switches", &sets, error);
    bool is_found = status != AZS_STATUS_OK;
    for (size_t left = azs_sets_count(sets); left > 0 && !is_found; left--) {
        char *set = NULL, *state = NULL, *folder = NULL;
        azs_error *failure = NULL;
        if ((status = azs_sets_item(sets, left - 1, &set, &failure)) == AZS_STATUS_OK &&
            (status = azs_json_text(set, "/state", &state, &failure)) == AZS_STATUS_OK &&
            (status = azs_json_text(set, "/folder", &folder, &failure)) == AZS_STATUS_OK && strcmp(state, "complete") == 0) {
            status = restore(share, folder, opener, file, &failure);
            is_found = status != AZS_STATUS_DAMAGED && status != AZS_STATUS_NOT_FOUND;
            if (status == AZS_STATUS_OK) {
                fprintf(stderr, "%s from %s\n", file, folder);
            } else if (!is_found) {
                fprintf(stderr, "%s: %s: %s\n", folder, azs_error_code(failure), azs_error_message(failure));
            }
        }
        /* The last failure is that of the search. */
        if (status != AZS_STATUS_OK || is_found) {
            azs_error_free(*error);
            *error = failure;
        }
        azs_string_free(set);
        azs_string_free(state);
        azs_string_free(folder);
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
