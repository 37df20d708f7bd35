/* One turn of a nightly job: due? may it run? back up, raise an alert if need be, delete what is old.
 *
 *     nightly SHARE CER STATE SOURCE...
 *
 * The gate reads operations.json in the folder STATE, which a script writes that has a token of the admin API. */
#include <azs_backup.h>
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *place = "contoso.com/nyc/HLH";

static char *in_folder(const char *folder, const char *name) {
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = (char *)malloc(size);
    if (path == NULL) {
        abort();
    }
    snprintf(path, size, "%s/%s", folder, name);
    return path;
}

/* A copy of a text in JSON; NULL where it is null or missing. */
static char *text_of(const char *json, const char *name) {
    cJSON *value = cJSON_Parse(json);
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(value, name));
    char *copy = text != NULL ? strdup(text) : NULL;
    cJSON_Delete(value);
    return copy;
}

static azs_status delete_old(azs_share *share, azs_error **error) {
    azs_sets *sets = NULL;
    azs_retention_policy *policy = NULL;
    azs_retention_plan *plan = NULL;
    char *report = NULL;
    azs_status status;
    if ((status = azs_retention_policy_new("{\"keep_days\": 7, \"keep_monthly\": 12}", &policy, error)) == AZS_STATUS_OK &&
        (status = azs_share_list_sets(share, "contoso.com/nyc", "HLH", &sets, error)) == AZS_STATUS_OK &&
        (status = azs_retention_policy_plan(policy, sets, NULL, &plan, error)) == AZS_STATUS_OK) {
        status = azs_retention_plan_apply(plan, share, NULL, NULL, &report, error);
    }
    azs_string_free(report);
    azs_retention_plan_free(plan);
    azs_retention_policy_free(policy);
    azs_sets_free(sets);
    return status;
}

static azs_status back_up(char **arguments, char **report, azs_error **error) {
    azs_share *share = NULL;
    azs_encryption_certificate *certificate = NULL;
    azs_backup_builder *builder = NULL;
    azs_backup *backup = NULL;
    azs_status status;
    if ((status = azs_folder_share_open(arguments[1], NULL, &share, error)) == AZS_STATUS_OK &&
        (status = azs_encryption_certificate_load(arguments[2], &certificate, error)) == AZS_STATUS_OK &&
        (status = azs_backup_builder_new(share, place, &builder, error)) == AZS_STATUS_OK &&
        (status = azs_backup_builder_certificate(builder, certificate, error)) == AZS_STATUS_OK &&
        (status = azs_backup_builder_state(builder, arguments[3], error)) == AZS_STATUS_OK &&
        (status = azs_backup_builder_source_problems(builder, "report", error)) == AZS_STATUS_OK) {
        status = azs_backup_start(builder, &backup, error);
    }
    for (char **source = arguments + 4; status == AZS_STATUS_OK && *source != NULL; source++) {
        status = azs_backup_add(backup, *source, NULL, error);
    }
    if (status == AZS_STATUS_OK && (status = azs_backup_commit(backup, report, error)) == AZS_STATUS_OK) {
        status = delete_old(share, error);
    }
    azs_backup_free(backup);
    azs_backup_builder_free(builder);
    azs_encryption_certificate_free(certificate);
    azs_share_free(share);
    return status;
}

/* Writes the alert of a failure to alert.json, and its code and line for people to stderr. */
static void raise_alert(const char *state, const azs_error *failure) {
    char *path = in_folder(state, "alert.json"), *alert = NULL;
    if (azs_classification_alert(azs_error_alert(failure), "{\"id\": \"nightly\", \"operation\": \"backup\"}", &alert, NULL) ==
        AZS_STATUS_OK) {
        FILE *file = fopen(path, "w");
        if (file != NULL) {
            fputs(alert, file);
            fclose(file);
        }
    }
    fprintf(stderr, "%s: %s\n", azs_error_code(failure), azs_error_message(failure));
    azs_string_free(alert);
    free(path);
}

/* The job that runs: its record, the backup, its record again. */
static azs_status run(const char *id, const char *log, char **arguments, azs_error **error) {
    char *job = NULL, *report = NULL, *ended = NULL, *word = NULL;
    azs_error *failure = NULL;
    azs_status status = azs_job_start(id, "scheduled", place, NULL, &job, error);
    if (status == AZS_STATUS_OK) {
        status = azs_job_log_append(log, job, error);
    }
    if (status == AZS_STATUS_OK) {
        if (back_up(arguments, &report, &failure) != AZS_STATUS_OK) {
            raise_alert(arguments[3], failure);
        }
        word = failure != NULL ? strdup("Failed") : text_of(report, "status");
        status = azs_job_end(job, word, report, failure, NULL, &ended, error);
    }
    if (status == AZS_STATUS_OK) {
        status = azs_job_log_append(log, ended, error);
    }
    if (status == AZS_STATUS_OK && failure == NULL) {
        puts(report);
    }
    if (status == AZS_STATUS_OK) {
        status = azs_error_status(failure);
    }
    free(word);
    azs_string_free(job);
    azs_string_free(report);
    azs_string_free(ended);
    azs_error_free(failure);
    return status;
}

static azs_status turn(char **arguments, azs_error **error) {
    azs_schedule *schedule = NULL;
    azs_gate *gate = NULL;
    char *log = in_folder(arguments[3], "jobs.jsonl"), *operations = in_folder(arguments[3], "operations.json");
    char *jobs = NULL, *last = NULL, *next = NULL, *at = NULL, *decision = NULL, *word = NULL, *skipped = NULL;
    char id[64];
    time_t now = time(NULL);
    strftime(id, sizeof id, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));

    azs_status status;
    if ((status = azs_schedule_new("{\"frequency_hours\": 12, \"jitter_seconds\": 1800, \"host\": \"hlh01\"}", &schedule,
                                   error)) == AZS_STATUS_OK &&
        (status = azs_gate_new(&gate, error)) == AZS_STATUS_OK &&
        (status = azs_gate_file(gate, operations, error)) == AZS_STATUS_OK &&
        (status = azs_job_log_read(log, NULL, &jobs, error)) == AZS_STATUS_OK) {
        last = text_of(jobs, "last_scheduled");
        status = azs_schedule_next_run(schedule, last, id, &next, error);
    }
    if (status == AZS_STATUS_OK) {
        at = text_of(next, "at");
        /* Times of one form compare as text. */
        if (strcmp(at, id) > 0) {
            printf("next at %s\n", at);
        } else if ((status = azs_gate_scheduled(gate, schedule, NULL, &decision, error)) == AZS_STATUS_OK) {
            word = text_of(decision, "decision");
            if (strcmp(word, "run") == 0) {
                status = run(id, log, arguments, error);
            } else if ((status = azs_job_skip(id, decision, NULL, &skipped, error)) == AZS_STATUS_OK) {
                puts(skipped);
                status = azs_job_log_append(log, skipped, error);
            }
        }
    }
    char *texts[] = {last, at, word, log, operations};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        free(texts[i]);
    }
    azs_string_free(jobs);
    azs_string_free(next);
    azs_string_free(decision);
    azs_string_free(skipped);
    azs_gate_free(gate);
    azs_schedule_free(schedule);
    return status;
}

int main(int count, char **arguments) {
    azs_error *error = NULL;
    if (count < 5) {
        fputs("nightly SHARE CER STATE SOURCE...\n", stderr);
        return EXIT_FAILURE;
    }
    azs_status status = turn(arguments, &error);
    if (error != NULL) {
        fprintf(stderr, "%s: %s\n", azs_error_code(error), azs_error_message(error));
        azs_error_free(error);
    }
    return status == AZS_STATUS_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
