/* Copies on another share, and surveys of many deployments: copies VECTORS FOLDER. */
#include "check.h"

#include <sys/stat.h>

static azs_error *error = NULL;

static const char *const OLD = "20261121T020000Z-00000001", *const NEW = "20261122T020000Z-00000002";
static const char *const NOW = "2026-11-22T03:00:00Z";

/* What a progress function is called with. */
struct calls {
    int count;
    bool goes_on;
    bool is_whole;
};

static bool called(const azs_progress *progress, void *user_data) {
    struct calls *calls = (struct calls *)user_data;
    calls->count++;
    calls->is_whole = progress->has_total_bytes && progress->bytes == progress->total_bytes;
    return calls->goes_on;
}

static azs_share *open_in(const char *folder, const char *name) {
    azs_share *share;
    char *root = join(folder, name), *domain = join(root, "contoso.com"), *region = join(domain, "nyc");
    CHECK(mkdir(root, 0700) == 0 && mkdir(domain, 0700) == 0 && mkdir(region, 0700) == 0);
    OK(azs_folder_share_open(root, "cached", &share, &error));
    free(region);
    free(domain);
    free(root);
    return share;
}

static void back_up(azs_share *share, const azs_encryption_certificate *cer, const char *place, const char *name,
                    const char *content, const azs_signer *signer) {
    azs_backup_builder *builder;
    azs_backup *backup;
    char *report, options[64];
    OK(azs_backup_builder_new(share, place, &builder, &error));
    OK(azs_backup_builder_certificate(builder, cer, &error));
    CHECK(snprintf(options, sizeof options, "{\"set_name\": \"%s\", \"create\": true}", name) > 0);
    OK(azs_backup_builder_options(builder, options, &error));
    if (signer != NULL) {
        OK(azs_backup_builder_signer(builder, signer, &error));
    }
    OK(azs_backup_start(builder, &backup, &error));
    OK(azs_backup_add_bytes(backup, "tor1", (const uint8_t *)content, strlen(content), &error));
    OK(azs_backup_commit(backup, &report, &error));
    azs_string_free(report);
    azs_backup_free(backup);
    azs_backup_builder_free(builder);
}

/* Copies all of the deployment, and returns the report. */
static cJSON *copied(azs_share *share, azs_share *to, const azs_signer_certificate *signer, const char *options) {
    char *report;
    OK(azs_replicate(share, to, "contoso.com/nyc", NULL, signer == NULL ? NULL : &signer, signer == NULL ? 0 : 1, NULL,
                     NULL, options, NULL, NULL, &report, &error));
    return parsed(report);
}

/* The set of this name in a report. */
static const cJSON *set_in(const cJSON *report, const char *name) {
    const cJSON *set;
    cJSON_ArrayForEach(set, cJSON_GetObjectItemCaseSensitive(report, "sets")) {
        if (same(text_of(set, "name"), name)) {
            return set;
        }
    }
    return NULL;
}

static bool is_outcome(const cJSON *report, const char *name, const char *outcome) {
    return same(text_of(set_in(report, name), "outcome"), outcome);
}

static bool needs_attention(const cJSON *report) {
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(report, "needs_attention"));
}

static void copies(azs_share *share, azs_share *to, const azs_signer_certificate *signer) {
    cJSON *report = copied(share, to, NULL, "{\"dry_run\": true}");
    CHECK(number_of(report, "copied") == 0 && is_outcome(report, NEW, "missing") && is_outcome(report, OLD, "missing"));
    CHECK(number_of(set_in(report, NEW), "bytes") > 0 && !needs_attention(report));
    cJSON_Delete(report);

    /* The planted set is no backup for who demands a signer. */
    report = copied(share, to, signer, NULL);
    CHECK(number_of(report, "copied") == 1 && is_outcome(report, NEW, "copied") && is_outcome(report, OLD, "skipped"));
    const cJSON *sent = cJSON_GetObjectItemCaseSensitive(report, "sent");
    CHECK(number_of(sent, "bytes") > 0 && text_of(set_in(report, OLD), "reason") != NULL && needs_attention(report));
    cJSON_Delete(report);

    char *text;
    struct calls calls = {.goes_on = true};
    OK(azs_copy_set(share, to, "contoso.com/nyc/Switches", OLD, NULL, 0, NULL, NULL, NULL, called, &calls, &text, &error));
    report = parsed(text);
    CHECK(is_outcome(report, OLD, "copied") && calls.count > 0 && calls.is_whole);
    cJSON_Delete(report);
    report = copied(share, to, NULL, "{\"read_back\": true}");
    CHECK(number_of(report, "copied") == 0 && is_outcome(report, NEW, "present") && is_outcome(report, OLD, "present"));
    cJSON_Delete(report);
}

/* Both sets are there: with `newest`, the older one is left out. */
static void the_newest(azs_share *share) {
    for (size_t newest = 0; newest < 3; newest++) {
        azs_sets *sets;
        OK(azs_share_list_sets(share, "contoso.com/nyc", NULL, newest, NULL, 0, &sets, &error));
        CHECK(azs_sets_count(sets) == (newest == 1 ? 1 : 2));
        char *text;
        OK(azs_sets_item(sets, azs_sets_count(sets) - 1, &text, &error));
        cJSON *set = parsed(text);
        CHECK(same(text_of(set, "name"), NEW));
        cJSON_Delete(set);
        azs_sets_free(sets);
    }
}

static void refusals(azs_share *share, azs_share *to, const char *folder) {
    char *text;
    const char *const nyc = "contoso.com/nyc", *const switches = "contoso.com/nyc/Switches";
    FAILS(AZS_STATUS_INVALID_ARGUMENT,
          azs_replicate(share, share, nyc, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, &text, &error));
    CHECK(text == NULL);
    FAILS(AZS_STATUS_INVALID_ARGUMENT,
          azs_replicate(share, to, nyc, NULL, NULL, 0, NULL, NULL, "{\"creat\": true}", NULL, NULL, &text, &error));
    FAILS(AZS_STATUS_NOT_FOUND, azs_copy_set(share, to, switches, "20261121T020000Z-0000000f", NULL, 0, NULL, NULL, NULL,
                                             NULL, NULL, &text, &error));

    azs_share *other;
    char *root = join(folder, "empty");
    CHECK(mkdir(root, 0700) == 0);
    OK(azs_folder_share_open(root, "cached", &other, &error));
    FAILS(AZS_STATUS_NOT_FOUND,
          azs_replicate(share, other, nyc, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, &text, &error));
    struct calls calls = {.goes_on = false};
    FAILS(AZS_STATUS_CANCELLED, azs_replicate(share, other, nyc, NULL, NULL, 0, NULL, NULL, "{\"create\": true}", called,
                                              &calls, &text, &error));
    CHECK(calls.count > 0);

    /* The policy of the other share. */
    azs_retention_policy *policy;
    OK(azs_retention_policy_new("{\"keep_last\": 1}", &policy, &error));
    OK(azs_replicate(share, other, nyc, "Switches", NULL, 0, policy, NULL, "{\"create\": true}", NULL, NULL, &text, &error));
    azs_retention_policy_free(policy);
    cJSON *report = parsed(text);
    CHECK(is_outcome(report, NEW, "copied") && is_outcome(report, OLD, "not_kept"));
    cJSON_Delete(report);
    azs_share_free(other);
    free(root);
}

/* Another set has the name of a set on the first share. */
static void conflict(azs_share *share, const azs_encryption_certificate *cer, const char *folder) {
    azs_share *to = open_in(folder, "conflict");
    back_up(to, cer, "contoso.com/nyc/Switches", NEW, "hostname tor2", NULL);
    cJSON *report = copied(share, to, NULL, NULL);
    CHECK(is_outcome(report, NEW, "conflict") && is_outcome(report, OLD, "copied") && needs_attention(report));
    CHECK(text_of(set_in(report, NEW), "reason") != NULL);
    cJSON_Delete(report);
    azs_share_free(to);
}

static void surveys(azs_share *share, azs_share *to) {
    char *text;
    OK(azs_list_deployments(share, &text, &error));
    cJSON *deployments = parsed(text);
    CHECK(cJSON_GetArraySize(deployments) == 2);
    CHECK(same(text_of(cJSON_GetArrayItem(deployments, 0), "text"), "contoso.com/lax"));
    cJSON_Delete(deployments);

    azs_survey *survey;
    const azs_share *shares[] = {share, share}, *const elsewhere[] = {to};
    OK(azs_survey_new(shares, NULL, 1, NULL, 0, NULL, 0, 0, NOW, NULL, NULL, &survey, &error));
    OK(azs_survey_json(survey, &text, &error));
    cJSON *all = parsed(text), *rows = cJSON_GetObjectItemCaseSensitive(all, "rows");
    CHECK(cJSON_GetArraySize(rows) == 2 && same(text_of(cJSON_GetArrayItem(rows, 0), "severity"), "critical"));
    const cJSON *good = cJSON_GetArrayItem(rows, 1);
    CHECK(same(text_of(good, "component"), "Switches") && same(text_of(good, "last_good"), NEW));
    CHECK(text_of(good, "severity") == NULL && number_of(good, "bytes") == strlen("hostname tor1"));
    cJSON_Delete(all);
    OK(azs_survey_to_html(survey, &text, &error));
    CHECK(strstr(text, "2 deployments") != NULL);
    azs_string_free(text);
    azs_survey_free(survey);

    const char *const two[] = {"contoso.com/nyc", "contoso.com/lax"}, *const wrong[] = {"nyc"};
    struct calls calls = {.goes_on = true};
    OK(azs_survey_new(shares, two, 2, elsewhere, 1, NULL, 0, 12, NOW, called, &calls, &survey, &error));
    OK(azs_survey_json(survey, &text, &error));
    CHECK(strstr(text, "\"last_copy\":\"2026-11-22T02:00:00Z\"") != NULL && calls.count > 0);
    azs_string_free(text);
    azs_survey_free(survey);
    calls.goes_on = false;
    FAILS(AZS_STATUS_CANCELLED,
          azs_survey_new(shares, NULL, 1, NULL, 0, NULL, 0, 0, NOW, called, &calls, &survey, &error));
    FAILS(AZS_STATUS_INVALID_NAME,
          azs_survey_new(shares, wrong, 1, NULL, 0, NULL, 0, 0, NOW, NULL, NULL, &survey, &error));
    CHECK(survey == NULL);
}

static bool names(const char *json, const char *rule) {
    char quoted[64];
    CHECK(snprintf(quoted, sizeof quoted, "\"%s\"", rule) > 0);
    return strstr(json, quoted) != NULL;
}

/* A review looks for copies if it is given shares with them. */
static void reviews(azs_share *share, azs_share *to, const char *folder) {
    const char *site = "{\"root\": \"\\\\\\\\fs.contoso.com\\\\AzSBackups\", \"deployment\": {\"external_domain_name\": "
                       "\"contoso.com\", \"region\": \"nyc\"}, \"components\": [{\"name\": \"Switches\"}]}";
    azs_share *none = open_in(folder, "none");
    const azs_share *const with[] = {to}, *const without[] = {none};
    azs_review *review;
    char *json;
    OK(azs_review_new((const uint8_t *)site, strlen(site), share, without, 1, NULL, NOW, &review, &error));
    OK(azs_review_json(review, &json, &error));
    CHECK(names(json, "COPY_MISSING"));
    azs_string_free(json);
    azs_review_free(review);
    OK(azs_review_new((const uint8_t *)site, strlen(site), share, with, 1, NULL, NOW, &review, &error));
    OK(azs_review_json(review, &json, &error));
    CHECK(!names(json, "COPY_MISSING"));
    azs_string_free(json);
    azs_review_free(review);
    azs_share_free(none);
}

int main(int argc, char **argv) {
    CHECK(argc == 3);
    const char *folder = argv[2];
    azs_encryption_certificate *cer;
    azs_signer *signer;
    azs_signer_certificate *by;
    char *cer_path = join(argv[1], "envelope/rsa2048.cer"), *pfx_path = join(argv[1], "signatures/hlh01.pfx");
    OK(azs_encryption_certificate_load(cer_path, &cer, &error));
    OK(azs_signer_load(pfx_path, "correct horse", &signer, &error));
    OK(azs_signer_to_certificate(signer, &by, &error));
    azs_share *share = open_in(folder, "here"), *to = open_in(folder, "there");
    back_up(share, cer, "contoso.com/nyc/Switches", OLD, "hostname tor1", NULL);
    back_up(share, cer, "contoso.com/nyc/Switches", NEW, "hostname tor1", signer);

    copies(share, to, by);
    the_newest(to);
    refusals(share, to, folder);
    conflict(share, cer, folder);
    reviews(share, to, folder);
    back_up(share, cer, "contoso.com/lax/Switches", "20261101T020000Z-00000003", "hostname tor1", NULL);
    surveys(share, to);

    azs_share_free(share);
    azs_share_free(to);
    azs_signer_certificate_free(by);
    azs_signer_free(signer);
    azs_encryption_certificate_free(cer);
    free(cer_path);
    free(pfx_path);
    return 0;
}
