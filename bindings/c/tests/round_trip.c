/* One backup from beginning to end, and all that can be done with it: round_trip VECTORS FOLDER. */
#include "check.h"

#include <errno.h>
#include <sys/stat.h>

static azs_error *error = NULL;

/* A reader that gives `left` bytes, in pieces of at most 1000. */
struct source {
    size_t left;
    bool fails;
};

static int64_t give(uint8_t *buffer, size_t length, void *user_data) {
    struct source *source = (struct source *)user_data;
    if (source->fails) {
        return -EIO;
    }
    size_t count = source->left < length ? source->left : length;
    count = count < 1000 ? count : 1000;
    memset(buffer, 'x', count);
    source->left -= count;
    return (int64_t)count;
}

/* A pair of memory streams. */
struct pipe {
    const uint8_t *in;
    size_t in_left;
    uint8_t out[4096];
    size_t out_length;
};

static int64_t pipe_read(uint8_t *buffer, size_t length, void *user_data) {
    struct pipe *pipe = (struct pipe *)user_data;
    size_t count = pipe->in_left < length ? pipe->in_left : length;
    if (count > 0) {
        memcpy(buffer, pipe->in, count);
        pipe->in += count;
    }
    pipe->in_left -= count;
    return (int64_t)count;
}

static int64_t pipe_write(const uint8_t *bytes, size_t length, void *user_data) {
    struct pipe *pipe = (struct pipe *)user_data;
    size_t count = length < 100 ? length : 100;
    if (pipe->out_length + count > sizeof pipe->out) {
        return -ENOSPC;
    }
    memcpy(pipe->out + pipe->out_length, bytes, count);
    pipe->out_length += count;
    return (int64_t)count;
}

static bool count_calls(const azs_progress *progress, void *user_data) {
    CHECK(progress->bytes < 1u << 30);
    ++*(int *)user_data;
    return true;
}

static bool stop(const azs_progress *progress, void *user_data) {
    (void)progress;
    ++*(int *)user_data;
    return false;
}

static bool go_on(const char *deletion, void *user_data) {
    CHECK(strstr(deletion, "\"reason\"") != NULL);
    ++*(int *)user_data;
    return true;
}

static azs_backup *begin(azs_share *share, azs_encryption_certificate *cer, azs_progress_fn progress, int *calls) {
    azs_backup_builder *builder;
    azs_backup *backup;
    OK(azs_backup_builder_new(share, "contoso.com/nyc/Switches", &builder, &error));
    OK(azs_backup_builder_certificate(builder, cer, &error));
    OK(azs_backup_builder_label(builder, "vendor", "Contoso", &error));
    OK(azs_backup_builder_exclude(builder, "*.tmp", &error));
    OK(azs_backup_builder_source_problems(builder, "report", &error));
    OK(azs_backup_builder_shrunken_sources(builder, "warn", &error));
    OK(azs_backup_builder_one_file_system(builder, true, &error));
    OK(azs_backup_builder_create(builder, true, &error));
    OK(azs_backup_builder_recheck(builder, 1, &error));
    OK(azs_backup_builder_renew_after_days(builder, 30, &error));
    OK(azs_backup_builder_allow_expired_certificates(builder, false, &error));
    OK(azs_backup_builder_reread_everything(builder, true, &error));
    OK(azs_backup_builder_distrust(builder, "nothing.tar.zst.p7m", &error));
    OK(azs_backup_builder_level(builder, 1, &error));
    OK(azs_backup_builder_workers(builder, 2, &error));
    OK(azs_backup_builder_segment_size(builder, 4u << 20, &error));
    OK(azs_backup_builder_progress(builder, progress, calls, &error));
    OK(azs_backup_start(builder, &backup, &error));
    azs_backup *second;
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_backup_start(builder, &second, &error));
    CHECK(second == NULL);
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_backup_builder_level(builder, 1, &error));
    azs_backup_builder_free(builder);
    return backup;
}

static void write_file(const char *path, const char *text) {
    FILE *file = fopen(path, "wb");
    CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

static int count_sets(azs_share *share, azs_sets **kept) {
    azs_sets *sets;
    OK(azs_share_list_sets(share, "contoso.com/nyc", "Switches", 0, NULL, 0, &sets, &error));
    int count = (int)azs_sets_count(sets);
    if (kept != NULL) {
        *kept = sets;
    } else {
        azs_sets_free(sets);
    }
    return count;
}

/* One run of a job that remembers the last: what its report says of reuse. */
static cJSON *night(azs_share *share, azs_encryption_certificate *cer, const char *state, const char *tree) {
    azs_backup_builder *builder;
    azs_backup *backup;
    char *report;
    OK(azs_backup_builder_new(share, "contoso.com/nyc/HLH", &builder, &error));
    OK(azs_backup_builder_certificate(builder, cer, &error));
    OK(azs_backup_builder_state(builder, state, &error));
    OK(azs_backup_start(builder, &backup, &error));
    azs_backup_builder_free(builder);
    OK(azs_backup_add_folder(backup, tree, NULL, &error));
    OK(azs_backup_commit(backup, &report, &error));
    azs_backup_free(backup);
    cJSON *facts = parsed(report), *reuse = cJSON_DetachItemFromObjectCaseSensitive(facts, "reuse");
    CHECK(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(facts, "warnings")) == 0);
    cJSON_Delete(facts);
    return reuse;
}

int main(int argument_count, char **arguments) {
    CHECK(argument_count == 3);
    const char *folder = arguments[2];
    char *cer_path = join(arguments[1], "envelope/rsa2048.cer"), *pfx_path = join(arguments[1], "envelope/rsa2048.pfx");

    /* Certificates. */
    azs_encryption_certificate *cer, *half;
    azs_decryption_certificate *pfx;
    azs_bytes *der;
    OK(azs_encryption_certificate_load(cer_path, &cer, &error));
    FAILS(AZS_STATUS_WRONG_PASSWORD, azs_decryption_certificate_load(pfx_path, "wrong", &pfx, &error));
    CHECK(pfx == NULL);
    OK(azs_decryption_certificate_load(pfx_path, "correct horse", &pfx, &error));
    OK(azs_decryption_certificate_encryption_certificate(pfx, &half, &error));
    OK(azs_encryption_certificate_to_der(half, &der, &error));
    size_t length;
    unsigned char *file = slurp(cer_path, &length);
    CHECK(azs_bytes_length(der) == length && memcmp(azs_bytes_data(der), file, length) == 0);
    free(file);
    azs_bytes_free(der);
    OK(azs_encryption_certificate_check_validity(half, NULL, &error));

    /* Seal and open: bytes, streams, files. */
    const azs_encryption_certificate *recipients[] = {cer, half};
    const azs_decryption_certificate *keys[] = {pfx};
    azs_sealer *sealer;
    azs_opener *opener;
    azs_bytes *message, *content;
    char *json;
    OK(azs_sealer_new(recipients, 2, &sealer, &error));
    OK(azs_opener_new(keys, 1, &opener, &error));
    azs_encryption_certificate_free(half);
    azs_decryption_certificate_free(pfx);
    OK(azs_sealer_seal(sealer, (const uint8_t *)"vlan 7", 6, &message, &error));
    OK(azs_message_recipients(azs_bytes_data(message), azs_bytes_length(message), &json, &error));
    cJSON *facts = parsed(json);
    CHECK(cJSON_GetArraySize(facts) == 1);
    cJSON_Delete(facts);
    OK(azs_opener_open(opener, azs_bytes_data(message), azs_bytes_length(message), &content, &error));
    CHECK(azs_bytes_length(content) == 6 && memcmp(azs_bytes_data(content), "vlan 7", 6) == 0);
    azs_bytes_free(content);
    FAILS(AZS_STATUS_MALFORMED, azs_opener_open(opener, azs_bytes_data(message), 20, &content, &error));
    azs_bytes_free(message);
    struct pipe sealing = {(const uint8_t *)"vlan 8", 6, {0}, 0};
    OK(azs_sealer_seal_stream(sealer, pipe_read, pipe_write, &sealing, &error));
    struct pipe opening = {sealing.out, sealing.out_length, {0}, 0};
    OK(azs_opener_open_stream(opener, pipe_read, pipe_write, &opening, &error));
    CHECK(opening.out_length == 6 && memcmp(opening.out, "vlan 8", 6) == 0);
    char *plain = join(folder, "plain"), *sealed = join(folder, "sealed"), *opened = join(folder, "opened");
    write_file(plain, "vlan 9");
    OK(azs_sealer_seal_file(sealer, plain, sealed, &error));
    FAILS(AZS_STATUS_ALREADY_EXISTS, azs_sealer_seal_file(sealer, plain, sealed, &error));
    OK(azs_opener_open_file(opener, sealed, opened, &error));
    char *text = (char *)slurp(opened, NULL);
    CHECK(same(text, "vlan 9"));
    free(text);
    OK(azs_opener_certificates(opener, &json, &error));
    CHECK(strstr(json, "D3AB9A06BC57A907046EE2C6497ACBDD36082512") != NULL);
    azs_string_free(json);

    /* A backup of a file, a folder, bytes and a reader. */
    char *root = join(folder, "share"), *tree = join(folder, "tree"), *in_tree = join(tree, "a"), *left_out = join(tree, "b.tmp");
    CHECK(mkdir(root, 0700) == 0 && mkdir(tree, 0700) == 0);
    write_file(in_tree, "in the tree");
    write_file(left_out, "left out");
    azs_share *share;
    OK(azs_folder_share_open(root, "cached", &share, &error));
    OK(azs_share_describe(share, &text, &error));
    CHECK(strstr(text, root) != NULL);
    azs_string_free(text);
    OK(azs_share_space(share, &json, &error));
    facts = parsed(json);
    CHECK(number_of(facts, "total") >= number_of(facts, "free") && number_of(facts, "total") > 0);
    cJSON_Delete(facts);
    azs_sets *none;
    OK(azs_share_list_sets(share, "contoso.com/nyc", NULL, 0, NULL, 0, &none, &error));
    CHECK(azs_sets_count(none) == 0);
    OK(azs_sets_unreadable(none, &json, &error));
    CHECK(strcmp(json, "[]") == 0);
    azs_string_free(json);
    azs_sets_free(none);

    int calls = 0;
    azs_backup *backup = begin(share, cer, count_calls, &calls);
    struct source source = {3u << 20, false}, failing = {10, true};
    char *set_name;
    OK(azs_backup_set(backup, &set_name, &error));
    OK(azs_backup_add(backup, plain, NULL, &error));
    OK(azs_backup_add_file(backup, plain, "tor1/running-config", &error));
    OK(azs_backup_add_folder(backup, tree, NULL, &error));
    OK(azs_backup_add_bytes(backup, "tor2/running-config", (const uint8_t *)"hostname tor-2\n", 15, &error));
    OK(azs_backup_add_bytes(backup, "empty", NULL, 0, &error));
    OK(azs_backup_add_reader(backup, "large", give, &source, &error));
    OK(azs_backup_add_reader(backup, "failing", give, &failing, &error));
    OK(azs_backup_add_problem(backup, "tor3/running-config", "no answer", &error));
    char *report;
    OK(azs_backup_commit(backup, &report, &error));
    facts = parsed(report);
    CHECK(same(text_of(facts, "set"), set_name) && same(text_of(facts, "status"), "PartialSucceeded"));
    const cJSON *problems = cJSON_GetObjectItem(facts, "problems");
    CHECK(cJSON_GetArraySize(problems) == 2 && same(text_of(cJSON_GetArrayItem(problems, 1), "path"), "tor3/running-config"));
    CHECK(strstr(text_of(cJSON_GetArrayItem(problems, 1), "message"), "no answer") != NULL);
    cJSON_Delete(facts);
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_backup_commit(backup, NULL, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_backup_add(backup, plain, NULL, &error));
    azs_backup_free(backup);

    /* What could not be added ends the backup, even if the caller goes on. */
    backup = begin(share, cer, NULL, NULL);
    OK(azs_backup_add_bytes(backup, "empty", NULL, 0, &error));
    FAILS(AZS_STATUS_ALREADY_EXISTS, azs_backup_add_problem(backup, "empty", "no answer", &error));
    FAILS(AZS_STATUS_ALREADY_EXISTS, azs_backup_commit(backup, NULL, &error));
    azs_backup_free(backup);

    /* One that is not committed, and one that is stopped, leave nothing. */
    backup = begin(share, cer, NULL, NULL);
    OK(azs_backup_add(backup, plain, NULL, &error));
    azs_backup_free(backup);
    int stops = 0;
    backup = begin(share, cer, stop, &stops);
    source.left = (size_t)1 << 30;
    FAILS(AZS_STATUS_CANCELLED, azs_backup_add_reader(backup, "endless", give, &source, &error));
    CHECK(stops == 1);
    azs_backup_free(backup);
    azs_sets *sets;
    CHECK(count_sets(share, &sets) == 1);
    OK(azs_sets_json(sets, &json, &error));
    facts = parsed(json);
    char *set_folder = strdup(text_of(cJSON_GetArrayItem(facts, 0), "folder"));
    CHECK(same(text_of(cJSON_GetArrayItem(facts, 0), "state"), "complete"));
    cJSON_Delete(facts);

    /* The set: what it holds, verified, restored. */
    OK(azs_place_set_folder("contoso.com/nyc/Switches", set_name, &json, &error));
    facts = parsed(json);
    CHECK(same(text_of(facts, "text"), set_folder));
    cJSON_Delete(facts);
    azs_set *set;
    OK(azs_set_open(share, set_folder, &set, &error));
    OK(azs_set_folder(set, &text, &error));
    CHECK(same(text, set_folder));
    azs_string_free(text);
    OK(azs_set_cover(set, &json, &error));
    facts = parsed(json);
    CHECK(same(text_of(cJSON_GetObjectItemCaseSensitive(facts, "labels"), "vendor"), "Contoso"));
    cJSON_Delete(facts);
    OK(azs_set_verify(set, NULL, 0, count_calls, &calls, &json, &error));
    facts = parsed(json);
    CHECK(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(facts, "faults")) == 0);
    cJSON_Delete(facts);
    OK(azs_set_verify_full(set, opener, NULL, 0, NULL, NULL, &json, &error));
    facts = parsed(json);
    CHECK((int)number_of(facts, "files") == 6 && cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(facts, "losses")) == 0);
    cJSON_Delete(facts);
    azs_entries *entries;
    int files = 0;
    OK(azs_set_entries(set, opener, &entries, &error));
    for (;;) {
        OK(azs_entries_next(entries, &json, &error));
        if (json == NULL) {
            break;
        }
        facts = parsed(json);
        files += !same(text_of(facts, "kind"), "folder");
        CHECK(!same(text_of(facts, "path"), "tree/b.tmp"));
        cJSON_Delete(facts);
    }
    CHECK(files == 6);
    azs_entries_free(entries);
    OK(azs_set_restore_bytes(set, opener, "tor2/running-config", 0, NULL, 0, &content, &error));
    CHECK(azs_bytes_length(content) == 15 && memcmp(azs_bytes_data(content), "hostname tor-2\n", 15) == 0);
    azs_bytes_free(content);
    FAILS(AZS_STATUS_LIMIT_EXCEEDED, azs_set_restore_bytes(set, opener, "large", 1000, NULL, 0, &content, &error));
    FAILS(AZS_STATUS_NOT_FOUND, azs_set_restore_bytes(set, opener, "missing", 1000, NULL, 0, &content, &error));
    struct pipe restoring = {NULL, 0, {0}, 0};
    OK(azs_set_restore_stream(set, opener, "tree/a", NULL, 0, pipe_write, NULL, &restoring, &json, &error));
    CHECK(restoring.out_length == 11 && memcmp(restoring.out, "in the tree", 11) == 0);
    azs_string_free(json);
    FAILS(AZS_STATUS_OUT_OF_CAPACITY, azs_set_restore_stream(set, opener, "large", NULL, 0, pipe_write, NULL, &restoring, NULL, &error));
    char *target = join(folder, "target");
    azs_restore_options *options;
    OK(azs_restore_options_new(&options, &error));
    OK(azs_restore_options_pattern(options, "tor*/", &error));
    OK(azs_restore_options_existing(options, "refuse", &error));
    OK(azs_restore_options_compare(options, "content", &error));
    OK(azs_restore_options_damage(options, "stop", &error));
    OK(azs_set_restore(set, opener, target, options, count_calls, &calls, &json, &error));
    facts = parsed(json);
    CHECK((int)number_of(facts, "files") == 2);
    cJSON_Delete(facts);
    FAILS(AZS_STATUS_ALREADY_EXISTS, azs_set_restore(set, opener, target, NULL, NULL, NULL, &json, &error));
    azs_restore_options_free(options);
    char *restored = join(target, "tor2/running-config");
    text = (char *)slurp(restored, NULL);
    CHECK(same(text, "hostname tor-2\n"));
    free(text);

    azs_set_free(set);

    /* Retention: with two sets, the older one goes. */
    azs_retention_policy *policy;
    azs_retention_plan *plan;
    backup = begin(share, cer, NULL, NULL);
    OK(azs_backup_add_bytes(backup, "newer", NULL, 0, &error));
    OK(azs_backup_commit(backup, NULL, &error));
    azs_backup_free(backup);
    azs_sets_free(sets);
    CHECK(count_sets(share, &sets) == 2);
    OK(azs_retention_policy_new("{\"keep_last\": 1, \"shrunken_below\": 0}", &policy, &error));
    OK(azs_retention_policy_plan(policy, sets, NULL, &plan, &error));
    int told = 0;
    OK(azs_retention_plan_apply(plan, share, go_on, &told, &json, &error));
    CHECK(told == 1 && strstr(json, "deleted") != NULL);
    azs_string_free(json);
    azs_retention_plan_free(plan);
    azs_retention_policy_free(policy);
    azs_sets_free(sets);
    CHECK(count_sets(share, NULL) == 1);
    FAILS(AZS_STATUS_NOT_FOUND, azs_set_open(share, set_folder, &set, &error));

    /* A second run costs what changed: nothing. */
    char *state = join(folder, "state");
    facts = night(share, cer, state, tree);
    CHECK(text_of(facts, "base") == NULL);
    cJSON_Delete(facts);
    facts = night(share, cer, state, tree);
    CHECK(strstr(text_of(facts, "base"), "contoso.com/nyc/HLH/") != NULL && number_of(facts, "files_kept") > 0);
    CHECK(number_of(cJSON_GetObjectItemCaseSensitive(facts, "linked"), "files") > 0);
    cJSON_Delete(facts);

    /* Jobs and warnings. */
    char *log = join(folder, "jobs.jsonl"), *job, *ended;
    OK(azs_job_start("1", "scheduled", "contoso.com/nyc/Switches", "2026-11-23T02:00:00Z", &job, &error));
    OK(azs_job_log_append(log, job, &error));
    azs_error *failure;
    CHECK(azs_set_open(share, "nowhere", &set, &failure) == AZS_STATUS_NOT_FOUND);
    OK(azs_job_end(job, "Failed", NULL, failure, "2026-11-23T02:01:00Z", &ended, &error));
    CHECK(strstr(ended, "\"alert\":\"PATH\"") != NULL);
    OK(azs_job_log_append(log, ended, &error));
    azs_string_free(job);
    azs_string_free(ended);
    OK(azs_job_log_read(log, NULL, &json, &error));
    facts = parsed(json);
    CHECK(same(text_of(facts, "last_scheduled"), "2026-11-23T02:00:00Z"));
    CHECK(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(facts, "jobs")) == 1);
    cJSON_Delete(facts);
    OK(azs_backup_warnings("2026-11-20T00:00:00Z", NULL, 7, NULL, NULL, NULL, "2026-11-23T02:00:00Z", &json, &error));
    CHECK(strstr(json, "no_recent_backup") != NULL);
    azs_string_free(json);

    /* The alert of a failure, and the review. */
    OK(azs_classification_describe(azs_error_alert(failure), "{\"id\": \"1\", \"share\": \"the share\"}", &text, &error));
    CHECK(strstr(text, "the share") != NULL);
    azs_string_free(text);
    OK(azs_classification_alert(azs_error_alert(failure), "{\"id\": \"1\"}", &json, &error));
    char *alerts;
    OK(azs_alerts_parse((const uint8_t *)json, strlen(json), &alerts, &error));
    azs_string_free(alerts);
    azs_string_free(json);
    azs_classification *classification;
    OK(azs_classify_error(failure, "microsoft-2301", &classification, &error));
    azs_classification_free(classification);
    azs_error_free(failure);
    const char *configuration = "{\"root\": \"\\\\\\\\fs.contoso.com\\\\AzSBackups\", \"deployment\": "
                                "{\"external_domain_name\": \"contoso.com\", \"region\": \"nyc\"}}";
    azs_review *review;
    OK(azs_review_new((const uint8_t *)configuration, strlen(configuration), share, NULL, 0, NULL, NULL, &review, &error));
    OK(azs_review_to_html(review, &text, &error));
    CHECK(strstr(text, "<html") != NULL);
    azs_string_free(text);
    OK(azs_review_to_table(review, &text, &error));
    azs_string_free(text);
    OK(azs_review_json(review, &json, &error));
    cJSON_Delete(parsed(json));
    OK(azs_review_rules(&json, &error));
    cJSON_Delete(parsed(json));
    azs_review_free(review);

    OK(azs_share_check(share, "contoso.com/nyc", "{\"components\": [\"Switches\"]}", &json, &error));
    facts = parsed(json);
    CHECK(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(facts, "is_sound")));
    cJSON_Delete(facts);
    OK(azs_smb_share_check("\\\\127.0.0.1\\a", "CONTOSO\\azsbackup", "swordfish", "{\"port\": 9, \"connect_limit\": 2}",
                           "contoso.com/nyc", NULL, &json, &error));
    CHECK(strstr(json, "\"is_sound\":false") != NULL && strstr(json, "swordfish") == NULL);
    azs_string_free(json);
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_smb_share_facts(share, &json, &error));
    OK(azs_share_space(share, &text, &error));
    OK(azs_retention_policy_new(NULL, &policy, &error));
    azs_retention_policy *roomy;
    OK(azs_retention_policy_make_room_for(policy, 1, text, &roomy, &error));
    azs_retention_policy_free(roomy);
    azs_retention_policy_free(policy);
    azs_string_free(text);

    azs_share_free(share);
    azs_encryption_certificate_free(cer);
    azs_sealer_free(sealer);
    azs_opener_free(opener);
    azs_string_free(set_name);
    char *paths[] = {cer_path, pfx_path, plain, sealed, opened, root, tree, in_tree, left_out, set_folder, target, restored, state, log};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        free(paths[i]);
    }
    return EXIT_SUCCESS;
}
