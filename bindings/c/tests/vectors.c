/* The shared vectors, walked in C: vectors FOLDER SCRATCH. Prints how many of each theme it took. */
#include "check.h"

#include <sys/stat.h>
#include <unistd.h>

static int wrong = 0;
static const char *folder, *scratch;

static void complain(const char *theme, const cJSON *test, const char *what) {
    char *text = cJSON_PrintUnformatted(test);
    fprintf(stderr, "%s: %s: %.300s\n", theme, what, text);
    cJSON_free(text);
    wrong++;
}

/* Holds the end of a call against the code that the case expects; NULL for success. */
static bool ended(const char *theme, const cJSON *test, azs_status status, azs_error *error, const char *expected) {
    bool right = same(expected, status == AZS_STATUS_OK ? NULL : azs_error_code(error));
    if (!right) {
        complain(theme, test, status == AZS_STATUS_OK ? "did not fail" : azs_error_message(error));
    }
    azs_error_free(error);
    return right && status == AZS_STATUS_OK;
}

static cJSON *load(const char *name) {
    char *path = join(folder, name);
    char *text = (char *)slurp(path, NULL);
    /* No C text holds a NUL: cases that have one are told by a character of the private use area in its place. */
    for (char *nul = strstr(text, "\\u0000"); nul != NULL; nul = strstr(nul, "\\u0000")) {
        memcpy(nul, "\\uE000", 6);
    }
    cJSON *cases = cJSON_Parse(text);
    CHECK(cases != NULL);
    free(text);
    free(path);
    return cases;
}

typedef azs_status (*parse_fn)(const char *, char **, azs_error **);

static void layout(void) {
    static const struct {
        const char *type;
        parse_fn parse;
    } types[] = {
        {"component", azs_component_parse},   {"deployment", azs_deployment_parse}, {"host", azs_host_parse},
        {"name", azs_name_parse},             {"place", azs_place_parse},           {"scale_unit", azs_scale_unit_parse},
        {"set_name", azs_set_name_parse},     {"share_path", azs_share_path_parse}, {"unc_path", azs_unc_path_parse},
    };
    cJSON *cases = load("layout.json");
    const cJSON *test;
    int count = 0, unsayable = 0;
    cJSON_ArrayForEach(test, cases) {
        const char *type = text_of(test, "type");
        parse_fn parse = NULL;
        for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
            if (same(types[i].type, type)) {
                parse = types[i].parse;
            }
        }
        CHECK(parse != NULL);
        count++;
        if (strstr(text_of(test, "input"), "\xee\x80\x80") != NULL) {
            unsayable++;
            continue;
        }
        char *json;
        azs_error *error;
        azs_status status = parse(text_of(test, "input"), &json, &error);
        if (ended("layout", test, status, error, text_of(test, "error"))) {
            cJSON *facts = parsed(json);
            if (!same(text_of(facts, "text"), text_of(test, "expect"))) {
                complain("layout", test, "another normal form");
            }
            cJSON_Delete(facts);
        }
    }
    cJSON_Delete(cases);
    printf("vectors: layout %d\n", count);
    fprintf(stderr, "of these %d hold a NUL, which no C text can\n", unsayable);
    CHECK(unsayable == 3);
}

static void check_facts(const cJSON *test, char *json) {
    cJSON *facts = parsed(json);
    if (!cJSON_Compare(facts, cJSON_GetObjectItemCaseSensitive(test, "facts"), true)) {
        complain("envelope", test, "other facts");
    }
    cJSON_Delete(facts);
}

static void envelope(void) {
    cJSON *cases = load("envelope.json");
    const cJSON *test;
    int count = 0;
    cJSON_ArrayForEach(test, cases) {
        const char *kind = text_of(test, "kind"), *password = text_of(test, "password");
        const char *expected = text_of(test, "error");
        char *inner = join(folder, "envelope"), *path = join(inner, text_of(test, "file"));
        size_t length;
        unsigned char *bytes = slurp(path, &length);
        azs_error *error = NULL;
        if (same(kind, "cer") || same(kind, "validity")) {
            azs_encryption_certificate *cer;
            azs_status status = azs_encryption_certificate_from_cer(bytes, length, &cer, &error);
            if (same(kind, "validity")) {
                OK(status);
                status = azs_encryption_certificate_check_validity(cer, text_of(test, "at"), &error);
                ended("envelope", test, status, error, expected);
            } else if (ended("envelope", test, status, error, expected)) {
                char *json;
                OK(azs_encryption_certificate_facts(cer, &json, &error));
                check_facts(test, json);
            }
            azs_encryption_certificate_free(cer);
        } else if (same(kind, "pfx")) {
            azs_decryption_certificate *pfx;
            azs_status status = azs_decryption_certificate_from_pfx(bytes, length, password, &pfx, &error);
            if (ended("envelope", test, status, error, expected)) {
                char *json;
                OK(azs_decryption_certificate_facts(pfx, &json, &error));
                check_facts(test, json);
            }
            azs_decryption_certificate_free(pfx);
        } else {
            CHECK(same(kind, "message"));
            char *pfx_path = join(inner, text_of(test, "pfx"));
            azs_decryption_certificate *pfx;
            azs_opener *opener;
            azs_bytes *content;
            OK(azs_decryption_certificate_load(pfx_path, password, &pfx, &error));
            OK(azs_opener_new((const azs_decryption_certificate *const *)&pfx, 1, &opener, &error));
            azs_status status = azs_opener_open(opener, bytes, length, &content, &error);
            if (ended("envelope", test, status, error, expected)) {
                const char *wanted = text_of(test, "content");
                if (wanted == NULL || azs_bytes_length(content) != strlen(wanted) ||
                    memcmp(azs_bytes_data(content), wanted, strlen(wanted)) != 0) {
                    complain("envelope", test, "other content");
                }
            }
            azs_bytes_free(content);
            azs_opener_free(opener);
            azs_decryption_certificate_free(pfx);
            free(pfx_path);
        }
        free(bytes);
        free(path);
        free(inner);
        count++;
    }
    cJSON_Delete(cases);
    printf("vectors: envelope %d\n", count);
}

static void alert(void) {
    cJSON *all = load("alert.json");
    const cJSON *test;
    int count = 0;
    cJSON_ArrayForEach(test, cJSON_GetObjectItemCaseSensitive(all, "cases")) {
        const char *form = text_of(test, "form"), *profile = text_of(test, "profile"), *text = text_of(test, "input");
        uint32_t number = text != NULL ? (uint32_t)strtoul(text, NULL, 16) : (uint32_t)number_of(test, "input");
        azs_classification *class;
        azs_error *error = NULL;
        azs_status status;
        if (same(form, "ntstatus")) {
            status = azs_classify_ntstatus(number, profile, &class, &error);
        } else if (same(form, "hresult")) {
            status = azs_classify_hresult((int32_t)number, profile, &class, &error);
        } else if (same(form, "win32")) {
            status = azs_classify_win32(number, profile, &class, &error);
        } else if (same(form, "errno")) {
            status = azs_classify_errno((int32_t)number, profile, &class, &error);
        } else if (same(form, "text")) {
            status = azs_classify_text((const uint8_t *)text, strlen(text), profile, &class, &error);
        } else if (same(form, "json_text")) {
            status = azs_classify_json((const uint8_t *)text, strlen(text), profile, &class, &error);
        } else {
            CHECK(same(form, "json"));
            char *json = cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(test, "input"));
            status = azs_classify_json((const uint8_t *)json, strlen(json), profile, &class, &error);
            cJSON_free(json);
        }
        if (ended("alert", test, status, error, text_of(test, "error"))) {
            char *json;
            OK(azs_classification_json(class, &json, &error));
            cJSON *facts = parsed(json);
            const cJSON *first = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(facts, "evidence"), 0);
            const cJSON *failure = cJSON_GetObjectItemCaseSensitive(test, "failure");
            const cJSON *ambiguous = cJSON_GetObjectItemCaseSensitive(test, "ambiguous");
            const char *name = text_of(test, "status");
            bool right = same(azs_alert_kind_code((int)azs_classification_kind(class)), text_of(test, "kind")) &&
                         same(azs_alert_kind_code((int)azs_classification_documented_kind(class)),
                              text_of(test, "documented_kind")) &&
                         same(text_of(facts, "kind"), text_of(test, "kind")) &&
                         (failure == NULL || cJSON_IsTrue(failure) == azs_classification_is_failure(class)) &&
                         (ambiguous == NULL || cJSON_IsTrue(ambiguous) == (text_of(first, "other_kind") != NULL)) &&
                         (name == NULL || same(name, text_of(first, "name")));
            if (!right) {
                complain("alert", test, "another class");
            }
            cJSON_Delete(facts);
        }
        azs_classification_free(class);
        count++;
    }
    cJSON_Delete(all);
    printf("vectors: alert %d\n", count);
}

static void next_run(const cJSON *test) {
    azs_schedule *schedule;
    azs_error *error = NULL;
    char options[200], *json;
    snprintf(options, sizeof options, "{\"frequency_hours\": %.0f, \"beyond_microsoft\": %s, \"phase_seconds\": %.0f}",
             number_of(test, "frequency_hours"),
             cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(test, "beyond_microsoft")) ? "true" : "false",
             number_of(test, "phase_seconds"));
    OK(azs_schedule_new(options, &schedule, &error));
    OK(azs_schedule_next_run(schedule, text_of(test, "last"), text_of(test, "now"), &json, &error));
    cJSON *next = parsed(json);
    const char *due = text_of(test, "due");
    if (!same(text_of(next, "at"), text_of(test, "at")) || (due != NULL && !same(text_of(next, "due"), due)) ||
        (int)number_of(next, "missed") != (int)number_of(test, "missed") ||
        (int)number_of(next, "clock_set_back_by") != (int)number_of(test, "clock_set_back_by")) {
        complain("schedule", test, "another next run");
    }
    cJSON_Delete(next);
    azs_schedule_free(schedule);
}

static const char *give_document(void *document) {
    return (const char *)document;
}

static void gate(const cJSON *test) {
    const char *now = "2026-11-23T02:00:00Z";
    azs_schedule *schedule;
    azs_gate *gate;
    azs_error *error = NULL;
    char *json, *document = cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(test, "document"));
    OK(azs_schedule_new(NULL, &schedule, &error));
    OK(azs_gate_new(&gate, &error));
    OK(azs_gate_source(gate, give_document, document, &error));
    azs_status status = azs_gate_holds(gate, &json, &error);
    const cJSON *reasons = cJSON_GetObjectItemCaseSensitive(test, "reasons");
    if (ended("schedule", test, status, error, text_of(test, "error"))) {
        cJSON *holds = parsed(json), *found = cJSON_CreateArray();
        const cJSON *hold;
        cJSON_ArrayForEach(hold, holds) {
            cJSON_AddItemToArray(found, cJSON_CreateString(text_of(hold, "reason")));
        }
        if (!cJSON_Compare(found, reasons, true)) {
            complain("schedule", test, "other reasons");
        }
        bool is_open = cJSON_GetArraySize(reasons) == 0;
        OK(azs_gate_scheduled(gate, schedule, now, &json, &error));
        cJSON *decision = parsed(json);
        CHECK(same(text_of(decision, "decision"), is_open ? "run" : "skipped"));
        status = azs_gate_on_demand(gate, now, &error);
        if (!is_open && (status != AZS_STATUS_CONFLICT || strstr(azs_error_message(error), text_of(test, "says")) == NULL)) {
            complain("schedule", test, azs_error_message(error));
        }
        CHECK(!is_open || status == AZS_STATUS_OK);
        azs_error_free(error);
        cJSON_Delete(decision);
        cJSON_Delete(found);
        cJSON_Delete(holds);
    }
    azs_gate_free(gate);
    azs_schedule_free(schedule);
    cJSON_free(document);
}

static void schedule(void) {
    cJSON *all = load("schedule.json");
    const cJSON *test;
    int count = 0;
    cJSON_ArrayForEach(test, cJSON_GetObjectItemCaseSensitive(all, "next_run")) {
        next_run(test);
        count++;
    }
    printf("vectors: schedule %d\n", count);
    count = 0;
    cJSON_ArrayForEach(test, cJSON_GetObjectItemCaseSensitive(all, "gate")) {
        gate(test);
        count++;
    }
    cJSON_Delete(all);
    printf("vectors: gate %d\n", count);
}

/* A candidate is of the switches of nyc.contoso.com, if it says nothing else. */
static char *candidates(const cJSON *test) {
    cJSON *sets = cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(test, "sets"), true);
    cJSON *set;
    cJSON_ArrayForEach(set, sets) {
        cJSON *deployment = cJSON_AddObjectToObject(set, "deployment");
        cJSON_AddStringToObject(deployment, "external_domain_name", "contoso.com");
        cJSON_AddStringToObject(deployment, "region", "nyc");
        if (!cJSON_HasObjectItem(set, "component")) {
            cJSON_AddStringToObject(set, "component", "Switches");
        }
    }
    char *text = cJSON_PrintUnformatted(sets);
    cJSON_Delete(sets);
    return text;
}

static void retention(void) {
    cJSON *cases = load("retention.json");
    const cJSON *test;
    int count = 0;
    cJSON_ArrayForEach(test, cases) {
        azs_retention_policy *policy;
        azs_retention_plan *made;
        azs_error *error = NULL;
        char *options = cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(test, "policy"));
        char *sets = candidates(test), *json;
        OK(azs_retention_policy_new(options, &policy, &error));
        OK(azs_retention_policy_plan_candidates(policy, sets, text_of(test, "now"), &made, &error));
        OK(azs_retention_plan_json(made, &json, &error));
        cJSON *plan = parsed(json), *deleted = cJSON_CreateArray();
        const cJSON *item, *reasons;
        cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(plan, "deletions")) {
            const char *pair[] = {text_of(item, "set"), text_of(item, "reason")};
            cJSON_AddItemToArray(deleted, cJSON_CreateStringArray(pair, 2));
        }
        bool right = cJSON_Compare(deleted, cJSON_GetObjectItemCaseSensitive(test, "delete"), true) &&
                     (long long)number_of(plan, "shortfall") == (long long)number_of(test, "shortfall");
        cJSON_ArrayForEach(reasons, cJSON_GetObjectItemCaseSensitive(test, "keep")) {
            bool found = false;
            cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(plan, "kept")) {
                found = found || (same(text_of(item, "set"), reasons->string) &&
                                  cJSON_Compare(cJSON_GetObjectItemCaseSensitive(item, "reasons"), reasons, true));
            }
            right = right && found;
        }
        if (!right) {
            complain("retention", test, "another plan");
        }
        cJSON_Delete(deleted);
        cJSON_Delete(plan);
        azs_retention_plan_free(made);
        azs_retention_policy_free(policy);
        cJSON_free(options);
        cJSON_free(sets);
        count++;
    }
    cJSON_Delete(cases);
    printf("vectors: retention %d\n", count);
}

/* The code of a failure as JSON text, or what the JSON says. */
static cJSON *code_or(azs_status status, azs_error *error, cJSON *value) {
    if (status != AZS_STATUS_OK) {
        cJSON_Delete(value);
        value = cJSON_CreateString(azs_error_code(error));
    }
    azs_error_free(error);
    return value;
}

/* Pairs of two members of each item. */
static cJSON *pairs(const cJSON *items, const char *first, const char *second) {
    cJSON *all = cJSON_CreateArray();
    const cJSON *item;
    cJSON_ArrayForEach(item, items) {
        cJSON *pair = cJSON_CreateArray();
        cJSON_AddItemToArray(pair, cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(item, first), true));
        cJSON_AddItemToArray(pair, cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(item, second), true));
        cJSON_AddItemToArray(all, pair);
    }
    return all;
}

static cJSON *entries_of(azs_set *set, azs_opener *opener) {
    azs_entries *entries;
    azs_error *error;
    char *json;
    cJSON *all = cJSON_CreateArray();
    azs_status status = azs_set_entries(set, opener, &entries, &error);
    while (status == AZS_STATUS_OK) {
        status = azs_entries_next(entries, &json, &error);
        if (status != AZS_STATUS_OK || json == NULL) {
            break;
        }
        cJSON *entry = parsed(json), *one = cJSON_CreateArray();
        cJSON_AddItemToArray(one, cJSON_Duplicate(entry, true));
        cJSON *pair = pairs(one, "kind", "path");
        cJSON_AddItemToArray(all, cJSON_DetachItemFromArray(pair, 0));
        cJSON_Delete(pair);
        cJSON_Delete(one);
        cJSON_Delete(entry);
    }
    azs_entries_free(entries);
    return code_or(status, error, all);
}

static cJSON *file_of(azs_set *set, azs_opener *opener, const char *path) {
    azs_bytes *bytes;
    azs_error *error;
    cJSON *file = cJSON_CreateObject();
    if (azs_set_restore_bytes(set, opener, path, 1u << 20, NULL, 0, &bytes, &error) == AZS_STATUS_OK) {
        char *text = (char *)calloc(azs_bytes_length(bytes) + 1, 1);
        CHECK(text != NULL);
        memcpy(text, azs_bytes_data(bytes), azs_bytes_length(bytes));
        cJSON_AddStringToObject(file, "text", text);
        free(text);
    } else {
        cJSON_AddStringToObject(file, "error", azs_error_code(error));
    }
    azs_error_free(error);
    azs_bytes_free(bytes);
    return file;
}

/* What becomes of a set: the members of a case that are to be compared. */
static cJSON *set_ends(const cJSON *test, azs_set *set, int number) {
    char *inner = join(folder, "envelope"), *pfx_path = join(inner, text_of(test, "pfx")), *json;
    azs_error *error = NULL;
    azs_decryption_certificate *pfx;
    azs_opener *opener;
    cJSON *ends = cJSON_CreateObject(), *files = cJSON_CreateObject();
    OK(azs_decryption_certificate_load(pfx_path, text_of(test, "password"), &pfx, &error));
    OK(azs_opener_new((const azs_decryption_certificate *const *)&pfx, 1, &opener, &error));
    OK(azs_set_verify(set, NULL, 0, NULL, NULL, &json, &error));
    cJSON *report = parsed(json);
    cJSON_AddItemToObject(ends, "faults", pairs(cJSON_GetObjectItemCaseSensitive(report, "faults"), "file", "kind"));
    cJSON_Delete(report);

    azs_status status = azs_set_verify_full(set, opener, NULL, 0, NULL, NULL, &json, &error);
    cJSON *sound = cJSON_CreateFalse();
    if (status == AZS_STATUS_OK) {
        report = parsed(json);
        bool is_sound = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(report, "faults")) +
                            cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(report, "losses")) == 0;
        cJSON_Delete(sound);
        sound = cJSON_CreateBool(is_sound);
        cJSON_Delete(report);
    }
    cJSON_AddItemToObject(ends, "verify_full", code_or(status, error, sound));
    cJSON_AddItemToObject(ends, "entries", entries_of(set, opener));

    char name[32];
    snprintf(name, sizeof name, "restored-%d", number);
    char *target = join(scratch, name);
    status = azs_set_restore(set, opener, target, NULL, NULL, NULL, &json, &error);
    cJSON *restored = cJSON_CreateNumber(0);
    if (status == AZS_STATUS_OK) {
        report = parsed(json);
        cJSON_SetNumberValue(restored, number_of(report, "files"));
        cJSON_Delete(report);
    }
    cJSON_AddItemToObject(ends, "restore", code_or(status, error, restored));
    const cJSON *file;
    cJSON_ArrayForEach(file, cJSON_GetObjectItemCaseSensitive(test, "files")) {
        cJSON_AddItemToObject(files, file->string, file_of(set, opener, file->string));
    }
    cJSON_AddItemToObject(ends, "files", files);
    azs_opener_free(opener);
    azs_decryption_certificate_free(pfx);
    free(target);
    free(pfx_path);
    free(inner);
    return ends;
}

static void sets(void) {
    cJSON *cases = load("sets.json");
    char *root = join(folder, "sets");
    azs_share *share;
    azs_error *error = NULL;
    OK(azs_folder_share_open(root, NULL, &share, &error));
    const cJSON *test;
    int count = 0;
    cJSON_ArrayForEach(test, cases) {
        azs_set *set;
        const char *place = text_of(test, "place");
        azs_status status = place ? azs_set_open_foreign(share, text_of(test, "folder"), place, &set, &error)
                                  : azs_set_open(share, text_of(test, "folder"), &set, &error);
        if (ended("sets", test, status, error, text_of(test, "open"))) {
            cJSON *ends = set_ends(test, set, count);
            const cJSON *end;
            cJSON_ArrayForEach(end, ends) {
                if (!cJSON_Compare(end, cJSON_GetObjectItemCaseSensitive(test, end->string), true)) {
                    complain("sets", end, text_of(test, "name"));
                }
            }
            cJSON_Delete(ends);
        }
        azs_set_free(set);
        count++;
    }
    azs_share_free(share);
    free(root);
    cJSON_Delete(cases);
    printf("vectors: sets %d\n", count);
}

/* Makes a folder and those above it, below the scratch folder. */
static void make_folders(char *path) {
    for (char *slash = path + strlen(scratch) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
}

static void put(const char *root, const cJSON *item) {
    char *path = join(root, item->string);
    const char *text = cJSON_GetStringValue(item);
    make_folders(path);
    if (text == NULL) {
        mkdir(path, 0700);
    } else {
        FILE *file = fopen(path, "wb");
        CHECK(file != NULL && fwrite(text, 1, strlen(text), file) == strlen(text) && fclose(file) == 0);
    }
    free(path);
}

static void reviews(void) {
    cJSON *cases = load("review.json");
    const cJSON *test, *item;
    int count = 0;
    cJSON_ArrayForEach(test, cases) {
        char name[32];
        snprintf(name, sizeof name, "review-%d", count);
        char *root = join(scratch, name), *json;
        CHECK(mkdir(root, 0700) == 0);
        cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(test, "share")) {
            put(root, item);
        }
        azs_share *share;
        azs_review *review;
        azs_error *error = NULL;
        char *configuration = cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(test, "configuration"));
        OK(azs_folder_share_open(root, NULL, &share, &error));
        OK(azs_review_new((const uint8_t *)configuration, strlen(configuration), share, NULL, 0, NULL, text_of(test, "now"), &review, &error));
        OK(azs_review_json(review, &json, &error));
        cJSON *found = parsed(json);
        cJSON *findings = pairs(cJSON_GetObjectItemCaseSensitive(found, "findings"), "rule", "about");
        /* What depends on the disk is no case. */
        for (int i = cJSON_GetArraySize(findings) - 1; i >= 0; i--) {
            const char *rule = cJSON_GetStringValue(cJSON_GetArrayItem(cJSON_GetArrayItem(findings, i), 0));
            if (same(rule, "SHARE_ALMOST_FULL") || same(rule, "SHARE_WITHOUT_ROOM")) {
                cJSON_DeleteItemFromArray(findings, i);
            }
        }
        cJSON *silenced = pairs(cJSON_GetObjectItemCaseSensitive(found, "silenced"), "rule", "about");
        int at = 0;
        cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(found, "silenced")) {
            cJSON_AddItemToArray(cJSON_GetArrayItem(silenced, at++), cJSON_CreateString(text_of(item, "reason")));
        }
        if (!cJSON_Compare(findings, cJSON_GetObjectItemCaseSensitive(test, "findings"), true) ||
            !cJSON_Compare(silenced, cJSON_GetObjectItemCaseSensitive(test, "silenced"), true)) {
            complain("review", findings, text_of(test, "name"));
        }
        cJSON_Delete(silenced);
        cJSON_Delete(findings);
        cJSON_Delete(found);
        azs_review_free(review);
        azs_share_free(share);
        cJSON_free(configuration);
        free(root);
        count++;
    }
    cJSON_Delete(cases);
    printf("vectors: review %d\n", count);
}

/* Decodes Base64 with padding, as the vectors have it. */
static uint8_t *decoded(const char *text, size_t *length) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t *bytes = malloc(strlen(text) / 4 * 3 + 1);
    uint32_t bits = 0;
    int count = 0;
    CHECK(bytes != NULL);
    *length = 0;
    for (; *text != '\0' && *text != '='; text++) {
        bits = bits << 6 | (uint32_t)(strchr(digits, *text) - digits);
        if ((count += 6) >= 8) {
            count -= 8;
            bytes[(*length)++] = (uint8_t)(bits >> count);
        }
    }
    return bytes;
}

static void put_bytes(const char *root, const cJSON *item) {
    size_t length;
    char *path = join(root, item->string);
    uint8_t *bytes = decoded(cJSON_GetStringValue(item), &length);
    make_folders(path);
    FILE *file = fopen(path, "wb");
    CHECK(file != NULL && fwrite(bytes, 1, length, file) == length && fclose(file) == 0);
    free(bytes);
    free(path);
}

/* Writes the healthy tree, and breaks it; `broken` may be NULL. */
static void mas_backup_tree(const char *root, const cJSON *vectors, const cJSON *broken) {
    const cJSON *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(vectors, "healthy")) {
        put_bytes(root, item);
    }
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(broken, "written")) {
        put_bytes(root, item);
    }
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(broken, "removed")) {
        char *path = join(root, cJSON_GetStringValue(item));
        CHECK(remove(path) == 0);
        free(path);
    }
    const cJSON *renamed = cJSON_GetObjectItemCaseSensitive(broken, "renamed");
    for (int i = cJSON_GetArraySize(renamed) - 1; i >= 0; i--) {
        item = cJSON_GetArrayItem(renamed, i);
        char *from = join(root, item->string), *to = join(root, cJSON_GetStringValue(item));
        CHECK(rename(from, to) == 0);
        free(from);
        free(to);
    }
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(broken, "links")) {
        char *path = join(root, item->string);
        CHECK(symlink(cJSON_GetStringValue(item), path) == 0);
        free(path);
    }
}

static bool lists(const cJSON *findings, const char *code) {
    const cJSON *finding;
    cJSON_ArrayForEach(finding, findings) {
        if (same(text_of(finding, "code"), code)) {
            return true;
        }
    }
    return false;
}

/* Extracts the newest backup that is ready, and compares the file of one repository. */
static void extract_newest(azs_mas_backup *theirs, azs_opener *opener, const char *now) {
    char *json;
    azs_error *error = NULL;
    OK(azs_mas_backup_list(theirs, now, NULL, NULL, &json, &error));
    cJSON *catalog = parsed(json);
    const cJSON *backup = NULL, *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(catalog, "backups")) {
        if (backup == NULL && same(text_of(item, "readiness"), "ready")) {
            backup = item;
        }
    }
    CHECK(backup != NULL);
    char *target = join(scratch, "mas-backup-target");
    const char *options = "{\"repository\": \"CRP;Microsoft.Compute.Admin;-;Quota\"}";
    OK(azs_mas_backup_extract(theirs, opener, text_of(backup, "id"), target, options, now, NULL, NULL, &json, &error));
    cJSON *report = parsed(json);
    CHECK(same(text_of(report, "state"), "verified"));
    const char *path = text_of(cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(report, "snapshots"), 0), "path");
    char name[512];
    const char *stem = strrchr(path, '/') + 1;
    snprintf(name, sizeof name, "CRP;Microsoft.Compute.Admin;-;Quota/%s/CRP-Microsoft.Compute.Admin.json", stem);
    char *file = join(target, name);
    char *content = (char *)slurp(file, NULL);
    CHECK(strstr(content, "vmCount") != NULL);
    free(content);
    free(file);
    free(target);
    cJSON_Delete(report);
    cJSON_Delete(catalog);
}

/* Reviews the share, and compares what opening the newest backup came to; NULL where nothing was opened. */
static void drill(azs_share *share, azs_opener *opener, const char *now, const char *expected) {
    const char *site = "{\"root\": \"\\\\\\\\fs.contoso.com\\\\AzSBackups\","
                       " \"deployment\": {\"external_domain_name\": \"contoso.com\", \"region\": \"nyc\"}}";
    azs_review *review;
    azs_error *error = NULL;
    char *json;
    OK(azs_review_new((const uint8_t *)site, strlen(site), share, NULL, 0, opener, now, &review, &error));
    OK(azs_review_json(review, &json, &error));
    cJSON *found = parsed(json);
    const cJSON *theirs = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(found, "their_backups"), 0);
    CHECK(theirs != NULL);
    const cJSON *came_to = cJSON_GetObjectItemCaseSensitive(theirs, "drill");
    CHECK(expected == NULL ? cJSON_IsNull(came_to) : same(cJSON_GetStringValue(came_to), expected));
    cJSON_Delete(found);
    azs_review_free(review);
}

static void mas_backups(void) {
    cJSON *vectors = load("mas_backup.json");
    const char *now = text_of(vectors, "now");
    azs_decryption_certificate *held[2];
    azs_opener *opener;
    azs_error *error = NULL;
    const cJSON *item, *code;
    int count = 0;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(vectors, "pfx")) {
        size_t length;
        uint8_t *pfx = decoded(cJSON_GetStringValue(item), &length);
        OK(azs_decryption_certificate_from_pfx(pfx, length, text_of(vectors, "password"), &held[count], &error));
        free(pfx);
        count++;
    }
    CHECK(count == 2);
    OK(azs_opener_new((const azs_decryption_certificate *const *)held, 2, &opener, &error));
    count = 0;
    const cJSON *breaks = cJSON_GetObjectItemCaseSensitive(vectors, "breaks");
    /* valgrind takes a minute for each six of them: it looks at some, and whoever runs this without it at all. */
    int step = getenv("AZS_TEST_VALGRIND") == NULL ? 1 : 20;
    for (int i = -1; i < cJSON_GetArraySize(breaks); i += step) {
        const cJSON *broken = i < 0 ? NULL : cJSON_GetArrayItem(breaks, i);
        char name[32], *json;
        snprintf(name, sizeof name, "mas-backup-%d", count);
        char *root = join(scratch, name);
        CHECK(mkdir(root, 0700) == 0);
        mas_backup_tree(root, vectors, broken);
        azs_share *share;
        azs_mas_backup *theirs;
        OK(azs_folder_share_open(root, NULL, &share, &error));
        OK(azs_mas_backup_open(share, "", &theirs, &error));
        OK(azs_mas_backup_verify(theirs, opener, NULL, now, NULL, NULL, &json, &error));
        cJSON *report = parsed(json);
        const cJSON *findings = cJSON_GetObjectItemCaseSensitive(report, "findings");
        cJSON_ArrayForEach(code, cJSON_GetObjectItemCaseSensitive(broken, "findings")) {
            if (!lists(findings, cJSON_GetStringValue(code))) {
                complain("mas_backup", findings, broken->string);
            }
        }
        if (broken == NULL) {
            CHECK(same(text_of(report, "state"), "verified"));
            extract_newest(theirs, opener, now);
            drill(share, opener, now, "verified");
            drill(share, NULL, now, NULL);
        }
        cJSON_Delete(report);
        azs_mas_backup_free(theirs);
        azs_share_free(share);
        free(root);
        count++;
    }
    azs_opener_free(opener);
    azs_decryption_certificate_free(held[0]);
    azs_decryption_certificate_free(held[1]);
    cJSON_Delete(vectors);
    printf("vectors: mas_backup %d\n", count);
}

int main(int count, char **arguments) {
    CHECK(count == 3);
    folder = arguments[1];
    scratch = arguments[2];
    layout();
    envelope();
    alert();
    schedule();
    retention();
    sets();
    reviews();
    mas_backups();
    return wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
