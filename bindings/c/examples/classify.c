/* Classify what went wrong: an NTSTATUS (0x...), a Win32 code, alert JSON, or whatever a tool printed.
 *
 *     mount -t cifs //fs.contoso.com/AzSBackups /mnt 2>&1 | classify
 *     classify 0xC000006D
 */
#include <azs_backup.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static azs_status classify(const char *said, azs_classification **found, azs_error **error) {
    size_t length = strlen(said);
    if (strncmp(said, "0x", 2) == 0) {
        return azs_classify_ntstatus((uint32_t)strtoul(said, NULL, 16), NULL, found, error);
    }
    if (length > 0 && strspn(said, "0123456789") == length) {
        return azs_classify_win32((uint32_t)strtoul(said, NULL, 10), NULL, found, error);
    }
    if (said[0] == '{' || said[0] == '[') {
        return azs_classify_json((const uint8_t *)said, length, NULL, found, error);
    }
    return azs_classify_text((const uint8_t *)said, length, NULL, found, error);
}

int main(int count, char **arguments) {
    static char text[1 << 16];
    azs_error *error = NULL;
    azs_classification *found;
    char *remedy = NULL;
    if (count > 1) {
        snprintf(text, sizeof text, "%s", arguments[1]);
    } else {
        text[fread(text, 1, sizeof text - 1, stdin)] = '\0';
    }
    if (classify(text, &found, &error) == AZS_STATUS_OK &&
        azs_classification_remedy(found, "{\"id\": \"1\", \"share\": \"\\\\\\\\fs.contoso.com\\\\AzSBackups\"}", &remedy, &error) ==
            AZS_STATUS_OK) {
        printf("%s (%s)\n%s\n", azs_alert_kind_code((int)azs_classification_kind(found)),
               azs_alert_kind_code((int)azs_classification_documented_kind(found)), remedy);
    } else {
        fprintf(stderr, "%s: %s\n", azs_error_code(error), azs_error_message(error));
    }
    azs_string_free(remedy);
    azs_classification_free(found);
    azs_status status = azs_error_status(error);
    azs_error_free(error);
    return status == AZS_STATUS_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
