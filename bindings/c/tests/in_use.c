/* Handles that are used, or freed, while a call is at work with them: by the functions that it calls, and by another thread.
 * in_use VECTORS FOLDER. */
#include "check.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

static azs_error *error = NULL;
static azs_share *share = NULL;
static azs_encryption_certificate *cer = NULL;

/* What a function of ours is called about, and what it has done so far. */
struct at_work {
    azs_backup *backup;
    size_t left;
    int progress, asked;
    bool frees;
    int started[2], go_on[2];
};

/* Nothing is done with a backup that is in use, and nothing is undone. */
static void every_call_is_refused(azs_backup *backup) {
    char *text;
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_backup_add_bytes(backup, "b", (const uint8_t *)"x", 1, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_backup_add(backup, "/etc/hostname", NULL, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_backup_add_file(backup, "/etc/hostname", NULL, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_backup_add_folder(backup, "/etc", NULL, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_backup_add_problem(backup, "b", "no answer", &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_backup_commit(backup, NULL, &error));
    /* Its name does not change. */
    OK(azs_backup_set(backup, &text, &error));
    azs_string_free(text);
}

static bool progress(const azs_progress *so_far, void *user_data) {
    struct at_work *at = (struct at_work *)user_data;
    CHECK(so_far != NULL);
    if (at->backup != NULL && !at->frees) {
        every_call_is_refused(at->backup);
        at->progress++;
    }
    return true;
}

static int64_t give(uint8_t *buffer, size_t length, void *user_data) {
    struct at_work *at = (struct at_work *)user_data;
    if (at->asked++ == 0 && at->frees) {
        azs_backup_free(at->backup);
    } else if (!at->frees) {
        every_call_is_refused(at->backup);
        FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_backup_add_reader(at->backup, "b", give, at, &error));
        nanosleep(&(struct timespec){0, 5000000}, NULL);
    }
    if (at->left == 0 || at->progress > 2) {
        return 0;
    }
    size_t count = length < at->left ? length : at->left;
    memset(buffer, 'x', count);
    at->left -= count;
    return (int64_t)count;
}

static azs_backup *begin(void *user_data) {
    azs_backup_builder *builder;
    azs_backup *backup;
    OK(azs_backup_builder_new(share, "contoso.com/nyc/HLH", &builder, &error));
    OK(azs_backup_builder_certificate(builder, cer, &error));
    OK(azs_backup_builder_progress(builder, progress, user_data, &error));
    OK(azs_backup_start(builder, &backup, &error));
    azs_backup_builder_free(builder);
    return backup;
}

static int count_sets(void) {
    azs_sets *sets;
    char *json;
    OK(azs_share_list_sets(share, "contoso.com/nyc", "HLH", 0, NULL, 0, &sets, &error));
    OK(azs_sets_json(sets, &json, &error));
    cJSON *all = parsed(json);
    int count = cJSON_GetArraySize(all);
    cJSON_Delete(all);
    azs_sets_free(sets);
    return count;
}

/* Another thread: it waits in the function that reads, until it may go on. */
static int64_t wait_and_end(uint8_t *buffer, size_t length, void *user_data) {
    struct at_work *at = (struct at_work *)user_data;
    char byte = 0;
    CHECK(buffer != NULL && length > 0);
    CHECK(write(at->started[1], &byte, 1) == 1 && read(at->go_on[0], &byte, 1) == 1);
    return 0;
}

static void *add(void *user_data) {
    struct at_work *at = (struct at_work *)user_data;
    azs_error *own = NULL;
    CHECK(azs_backup_add_reader(at->backup, "a", wait_and_end, at, &own) == AZS_STATUS_OK && own == NULL);
    return NULL;
}

static void from_another_thread(bool frees) {
    struct at_work at = {0};
    char byte = 0;
    pthread_t thread;
    CHECK(pipe(at.started) == 0 && pipe(at.go_on) == 0);
    at.backup = begin(&at);
    CHECK(pthread_create(&thread, NULL, add, &at) == 0 && read(at.started[0], &byte, 1) == 1);
    every_call_is_refused(at.backup);
    if (frees) {
        azs_backup_free(at.backup);
    }
    CHECK(write(at.go_on[1], &byte, 1) == 1 && pthread_join(thread, NULL) == 0);
    if (!frees) {
        OK(azs_backup_commit(at.backup, NULL, &error));
        azs_backup_free(at.backup);
    }
    for (int i = 0; i < 2; i++) {
        close(at.started[i]);
        close(at.go_on[i]);
    }
}

/* A gate, whose source changes it and then frees it. */
struct gated {
    azs_gate *gate;
    azs_schedule *schedule;
};

static const char *changes_the_gate(void *user_data) {
    struct gated *at = (struct gated *)user_data;
    char *json;
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_gate_ignore(at->gate, "fru", &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_gate_source(at->gate, changes_the_gate, at, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_gate_holds(at->gate, &json, &error));
    if (at->schedule != NULL) {
        azs_schedule_free(at->schedule);
        azs_gate_free(at->gate);
    }
    return "[]";
}

/* Handles that are freed by the functions of a call that reads them. */
struct freed {
    azs_set *set;
    azs_opener *opener;
    azs_sealer *sealer;
    azs_retention_plan *plan;
    azs_share *share;
    const uint8_t *in;
    size_t left, taken;
    uint8_t *out;
};

static void free_all(struct freed *at) {
    azs_set_free(at->set);
    azs_opener_free(at->opener);
    azs_sealer_free(at->sealer);
    azs_retention_plan_free(at->plan);
    azs_share_free(at->share);
    at->set = NULL;
    at->opener = NULL;
    at->sealer = NULL;
    at->plan = NULL;
    at->share = NULL;
}

static int64_t read_and_free(uint8_t *buffer, size_t length, void *user_data) {
    struct freed *at = (struct freed *)user_data;
    free_all(at);
    size_t count = length < at->left ? length : at->left;
    memcpy(buffer, at->in, count);
    at->in += count;
    at->left -= count;
    return (int64_t)count;
}

static int64_t write_and_free(const uint8_t *bytes, size_t length, void *user_data) {
    struct freed *at = (struct freed *)user_data;
    free_all(at);
    if (at->out != NULL) {
        memcpy(at->out + at->taken, bytes, length);
    }
    at->taken += length;
    return (int64_t)length;
}

static bool free_and_go_on(const azs_progress *so_far, void *user_data) {
    CHECK(so_far != NULL);
    free_all((struct freed *)user_data);
    return true;
}

static bool free_before_deletion(const char *deletion, void *user_data) {
    CHECK(deletion[0] == '{');
    free_all((struct freed *)user_data);
    return true;
}

int main(int count, char **arguments) {
    CHECK(count == 3);
    char *cer_path = join(arguments[1], "envelope/rsa2048.cer"), *pfx_path = join(arguments[1], "envelope/rsa2048.pfx");
    char *json;
    OK(azs_encryption_certificate_load(cer_path, &cer, &error));
    OK(azs_folder_share_open(arguments[2], "cached", &share, &error));

    /* Functions of ours that use the backup which calls them: it goes on as if they had not. */
    struct at_work at = {0};
    at.left = (size_t)1 << 30;
    at.backup = begin(&at);
    OK(azs_backup_add_reader(at.backup, "a", give, &at, &error));
    CHECK(at.progress > 2);
    char *report;
    OK(azs_backup_commit(at.backup, &report, &error));
    cJSON *facts = parsed(report);
    CHECK(number_of(cJSON_GetObjectItem(facts, "content"), "files") == 1);
    char *folder = strdup(text_of(facts, "folder"));
    cJSON_Delete(facts);
    azs_backup_free(at.backup);
    CHECK(count_sets() == 1);

    /* Freed by the function that reads: it is abandoned when that call returns. */
    struct at_work freeing = {.left = 10, .frees = true};
    freeing.backup = begin(&freeing);
    OK(azs_backup_add_reader(freeing.backup, "a", give, &freeing, &error));
    CHECK(freeing.asked > 0 && count_sets() == 1);

    /* The same from another thread. */
    from_another_thread(false);
    CHECK(count_sets() == 2);
    from_another_thread(true);
    CHECK(count_sets() == 2);

    /* A gate. */
    struct gated gated = {0};
    OK(azs_gate_new(&gated.gate, &error));
    OK(azs_gate_source(gated.gate, changes_the_gate, &gated, &error));
    OK(azs_gate_holds(gated.gate, &json, &error));
    azs_string_free(json);
    OK(azs_schedule_new(NULL, &gated.schedule, &error));
    OK(azs_gate_scheduled(gated.gate, gated.schedule, NULL, &json, &error));
    CHECK(strstr(json, "run") != NULL);
    azs_string_free(json);

    /* What only is read may be freed by the call's own functions. */
    azs_decryption_certificate *pfx;
    azs_retention_policy *policy;
    azs_sets *sets;
    uint8_t sealed[4096], opened[16];
    OK(azs_decryption_certificate_load(pfx_path, "correct horse", &pfx, &error));
    const azs_encryption_certificate *cers[] = {cer};
    const azs_decryption_certificate *pfxs[] = {pfx};
    struct freed with = {.in = (const uint8_t *)"vlan 7", .left = 6, .out = sealed};
    OK(azs_sealer_new(cers, 1, &with.sealer, &error));
    OK(azs_sealer_seal_stream(with.sealer, read_and_free, write_and_free, &with, &error));
    struct freed back = {.in = sealed, .left = with.taken, .out = opened};
    OK(azs_opener_new(pfxs, 1, &back.opener, &error));
    OK(azs_opener_open_stream(back.opener, read_and_free, write_and_free, &back, &error));
    CHECK(back.taken == 6 && memcmp(opened, "vlan 7", 6) == 0);
    struct freed one = {0};
    OK(azs_set_open(share, folder, &one.set, &error));
    OK(azs_opener_new(pfxs, 1, &one.opener, &error));
    OK(azs_set_restore_stream(one.set, one.opener, "a", NULL, 0, write_and_free, NULL, &one, NULL, &error));
    CHECK(one.taken > 0);
    struct freed verified = {0};
    OK(azs_set_open(share, folder, &verified.set, &error));
    OK(azs_opener_new(pfxs, 1, &verified.opener, &error));
    OK(azs_set_verify_full(verified.set, verified.opener, NULL, 0, free_and_go_on, &verified, &json, &error));
    azs_string_free(json);
    free_all(&verified);
    struct freed deleting = {0};
    OK(azs_retention_policy_new("{\"keep_last\": 1, \"shrunken_below\": 0}", &policy, &error));
    OK(azs_share_list_sets(share, "contoso.com/nyc", "HLH", 0, NULL, 0, &sets, &error));
    OK(azs_retention_policy_plan(policy, sets, NULL, &deleting.plan, &error));
    azs_sets_free(sets);
    OK(azs_folder_share_open(arguments[2], "cached", &deleting.share, &error));
    OK(azs_retention_plan_apply(deleting.plan, deleting.share, free_before_deletion, &deleting, &json, &error));
    azs_string_free(json);
    CHECK(deleting.plan == NULL && count_sets() == 1);

    azs_retention_policy_free(policy);
    azs_decryption_certificate_free(pfx);
    azs_encryption_certificate_free(cer);
    azs_share_free(share);
    free(folder);
    free(pfx_path);
    free(cer_path);
    return EXIT_SUCCESS;
}
