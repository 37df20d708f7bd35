/* Fetch the configurations of all switches and back them up: switches SHARE CER SWITCH... */
#include <azs_backup.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Fetches the running-config of a switch; returns -1 on failure. Replace this with your own: ssh, a REST call, a file
 * that the switch pushed.
 */
static int fetch(const char *name, char *buffer, size_t size) {
    return snprintf(buffer, size, "hostname %s\n", name);
}

static azs_status back_up(const char *root, const char *cer, char **switches, char **report, azs_error **error) {
    azs_share *share = NULL;
    azs_encryption_certificate *certificate = NULL;
    azs_backup_builder *builder = NULL;
    azs_backup *backup = NULL;
    azs_status status;

    if ((status = azs_folder_share_open(root, NULL, &share, error)) == AZS_STATUS_OK &&
        (status = azs_encryption_certificate_load(cer, &certificate, error)) == AZS_STATUS_OK &&
        (status = azs_backup_builder_new(share, "contoso.com/nyc/Switches", &builder, error)) == AZS_STATUS_OK &&
        (status = azs_backup_builder_certificate(builder, certificate, error)) == AZS_STATUS_OK &&
        (status = azs_backup_builder_label(builder, "vendor", "Contoso", error)) == AZS_STATUS_OK &&
        (status = azs_backup_builder_source_problems(builder, "report", error)) == AZS_STATUS_OK) {
        status = azs_backup_start(builder, &backup, error);
    }
    for (; status == AZS_STATUS_OK && *switches != NULL; switches++) {
        char name[300], config[4096];
        snprintf(name, sizeof name, "%s/running-config", *switches);
        int length = fetch(*switches, config, sizeof config);
        /* A switch that does not answer is named, and makes the set partial. */
        status = length < 0 ? azs_backup_add_problem(backup, name, "no answer", error)
                            : azs_backup_add_bytes(backup, name, (const uint8_t *)config, (size_t)length, error);
    }
    if (status == AZS_STATUS_OK) {
        status = azs_backup_commit(backup, report, error);
    }
    /* A backup that is not committed leaves nothing. */
    azs_backup_free(backup);
    azs_backup_builder_free(builder);
    azs_encryption_certificate_free(certificate);
    azs_share_free(share);
    return status;
}

int main(int count, char **arguments) {
    azs_error *error = NULL;
    char *report = NULL;
    if (count < 4) {
        fputs("switches SHARE CER SWITCH...\n", stderr);
        return EXIT_FAILURE;
    }
    if (back_up(arguments[1], arguments[2], arguments + 3, &report, &error) != AZS_STATUS_OK) {
        fprintf(stderr, "%s: %s\n", azs_error_code(error), azs_error_message(error));
        azs_error_free(error);
        return EXIT_FAILURE;
    }
    puts(report);
    azs_string_free(report);
    return EXIT_SUCCESS;
}
