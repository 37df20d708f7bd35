/*
 * libazs_backup: encrypted backups of what Azure Stack Hub's own backup service leaves out.
 *
 * Errors: every function that can fail returns an azs_status and takes an azs_error ** last, which may be NULL. If it
 * is not, it is set to NULL on success, and to an error on failure; free that with azs_error_free. A function returns
 * its results through pointers, and sets them to NULL on failure.
 *
 * Ownership: free a handle with the function that ends in _free, which accepts NULL, and text of type "char *" with
 * azs_string_free. Text of type "const char *" belongs to the library. Don't use a handle after you freed it, and don't
 * free it while another thread begins to use it. A function that a call calls may free the handles of that call: they
 * live until it returns.
 *
 * Text is UTF-8 and ends with NUL. Paths of this host are in the system's own encoding, on Windows in UTF-8. Times are
 * RFC 3339: "2026-11-23T02:00:00Z"; NULL means now where the comment says so. Plain data is JSON.
 *
 * A wrong argument fails with AZS_STATUS_INVALID_ARGUMENT: a NULL that is not allowed, text that is not UTF-8, a number
 * out of bounds. No function prints, reads the environment, keeps global state, or ends the process. No message and no
 * output contains a password or a key.
 */

#ifndef AZS_BACKUP_H
#define AZS_BACKUP_H

/* Made of bindings/c/src by `cargo xtask header`: change it there. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AZS_BACKUP_VERSION_MAJOR 0
#define AZS_BACKUP_VERSION_MINOR 1
#define AZS_BACKUP_VERSION_PATCH 0

/**
 * How a call ended. A number never changes its meaning; new ones may be added.
 */
typedef enum {
    /**
     * It succeeded.
     */
    AZS_STATUS_OK = 0,
    /**
     * The account may not do this.
     */
    AZS_STATUS_ACCESS_DENIED = 1,
    /**
     * Something already has that name.
     */
    AZS_STATUS_ALREADY_EXISTS = 2,
    /**
     * The caller's function asked to stop.
     */
    AZS_STATUS_CANCELLED = 3,
    /**
     * The encryption certificate is not valid today; an option allows it anyway.
     */
    AZS_STATUS_CERTIFICATE_EXPIRED = 4,
    /**
     * The certificate cannot be used: its key is too short or on an unsupported curve, a CER has a private key, or a
     * PFX has none.
     */
    AZS_STATUS_CERTIFICATE_UNSUITABLE = 5,
    /**
     * Something else is in the way: an operation until it ends, or a set that belongs elsewhere. The error says which.
     */
    AZS_STATUS_CONFLICT = 6,
    /**
     * Stored data is not as it was written: a failed authentication, a wrong digest, a missing or foreign file.
     */
    AZS_STATUS_DAMAGED = 7,
    /**
     * The set has no valid cover sheet: its backup never finished, or part of it was deleted.
     */
    AZS_STATUS_INCOMPLETE = 8,
    /**
     * A fault of this library; please report it.
     */
    AZS_STATUS_INTERNAL = 9,
    /**
     * The call makes no sense as it is; change the code that makes it.
     */
    AZS_STATUS_INVALID_ARGUMENT = 10,
    /**
     * A name or path breaks the rules for names on a share.
     */
    AZS_STATUS_INVALID_NAME = 11,
    /**
     * An input or output failure that no other kind names.
     */
    AZS_STATUS_IO = 12,
    /**
     * Something is larger than a limit that protects memory or time.
     */
    AZS_STATUS_LIMIT_EXCEEDED = 13,
    /**
     * The file server does not accept the account: its name, its password, or its state.
     */
    AZS_STATUS_LOGON_FAILED = 14,
    /**
     * Bytes are not in the expected format.
     */
    AZS_STATUS_MALFORMED = 15,
    /**
     * Nothing has that name.
     */
    AZS_STATUS_NOT_FOUND = 16,
    /**
     * The share, disk or quota is full.
     */
    AZS_STATUS_OUT_OF_CAPACITY = 17,
    /**
     * The path leads into `MASBackup`, which belongs to Azure Stack Hub.
     */
    AZS_STATUS_RESERVED_PATH = 18,
    /**
     * A source changed while it was read.
     */
    AZS_STATUS_SOURCE_CHANGED = 19,
    /**
     * A source could not be read.
     */
    AZS_STATUS_SOURCE_UNREADABLE = 20,
    /**
     * Something took longer than its limit.
     */
    AZS_STATUS_TIMED_OUT = 21,
    /**
     * The file server cannot be reached, or the connection to it is lost.
     */
    AZS_STATUS_UNREACHABLE = 22,
    /**
     * The format, algorithm or operation is not supported here.
     */
    AZS_STATUS_UNSUPPORTED = 23,
    /**
     * The message was sealed to other certificates; the error names the thumbprint that is needed.
     */
    AZS_STATUS_WRONG_CERTIFICATE = 24,
    /**
     * The password of the PFX or key is wrong.
     */
    AZS_STATUS_WRONG_PASSWORD = 25,
    /**
     * A signature by one of the signers demanded is missing.
     */
    AZS_STATUS_NOT_TRUSTED = 26,
} azs_status;

/**
 * What an alert is about; the documented five come first. A number never changes its meaning; new ones may be added.
 */
typedef enum {
    /**
     * No alert.
     */
    AZS_ALERT_KIND_NONE = 0,
    /**
     * The share is full.
     */
    AZS_ALERT_KIND_OUT_OF_CAPACITY = 1,
    /**
     * The file server cannot be reached.
     */
    AZS_ALERT_KIND_CONNECTIVITY = 2,
    /**
     * The path to the share or in it is wrong.
     */
    AZS_ALERT_KIND_PATH = 3,
    /**
     * The account may not use the share.
     */
    AZS_ALERT_KIND_AUTHENTICATION = 4,
    /**
     * Anything else.
     */
    AZS_ALERT_KIND_GENERAL = 5,
    /**
     * The share can be reached but not written.
     */
    AZS_ALERT_KIND_SHARE_NOT_WRITABLE = 6,
    /**
     * The share cannot be reached: account, permissions or network.
     */
    AZS_ALERT_KIND_SHARE_NOT_ACCESSIBLE = 7,
    /**
     * Copying to the share failed.
     */
    AZS_ALERT_KIND_UPLOAD_FAILED = 8,
    /**
     * A part of the backup failed.
     */
    AZS_ALERT_KIND_PARTIALLY_SUCCEEDED = 9,
    /**
     * The scheduled backup did not start because another operation is running or has failed.
     */
    AZS_ALERT_KIND_SKIPPED_BY_CONFLICT = 10,
    /**
     * Automatic backups are switched off.
     */
    AZS_ALERT_KIND_SCHEDULER_DISABLED = 11,
    /**
     * No share is configured.
     */
    AZS_ALERT_KIND_NOT_CONFIGURED = 12,
    /**
     * The share is almost full.
     */
    AZS_ALERT_KIND_ALMOST_FULL = 13,
    /**
     * Old backups could not be deleted.
     */
    AZS_ALERT_KIND_DELETION_FAILED = 14,
    /**
     * Backups are still encrypted with a symmetric key.
     */
    AZS_ALERT_KIND_KEY_BASED_ENCRYPTION_DEPRECATED = 15,
    /**
     * The backup inside the system, before any copy to the share, failed.
     */
    AZS_ALERT_KIND_INTERNAL_BACKUP_FAILED = 16,
    /**
     * Old backups inside the system could not be deleted.
     */
    AZS_ALERT_KIND_INTERNAL_DELETION_FAILED = 17,
    /**
     * The encryption certificate expires soon or has expired. Azure Stack Hub has the property names
     * CertExpirationInDays and CertExpirationDate but no fault type for it.
     */
    AZS_ALERT_KIND_CERTIFICATE_EXPIRING = 18,
} azs_alert_kind;

/**
 * A backup in the making. Free it with `azs_backup_free`. If you did not commit it, it leaves nothing that looks like
 * a backup.
 *
 * Threads: only one at a time, not necessarily the one that began it. While a call is at work, a call from another
 * thread, or from a function that the backup calls, fails. If you free the backup meanwhile, it is abandoned when that
 * call returns. It belongs to the process that began it: in a forked process every call fails, and freeing it there
 * does not end the backup.
 */
typedef struct azs_backup azs_backup;

/**
 * The options of a backup; `azs_backup_start` begins it. Free them with `azs_backup_builder_free`, whether it began or
 * not.
 *
 * Threads: only one at a time.
 */
typedef struct azs_backup_builder azs_backup_builder;

/**
 * Bytes from the library: a message, opened content, a file. Free them with `azs_bytes_free`, which overwrites what
 * may be secret.
 *
 * Threads: several threads may read them at once.
 */
typedef struct azs_bytes azs_bytes;

/**
 * The class of a failure: the kind of alert, how certain it is, why, and whether to try again. Free it with
 * `azs_classification_free`, unless it belongs to an error.
 *
 * Threads: it never changes. Several threads may read it at once.
 */
typedef struct azs_classification azs_classification;

/**
 * A certificate with its private key, which opens backups: the PFX. Free it with `azs_decryption_certificate_free`,
 * which overwrites the key.
 *
 * Threads: it never changes. Several threads may use it at once.
 */
typedef struct azs_decryption_certificate azs_decryption_certificate;

/**
 * A public certificate that backups are sealed to: the CER. Free it with `azs_encryption_certificate_free`.
 *
 * Threads: it never changes. Several threads may use it at once.
 */
typedef struct azs_encryption_certificate azs_encryption_certificate;

/**
 * The entries of a set, one by one. Free them with `azs_entries_free`.
 *
 * Threads: only one at a time.
 */
typedef struct azs_entries azs_entries;

/**
 * What went wrong: a status, one line for people, the cause, and the alert. Free it with `azs_error_free`.
 *
 * Threads: it never changes. Several threads may read it at once.
 */
typedef struct azs_error azs_error;

/**
 * Keeps backups from running beside what they conflict with. Free it with `azs_gate_free`.
 *
 * Threads: only one at a time.
 */
typedef struct azs_gate azs_gate;

/**
 * The `MASBackup` in one folder of a share, which is read and never written. Free it with `azs_mas_backup_free`.
 *
 * Threads: several threads may use it at once.
 */
typedef struct azs_mas_backup azs_mas_backup;

/**
 * Opens messages with certificates. Free it with `azs_opener_free`, which overwrites the keys.
 *
 * Threads: several threads may use it at once.
 */
typedef struct azs_opener azs_opener;

/**
 * The options of a restore. Free them with `azs_restore_options_free`.
 *
 * Threads: only one at a time.
 */
typedef struct azs_restore_options azs_restore_options;

/**
 * Which sets to delete and which to keep. Free it with `azs_retention_plan_free`.
 *
 * Threads: it never changes. Several threads may use it at once.
 */
typedef struct azs_retention_plan azs_retention_plan;

/**
 * Which sets of a deployment to keep. Free it with `azs_retention_policy_free`.
 *
 * Threads: it never changes. Several threads may use it at once.
 */
typedef struct azs_retention_policy azs_retention_policy;

/**
 * What a review found. Free it with `azs_review_free`.
 *
 * Threads: it never changes. Several threads may use it at once.
 */
typedef struct azs_review azs_review;

/**
 * When backups run. Free it with `azs_schedule_free`.
 *
 * Threads: it never changes. Several threads may use it at once.
 */
typedef struct azs_schedule azs_schedule;

/**
 * Seals messages to certificates. Free it with `azs_sealer_free`, which overwrites its key.
 *
 * Threads: several threads may use it at once. It refuses to work in a forked process.
 */
typedef struct azs_sealer azs_sealer;

/**
 * A backup set on a share, complete by its cover sheet. Free it with `azs_set_free`.
 *
 * Threads: several threads may use it at once.
 */
typedef struct azs_set azs_set;

/**
 * A listing of the sets of a deployment. Free it with `azs_sets_free`.
 *
 * Threads: it never changes. Several threads may use it at once.
 */
typedef struct azs_sets azs_sets;

/**
 * A share for backups. Free it with `azs_share_free`; what you opened on it keeps working.
 *
 * Threads: several threads may use it at once.
 */
typedef struct azs_share azs_share;

/**
 * A certificate with its private key, with which a host signs its sets: a PFX of its own, which opens no backup. Free
 * it with `azs_signer_free`, which overwrites the key.
 *
 * Threads: it never changes. Several threads may use it at once.
 */
typedef struct azs_signer azs_signer;

/**
 * The public certificate of a host that signs its sets: the CER that readers demand. Free it with
 * `azs_signer_certificate_free`.
 *
 * Functions that demand signers get an array of these handles and its length, and refuse a set that none of them signed
 * with `AZS_STATUS_NOT_TRUSTED`. NULL and 0 demand nothing. Another pointer with 0 is refused, because it more likely
 * comes from a mistake.
 *
 * Threads: it never changes. Several threads may use it at once.
 */
typedef struct azs_signer_certificate azs_signer_certificate;

/**
 * Many deployments side by side. Free it with `azs_survey_free`.
 *
 * Threads: it never changes. Several threads may use it at once.
 */
typedef struct azs_survey azs_survey;

/**
 * Classifies text line by line. Free it with `azs_text_classifier_free`.
 *
 * Threads: one at a time.
 */
typedef struct azs_text_classifier azs_text_classifier;

/**
 * How far long work is. Fields may be added at the end.
 */
typedef struct {
    /**
     * Files finished.
     */
    uint64_t files;
    /**
     * Bytes of file content read from the source, or written to the target.
     */
    uint64_t bytes;
    /**
     * Bytes written to the share or read from it, compressed and encrypted.
     */
    uint64_t stored_bytes;
    /**
     * Bytes of file content expected in all; 0 if unknown.
     */
    uint64_t total_bytes;
    /**
     * Whether `total_bytes` is known.
     */
    bool has_total_bytes;
} azs_progress;

/**
 * Receives the progress of the work about ten times a second, on the thread that asked for the work. Return true to go
 * on, or false to stop the work with `AZS_STATUS_CANCELLED`. It must return: no longjmp, no exception.
 */
typedef bool (*azs_progress_fn)(const azs_progress *progress, void *user_data);

/**
 * Reads at most `length` bytes into `buffer`, and returns how many: 0 at the end, a negative errno on failure. It is
 * called on the thread that asked for the work. It must return: no longjmp, no exception.
 */
typedef int64_t (*azs_read_fn)(uint8_t *buffer, size_t length, void *user_data);

/**
 * Writes at most `length` bytes, and returns how many it wrote, at least 1; a negative errno on failure. It is called
 * on the thread that asked for the work. It must return: no longjmp, no exception.
 */
typedef int64_t (*azs_write_fn)(const uint8_t *bytes, size_t length, void *user_data);

/**
 * Receives each deletion as JSON before it happens, on the calling thread. Return true to go on, or false to stop
 * there. It must return: no longjmp, no exception.
 */
typedef bool (*azs_deletion_fn)(const char *deletion, void *user_data);

/**
 * Returns a JSON document of operations, as `azs_operations_parse` reads it, or NULL if it cannot tell; the gate then
 * fails. The text must stay valid until the next call of the same function, or until the gate is freed.
 */
typedef const char *(*azs_operations_fn)(void *user_data);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Classifies an NTSTATUS. `profile` is "refined", "microsoft-2301" or NULL for the first, here and below.
 */
azs_status azs_classify_ntstatus(uint32_t status,
                                 const char *profile,
                                 azs_classification **classification,
                                 azs_error **error);

/**
 * Classifies a Win32 error code.
 */
azs_status azs_classify_win32(uint32_t code,
                              const char *profile,
                              azs_classification **classification,
                              azs_error **error);

/**
 * Classifies an HRESULT.
 */
azs_status azs_classify_hresult(int32_t result,
                                const char *profile,
                                azs_classification **classification,
                                azs_error **error);

/**
 * Classifies an errno of the system that the library was built for; its sign does not matter.
 */
azs_status azs_classify_errno(int32_t number,
                              const char *profile,
                              azs_classification **classification,
                              azs_error **error);

/**
 * Classifies an error of this library under any profile; `azs_error_alert` uses "refined".
 */
azs_status azs_classify_error(const azs_error *failure,
                              const char *profile,
                              azs_classification **classification,
                              azs_error **error);

/**
 * Classifies text: a line that a tool printed, or a whole log. It need not be UTF-8.
 */
azs_status azs_classify_text(const uint8_t *text,
                             size_t length,
                             const char *profile,
                             azs_classification **classification,
                             azs_error **error);

/**
 * Classifies an alert, or a listing of alerts, in the JSON of the admin API.
 */
azs_status azs_classify_json(const uint8_t *json,
                             size_t length,
                             const char *profile,
                             azs_classification **classification,
                             azs_error **error);

/**
 * Returns the classification of an alert that no failure raises: an almost full share, an expiring certificate. `kind`
 * is an `azs_alert_kind`.
 */
azs_status azs_classify_kind(int32_t kind,
                             azs_classification **classification,
                             azs_error **error);

/**
 * Makes a classifier that has seen nothing.
 */
azs_status azs_text_classifier_new(const char *profile,
                                   azs_text_classifier **classifier,
                                   azs_error **error);

/**
 * Reads one more line.
 */
azs_status azs_text_classifier_line(azs_text_classifier *classifier,
                                    const uint8_t *line,
                                    size_t length,
                                    azs_error **error);

/**
 * Classifies all lines together. The classifier takes no more lines; you still have to free it.
 */
azs_status azs_text_classifier_finish(azs_text_classifier *classifier,
                                      azs_classification **classification,
                                      azs_error **error);

/**
 * Frees a classifier. NULL is allowed.
 */
void azs_text_classifier_free(azs_text_classifier *classifier);

/**
 * Returns the kind; `AZS_ALERT_KIND_NONE` for NULL.
 */
azs_alert_kind azs_classification_kind(const azs_classification *classification);

/**
 * Returns which of the documented five the kind belongs to; `AZS_ALERT_KIND_NONE` for NULL.
 */
azs_alert_kind azs_classification_documented_kind(const azs_classification *classification);

/**
 * Whether anything failed: false for codes that report no failure, and for NULL.
 */
bool azs_classification_is_failure(const azs_classification *classification);

/**
 * Returns everything as JSON: kinds, confidence, severity, title, advice on retrying, evidence.
 */
azs_status azs_classification_json(const azs_classification *classification,
                                   char **json,
                                   azs_error **error);

/**
 * Returns what happened, in up to three sentences. `context` is JSON with `id`, `now`, `location`, `share`, `path`,
 * `account` and `operation`. Only `id` is required.
 */
azs_status azs_classification_describe(const azs_classification *classification,
                                       const char *context,
                                       char **text,
                                       azs_error **error);

/**
 * Returns what to do next, step by step: a JSON array of texts. `context` is as above.
 */
azs_status azs_classification_remedy(const azs_classification *classification,
                                     const char *context,
                                     char **json,
                                     azs_error **error);

/**
 * Makes an active alert for the failure, as JSON of the admin API. `context` is as above.
 */
azs_status azs_classification_alert(const azs_classification *classification,
                                    const char *context,
                                    char **json,
                                    azs_error **error);

/**
 * Frees a classification. Don't free one from `azs_error_alert`: it belongs to its error. NULL is allowed.
 */
void azs_classification_free(azs_classification *classification);

/**
 * Reads the alerts of a listing, an array or one alert. Returns a JSON array of alerts.
 */
azs_status azs_alerts_parse(const uint8_t *json, size_t length, char **alerts, azs_error **error);

/**
 * Returns the code of a kind: "SHARE_NOT_WRITABLE". It lives for ever. NULL if the number is not a kind.
 */
const char *azs_alert_kind_code(int32_t kind);

/**
 * Returns the kind of a faultTypeId of Azure Stack Hub, in any letter case; `AZS_ALERT_KIND_NONE` if it is unknown,
 * and for NULL.
 */
azs_alert_kind azs_alert_kind_of_fault_type(const char *id);

/**
 * Prepares a backup of a place, `contoso.com/nyc/Switches`, to a share.
 */
azs_status azs_backup_builder_new(const azs_share *share,
                                  const char *place,
                                  azs_backup_builder **builder,
                                  azs_error **error);

/**
 * Adds a certificate that can open the set. At least one is required.
 */
azs_status azs_backup_builder_certificate(azs_backup_builder *builder,
                                          const azs_encryption_certificate *certificate,
                                          azs_error **error);

/**
 * Signs the set, so that readers can demand sets of this host. You may free the signer afterwards.
 */
azs_status azs_backup_builder_signer(azs_backup_builder *builder,
                                     const azs_signer *signer,
                                     azs_error **error);

/**
 * Sets options from a JSON object. Its keys are the names of the functions below, with `labels` (an object), `exclude`
 * and `distrust` (lists of strings). What is missing or null stays as it is. After an error you can only free the
 * builder.
 */
azs_status azs_backup_builder_options(azs_backup_builder *builder,
                                      const char *options,
                                      azs_error **error);

/**
 * Accepts certificates that are expired or not yet valid. By default they are refused.
 */
azs_status azs_backup_builder_allow_expired_certificates(azs_backup_builder *builder,
                                                         bool allow,
                                                         azs_error **error);

/**
 * Writes a label on the cover sheet, in clear: vendor, model, serial, firmware.
 */
azs_status azs_backup_builder_label(azs_backup_builder *builder,
                                    const char *key,
                                    const char *value,
                                    azs_error **error);

/**
 * Leaves out what a pattern in gitignore syntax matches below each folder; `!` takes something back in.
 */
azs_status azs_backup_builder_exclude(azs_backup_builder *builder,
                                      const char *pattern,
                                      azs_error **error);

/**
 * What to do about sources that cannot be read or that change: "fail", the default, or "report".
 */
azs_status azs_backup_builder_source_problems(azs_backup_builder *builder,
                                              const char *policy,
                                              azs_error **error);

/**
 * What to do about sources that are empty, or hold less than half of last time: "warn", the default, or "fail".
 */
azs_status azs_backup_builder_shrunken_sources(azs_backup_builder *builder,
                                               const char *policy,
                                               azs_error **error);

/**
 * Leaves out what is mounted below a source.
 */
azs_status azs_backup_builder_one_file_system(azs_backup_builder *builder, bool one, azs_error **error);

/**
 * Creates the region folder, and the folder of a component of your own, if it is missing. By default that is an error.
 */
azs_status azs_backup_builder_create(azs_backup_builder *builder,
                                     bool create,
                                     azs_error **error);

/**
 * Reads back each stored file that is taken over from an earlier set, at least once in this many runs. The default is
 * 7; 0 means never.
 */
azs_status azs_backup_builder_recheck(azs_backup_builder *builder,
                                      uint32_t runs,
                                      azs_error **error);

/**
 * Stores again what was stored more than this many days ago. The default is 180; 0 means never.
 */
azs_status azs_backup_builder_renew_after_days(azs_backup_builder *builder,
                                               uint32_t days,
                                               azs_error **error);

/**
 * Sets the zstd level, -7 to 19; the default is 3. The start of the backup checks it.
 */
azs_status azs_backup_builder_level(azs_backup_builder *builder, int32_t level, azs_error **error);

/**
 * Sets the largest size of a stored segment in bytes, 4 to 64 MiB; the default is 12 MiB. The start of the backup
 * checks it.
 */
azs_status azs_backup_builder_segment_size(azs_backup_builder *builder,
                                           size_t bytes,
                                           azs_error **error);

/**
 * Sets the number of threads that read and compress; the default is one for each core.
 */
azs_status azs_backup_builder_workers(azs_backup_builder *builder, size_t workers, azs_error **error);

/**
 * Sets the state folder: a folder of this host, one for each job, that remembers the last set. With it a set costs
 * only what changed since.
 */
azs_status azs_backup_builder_state(azs_backup_builder *builder,
                                    const char *folder,
                                    azs_error **error);

/**
 * Reads every file, whatever its times say, and every stored file that is taken over from an earlier set.
 */
azs_status azs_backup_builder_reread_everything(azs_backup_builder *builder,
                                                bool reread_everything,
                                                azs_error **error);

/**
 * Does not take over this stored file from an earlier set, because a verification found it damaged; stores its content
 * again. `file` is that of a fault in the report of `azs_set_verify`.
 */
azs_status azs_backup_builder_distrust(azs_backup_builder *builder,
                                       const char *file,
                                       azs_error **error);

/**
 * Names the set; by default its name has the time and a random suffix.
 */
azs_status azs_backup_builder_set_name(azs_backup_builder *builder, const char *name, azs_error **error);

/**
 * Sets the progress function. It is called while you add sources and during the commit, on the thread that does so.
 * `user_data` must live until you free the backup.
 */
azs_status azs_backup_builder_progress(azs_backup_builder *builder,
                                       azs_progress_fn progress,
                                       void *user_data,
                                       azs_error **error);

/**
 * Frees a builder. NULL is allowed.
 */
void azs_backup_builder_free(azs_backup_builder *builder);

/**
 * Begins the backup: checks the options and creates the set's folder. A builder starts only once; you still have to
 * free it.
 */
azs_status azs_backup_start(azs_backup_builder *builder,
                            azs_backup **backup,
                            azs_error **error);

/**
 * Returns the name of the set.
 */
azs_status azs_backup_set(azs_backup *backup, char **name, azs_error **error);

/**
 * Adds a file or a folder under a name; NULL for its own.
 */
azs_status azs_backup_add(azs_backup *backup, const char *source, const char *name, azs_error **error);

/**
 * Adds a folder and everything below it under a name; NULL for its own.
 */
azs_status azs_backup_add_folder(azs_backup *backup,
                                 const char *folder,
                                 const char *name,
                                 azs_error **error);

/**
 * Adds a file under a name, which may include folders: `tor1/running-config`; NULL for its own.
 */
azs_status azs_backup_add_file(azs_backup *backup,
                               const char *file,
                               const char *name,
                               azs_error **error);

/**
 * Adds bytes under a name: a running-config just fetched from a switch.
 */
azs_status azs_backup_add_bytes(azs_backup *backup,
                                const char *name,
                                const uint8_t *bytes,
                                size_t length,
                                azs_error **error);

/**
 * Adds everything that a function reads, under a name.
 */
azs_status azs_backup_add_reader(azs_backup *backup,
                                 const char *name,
                                 azs_read_fn read,
                                 void *user_data,
                                 azs_error **error);

/**
 * Records that something could not be fetched: a switch did not answer. With the policy "fail" the call fails with
 * `AZS_STATUS_SOURCE_UNREADABLE`; with "report" the report names it, and the set is partial. `message` is one line for
 * people.
 */
azs_status azs_backup_add_problem(azs_backup *backup,
                                  const char *name,
                                  const char *message,
                                  azs_error **error);

/**
 * Waits until everything is stored, then writes the cover sheet, which makes it a backup. Returns the report as JSON;
 * `report` may be NULL. If a source could not be added before, this fails with that error. You still have to free the
 * backup.
 */
azs_status azs_backup_commit(azs_backup *backup,
                             char **report,
                             azs_error **error);

/**
 * Frees a backup. If you did not commit it, this abandons it and removes what it stored. If a call is at work with it,
 * that happens when the call returns. NULL is allowed.
 */
void azs_backup_free(azs_backup *backup);

/**
 * Reads a CER: DER, PEM or Base64, or a PKCS #7 bundle with one certificate.
 */
azs_status azs_encryption_certificate_from_cer(const uint8_t *cer,
                                               size_t length,
                                               azs_encryption_certificate **certificate,
                                               azs_error **error);

/**
 * Reads a CER file.
 */
azs_status azs_encryption_certificate_load(const char *file,
                                           azs_encryption_certificate **certificate,
                                           azs_error **error);

/**
 * Returns what the certificate says about itself, as JSON: `subject`, `issuer`, `serial`, `sha1_thumbprint`,
 * `sha256_thumbprint`, `not_before`, `not_after`, `key`.
 */
azs_status azs_encryption_certificate_facts(const azs_encryption_certificate *certificate,
                                            char **json,
                                            azs_error **error);

/**
 * Fails with `AZS_STATUS_CERTIFICATE_EXPIRED` unless the certificate is valid at that time; NULL means now.
 */
azs_status azs_encryption_certificate_check_validity(const azs_encryption_certificate *certificate,
                                                     const char *at,
                                                     azs_error **error);

/**
 * Returns the certificate in DER, as in a CER file.
 */
azs_status azs_encryption_certificate_to_der(const azs_encryption_certificate *certificate,
                                             azs_bytes **der,
                                             azs_error **error);

/**
 * Frees a certificate. NULL is allowed.
 */
void azs_encryption_certificate_free(azs_encryption_certificate *certificate);

/**
 * Reads a PFX. An empty password and no password, NULL, are the same.
 */
azs_status azs_decryption_certificate_from_pfx(const uint8_t *pfx,
                                               size_t length,
                                               const char *password,
                                               azs_decryption_certificate **certificate,
                                               azs_error **error);

/**
 * Reads a private key in PEM and its certificate, which may be in the same file. `passphrase` is NULL for a key that
 * is not encrypted.
 */
azs_status azs_decryption_certificate_from_pem(const uint8_t *key,
                                               size_t key_length,
                                               const char *passphrase,
                                               const uint8_t *cer,
                                               size_t cer_length,
                                               azs_decryption_certificate **certificate,
                                               azs_error **error);

/**
 * Reads a PFX file. An empty password and no password, NULL, are the same.
 */
azs_status azs_decryption_certificate_load(const char *file,
                                           const char *password,
                                           azs_decryption_certificate **certificate,
                                           azs_error **error);

/**
 * Returns what the certificate says about itself, as JSON: see `azs_encryption_certificate_facts`.
 */
azs_status azs_decryption_certificate_facts(const azs_decryption_certificate *certificate,
                                            char **json,
                                            azs_error **error);

/**
 * Returns its public half, as in the CER.
 */
azs_status azs_decryption_certificate_encryption_certificate(const azs_decryption_certificate *certificate,
                                                             azs_encryption_certificate **public_half,
                                                             azs_error **error);

/**
 * Frees a certificate. NULL is allowed.
 */
void azs_decryption_certificate_free(azs_decryption_certificate *certificate);

/**
 * Copies the complete sets of a deployment, or of one component, to another share, sealed as they are: those that are not
 * whole there, the newest of each place first. Needs no key. Each byte is compared at both ends, and the cover sheet comes
 * last: a copy that was cut off is no backup, and the next call completes it.
 *
 * `component` may be NULL for all. With a demand for `signers`, only sets that one of them signed are copied; NULL and 0
 * demand nothing. `retention` may be NULL; it leaves out what this policy would delete at the other share at the time
 * `now`, which may be NULL for the present. `options` is NULL or a JSON object: `create` for the region folder there,
 * `read_back` to read back all that is there, `dry_run` to only find out which sets are missing; all false by
 * default. `progress` may be NULL; it counts stored files.
 *
 * Returns the report as JSON: `copied`, `sent` with `files` and `bytes`, `needs_attention`, `unreadable`, and `sets` with
 * `place`, `name`, `folder`, `outcome` ("copied" with `sent` and `linked`, "present", "missing" with `bytes`, "not_kept",
 * "skipped" and "conflict" with `reason`, "gone", "failed" with `code` and `message`). The call succeeds even if a set
 * cannot be copied.
 */
azs_status azs_replicate(const azs_share *share,
                         const azs_share *to,
                         const char *deployment,
                         const char *component,
                         const azs_signer_certificate *const *signers,
                         size_t signer_count,
                         const azs_retention_policy *retention,
                         const char *now,
                         const char *options,
                         azs_progress_fn progress,
                         void *user_data,
                         char **report,
                         azs_error **error);

/**
 * Copies one set to another share; otherwise as `azs_replicate`. Fails with `AZS_STATUS_NOT_FOUND` if there is no such set,
 * and with `AZS_STATUS_INCOMPLETE` if it is no backup.
 */
azs_status azs_copy_set(const azs_share *share,
                        const azs_share *to,
                        const char *place,
                        const char *set,
                        const azs_signer_certificate *const *signers,
                        size_t signer_count,
                        const azs_retention_policy *retention,
                        const char *now,
                        const char *options,
                        azs_progress_fn progress,
                        void *user_data,
                        char **report,
                        azs_error **error);

/**
 * Returns the deployments that have a region folder on a share, by name: a JSON array of what `azs_deployment_parse`
 * returns. Folders that cannot be listed are left out.
 */
azs_status azs_list_deployments(const azs_share *share,
                                char **json,
                                azs_error **error);

/**
 * Makes a sealer for `count` certificates, 1 to 16. `certificates` points to their handles, which you may free
 * afterwards.
 */
azs_status azs_sealer_new(const azs_encryption_certificate *const *certificates,
                          size_t count,
                          azs_sealer **sealer,
                          azs_error **error);

/**
 * Seals bytes as one message.
 */
azs_status azs_sealer_seal(const azs_sealer *sealer,
                           const uint8_t *content,
                           size_t length,
                           azs_bytes **message,
                           azs_error **error);

/**
 * Seals a file into a new one, which appears only once it is whole.
 */
azs_status azs_sealer_seal_file(const azs_sealer *sealer,
                                const char *from,
                                const char *to,
                                azs_error **error);

/**
 * Seals everything that a function reads; another writes the message. Both get `user_data`.
 */
azs_status azs_sealer_seal_stream(const azs_sealer *sealer,
                                  azs_read_fn read,
                                  azs_write_fn write,
                                  void *user_data,
                                  azs_error **error);

/**
 * Frees a sealer. NULL is allowed.
 */
void azs_sealer_free(azs_sealer *sealer);

/**
 * Makes an opener of `count` certificates. `certificates` points to their handles, which you may free afterwards.
 */
azs_status azs_opener_new(const azs_decryption_certificate *const *certificates,
                          size_t count,
                          azs_opener **opener,
                          azs_error **error);

/**
 * Returns what its certificates say about themselves: a JSON array of facts.
 */
azs_status azs_opener_certificates(const azs_opener *opener, char **json, azs_error **error);

/**
 * Opens a message. Returns no content unless all of it is authentic.
 */
azs_status azs_opener_open(const azs_opener *opener,
                           const uint8_t *message,
                           size_t length,
                           azs_bytes **content,
                           azs_error **error);

/**
 * Opens a file with one message into a new file that only its owner can read. The new file appears only once it is
 * whole.
 */
azs_status azs_opener_open_file(const azs_opener *opener,
                                const char *from,
                                const char *to,
                                azs_error **error);

/**
 * Opens the message that a function reads; another writes the content, and gets nothing before all of it is authentic.
 * Both get `user_data`.
 */
azs_status azs_opener_open_stream(const azs_opener *opener,
                                  azs_read_fn read,
                                  azs_write_fn write,
                                  void *user_data,
                                  azs_error **error);

/**
 * Frees an opener. NULL is allowed.
 */
void azs_opener_free(azs_opener *opener);

/**
 * Returns whom a message is sealed to: a JSON array.
 */
azs_status azs_message_recipients(const uint8_t *message,
                                  size_t length,
                                  char **json,
                                  azs_error **error);

/**
 * Returns the status that the call returned; `AZS_STATUS_OK` for NULL.
 */
azs_status azs_error_status(const azs_error *error);

/**
 * Returns the code: the same word in all languages, "ACCESS_DENIED". It lives for ever. "OK" for NULL.
 */
const char *azs_error_code(const azs_error *error);

/**
 * Returns one line for people, in UTF-8, without secrets. It lives as long as `error`. Empty for NULL.
 */
const char *azs_error_message(const azs_error *error);

/**
 * Returns the cause, in UTF-8: what the operating system or OpenSSL said. It lives as long as `error`. NULL if there
 * is none.
 */
const char *azs_error_cause(const azs_error *error);

/**
 * Returns the file or folder that it concerns, on the share or on this host, in UTF-8. It lives as long as `error`.
 * NULL if it concerns none, or none is known.
 */
const char *azs_error_path(const azs_error *error);

/**
 * Returns what was done when it failed, in one word: "read", "write", "list". It lives as long as `error`. NULL if
 * unknown.
 */
const char *azs_error_operation(const azs_error *error);

/**
 * Returns the name of the backup set that it concerns: "20261123T020000Z-7f3a91c2". It lives as long as `error`. NULL
 * if it concerns none, or none is known.
 */
const char *azs_error_set(const azs_error *error);

/**
 * Returns the alert: which of the documented alerts it is, and what to do. It lives as long as `error`; don't free it.
 * NULL for NULL.
 */
const azs_classification *azs_error_alert(const azs_error *error);

/**
 * Frees an error. NULL is allowed.
 */
void azs_error_free(azs_error *error);

/**
 * Returns the code of a status: "ACCESS_DENIED", "OK". It lives for ever. "INTERNAL" if the number is not a status.
 *
 * The argument is a number, so that every value is defined.
 */
const char *azs_status_code(int32_t status);

/**
 * Looks up text in JSON from this library: `azs_json_text(report, "/set", &set, &error)`. `pointer` is a JSON Pointer
 * (RFC 6901): the names of members and the numbers of items, each after a slash. Returns NULL for null. Fails with
 * `AZS_STATUS_NOT_FOUND` if it is missing: some members are left out if they have no value.
 *
 * Each call reads the JSON from its beginning. For each item of a long list, call `azs_sets_item`, `azs_entries_next`
 * or `azs_json_part` first.
 */
azs_status azs_json_text(const char *json,
                         const char *pointer,
                         char **text,
                         azs_error **error);

/**
 * Looks up a whole number in JSON: "/stored/bytes". If it is null or missing, fails with `AZS_STATUS_NOT_FOUND`, and
 * `value` is 0.
 */
azs_status azs_json_number(const char *json,
                           const char *pointer,
                           int64_t *value,
                           azs_error **error);

/**
 * Looks up a truth value in JSON: "/is_sound". If it is null or missing, fails with `AZS_STATUS_NOT_FOUND`, and
 * `value` is false.
 */
azs_status azs_json_bool(const char *json,
                         const char *pointer,
                         bool *value,
                         azs_error **error);

/**
 * Counts the items of a list in JSON: "/faults", or "" for the JSON itself. If it is null or missing, fails with
 * `AZS_STATUS_NOT_FOUND`, and `count` is 0.
 */
azs_status azs_json_count(const char *json,
                          const char *pointer,
                          size_t *count,
                          azs_error **error);

/**
 * Takes out a part of JSON: "/deletions/0", or "/running" for a job that `azs_job_end` accepts. Fails with
 * `AZS_STATUS_NOT_FOUND` if it is missing.
 */
azs_status azs_json_part(const char *json, const char *pointer, char **part, azs_error **error);

/**
 * Reads a UNC path: `\\fileserver01.contoso.com\AzSBackups`.
 */
azs_status azs_unc_path_parse(const char *text, char **json, azs_error **error);

/**
 * Reads a path on the share: `contoso.com/nyc`.
 */
azs_status azs_share_path_parse(const char *text, char **json, azs_error **error);

/**
 * Reads a name on the share.
 */
azs_status azs_name_parse(const char *text, char **json, azs_error **error);

/**
 * Reads a host: its name or address.
 */
azs_status azs_host_parse(const char *text, char **json, azs_error **error);

/**
 * Reads a component: `Switches`.
 */
azs_status azs_component_parse(const char *text, char **json, azs_error **error);

/**
 * Reads a scale unit: `su1`.
 */
azs_status azs_scale_unit_parse(const char *text, char **json, azs_error **error);

/**
 * Reads a deployment: `contoso.com/nyc`.
 */
azs_status azs_deployment_parse(const char *text, char **json, azs_error **error);

/**
 * Reads a place: `contoso.com/nyc/Switches`, `contoso.com/nyc/Switches/su1`.
 */
azs_status azs_place_parse(const char *text, char **json, azs_error **error);

/**
 * Reads a set's name: `20261123T020000Z-7f3a91c2`.
 */
azs_status azs_set_name_parse(const char *text, char **json, azs_error **error);

/**
 * Continues a UNC path by a path on the share.
 */
azs_status azs_unc_path_join(const char *path, const char *below, char **json, azs_error **error);

/**
 * Continues a path on the share by another.
 */
azs_status azs_share_path_join(const char *path, const char *below, char **json, azs_error **error);

/**
 * Forms a deployment from its external domain name and region.
 */
azs_status azs_deployment_form(const char *external_domain_name,
                               const char *region,
                               char **json,
                               azs_error **error);

/**
 * Forms a place from a deployment, a component and a scale unit; NULL for no scale unit.
 */
azs_status azs_place_form(const char *deployment,
                          const char *component,
                          const char *scale_unit,
                          char **json,
                          azs_error **error);

/**
 * Forms a set's name from the time at which it begins, NULL for now, and a number that distinguishes sets of the same
 * second.
 */
azs_status azs_set_name_form(const char *created,
                             uint32_t suffix,
                             char **json,
                             azs_error **error);

/**
 * Returns the folder of a set below the root of the share: facts of a path on the share.
 */
azs_status azs_place_set_folder(const char *place, const char *set, char **json, azs_error **error);

/**
 * Whether two UNC paths are the same place, ignoring letter case.
 */
azs_status azs_unc_path_is_same_place(const char *path,
                                      const char *other,
                                      bool *is_same,
                                      azs_error **error);

/**
 * Whether a name is `MASBackup`, in any letter case or disguise. False for NULL and for what is not UTF-8.
 */
bool azs_is_mas_backup(const char *name);

/**
 * Finds `MASBackup`, in any letter case, in a folder of the share: that of a region, or with "" the root.
 */
azs_status azs_mas_backup_open(const azs_share *share,
                               const char *folder,
                               azs_mas_backup **mas_backup,
                               azs_error **error);

/**
 * Lists what lies there, by clear metadata alone. `now` may be NULL for the present. Returns JSON: `stores`, `backups`
 * with their `readiness`, `certificates`, `findings`, `prunable`.
 */
azs_status azs_mas_backup_list(const azs_mas_backup *mas_backup,
                               const char *now,
                               azs_progress_fn progress,
                               void *user_data,
                               char **catalog,
                               azs_error **error);

/**
 * Verifies the snapshots that the backup of this id needs, or all of them if `backup_id` is NULL. Without an `opener`,
 * which may be NULL, only what can be seen without a key is compared. Returns the report as JSON: all is well if `state`
 * is `verified`.
 */
azs_status azs_mas_backup_verify(const azs_mas_backup *mas_backup,
                                 const azs_opener *opener,
                                 const char *backup_id,
                                 const char *now,
                                 azs_progress_fn progress,
                                 void *user_data,
                                 char **report,
                                 azs_error **error);

/**
 * Extracts the snapshots that the backup of this id needs, each into the folder `<repository>/<snapshot>` of `target`.
 * `options` is JSON, or NULL for the defaults: `repository` for only this one; `existing`, which is `refuse`, `keep` or
 * `replace`; `open_inner` to write zips inside as folders and to decrypt what is encrypted once more. Returns the report
 * as JSON.
 */
azs_status azs_mas_backup_extract(const azs_mas_backup *mas_backup,
                                  const azs_opener *opener,
                                  const char *backup_id,
                                  const char *target,
                                  const char *options,
                                  const char *now,
                                  azs_progress_fn progress,
                                  void *user_data,
                                  char **report,
                                  azs_error **error);

/**
 * Frees it. NULL is allowed.
 */
void azs_mas_backup_free(azs_mas_backup *mas_backup);

/**
 * Returns where the bytes begin. They live as long as `bytes`. NULL for NULL.
 */
const uint8_t *azs_bytes_data(const azs_bytes *bytes);

/**
 * Returns how many there are; 0 for NULL.
 */
size_t azs_bytes_length(const azs_bytes *bytes);

/**
 * Frees bytes. NULL is allowed.
 */
void azs_bytes_free(azs_bytes *bytes);

/**
 * Frees text that you got from this library as `char *`. NULL is allowed.
 */
void azs_string_free(char *text);

/**
 * Returns the version of the library: "0.1.0". It lives for ever.
 */
const char *azs_version(void);

/**
 * Makes a policy. `options` is NULL for the defaults, which keep every complete set, or a JSON object with
 * `keep_days`, `keep_last`, `keep_daily`, `keep_weekly`, `keep_monthly`, `keep_labels` (pairs of key and value, null
 * for any), `pin` (names of sets), `make_room` (bytes), `grace_hours` (24), `shrunken_below` (50, in percent).
 */
azs_status azs_retention_policy_new(const char *options,
                                    azs_retention_policy **policy,
                                    azs_error **error);

/**
 * Makes a policy that also deletes sets until `bytes` are free on a share with this space, the JSON of
 * `azs_share_space`.
 */
azs_status azs_retention_policy_make_room_for(const azs_retention_policy *policy,
                                              uint64_t bytes,
                                              const char *space,
                                              azs_retention_policy **changed,
                                              azs_error **error);

/**
 * Plans which sets of a listing to delete. Deletes nothing. `now` may be NULL for the present.
 */
azs_status azs_retention_policy_plan(const azs_retention_policy *policy,
                                     const azs_sets *sets,
                                     const char *now,
                                     azs_retention_plan **plan,
                                     azs_error **error);

/**
 * Plans what a policy would do with candidates: a JSON array of `deployment`, `component`, `scale_unit`, `set`,
 * `condition`, `created`, `bytes` and `labels`. Such a plan deletes nothing if you apply it.
 */
azs_status azs_retention_policy_plan_candidates(const azs_retention_policy *policy,
                                                const char *candidates,
                                                const char *now,
                                                azs_retention_plan **plan,
                                                azs_error **error);

/**
 * Returns what to delete and what to keep, as JSON: `deletions` and `kept` with their reasons, `freed_bytes`,
 * `shortfall`.
 */
azs_status azs_retention_plan_json(const azs_retention_plan *plan, char **json, azs_error **error);

/**
 * Deletes what the plan says, the oldest first. Returns the report as JSON: `outcomes` and `freed_bytes`. The call
 * succeeds even if a set cannot be deleted. `before` may be NULL.
 */
azs_status azs_retention_plan_apply(const azs_retention_plan *plan,
                                    const azs_share *share,
                                    azs_deletion_fn before,
                                    void *user_data,
                                    char **report,
                                    azs_error **error);

/**
 * Frees a policy. NULL is allowed.
 */
void azs_retention_policy_free(azs_retention_policy *policy);

/**
 * Frees a plan. NULL is allowed.
 */
void azs_retention_plan_free(azs_retention_plan *plan);

/**
 * Reviews a configuration, a JSON document, and the share whose root it names. `opener` may be NULL, or else is tried on
 * what the newest backup of Azure Stack Hub needs: a drill. `copies` are other shares, of which the newest copies are looked
 * for, or NULL and 0. `now` may be NULL for the present.
 */
azs_status azs_review_new(const uint8_t *configuration,
                          size_t length,
                          const azs_share *share,
                          const azs_share *const *copies,
                          size_t copy_count,
                          const azs_opener *opener,
                          const char *now,
                          azs_review **found,
                          azs_error **error);

/**
 * Returns what it found, as JSON: `findings` with `rule`, `severity`, `about`, `seen` and what to do, `silenced`,
 * `components`, `space`.
 */
azs_status azs_review_json(const azs_review *review,
                           char **json,
                           azs_error **error);

/**
 * Returns it as a table for a terminal.
 */
azs_status azs_review_to_table(const azs_review *review, char **text, azs_error **error);

/**
 * Returns it as an HTML page.
 */
azs_status azs_review_to_html(const azs_review *review, char **html, azs_error **error);

/**
 * Frees a review. NULL is allowed.
 */
void azs_review_free(azs_review *review);

/**
 * Returns the rules, as a JSON array: `rule`, `severity`, `title`, `why`, `practice`, `remedy`.
 */
azs_status azs_review_rules(char **json, azs_error **error);

/**
 * Makes a schedule. `options` is NULL for the defaults, or a JSON object with `frequency_hours` (12),
 * `beyond_microsoft` (false), `phase_seconds`, `jitter_seconds` with `host`.
 */
azs_status azs_schedule_new(const char *options, azs_schedule **schedule, azs_error **error);

/**
 * Returns when to run next, as JSON: `at`, `due`, `missed`, `clock_set_back_by`. `last` is when the last scheduled run
 * began or was skipped, or NULL if there was none; `now` may be NULL for the present.
 */
azs_status azs_schedule_next_run(const azs_schedule *schedule,
                                 const char *last,
                                 const char *now,
                                 char **json,
                                 azs_error **error);

/**
 * Frees a schedule. NULL is allowed.
 */
void azs_schedule_free(azs_schedule *schedule);

/**
 * Makes a gate without sources, which is open.
 */
azs_status azs_gate_new(azs_gate **gate, azs_error **error);

/**
 * Adds a source: a file with a document of operations, read anew each time. A missing file is an error.
 */
azs_status azs_gate_file(azs_gate *gate, const char *file, azs_error **error);

/**
 * Adds a source: a document of operations, see `azs_operations_parse`.
 */
azs_status azs_gate_document(azs_gate *gate, const uint8_t *json, size_t length, azs_error **error);

/**
 * Adds a source: a function. `user_data` must live until you free the gate.
 */
azs_status azs_gate_source(azs_gate *gate, azs_operations_fn source, void *user_data, azs_error **error);

/**
 * Lets backups run beside operations of this kind: "secret_rotation".
 */
azs_status azs_gate_ignore(azs_gate *gate, const char *kind, azs_error **error);

/**
 * Returns what keeps the gate closed now: a JSON array of `reason` and `operation`, empty if it is open.
 */
azs_status azs_gate_holds(azs_gate *gate, char **json, azs_error **error);

/**
 * Decides whether a scheduled backup that is due now runs: JSON with `decision`, "run" or "skipped"; if skipped, also
 * `holds` and `next_run`.
 */
azs_status azs_gate_scheduled(azs_gate *gate,
                              const azs_schedule *schedule,
                              const char *now,
                              char **json,
                              azs_error **error);

/**
 * Fails with `AZS_STATUS_CONFLICT` if a backup on demand may not run now; the message says until when.
 */
azs_status azs_gate_on_demand(azs_gate *gate, const char *now, azs_error **error);

/**
 * Frees a gate. NULL is allowed.
 */
void azs_gate_free(azs_gate *gate);

/**
 * Reads a document of operations, ours or the admin API's. Returns a JSON array.
 */
azs_status azs_operations_parse(const uint8_t *document,
                                size_t length,
                                char **json,
                                azs_error **error);

/**
 * Makes the record of a job that begins, as JSON. `trigger` is "scheduled" or "on_demand"; `place` may be NULL.
 */
azs_status azs_job_start(const char *id,
                         const char *trigger,
                         const char *place,
                         const char *now,
                         char **job,
                         azs_error **error);

/**
 * Makes the record of a scheduled job that was skipped, as JSON. `decision` is what `azs_gate_scheduled` returned.
 */
azs_status azs_job_skip(const char *id,
                        const char *decision,
                        const char *now,
                        char **job,
                        azs_error **error);

/**
 * Makes the record of a job that has ended, as JSON. `job` is its record so far, `status` a word such as "Succeeded"
 * or "Failed". Set and bytes come from `report`, the JSON of `azs_backup_commit`; reason and alert come from
 * `failure`. Each of the two may be NULL.
 */
azs_status azs_job_end(const char *job,
                       const char *status,
                       const char *report,
                       const azs_error *failure,
                       const char *now,
                       char **ended,
                       azs_error **error);

/**
 * Appends the record of a job to a log, and returns once it is on the disk. Only one process may append at a time.
 */
azs_status azs_job_log_append(const char *log,
                              const char *job,
                              azs_error **error);

/**
 * Reads the jobs of a log, as JSON: `jobs`, `last_scheduled`, `last_good`, `running`, `died`, `unreadable`, `is_cut`.
 * A log that does not exist has none. `died` are jobs whose process ended without saying so: they failed, and the next
 * append records that.
 */
azs_status azs_job_log_read(const char *log,
                            const char *now,
                            char **json,
                            azs_error **error);

/**
 * Returns what an operator should look into: a JSON array of `warning`, `message` and more. All arguments but
 * `retention_days` may be NULL: when the last good backup began, when backups were set up, what `azs_gate_holds`
 * returned, since when the gate has been closed, what `azs_schedule_next_run` returned, and the time.
 */
azs_status azs_backup_warnings(const char *last_backup,
                               const char *set_up,
                               uint32_t retention_days,
                               const char *holds,
                               const char *closed_since,
                               const char *next_run,
                               const char *now,
                               char **json,
                               azs_error **error);

/**
 * Opens the set in a folder of the share, as a listing or `azs_place_set_folder` returns it. Fails with
 * `AZS_STATUS_CONFLICT` if the set belongs elsewhere.
 */
azs_status azs_set_open(const azs_share *share, const char *folder, azs_set **set, azs_error **error);

/**
 * Opens a set of `place` that was copied to a folder of the share where another belongs.
 */
azs_status azs_set_open_foreign(const azs_share *share,
                                const char *folder,
                                const char *place,
                                azs_set **set,
                                azs_error **error);

/**
 * Opens a set by its encrypted index alone. Use it if `backup.json` or `SHA256SUMS` is damaged or gone but the data is
 * there.
 */
azs_status azs_set_open_by_index(const azs_share *share,
                                 const char *folder,
                                 const azs_opener *opener,
                                 azs_set **set,
                                 azs_error **error);

/**
 * Returns its cover sheet as JSON.
 */
azs_status azs_set_cover(const azs_set *set, char **json, azs_error **error);

/**
 * Returns its folder on the share.
 */
azs_status azs_set_folder(const azs_set *set, char **folder, azs_error **error);

/**
 * Begins to list the entries of a set. You may free set and opener before the entries.
 */
azs_status azs_set_entries(const azs_set *set,
                           const azs_opener *opener,
                           azs_entries **entries,
                           azs_error **error);

/**
 * Returns the next entry as JSON: `kind`, `path`, `size` and more; NULL after the last. After an error, the next call
 * goes on behind the damage.
 */
azs_status azs_entries_next(azs_entries *entries,
                            char **json,
                            azs_error **error);

/**
 * Frees entries. NULL is allowed.
 */
void azs_entries_free(azs_entries *entries);

/**
 * Reads who signed the set. Returns JSON: its `state` is "unsigned", "signed", with `signer` and `signed_at`, or
 * "invalid", with a `reason`. Only a demand says whether that is one of your hosts.
 */
azs_status azs_set_signature(const azs_set *set,
                             char **json,
                             azs_error **error);

/**
 * Fails with `AZS_STATUS_NOT_TRUSTED` unless one of these signers signed the set; see `azs_signer_certificate`. Returns
 * the signature as JSON; `json` may be NULL.
 */
azs_status azs_set_require_signers(const azs_set *set,
                                   const azs_signer_certificate *const *signers,
                                   size_t signer_count,
                                   char **json,
                                   azs_error **error);

/**
 * Checks every stored file against SHA256SUMS. Needs no key. Returns the report as JSON: the set is sound if `faults`
 * and `losses` are empty. A demand for `signers` that is not met is a fault; NULL and 0 demand nothing.
 */
azs_status azs_set_verify(const azs_set *set,
                          const azs_signer_certificate *const *signers,
                          size_t signer_count,
                          azs_progress_fn progress,
                          void *user_data,
                          char **report,
                          azs_error **error);

/**
 * Checks every byte with the decryption certificate. The demand and the report are as above.
 */
azs_status azs_set_verify_full(const azs_set *set,
                               const azs_opener *opener,
                               const azs_signer_certificate *const *signers,
                               size_t signer_count,
                               azs_progress_fn progress,
                               void *user_data,
                               char **report,
                               azs_error **error);

/**
 * Restores the set into a folder. `options` may be NULL for the defaults. Returns the report as JSON.
 */
azs_status azs_set_restore(const azs_set *set,
                           const azs_opener *opener,
                           const char *target,
                           azs_restore_options *options,
                           azs_progress_fn progress,
                           void *user_data,
                           char **report,
                           azs_error **error);

/**
 * Restores one file of at most `limit` bytes into memory; 0 means the default, 64 MiB. `signers` are demanded; NULL and 0
 * demand nothing.
 */
azs_status azs_set_restore_bytes(const azs_set *set,
                                 const azs_opener *opener,
                                 const char *path,
                                 uint64_t limit,
                                 const azs_signer_certificate *const *signers,
                                 size_t signer_count,
                                 azs_bytes **content,
                                 azs_error **error);

/**
 * Restores one file to a function, which gets nothing before the whole file is verified. Both functions get
 * `user_data`; `progress` may be NULL. `signers` are demanded; NULL and 0 demand nothing. Returns the entry as JSON;
 * `entry` may be NULL.
 */
azs_status azs_set_restore_stream(const azs_set *set,
                                  const azs_opener *opener,
                                  const char *path,
                                  const azs_signer_certificate *const *signers,
                                  size_t signer_count,
                                  azs_write_fn write,
                                  azs_progress_fn progress,
                                  void *user_data,
                                  char **entry,
                                  azs_error **error);

/**
 * Frees a set. NULL is allowed.
 */
void azs_set_free(azs_set *set);

/**
 * Makes the default options: restore everything into an empty folder, and stop at damage.
 */
azs_status azs_restore_options_new(azs_restore_options **options, azs_error **error);

/**
 * Reads options from a JSON object with `patterns` (a list), `existing`, `compare` and `damage`. What is missing or
 * null has its default.
 */
azs_status azs_restore_options_from_json(const char *json,
                                         azs_restore_options **options,
                                         azs_error **error);

/**
 * Restores only what a pattern in gitignore syntax matches. Several patterns add up; `!` leaves something out again.
 */
azs_status azs_restore_options_pattern(azs_restore_options *options,
                                       const char *pattern,
                                       azs_error **error);

/**
 * What to do about existing things: "refuse", the default, "keep" or "replace".
 */
azs_status azs_restore_options_existing(azs_restore_options *options,
                                        const char *existing,
                                        azs_error **error);

/**
 * How to compare existing files that are kept with the set: by "metadata", the default, or by "content".
 */
azs_status azs_restore_options_compare(azs_restore_options *options,
                                       const char *compare,
                                       azs_error **error);

/**
 * What to do about damage: "stop", the default, or "continue".
 */
azs_status azs_restore_options_damage(azs_restore_options *options,
                                      const char *damage,
                                      azs_error **error);

/**
 * Demands that one of these signers signed the set; see `azs_signer_certificate`. You may free them afterwards.
 */
azs_status azs_restore_options_require_signers(azs_restore_options *options,
                                               const azs_signer_certificate *const *signers,
                                               size_t signer_count,
                                               azs_error **error);

/**
 * Frees options. NULL is allowed.
 */
void azs_restore_options_free(azs_restore_options *options);

/**
 * Opens a folder of this host as a share: a local disk, or a share that the operating system has mounted. `durability`
 * is "flushed", "cached" or NULL for the first.
 */
azs_status azs_folder_share_open(const char *root,
                                 const char *durability,
                                 azs_share **share,
                                 azs_error **error);

/**
 * Opens a share: a folder, a UNC path, or the URL of an object store. With an account, our own client logs on to the
 * server of a UNC path, as `azs_smb_share_connect` does. If `account` is NULL, the system opens the share: any folder,
 * and on Windows a UNC path, as the account that the program runs as; elsewhere a UNC path takes an account. A URL
 * takes no account: credentials come from the environment. `options` is NULL or a JSON object: `durability`, and with
 * an account those of `azs_smb_share_connect`; for a URL those that docs/object-stores.md lists.
 *
 * Fails with `AZS_STATUS_UNSUPPORTED` for an account if the library was built without SMB, and for a URL if it was
 * built without the feature `object-store`.
 */
azs_status azs_share_open(const char *root,
                          const char *account,
                          const char *password,
                          const char *options,
                          azs_share **share,
                          azs_error **error);

/**
 * Connects to a share over SMB 3 by its UNC path, without mounting it, and logs on. `account` is like
 * `CONTOSO\\azsbackup`. `options` is NULL for the defaults, or a JSON object with `port`, `encryption` ("required",
 * "preferred", "off"), `oldest_dialect` ("3.1.1"; with "3.0" and "3.0.2" you give up encryption and protection of the
 * negotiation), `durability`, `connections`, `attempts`, and in seconds `connect_limit`, `silence_limit`,
 * `call_limit`. No message and no output contains account or password.
 *
 * Fails with `AZS_STATUS_UNSUPPORTED` if the library was built without SMB.
 */
azs_status azs_smb_share_connect(const char *root,
                                 const char *account,
                                 const char *password,
                                 const char *options,
                                 azs_share **share,
                                 azs_error **error);

/**
 * Returns what client and server agreed on, as JSON: `address`, `target` (behind a DFS path), `dialect`, `encrypted`,
 * `cipher`, `signing`, `block`. Fails with `AZS_STATUS_INVALID_ARGUMENT` for a share of another kind.
 */
azs_status azs_smb_share_facts(const azs_share *share,
                               char **json,
                               azs_error **error);

/**
 * Returns where it is, for people.
 */
azs_status azs_share_describe(const azs_share *share, char **text, azs_error **error);

/**
 * Returns its room in bytes, as JSON: `total` and `free`.
 */
azs_status azs_share_space(const azs_share *share, char **json, azs_error **error);

/**
 * Frees a share. NULL is allowed.
 */
void azs_share_free(azs_share *share);

/**
 * Checks step by step whether an open share can take the backups of a deployment. It writes a few objects with random
 * names, and removes them. `options` is NULL, or a JSON object with `components`, each like "Switches" or
 * "Switches/su1", and `create_folders` (false). Returns the report as JSON: `is_sound`, and `steps` with `outcome`
 * ("passed", "warned", "failed", "skipped"), what was `seen`, and the `alert` of a failure. The call succeeds even if
 * a step fails.
 */
azs_status azs_share_check(const azs_share *share,
                           const char *deployment,
                           const char *options,
                           char **report,
                           azs_error **error);

/**
 * Checks the way to a share over SMB, beginning with the server's name. The first step that fails shows where the
 * fault is. It tries to log on once. `connection` is what `azs_smb_share_connect` calls `options`; the rest is as
 * above.
 */
azs_status azs_smb_share_check(const char *root,
                               const char *account,
                               const char *password,
                               const char *connection,
                               const char *deployment,
                               const char *options,
                               char **report,
                               azs_error **error);

/**
 * Lists the sets of a deployment, or of one component; NULL for all. Needs no key. With a demand for `signers`, a set that
 * none of them signed is "untrusted": retention deletes no such set, and counts none as good. NULL and 0 demand nothing.
 *
 * With `newest`, it lists only the newest sets of each place, from the newest back until so many are complete, and reads no
 * older one; 0 lists all. A set from the future is listed but does not count. Without the older ones nobody sees that a set
 * is shrunken.
 */
azs_status azs_share_list_sets(const azs_share *share,
                               const char *deployment,
                               const char *component,
                               size_t newest,
                               const azs_signer_certificate *const *signers,
                               size_t signer_count,
                               azs_sets **sets,
                               azs_error **error);

/**
 * Returns how many there are; 0 for NULL.
 */
size_t azs_sets_count(const azs_sets *sets);

/**
 * Returns all of them: a JSON array, by place and then from old to new. Each has `place`, `name`, `folder`,
 * `has_cover_sheet`, `is_shrunken`, `state` ("complete", "damaged", "foreign", "incomplete", "unreadable",
 * "unsupported", "untrusted"), `signature`, and `cover` or `reason`; a foreign one also has `belongs_to`, the folder where it belongs.
 */
azs_status azs_sets_json(const azs_sets *sets,
                         char **json,
                         azs_error **error);

/**
 * Returns one of them as JSON: an object of the array that `azs_sets_json` returns. The first is number 0.
 */
azs_status azs_sets_item(const azs_sets *sets, size_t number, char **json, azs_error **error);

/**
 * Returns the folders of components and scale units that cannot be listed, a JSON array of `folder`, `code` and
 * `reason`. Their sets are missing from the listing.
 */
azs_status azs_sets_unreadable(const azs_sets *sets,
                               char **json,
                               azs_error **error);

/**
 * Frees a listing. NULL is allowed.
 */
void azs_sets_free(azs_sets *sets);

/**
 * Reads a CER: DER, PEM or Base64, or a PKCS #7 bundle with one certificate. Validity does not count here: a signature
 * is good if the certificate was valid at the time of the set.
 */
azs_status azs_signer_certificate_from_cer(const uint8_t *cer,
                                           size_t length,
                                           azs_signer_certificate **certificate,
                                           azs_error **error);

/**
 * Reads a CER file.
 */
azs_status azs_signer_certificate_load(const char *file,
                                       azs_signer_certificate **certificate,
                                       azs_error **error);

/**
 * Returns what the certificate says about itself, as JSON: see `azs_encryption_certificate_facts`.
 */
azs_status azs_signer_certificate_facts(const azs_signer_certificate *certificate,
                                        char **json,
                                        azs_error **error);

/**
 * Returns the certificate in DER, as in a CER file.
 */
azs_status azs_signer_certificate_to_der(const azs_signer_certificate *certificate,
                                         azs_bytes **der,
                                         azs_error **error);

/**
 * Frees a certificate. NULL is allowed.
 */
void azs_signer_certificate_free(azs_signer_certificate *certificate);

/**
 * Reads a PFX, of which one certificate must be fit to sign. An empty password and no password, NULL, are the same.
 */
azs_status azs_signer_from_pfx(const uint8_t *pfx,
                               size_t length,
                               const char *password,
                               azs_signer **signer,
                               azs_error **error);

/**
 * Reads a private key in PEM and its certificate, which may be in the same file. `passphrase` is NULL for a key that
 * is not encrypted.
 */
azs_status azs_signer_from_pem(const uint8_t *key,
                               size_t key_length,
                               const char *passphrase,
                               const uint8_t *cer,
                               size_t cer_length,
                               azs_signer **signer,
                               azs_error **error);

/**
 * Reads a PFX file, like `azs_signer_from_pfx`.
 */
azs_status azs_signer_load(const char *file,
                           const char *password,
                           azs_signer **signer,
                           azs_error **error);

/**
 * Returns what the certificate says about itself, as JSON: see `azs_encryption_certificate_facts`.
 */
azs_status azs_signer_facts(const azs_signer *signer, char **json, azs_error **error);

/**
 * Returns its public half, which readers demand.
 */
azs_status azs_signer_to_certificate(const azs_signer *signer,
                                     azs_signer_certificate **certificate,
                                     azs_error **error);

/**
 * Fails with `AZS_STATUS_CERTIFICATE_EXPIRED` unless the certificate is valid at that time; NULL means now.
 */
azs_status azs_signer_check_validity(const azs_signer *signer, const char *at, azs_error **error);

/**
 * Frees a signer. NULL is allowed.
 */
void azs_signer_free(azs_signer *signer);

/**
 * Looks at many deployments side by side, without a key: when each component was last backed up, how large the set is and
 * how that changed, who signed it, which PFX opens it, and how old the newest copy elsewhere is.
 *
 * There are `count` regions. The first is the deployment `deployments[0]` on the share `shares[0]`, and so on; a share may
 * come several times. `deployments`, or one of them, may be NULL for all deployments of the share. `copies` are shares with
 * copies, or NULL and 0. With a demand for `signers`, only sets that one of them signed count; NULL and 0 demand nothing.
 * `frequency_hours` is how many hours may lie between two backups; 0 means 12. `now` may be NULL for the present.
 * `progress` may be NULL; it counts deployments as files. A share or a folder that cannot be read is a row that says so.
 */
azs_status azs_survey_new(const azs_share *const *shares,
                          const char *const *deployments,
                          size_t count,
                          const azs_share *const *copies,
                          size_t copy_count,
                          const azs_signer_certificate *const *signers,
                          size_t signer_count,
                          uint32_t frequency_hours,
                          const char *now,
                          azs_progress_fn progress,
                          void *user_data,
                          azs_survey **found,
                          azs_error **error);

/**
 * Returns it as JSON: `now`, and `rows`, the worst first, each with `share`, `deployment`, `component`, `severity` (null
 * if all is well), `remarks`, `sets`, `last_good`, `due`, `status`, `files`, `bytes`, `stored_bytes`, `bytes_before`,
 * `signature`, `thumbprints`, `last_copy`.
 */
azs_status azs_survey_json(const azs_survey *survey,
                           char **json,
                           azs_error **error);

/**
 * Returns it as an HTML page.
 */
azs_status azs_survey_to_html(const azs_survey *survey, char **html, azs_error **error);

/**
 * Frees a survey. NULL is allowed.
 */
void azs_survey_free(azs_survey *survey);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* AZS_BACKUP_H */
