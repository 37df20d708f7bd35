/* Wrong, missing and huge arguments, functions of the caller that misbehave, closed handles, threads, a fork:
 * bad_input VECTORS FOLDER. What NULL does to each function is tested by a generated program. */
#include "check.h"

#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static azs_error *error = NULL;

static int64_t claims_too_much(uint8_t *buffer, size_t length, void *user_data) {
    (void)buffer;
    (void)user_data;
    return (int64_t)length + 1;
}

static int64_t takes_nothing(const uint8_t *bytes, size_t length, void *user_data) {
    (void)bytes;
    (void)length;
    (void)user_data;
    return 0;
}

static int64_t takes_too_much(const uint8_t *bytes, size_t length, void *user_data) {
    (void)bytes;
    (void)user_data;
    return (int64_t)length + 1;
}

static int64_t fails_by(uint8_t *buffer, size_t length, void *user_data) {
    (void)buffer;
    (void)length;
    return *(int64_t *)user_data;
}

static int64_t one_byte(uint8_t *buffer, size_t length, void *user_data) {
    int *left = (int *)user_data;
    CHECK(length > 0);
    buffer[0] = 'x';
    return (*left)-- > 0 ? 1 : 0;
}

static const char *cannot_tell(void *user_data) {
    (void)user_data;
    return NULL;
}

static const char *tells_half(void *user_data) {
    (void)user_data;
    return "[{\"kind\": \"fru\"";
}

static void *seal_often(void *sealer) {
    azs_error *own = NULL;
    for (int i = 0; i < 200; i++) {
        azs_bytes *message;
        CHECK(azs_sealer_seal((const azs_sealer *)sealer, (const uint8_t *)"x", 1, &message, &own) == AZS_STATUS_OK);
        azs_bytes_free(message);
        char *json;
        CHECK(azs_unc_path_parse("\\\\fs", &json, &own) != AZS_STATUS_OK && own != NULL);
        azs_error_free(own);
    }
    return NULL;
}

int main(int count, char **arguments) {
    CHECK(count == 3);
    char *json, *cer_path = join(arguments[1], "envelope/rsa2048.cer");
    const uint8_t byte = 0;

    /* Text: not UTF-8, a lone surrogate, empty, very long. */
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_name_parse("\xff\xfe", &json, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_unc_path_parse("\\\\fs\\a\xed\xa0\x80", &json, &error));
    FAILS(AZS_STATUS_INVALID_NAME, azs_unc_path_parse("", &json, &error));
    size_t megabyte = 1u << 20;
    char *text = (char *)malloc(megabyte + 1);
    CHECK(text != NULL);
    memset(text, 'a', megabyte);
    text[megabyte] = '\0';
    FAILS(AZS_STATUS_INVALID_NAME, azs_name_parse(text, &json, &error));
    CHECK(!azs_is_mas_backup(text) && !azs_is_mas_backup("\xff") && azs_is_mas_backup("masbackup."));

    /* Numbers: huge lengths, no such kind, times that are none. */
    azs_encryption_certificate *cer;
    azs_classification *class;
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_encryption_certificate_from_cer(&byte, SIZE_MAX, &cer, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_encryption_certificate_from_cer(NULL, 1, &cer, &error));
    FAILS(AZS_STATUS_MALFORMED, azs_encryption_certificate_from_cer((const uint8_t *)text, megabyte, &cer, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_classify_kind(0, &class, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_classify_kind(-7, &class, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_classify_win32(53, "another", &class, &error));
    CHECK(same(azs_status_code(4711), "INTERNAL") && same(azs_status_code(0), "OK") && azs_alert_kind_code(99) == NULL);
    OK(azs_encryption_certificate_load(cer_path, &cer, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_encryption_certificate_check_validity(cer, "yesterday", &error));
    FAILS(AZS_STATUS_CERTIFICATE_EXPIRED, azs_encryption_certificate_check_validity(cer, "2001-01-01T00:00:00Z", &error));
    azs_encryption_certificate_free(cer);
    FAILS(AZS_STATUS_NOT_FOUND, azs_encryption_certificate_load("/no such file", &cer, &error));

    /* What an error concerns, and NULL where that is nothing or not known. */
    CHECK(azs_encryption_certificate_load("/no such file", &cer, &error) == AZS_STATUS_NOT_FOUND);
    CHECK(strcmp(azs_error_path(error), "/no such file") == 0 && strcmp(azs_error_operation(error), "open") == 0);
    CHECK(azs_error_set(error) == NULL && azs_error_alert(error) != NULL);
    azs_error_free(error);
    CHECK(azs_encryption_certificate_load(NULL, &cer, &error) == AZS_STATUS_INVALID_ARGUMENT);
    CHECK(azs_error_path(error) == NULL && azs_error_operation(error) == NULL && azs_error_set(error) == NULL);
    azs_error_free(error);
    error = NULL;
    CHECK(azs_error_path(NULL) == NULL && azs_error_operation(NULL) == NULL && azs_error_set(NULL) == NULL);
    CHECK(cer == NULL);
    OK(azs_encryption_certificate_load(cer_path, &cer, &error));

    /* Handles: none, NULL among them, too many. */
    azs_sealer *sealer;
    azs_opener *opener;
    const azs_encryption_certificate *with_null[] = {cer, NULL};
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_sealer_new(NULL, 0, &sealer, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_sealer_new(NULL, 1, &sealer, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_sealer_new(with_null, 2, &sealer, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_sealer_new(with_null, SIZE_MAX, &sealer, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_opener_new(NULL, 0, &opener, &error));
    OK(azs_sealer_new(with_null, 1, &sealer, &error));
    /* Without a place for the error the status still tells. */
    CHECK(azs_sealer_seal(sealer, NULL, 1, NULL, NULL) == AZS_STATUS_INVALID_ARGUMENT);

    /* Functions that misbehave. */
    int left = 3;
    int64_t returned[] = {INT64_MIN, -1, -EACCES, -99999};
    FAILS(AZS_STATUS_IO, azs_sealer_seal_stream(sealer, claims_too_much, takes_nothing, NULL, &error));
    FAILS(AZS_STATUS_IO, azs_sealer_seal_stream(sealer, one_byte, takes_nothing, &left, &error));
    FAILS(AZS_STATUS_IO, azs_sealer_seal_stream(sealer, one_byte, takes_too_much, &left, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_sealer_seal_stream(sealer, NULL, takes_nothing, NULL, &error));
    for (size_t i = 0; i < sizeof returned / sizeof *returned; i++) {
        CHECK(azs_sealer_seal_stream(sealer, fails_by, takes_nothing, &returned[i], &error) != AZS_STATUS_OK);
        CHECK(i != 2 || azs_error_status(error) == AZS_STATUS_ACCESS_DENIED);
        CHECK(azs_error_cause(error) != NULL);
        azs_error_free(error);
    }
    azs_gate *gate;
    OK(azs_gate_new(&gate, &error));
    FAILS(AZS_STATUS_MALFORMED, azs_gate_document(gate, (const uint8_t *)"{", 1, &error));
    OK(azs_gate_on_demand(gate, NULL, &error));
    OK(azs_gate_source(gate, cannot_tell, NULL, &error));
    FAILS(AZS_STATUS_IO, azs_gate_on_demand(gate, NULL, &error));
    azs_gate_free(gate);
    OK(azs_gate_new(&gate, &error));
    OK(azs_gate_source(gate, tells_half, NULL, &error));
    FAILS(AZS_STATUS_MALFORMED, azs_gate_holds(gate, &json, &error));
    azs_gate_free(gate);
    OK(azs_gate_new(&gate, &error));
    OK(azs_gate_file(gate, "/no such file", &error));
    FAILS(AZS_STATUS_NOT_FOUND, azs_gate_holds(gate, &json, &error));
    azs_gate_free(gate);

    /* Options that are none. */
    azs_schedule *schedule;
    azs_retention_policy *policy;
    azs_restore_options *options;
    azs_share *share;
    azs_backup_builder *builder;
    azs_backup *backup;
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_schedule_new("{\"frequency\": 4}", &schedule, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_schedule_new("{\"frequency_hours\": 99999999999}", &schedule, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_retention_policy_new("{\"keep_last\": -1}", &policy, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_retention_policy_new("half {", &policy, &error));
    /* Of two values one would be lost. */
    for (int twice = 0; twice < 2; twice++) {
        char next_run[200];
        snprintf(next_run, sizeof next_run, "{\"at\": \"2026-11-23T04:00:00Z\", \"due\": \"2026-11-22T04:00:00Z\", \"clock_set_back_by\": 0, \"missed\": 9%s}",
                 twice ? ", \"missed\": 0" : "");
        azs_status status = azs_backup_warnings("2026-11-23T00:00:00Z", NULL, 7, NULL, NULL, next_run, "2026-11-23T02:00:00Z", &json, &error);
        CHECK(status == (twice ? AZS_STATUS_INVALID_ARGUMENT : AZS_STATUS_OK));
        CHECK(twice ? strstr(azs_error_message(error), "given twice") != NULL : strstr(json, "missed") != NULL);
        azs_error_free(error);
        error = NULL;
        azs_string_free(json);
    }
    OK(azs_restore_options_new(&options, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_restore_options_existing(options, "Replace", &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_restore_options_damage(options, NULL, &error));
    azs_restore_options_free(options);
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_folder_share_open(arguments[2], "never", &share, &error));
    FAILS(AZS_STATUS_NOT_FOUND, azs_folder_share_open("/no such folder", NULL, &share, &error));
    FAILS(AZS_STATUS_UNSUPPORTED, azs_share_open("s3://contoso-backups/azs", NULL, NULL, NULL, &share, &error));
    FAILS(AZS_STATUS_INVALID_NAME, azs_smb_share_connect("fs", "CONTOSO\\azsbackup", "secret", NULL, &share, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_smb_share_connect("\\\\fs\\a", "CONTOSO\\azsbackup", "", NULL, &share, &error));
    CHECK(azs_smb_share_connect("\\\\127.0.0.1\\a", "CONTOSO\\azsbackup", "swordfish",
                                "{\"port\": 9, \"attempts\": 1, \"connect_limit\": 2}", &share, &error) != AZS_STATUS_OK);
    CHECK(strstr(azs_error_message(error), "swordfish") == NULL);
    azs_error_free(error);
    OK(azs_folder_share_open(arguments[2], NULL, &share, &error));
    FAILS(AZS_STATUS_RESERVED_PATH, azs_backup_builder_new(share, "contoso.com/nyc/MASBackup", &builder, &error));
    OK(azs_backup_builder_new(share, "contoso.com/nyc/HLH", &builder, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_backup_builder_source_problems(builder, "ignore", &error));
    FAILS(AZS_STATUS_INVALID_NAME, azs_backup_builder_set_name(builder, "now", &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_backup_start(builder, &backup, &error));
    azs_backup_builder_free(builder);
    OK(azs_backup_builder_new(share, "contoso.com/nyc/HLH", &builder, &error));
    OK(azs_backup_builder_certificate(builder, cer, &error));
    OK(azs_backup_builder_level(builder, INT32_MIN, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_backup_start(builder, &backup, &error));
    azs_backup_builder_free(builder);
    OK(azs_backup_builder_new(share, "contoso.com/nyc/HLH", &builder, &error));
    OK(azs_backup_builder_certificate(builder, cer, &error));
    OK(azs_backup_builder_segment_size(builder, SIZE_MAX, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_backup_start(builder, &backup, &error));
    azs_backup_builder_free(builder);
    OK(azs_backup_builder_new(share, "contoso.com/nyc/HLH", &builder, &error));
    OK(azs_backup_builder_certificate(builder, cer, &error));
    OK(azs_backup_start(builder, &backup, &error));
    azs_backup_builder_free(builder);
    const char *outside[] = {"../up", "/root", "a//b", ""};
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        FAILS(AZS_STATUS_INVALID_NAME, azs_backup_add_bytes(backup, outside[i], NULL, 0, &error));
    }
    /* A name that no file system could restore. */
    text[256] = '\0';
    FAILS(AZS_STATUS_INVALID_NAME, azs_backup_add_bytes(backup, text, NULL, 0, &error));
    FAILS(AZS_STATUS_INVALID_NAME, azs_backup_add_problem(backup, text, "no answer", &error));
    azs_backup_free(backup);
    OK(azs_backup_builder_new(share, "contoso.com/nyc/HLH", &builder, &error));
    OK(azs_backup_builder_certificate(builder, cer, &error));
    OK(azs_backup_start(builder, &backup, &error));
    azs_backup_builder_free(builder);
    text[255] = '\0';
    OK(azs_backup_add_bytes(backup, text, NULL, 0, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_backup_add_reader(backup, "x", NULL, NULL, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_backup_add_problem(backup, "x", NULL, &error));
    FAILS(AZS_STATUS_SOURCE_UNREADABLE, azs_backup_add_problem(backup, "y", "no answer", &error));
    FAILS(AZS_STATUS_SOURCE_UNREADABLE, azs_backup_add(backup, "/no such file", NULL, &error));
    azs_backup_free(backup);

    /* A classifier that has finished. */
    azs_text_classifier *classifier;
    OK(azs_text_classifier_new(NULL, &classifier, &error));
    OK(azs_text_classifier_line(classifier, (const uint8_t *)"STATUS_DISK_FULL\xff", 17, &error));
    OK(azs_text_classifier_finish(classifier, &class, &error));
    CHECK(azs_classification_kind(class) == AZS_ALERT_KIND_OUT_OF_CAPACITY);
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_text_classifier_line(classifier, NULL, 0, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_classification_describe(class, "{\"share\": 1}", &json, &error));
    azs_classification_free(class);
    azs_text_classifier_free(classifier);

    /* Several threads, and a forked process. */
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) {
        CHECK(pthread_create(&threads[i], NULL, seal_often, sealer) == 0);
    }
    for (size_t i = 0; i < 4; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    OK(azs_backup_builder_new(share, "contoso.com/nyc/HLH", &builder, &error));
    OK(azs_backup_builder_certificate(builder, cer, &error));
    OK(azs_backup_start(builder, &backup, &error));
    azs_backup_builder_free(builder);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        azs_bytes *message;
        FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_backup_add_bytes(backup, "x", NULL, 0, &error));
        FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_backup_commit(backup, NULL, &error));
        azs_backup_free(backup);
        FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_sealer_seal(sealer, (const uint8_t *)"x", 1, &message, &error));
        /* Another program, so that nobody looks here for what the parent will free. */
        execlp("true", "true", (char *)NULL);
        _exit(1);
    }
    int ended;
    CHECK(waitpid(child, &ended, 0) == child && WIFEXITED(ended) && WEXITSTATUS(ended) == 0);
    /* The child took nothing from its parent. */
    OK(azs_backup_add_bytes(backup, "x", NULL, 0, &error));
    OK(azs_backup_commit(backup, NULL, &error));
    azs_backup_free(backup);

    azs_sealer_free(sealer);
    azs_share_free(share);
    azs_encryption_certificate_free(cer);
    free(text);
    free(cer_path);
    return EXIT_SUCCESS;
}
