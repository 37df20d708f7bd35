/* One turn of a nightly job: due? may it run? back up, raise an alert if need be, delete what is old.
 *
 *     nightly SHARE CER STATE SOURCE...
 *
 * The gate reads operations.json in the folder STATE. Let a script with a token of the admin API write it; without it,
 * backups do not wait for updates and repairs. Failures are recorded in alert.json and jobs.jsonl there. */
#include <azs_backup.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static const char *place = "contoso.com/nyc/HLH";

/* When told to end, it removes what it began from the share, and records the job. */
static volatile sig_atomic_t is_told_to_end = 0;

static void told_to_end(int number) {
    (void)number;
    is_told_to_end = 1;
}

static bool go_on(const azs_progress *progress, void *user_data) {
    (void)progress;
    (void)user_data;
    return !is_told_to_end;
}

static char *in_folder(const char *folder, const char *name) {
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = (char *)malloc(size);
    if (path == NULL) {
        abort();
    }
    snprintf(path, size, "%s/%s", folder, name);
    return path;
}

/* Whether a set is what was written: retention takes it for a good one and would delete others for it. */
static azs_status is_whole(azs_share *share, const char *report, bool *whole, azs_error **error) {
    azs_set *set = NULL;
    char *folder = NULL, *found = NULL;
    size_t faults = 0;
    azs_status status;
    if ((status = azs_json_text(report, "/folder", &folder, error)) == AZS_STATUS_OK &&
        (status = azs_set_open(share, folder, &set, error)) == AZS_STATUS_OK &&
        (status = azs_set_verify(set, NULL, 0, NULL, NULL, &found, error)) == AZS_STATUS_OK) {
        status = azs_json_count(found, "/faults", &faults, error);
    }
    *whole = status == AZS_STATUS_OK && faults == 0;
    if (faults > 0) {
        fprintf(stderr, "%s is damaged; no old set is deleted\n", folder);
    }
    azs_set_free(set);
    azs_string_free(folder);
    azs_string_free(found);
    return status;
}

static azs_status delete_old(const char *root, const char *newest, azs_error **error) {
    azs_share *share = NULL;
    bool may_delete = false;
    azs_sets *sets = NULL;
    azs_retention_policy *policy = NULL;
    azs_retention_plan *plan = NULL;
    char *report = NULL;
    azs_status status;
    if ((status = azs_folder_share_open(root, NULL, &share, error)) == AZS_STATUS_OK &&
        (status = is_whole(share, newest, &may_delete, error)) == AZS_STATUS_OK && may_delete &&
        (status = azs_retention_policy_new("{\"keep_days\": 7, \"keep_monthly\": 12}", &policy, error)) == AZS_STATUS_OK &&
        (status = azs_share_list_sets(share, "contoso.com/nyc", "HLH", 0, NULL, 0, &sets, error)) == AZS_STATUS_OK &&
        (status = azs_retention_policy_plan(policy, sets, NULL, &plan, error)) == AZS_STATUS_OK) {
        status = azs_retention_plan_apply(plan, share, NULL, NULL, &report, error);
    }
    azs_string_free(report);
    azs_retention_plan_free(plan);
    azs_retention_policy_free(policy);
    azs_sets_free(sets);
    azs_share_free(share);
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
        (status = azs_backup_builder_source_problems(builder, "report", error)) == AZS_STATUS_OK &&
        (status = azs_backup_builder_progress(builder, go_on, NULL, error)) == AZS_STATUS_OK) {
        status = azs_backup_start(builder, &backup, error);
    }
    for (char **source = arguments + 4; status == AZS_STATUS_OK && *source != NULL; source++) {
        status = azs_backup_add(backup, *source, NULL, error);
        if (status == AZS_STATUS_SOURCE_UNREADABLE) {
            const char *slash = strrchr(*source, '/');
            azs_error *missing = *error;
            *error = NULL;
            status = azs_backup_add_problem(backup, slash != NULL ? slash + 1 : *source, azs_error_message(missing), error);
            azs_error_free(missing);
        }
    }
    if (status == AZS_STATUS_OK) {
        status = azs_backup_commit(backup, report, error);
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

/* Records the end of a job in the log. */
static azs_status record_end(const char *log, const char *job, const char *report, const azs_error *failure, azs_error **error) {
    char *word = NULL, *ended = NULL;
    azs_status status = failure == NULL ? azs_json_text(report, "/status", &word, error) : AZS_STATUS_OK;
    if (status == AZS_STATUS_OK &&
        (status = azs_job_end(job, failure == NULL ? word : "Failed", report, failure, NULL, &ended, error)) == AZS_STATUS_OK) {
        status = azs_job_log_append(log, ended, error);
    }
    azs_string_free(word);
    azs_string_free(ended);
    return status;
}

/* Does one turn. `is_ended` says that the job's end is in the log, or that there is no job because none was due. */
static azs_status turn(char **arguments, const char *id, const char *log, const char *job, bool *is_ended, azs_error **error) {
    azs_schedule *schedule = NULL;
    azs_gate *gate = NULL;
    char *operations = in_folder(arguments[3], "operations.json"), *report = NULL;
    char *jobs = NULL, *last = NULL, *next = NULL, *at = NULL, *decision = NULL, *word = NULL, *skipped = NULL;
    FILE *there = fopen(operations, "r");

    azs_status status;
    if ((status = azs_schedule_new("{\"frequency_hours\": 12, \"jitter_seconds\": 1800, \"host\": \"hlh01\"}", &schedule,
                                   error)) == AZS_STATUS_OK &&
        (status = azs_gate_new(&gate, error)) == AZS_STATUS_OK &&
        (status = azs_job_log_read(log, NULL, &jobs, error)) == AZS_STATUS_OK &&
        (status = azs_json_text(jobs, "/last_scheduled", &last, error)) == AZS_STATUS_OK) {
        status = azs_schedule_next_run(schedule, last, id, &next, error);
    }
    if (there != NULL) {
        fclose(there);
        status = status == AZS_STATUS_OK ? azs_gate_file(gate, operations, error) : status;
    } else {
        fprintf(stderr, "%s is not there: backups do not wait for updates and repairs\n", operations);
    }
    if (status == AZS_STATUS_OK && (status = azs_json_text(next, "/at", &at, error)) == AZS_STATUS_OK) {
        /* Times of one form compare as text. */
        if (strcmp(at, id) > 0) {
            printf("next at %s\n", at);
            *is_ended = true;
        } else if ((status = azs_gate_scheduled(gate, schedule, NULL, &decision, error)) == AZS_STATUS_OK &&
                   (status = azs_json_text(decision, "/decision", &word, error)) == AZS_STATUS_OK) {
            if (strcmp(word, "run") != 0) {
                if ((status = azs_job_skip(id, decision, NULL, &skipped, error)) == AZS_STATUS_OK) {
                    puts(skipped);
                    status = azs_job_log_append(log, skipped, error);
                    *is_ended = status == AZS_STATUS_OK;
                }
            } else if ((status = azs_job_log_append(log, job, error)) == AZS_STATUS_OK &&
                       (status = back_up(arguments, &report, error)) == AZS_STATUS_OK &&
                       (status = record_end(log, job, report, NULL, error)) == AZS_STATUS_OK) {
                *is_ended = true;
                puts(report);
                status = delete_old(arguments[1], report, error);
            }
        }
    }
    free(operations);
    azs_string_free(last);
    azs_string_free(at);
    azs_string_free(word);
    azs_string_free(report);
    azs_string_free(jobs);
    azs_string_free(next);
    azs_string_free(decision);
    azs_string_free(skipped);
    azs_gate_free(gate);
    azs_schedule_free(schedule);
    return status;
}

int main(int count, char **arguments) {
    azs_error *failure = NULL, *error = NULL;
    char *job = NULL, id[64];
    bool is_ended = false;
    if (count < 5) {
        fputs("nightly SHARE CER STATE SOURCE...\n", stderr);
        return EXIT_FAILURE;
    }
    signal(SIGTERM, told_to_end);
    signal(SIGINT, told_to_end);
    time_t now = time(NULL);
    strftime(id, sizeof id, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
    char *log = in_folder(arguments[3], "jobs.jsonl");
    (void)mkdir(arguments[3], 0700);
    azs_status status = azs_job_start(id, "scheduled", place, NULL, &job, &failure);
    if (status == AZS_STATUS_OK) {
        status = turn(arguments, id, log, job, &is_ended, &failure);
    }
    /* If anything failed: an alert, the job's record, a line for people. */
    if (status != AZS_STATUS_OK) {
        raise_alert(arguments[3], failure);
        if (!is_ended && job != NULL && record_end(log, job, NULL, failure, &error) != AZS_STATUS_OK) {
            fprintf(stderr, "%s: %s\n", azs_error_code(error), azs_error_message(error));
            azs_error_free(error);
        }
        azs_error_free(failure);
    }
    azs_string_free(job);
    free(log);
    return status == AZS_STATUS_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
