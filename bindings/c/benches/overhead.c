/* What the C layer costs over Rust.
 *
 *     cargo bench --package azs-backup-benches --bench overhead > rust.json
 *     cargo xtask install-c target/c
 *     cc -O2 bindings/c/benches/overhead.c $(PKG_CONFIG_PATH=target/c/lib/pkgconfig pkg-config --cflags --libs azs_backup) -lcjson
 *     LD_LIBRARY_PATH=target/c/lib ./a.out tests/vectors/envelope rust.json
 *
 * Prints nanoseconds of the best round of each, and the ratio to Rust. With AZS_BENCH_TREE a backup of that folder is one of
 * them. */
#define _XOPEN_SOURCE 700
#include <azs_backup.h>
#include <cjson/cJSON.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static azs_sealer *sealer;
static azs_opener *opener;
static azs_bytes *small_message, *large_message;
static uint8_t *content;
static azs_error *error;
static azs_encryption_certificate *certificate;

static const size_t SMALL = 1024, LARGE = (size_t)64 << 20;

static void check(azs_status status) {
    if (status != AZS_STATUS_OK) {
        fprintf(stderr, "%s\n", azs_error_message(error));
        exit(1);
    }
}

static void classify_ntstatus(void) {
    azs_classification *found;
    check(azs_classify_ntstatus(0xC000006D, NULL, &found, &error));
    azs_classification_free(found);
}

static void classify_text(void) {
    static const char said[] = "mount error(113): No route to host";
    azs_classification *found;
    check(azs_classify_text((const uint8_t *)said, sizeof said - 1, NULL, &found, &error));
    azs_classification_free(found);
}

static void parse_unc_path(void) {
    char *json;
    check(azs_unc_path_parse("\\\\fileserver01.contoso.com\\AzSBackups\\contoso.com\\nyc", &json, &error));
    azs_string_free(json);
}

static void seal(size_t length) {
    azs_bytes *message;
    check(azs_sealer_seal(sealer, content, length, &message, &error));
    azs_bytes_free(message);
}

static void open_message(const azs_bytes *message) {
    azs_bytes *opened;
    check(azs_opener_open(opener, azs_bytes_data(message), azs_bytes_length(message), &opened, &error));
    azs_bytes_free(opened);
}

static void seal_small(void) { seal(SMALL); }
static void seal_large(void) { seal(LARGE); }
static void open_small(void) { open_message(small_message); }
static void open_large(void) { open_message(large_message); }

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *walk) {
    (void)stat, (void)kind, (void)walk;
    return remove(path);
}

/* A backup of a folder to a share that is gone afterwards. */
static void backup_tree(void) {
    char root[] = "/tmp/azs-backup-XXXXXX";
    azs_share *share;
    azs_backup_builder *builder;
    azs_backup *backup;
    if (mkdtemp(root) == NULL) {
        exit(1);
    }
    check(azs_folder_share_open(root, "cached", &share, &error));
    check(azs_backup_builder_new(share, "contoso.com/nyc/HLH", &builder, &error));
    check(azs_backup_builder_certificate(builder, certificate, &error));
    check(azs_backup_start(builder, &backup, &error));
    check(azs_backup_add_folder(backup, getenv("AZS_BENCH_TREE"), NULL, &error));
    check(azs_backup_commit(backup, NULL, &error));
    azs_backup_free(backup);
    azs_backup_builder_free(builder);
    azs_share_free(share);
    nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void measure(const cJSON *rust, const char *name, void (*call)(void), int times) {
    double best = 1e18;
    for (int round = 0; round < (times == 1 ? 7 : 15); round++) {
        double begun = now();
        for (int i = 0; i < times; i++) {
            call();
        }
        double took = (now() - begun) / times;
        best = took < best ? took : best;
    }
    double base = cJSON_GetNumberValue(cJSON_GetObjectItem(rust, name));
    printf("| %s | %.0f | %.0f | %.2f |\n", name, base, best, best / base);
}

static char *slurp(const char *path) {
    static char text[1 << 16];
    FILE *file = fopen(path, "rb");
    if (file != NULL) {
        text[fread(text, 1, sizeof text - 1, file)] = '\0';
        fclose(file);
    }
    return text;
}

int main(int count, char **arguments) {
    char cer[4096], pfx[4096];
    azs_decryption_certificate *key;
    if (count != 3) {
        return 1;
    }
    snprintf(cer, sizeof cer, "%s/rsa2048.cer", arguments[1]);
    snprintf(pfx, sizeof pfx, "%s/rsa2048.pfx", arguments[1]);
    cJSON *rust = cJSON_Parse(slurp(arguments[2]));
    content = (uint8_t *)calloc(LARGE, 1);
    check(azs_encryption_certificate_load(cer, &certificate, &error));
    check(azs_sealer_new((const azs_encryption_certificate *const *)&certificate, 1, &sealer, &error));
    check(azs_decryption_certificate_load(pfx, "correct horse", &key, &error));
    check(azs_opener_new((const azs_decryption_certificate *const *)&key, 1, &opener, &error));
    check(azs_sealer_seal(sealer, content, SMALL, &small_message, &error));
    check(azs_sealer_seal(sealer, content, LARGE, &large_message, &error));
    open_small();
    puts("| call | Rust ns | C ns | ratio |\n| --- | --- | --- | --- |");
    measure(rust, "classify_ntstatus", classify_ntstatus, 20000);
    measure(rust, "classify_text", classify_text, 10000);
    measure(rust, "parse_unc_path", parse_unc_path, 20000);
    measure(rust, "seal_1_kib", seal_small, 5000);
    measure(rust, "open_1_kib", open_small, 5000);
    measure(rust, "seal_64_mib", seal_large, 1);
    measure(rust, "open_64_mib", open_large, 1);
    if (getenv("AZS_BENCH_TREE") != NULL) {
        measure(rust, "backup_tree", backup_tree, 1);
    }
    return 0;
}
