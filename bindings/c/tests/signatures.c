/* Who made a set: the shared vectors of signatures, and signers of a backup: signatures FOLDER SCRATCH. */
#include "check.h"

#include <sys/stat.h>

enum { MOST_SIGNERS = 4, MOST_BYTES = 64 };

static const char *folder, *scratch;

/* The signers that a case demands. */
typedef struct {
    azs_signer_certificate *all[MOST_SIGNERS];
    size_t count;
} demand;

#define SIGNERS(demand) ((demand).count == 0 ? NULL : (const azs_signer_certificate *const *)(demand).all), (demand).count

static char *file_of(const char *name) {
    char *inner = join(folder, "signatures"), *path = join(inner, name);
    free(inner);
    return path;
}

static azs_signer_certificate *signer_certificate(const char *name) {
    azs_error *error = NULL;
    azs_signer_certificate *certificate;
    char *path = file_of(name);
    OK(azs_signer_certificate_load(path, &certificate, &error));
    free(path);
    return certificate;
}

static demand demanded(const cJSON *test) {
    demand made = {.count = 0};
    const cJSON *name;
    cJSON_ArrayForEach(name, cJSON_GetObjectItemCaseSensitive(test, "demand")) {
        CHECK(made.count < MOST_SIGNERS);
        made.all[made.count++] = signer_certificate(cJSON_GetStringValue(name));
    }
    return made;
}

static void release(demand *demand) {
    for (size_t at = 0; at < demand->count; at++) {
        azs_signer_certificate_free(demand->all[at]);
    }
}

/* What a call came to: its result, or the code of its error. */
static cJSON *or_code(azs_status status, azs_error *error, cJSON *value) {
    if (status == AZS_STATUS_OK) {
        return value;
    }
    cJSON_Delete(value);
    cJSON *code = cJSON_CreateString(azs_error_code(error));
    azs_error_free(error);
    return code;
}

static cJSON *member_of(char *json, const char *name) {
    cJSON *all = parsed(json), *member = cJSON_DetachItemFromObjectCaseSensitive(all, name);
    cJSON_Delete(all);
    return member;
}

/* The faults of a report, as pairs of file and kind. */
static cJSON *faults_of(char *report) {
    cJSON *faults = member_of(report, "faults"), *pairs = cJSON_CreateArray();
    const cJSON *fault;
    cJSON_ArrayForEach(fault, faults) {
        const char *pair[] = {text_of(fault, "file"), text_of(fault, "kind")};
        cJSON_AddItemToArray(pairs, cJSON_CreateStringArray(pair, 2));
    }
    cJSON_Delete(faults);
    return pairs;
}

typedef struct {
    char bytes[MOST_BYTES];
    size_t length;
} written;

static int64_t keep(const uint8_t *bytes, size_t length, void *user_data) {
    written *to = (written *)user_data;
    CHECK(to->length + length < MOST_BYTES);
    memcpy(to->bytes + to->length, bytes, length);
    to->length += length;
    return (int64_t)length;
}

static azs_opener *make_opener(void) {
    azs_error *error = NULL;
    azs_decryption_certificate *pfx;
    azs_opener *opener;
    char *path = join(folder, "envelope/rsa2048.pfx");
    OK(azs_decryption_certificate_load(path, "correct horse", &pfx, &error));
    OK(azs_opener_new((const azs_decryption_certificate *const *)&pfx, 1, &opener, &error));
    azs_decryption_certificate_free(pfx);
    free(path);
    return opener;
}

/* The state of a set in a listing. */
static cJSON *state_in(azs_sets *sets, const char *set) {
    for (size_t number = 0; number < azs_sets_count(sets); number++) {
        azs_error *error = NULL;
        char *json;
        OK(azs_sets_item(sets, number, &json, &error));
        cJSON *one = parsed(json), *state = NULL;
        if (same(text_of(one, "folder"), set)) {
            state = cJSON_DetachItemFromObjectCaseSensitive(one, "state");
        }
        cJSON_Delete(one);
        if (state != NULL) {
            return state;
        }
    }
    return NULL;
}

static void restore_ends(cJSON *ends, azs_set *set, const demand *by, const char *name) {
    azs_error *error = NULL;
    azs_opener *opener = make_opener();
    azs_restore_options *options;
    azs_bytes *bytes;
    char *json, *target = join(scratch, name);
    struct stat found;
    OK(azs_restore_options_new(&options, &error));
    OK(azs_restore_options_require_signers(options, SIGNERS(*by), &error));
    azs_status status = azs_set_restore(set, opener, target, options, NULL, NULL, &json, &error);
    CHECK((stat(target, &found) == 0) == (status == AZS_STATUS_OK));
    cJSON *files = status == AZS_STATUS_OK ? member_of(json, "files") : NULL;
    cJSON_AddItemToObject(ends, "restore", or_code(status, error, files));

    status = azs_set_restore_bytes(set, opener, "tor1", 0, SIGNERS(*by), &bytes, &error);
    char text[MOST_BYTES] = "";
    CHECK((bytes != NULL) == (status == AZS_STATUS_OK) && azs_bytes_length(bytes) < MOST_BYTES);
    if (bytes != NULL) {
        memcpy(text, azs_bytes_data(bytes), azs_bytes_length(bytes));
    }
    cJSON_AddItemToObject(ends, "restore_bytes", or_code(status, error, cJSON_CreateString(text)));
    azs_bytes_free(bytes);

    written to = {.length = 0};
    status = azs_set_restore_stream(set, opener, "tor1", SIGNERS(*by), keep, NULL, &to, NULL, &error);
    CHECK((to.length > 0) == (status == AZS_STATUS_OK));
    cJSON_AddItemToObject(ends, "restore_stream", or_code(status, error, cJSON_CreateString(to.bytes)));

    OK(azs_set_verify_full(set, opener, SIGNERS(*by), NULL, NULL, &json, &error));
    cJSON *faults = faults_of(json);
    cJSON_AddBoolToObject(ends, "verify_full", cJSON_GetArraySize(faults) == 0);
    cJSON_Delete(faults);
    azs_restore_options_free(options);
    azs_opener_free(opener);
    free(target);
}

/* What comes of a set, with what the case demands. */
static cJSON *set_ends(const cJSON *test, azs_share *share, const demand *by, const char *name) {
    azs_error *error = NULL;
    azs_set *set;
    azs_sets *sets;
    char *json;
    cJSON *ends = cJSON_CreateObject();
    OK(azs_set_open(share, text_of(test, "set"), &set, &error));
    OK(azs_set_signature(set, &json, &error));
    cJSON *signature = parsed(json), *signer = cJSON_GetObjectItemCaseSensitive(signature, "signer");
    cJSON_AddStringToObject(ends, "signature", text_of(signature, "state"));
    if (signer == NULL) {
        cJSON_AddNullToObject(ends, "signer");
    } else {
        cJSON_AddStringToObject(ends, "signer", text_of(signer, "subject"));
    }
    azs_status status = azs_set_require_signers(set, SIGNERS(*by), &json, &error);
    if (status == AZS_STATUS_OK) {
        cJSON *same_signature = parsed(json);
        CHECK(cJSON_Compare(same_signature, signature, true));
        cJSON_Delete(same_signature);
    }
    cJSON_AddItemToObject(ends, "require_signers", or_code(status, error, cJSON_CreateTrue()));
    cJSON_Delete(signature);

    error = NULL;
    OK(azs_set_verify(set, SIGNERS(*by), NULL, NULL, &json, &error));
    cJSON_AddItemToObject(ends, "faults", faults_of(json));
    restore_ends(ends, set, by, name);
    OK(azs_share_list_sets(share, "contoso.com/nyc", NULL, 0, SIGNERS(*by), &sets, &error));
    cJSON_AddItemToObject(ends, "list", state_in(sets, text_of(test, "set")));
    azs_sets_free(sets);
    azs_set_free(set);
    return ends;
}

/* What a plan of retention would delete. */
static cJSON *retention_ends(const cJSON *test, azs_share *share, const demand *by) {
    azs_error *error = NULL;
    azs_sets *sets;
    azs_retention_policy *policy;
    azs_retention_plan *plan;
    char *json, *options = cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(test, "policy"));
    OK(azs_share_list_sets(share, "contoso.com/nyc", NULL, 0, SIGNERS(*by), &sets, &error));
    OK(azs_retention_policy_new(options, &policy, &error));
    OK(azs_retention_policy_plan(policy, sets, text_of(test, "now"), &plan, &error));
    OK(azs_retention_plan_json(plan, &json, &error));
    cJSON *deletions = member_of(json, "deletions"), *folders = cJSON_CreateArray(), *ends = cJSON_CreateObject();
    const cJSON *deletion;
    cJSON_ArrayForEach(deletion, deletions) {
        cJSON_AddItemToArray(folders, cJSON_CreateString(text_of(deletion, "folder")));
    }
    cJSON_AddItemToObject(ends, "delete", folders);
    cJSON_Delete(deletions);
    azs_retention_plan_free(plan);
    azs_retention_policy_free(policy);
    azs_sets_free(sets);
    cJSON_free(options);
    return ends;
}

/* Whose certificate a file holds, or why it cannot be used. */
static cJSON *certificate_ends(const cJSON *test) {
    azs_error *error = NULL;
    azs_signer *signer = NULL;
    azs_signer_certificate *certificate = NULL;
    azs_status status;
    size_t length, cer_length;
    char *json = NULL, *path = file_of(text_of(test, "file"));
    unsigned char *bytes = slurp(path, &length);
    const char *password = text_of(test, "password"), *cer_file = text_of(test, "certificate");
    if (same(text_of(test, "kind"), "signer_certificate")) {
        (void)((status = azs_signer_certificate_from_cer(bytes, length, &certificate, &error)) == AZS_STATUS_OK &&
            (status = azs_signer_certificate_facts(certificate, &json, &error)));
    } else if (cer_file == NULL) {
        (void)((status = azs_signer_from_pfx(bytes, length, password, &signer, &error)) == AZS_STATUS_OK &&
            (status = azs_signer_facts(signer, &json, &error)));
    } else {
        char *cer_path = file_of(cer_file);
        unsigned char *cer = slurp(cer_path, &cer_length);
        (void)((status = azs_signer_from_pem(bytes, length, password, cer, cer_length, &signer, &error)) == AZS_STATUS_OK &&
            (status = azs_signer_facts(signer, &json, &error)));
        free(cer);
        free(cer_path);
    }
    cJSON *ends = cJSON_CreateObject();
    if (status == AZS_STATUS_OK) {
        cJSON_AddItemToObject(ends, "subject", member_of(json, "subject"));
    } else {
        CHECK(password == NULL || strstr(azs_error_message(error), password) == NULL);
        cJSON_AddStringToObject(ends, "error", azs_error_code(error));
    }
    azs_error_free(error);
    azs_signer_free(signer);
    azs_signer_certificate_free(certificate);
    free(bytes);
    free(path);
    return ends;
}

static int vectors(azs_share *share) {
    char *path = join(folder, "signatures.json"), *text = (char *)slurp(path, NULL);
    cJSON *cases = cJSON_Parse(text);
    const cJSON *test;
    int count = 0, wrong = 0;
    cJSON_ArrayForEach(test, cases) {
        char name[32];
        snprintf(name, sizeof name, "restored-%d", count++);
        demand by = demanded(test);
        const char *kind = text_of(test, "kind");
        cJSON *ends = same(kind, "set")         ? set_ends(test, share, &by, name)
                      : same(kind, "retention") ? retention_ends(test, share, &by)
                                                : certificate_ends(test);
        if (!cJSON_Compare(ends, cJSON_GetObjectItemCaseSensitive(test, "ends"), true)) {
            char *got = cJSON_PrintUnformatted(ends);
            fprintf(stderr, "signatures: %s: %s\n", text_of(test, "name"), got);
            cJSON_free(got);
            wrong++;
        }
        cJSON_Delete(ends);
        release(&by);
    }
    cJSON_Delete(cases);
    free(text);
    free(path);
    printf("vectors: signatures %d\n", count);
    return wrong;
}

/* A backup that is signed meets the demand for its signer alone; what makes no sense is refused. */
static void backups(azs_share *source) {
    azs_error *error = NULL;
    azs_share *share;
    azs_encryption_certificate *certificate;
    azs_signer *signer, *expired;
    azs_signer_certificate *own, *other = signer_certificate("hlh01-next.cer");
    azs_backup_builder *builder;
    azs_backup *backup;
    azs_bytes *der;
    azs_set *set;
    azs_sets *sets;
    char *json, *cer = join(folder, "envelope/rsa2048.cer"), *pfx = file_of("hlh01.pfx"), *old = file_of("expired.pfx");
    char *root = join(scratch, "signed");
    CHECK(mkdir(root, 0700) == 0);
    OK(azs_folder_share_open(root, NULL, &share, &error));
    OK(azs_encryption_certificate_load(cer, &certificate, &error));
    FAILS(AZS_STATUS_NOT_FOUND, azs_signer_load("missing.pfx", NULL, &signer, &error));
    OK(azs_signer_load(pfx, "correct horse", &signer, &error));
    OK(azs_signer_load(old, "correct horse", &expired, &error));
    OK(azs_signer_check_validity(signer, NULL, &error));
    FAILS(AZS_STATUS_CERTIFICATE_EXPIRED, azs_signer_check_validity(expired, NULL, &error));

    azs_signer *signers[] = {expired, signer};
    for (size_t at = 0; at < 2; at++) {
        OK(azs_backup_builder_new(share, "contoso.com/nyc/Switches", &builder, &error));
        OK(azs_backup_builder_certificate(builder, certificate, &error));
        OK(azs_backup_builder_create(builder, true, &error));
        FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_backup_builder_signer(builder, NULL, &error));
        OK(azs_backup_builder_signer(builder, signers[at], &error));
        if (signers[at] == expired) {
            FAILS(AZS_STATUS_CERTIFICATE_EXPIRED, azs_backup_start(builder, &backup, &error));
            azs_backup_builder_free(builder);
        }
    }
    OK(azs_signer_to_certificate(signer, &own, &error));
    OK(azs_signer_certificate_to_der(own, &der, &error));
    azs_signer_free(signer);
    OK(azs_backup_start(builder, &backup, &error));
    OK(azs_backup_add_bytes(backup, "tor1", (const uint8_t *)"x", 1, &error));
    OK(azs_backup_commit(backup, &json, &error));
    cJSON *at = member_of(json, "folder");
    OK(azs_set_open(share, cJSON_GetStringValue(at), &set, &error));
    const azs_signer_certificate *demand[] = {other, own, NULL};
    OK(azs_set_require_signers(set, demand, 2, NULL, &error));
    FAILS(AZS_STATUS_NOT_TRUSTED, azs_set_require_signers(set, demand, 1, NULL, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_set_require_signers(set, demand, 0, NULL, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_set_require_signers(set, demand, 3, NULL, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_set_require_signers(set, NULL, 1, NULL, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_set_verify(set, demand, 0, NULL, NULL, &json, &error));
    FAILS(AZS_STATUS_INVALID_ARGUMENT, azs_share_list_sets(source, "contoso.com/nyc", NULL, 0, demand, 0, &sets, &error));
    OK(azs_set_require_signers(set, NULL, 0, NULL, &error));

    cJSON_Delete(at);
    azs_bytes_free(der);
    azs_set_free(set);
    azs_backup_free(backup);
    azs_backup_builder_free(builder);
    azs_signer_free(expired);
    azs_signer_certificate_free(own);
    azs_signer_certificate_free(other);
    azs_encryption_certificate_free(certificate);
    azs_share_free(share);
    free(root);
    free(old);
    free(pfx);
    free(cer);
}

int main(int count, char **arguments) {
    CHECK(count == 3);
    folder = arguments[1];
    scratch = arguments[2];
    azs_error *error = NULL;
    azs_share *share;
    char *root = file_of("share");
    OK(azs_folder_share_open(root, NULL, &share, &error));
    int wrong = vectors(share);
    backups(share);
    azs_share_free(share);
    free(root);
    return wrong == 0 ? 0 : 1;
}
