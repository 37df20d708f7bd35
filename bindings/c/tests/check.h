/* What the test programs share: checks that say where they failed, files, JSON. */
#ifndef CHECK_H
#define CHECK_H

#include <azs_backup.h>
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition) check((condition), #condition, __FILE__, __LINE__)
#define OK(call) ok((call), &error, #call, __FILE__, __LINE__)
/* The call fails with this status, and its error says the same. */
#define FAILS(status, call) fails((status), (call), &error, #call, __FILE__, __LINE__)

static inline void check(bool condition, const char *text, const char *file, int line) {
    if (!condition) {
        fprintf(stderr, "%s:%d: not so: %s\n", file, line, text);
        exit(1);
    }
}

static inline void ok(azs_status status, azs_error **error, const char *text, const char *file, int line) {
    if (status != AZS_STATUS_OK) {
        fprintf(stderr, "%s:%d: %s\n%s: %s\n", file, line, text, azs_error_code(*error), azs_error_message(*error));
        exit(1);
    }
    check(*error == NULL, "no error comes with success", file, line);
}

static inline void fails(azs_status wanted, azs_status got, azs_error **error, const char *text, const char *file,
                         int line) {
    if (got != wanted || azs_error_status(*error) != wanted) {
        fprintf(stderr, "%s:%d: %s gave %s: %s\n", file, line, text, azs_status_code((int)got),
                azs_error_message(*error));
        exit(1);
    }
    check(strcmp(azs_error_code(*error), azs_status_code((int)wanted)) == 0, "code and status agree", file, line);
    check(azs_error_message(*error)[0] != '\0', "an error has a message", file, line);
    check(strchr(azs_error_message(*error), '\n') == NULL, "a message is one line", file, line);
    check(azs_classification_kind(azs_error_alert(*error)) != AZS_ALERT_KIND_NONE, "an error has an alert", file, line);
    azs_error_free(*error);
    *error = NULL;
}

/* A whole file, with a NUL behind it. */
static inline unsigned char *slurp(const char *path, size_t *length) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    CHECK(fseek(file, 0, SEEK_END) == 0);
    long size = ftell(file);
    CHECK(size >= 0 && fseek(file, 0, SEEK_SET) == 0);
    unsigned char *bytes = (unsigned char *)malloc((size_t)size + 1);
    CHECK(bytes != NULL && fread(bytes, 1, (size_t)size, file) == (size_t)size);
    bytes[size] = '\0';
    CHECK(fclose(file) == 0);
    if (length != NULL) {
        *length = (size_t)size;
    }
    return bytes;
}

static inline char *join(const char *folder, const char *name) {
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = (char *)malloc(size);
    CHECK(path != NULL && snprintf(path, size, "%s/%s", folder, name) > 0);
    return path;
}

/* Reads JSON that the library gave, and frees the text. */
static inline cJSON *parsed(char *json) {
    cJSON *value = cJSON_Parse(json);
    if (value == NULL) {
        fprintf(stderr, "no JSON: %s\n", json);
        exit(1);
    }
    azs_string_free(json);
    return value;
}

/* The text of a member; NULL where it is missing or no text. */
static inline const char *text_of(const cJSON *object, const char *name) {
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

static inline double number_of(const cJSON *object, const char *name) {
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNumber(number) ? number->valuedouble : 0;
}

static inline bool same(const char *a, const char *b) {
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

#endif
