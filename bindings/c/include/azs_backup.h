/*
 * libazs_backup: encrypted backups of what Azure Stack Hub's own backup service leaves out.
 *
 * Every function that can fail returns an azs_status and takes an azs_error ** last. That may be NULL; where it is not,
 * it gets NULL when all went well, and else an error that azs_error_free frees. What a function gives through a pointer
 * is NULL when it fails. Handles are freed by the function that ends in _free, which takes NULL too; text of type char *
 * by azs_string_free; text of type const char *belongs to the library. A handle must not be used after it was freed, nor
 * freed while another thread begins to use it. A function that a call calls may free the handles of that call: they live
 * until it returns.
 *
 * Text is UTF-8 and ends with NUL. Files and folders of this host are in the system's own encoding, on Windows in UTF-8.
 * Times are RFC 3339: "2026-11-23T02:00:00Z"; NULL means now where the comment says so. Plain data is JSON.
 *
 * A wrong argument is AZS_STATUS_INVALID_ARGUMENT: NULL where something has to be, text that is not UTF-8, a number out of
 * bounds. No function prints, reads the environment, keeps global state, or ends the process. Passwords and keys are in
 * no message and no output.
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
 * How a call ended. A number never changes its meaning; new ones may come.
 */
typedef enum {
    /**
     * It was carried out.
     */
    AZS_STATUS_OK = 0,
    /**
     * The account may not do this.
     */
    AZS_STATUS_ACCESS_DENIED = 1,
    /**
     * Something of that name is there already.
     */
    AZS_STATUS_ALREADY_EXISTS = 2,
    /**
     * The caller's observer said stop.
     */
    AZS_STATUS_CANCELLED = 3,
    /**
     * The encryption certificate is not valid today; an option allows it all the same.
     */
    AZS_STATUS_CERTIFICATE_EXPIRED = 4,
    /**
     * The certificate cannot serve: too short a key, an unsupported curve, a private key in a CER, none in a PFX.
     */
    AZS_STATUS_CERTIFICATE_UNSUITABLE = 5,
    /**
     * Something else is in the way: an operation, until it ends, or a set that belongs elsewhere. The error says
     * which.
     */
    AZS_STATUS_CONFLICT = 6,
    /**
     * Stored data is not what was written: a failed authentication, a wrong digest, a missing or foreign file.
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
     * The call cannot be carried out as asked; the caller's code has to change.
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
     * The file server does not accept the account: its name, its password, or the state that it is in.
     */
    AZS_STATUS_LOGON_FAILED = 14,
    /**
     * Bytes are not in the format they are said to be in.
     */
    AZS_STATUS_MALFORMED = 15,
    /**
     * There is nothing of that name.
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
     * Something took longer than it may.
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
} azs_status;

/**
 * What an alert is about: the documented five first. A number never changes its meaning; new ones may come.
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
     * The scheduled backup did not start because another operation runs or has failed.
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
 * A backup in the making. Freed by `azs_backup_free`; not committed, it then leaves nothing that looks like a backup.
 *
 * Threads: one at a time, not necessarily the one that began it; a call from another, or from a function that the
 * backup calls, fails while one is at work. Freed meanwhile, it is abandoned when that call returns. It belongs to the
 * process that began it: in a forked one every call fails, and freeing it there leaves the backup to its process.
 */
typedef struct azs_backup azs_backup;

/**
 * How a backup is to be made; `azs_backup_start` begins it. Freed by `azs_backup_builder_free`, begun or not.
 *
 * Threads: one at a time.
 */
typedef struct azs_backup_builder azs_backup_builder;

/**
 * Bytes that the library gave: a message, opened content, a file. Freed by `azs_bytes_free`, which overwrites what may
 * be secret.
 *
 * Threads: may be read by several threads at once.
 */
typedef struct azs_bytes azs_bytes;

/**
 * The class of a failure: the kind of alert, how sure that is, why, and whether to try again. Freed by
 * `azs_classification_free`, unless it belongs to an error.
 *
 * Threads: never changes, may be read by several threads at once.
 */
typedef struct azs_classification azs_classification;

/**
 * A certificate with its private key, which opens backups: the PFX. Freed by `azs_decryption_certificate_free`, which
 * overwrites the key.
 *
 * Threads: never changes, may be used by several threads at once.
 */
typedef struct azs_decryption_certificate azs_decryption_certificate;

/**
 * A public certificate that backups are sealed to: the CER. Freed by `azs_encryption_certificate_free`.
 *
 * Threads: never changes, may be used by several threads at once.
 */
typedef struct azs_encryption_certificate azs_encryption_certificate;

/**
 * What a set holds, entry by entry. Freed by `azs_entries_free`.
 *
 * Threads: one at a time.
 */
typedef struct azs_entries azs_entries;

/**
 * What went wrong: a status, one line for people, what lies beneath, and the alert. Freed by `azs_error_free`.
 *
 * Threads: never changes, may be read by several threads at once.
 */
typedef struct azs_error azs_error;

/**
 * Keeps backups from running beside what they conflict with. Freed by `azs_gate_free`.
 *
 * Threads: one at a time.
 */
typedef struct azs_gate azs_gate;

/**
 * Opens messages with certificates. Freed by `azs_opener_free`, which overwrites the keys.
 *
 * Threads: may be used by several threads at once.
 */
typedef struct azs_opener azs_opener;

/**
 * How a restore is to be done. Freed by `azs_restore_options_free`.
 *
 * Threads: one at a time.
 */
typedef struct azs_restore_options azs_restore_options;

/**
 * Which sets go and which stay. Freed by `azs_retention_plan_free`.
 *
 * Threads: never changes, may be used by several threads at once.
 */
typedef struct azs_retention_plan azs_retention_plan;

/**
 * What to keep of the sets of a deployment. Freed by `azs_retention_policy_free`.
 *
 * Threads: never changes, may be used by several threads at once.
 */
typedef struct azs_retention_policy azs_retention_policy;

/**
 * What a review found. Freed by `azs_review_free`.
 *
 * Threads: never changes, may be used by several threads at once.
 */
typedef struct azs_review azs_review;

/**
 * When backups run. Freed by `azs_schedule_free`.
 *
 * Threads: never changes, may be used by several threads at once.
 */
typedef struct azs_schedule azs_schedule;

/**
 * Seals messages to certificates. Freed by `azs_sealer_free`, which overwrites its key.
 *
 * Threads: may be used by several threads at once. It refuses to work in a forked process.
 */
typedef struct azs_sealer azs_sealer;

/**
 * A set that is complete by its cover sheet. Freed by `azs_set_free`.
 *
 * Threads: may be used by several threads at once.
 */
typedef struct azs_set azs_set;

/**
 * The sets of a deployment, as a listing shows them. Freed by `azs_sets_free`.
 *
 * Threads: never changes, may be used by several threads at once.
 */
typedef struct azs_sets azs_sets;

/**
 * A share that backups lie on. Freed by `azs_share_free`; what was made of it before goes on working.
 *
 * Threads: may be used by several threads at once.
 */
typedef struct azs_share azs_share;

/**
 * Classifies text that comes line by line. Freed by `azs_text_classifier_free`.
 *
 * Threads: one at a time.
 */
typedef struct azs_text_classifier azs_text_classifier;

/**
 * How far long work has come. Fields may be added at the end.
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
     * Bytes of stored form written to the share, or read from it.
     */
    uint64_t stored_bytes;
    /**
     * Bytes of file content expected in all; 0 where that is not known.
     */
    uint64_t total_bytes;
    /**
     * Whether that is known.
     */
    bool has_total_bytes;
} azs_progress;

/**
 * Told how far the work is, about ten times a second, on the thread that asked for the work; answers whether to go on.
 * Work that is stopped so ends as `AZS_STATUS_CANCELLED`. Must return: no longjmp, no exception.
 */
typedef bool (*azs_progress_fn)(const azs_progress *progress, void *user_data);

/**
 * Reads at most `length` bytes into `buffer`, and returns how many: 0 at the end, a negative errno when it fails. Called
 * on the thread that asked for the work. Must return: no longjmp, no exception.
 */
typedef int64_t (*azs_read_fn)(uint8_t *buffer, size_t length, void *user_data);

/**
 * Takes at most `length` bytes, and returns how many it took, at least 1; a negative errno when it fails. Called on the
 * thread that asked for the work. Must return: no longjmp, no exception.
 */
typedef int64_t (*azs_write_fn)(const uint8_t *bytes, size_t length, void *user_data);

/**
 * Told of each set before it is deleted, as JSON, on the calling thread; answers whether to go on. Must return: no
 * longjmp, no exception.
 */
typedef bool (*azs_deletion_fn)(const char *deletion, void *user_data);

/**
 * Gives a JSON document of operations, as `azs_operations_parse` reads it, or NULL when it cannot tell; the gate then fails.
 * The text has to stay until the next call of the same function, or the end of the gate.
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
 * Classifies an error of this library under another profile than that of `azs_error_alert`, which is "refined".
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
 * The classification of an alert that no failure raises: an almost full share, a certificate that expires. `kind` is
 * an `azs_alert_kind`.
 */
azs_status azs_classify_kind(int32_t kind,
                             azs_classification **classification,
                             azs_error **error);

/**
 * Begins.
 */
azs_status azs_text_classifier_new(const char *profile,
                                   azs_text_classifier **classifier,
                                   azs_error **error);

/**
 * Takes one more line.
 */
azs_status azs_text_classifier_line(azs_text_classifier *classifier,
                                    const uint8_t *line,
                                    size_t length,
                                    azs_error **error);

/**
 * Ends, and gives what the lines say. The classifier takes no more lines and still has to be freed.
 */
azs_status azs_text_classifier_finish(azs_text_classifier *classifier,
                                      azs_classification **classification,
                                      azs_error **error);

/**
 * Frees a classifier. NULL is allowed.
 */
void azs_text_classifier_free(azs_text_classifier *classifier);

/**
 * The kind. `AZS_ALERT_KIND_NONE` for NULL.
 */
azs_alert_kind azs_classification_kind(const azs_classification *classification);

/**
 * The one of the documented five that the kind belongs to. `AZS_ALERT_KIND_NONE` for NULL.
 */
azs_alert_kind azs_classification_documented_kind(const azs_classification *classification);

/**
 * Whether anything failed: false for codes that report no failure, and for NULL.
 */
bool azs_classification_is_failure(const azs_classification *classification);

/**
 * All of it as JSON: kinds, confidence, severity, title, advice on trying again, evidence.
 */
azs_status azs_classification_json(const azs_classification *classification,
                                   char **json,
                                   azs_error **error);

/**
 * What happened, in a sentence or three. `context` is JSON with `id`, `now`, `location`, `share`, `path`, `account`
 * and `operation`, all but the first to be left out.
 */
azs_status azs_classification_describe(const azs_classification *classification,
                                       const char *context,
                                       char **text,
                                       azs_error **error);

/**
 * What to do next, step by step: a JSON array of texts. `context` as above.
 */
azs_status azs_classification_remedy(const azs_classification *classification,
                                     const char *context,
                                     char **json,
                                     azs_error **error);

/**
 * An active alert for the failure, as the admin API writes it: JSON. `context` as above.
 */
azs_status azs_classification_alert(const azs_classification *classification,
                                    const char *context,
                                    char **json,
                                    azs_error **error);

/**
 * Frees a classification; not one of `azs_error_alert`, which belongs to its error. NULL is allowed.
 */
void azs_classification_free(azs_classification *classification);

/**
 * Reads the alerts of a listing, an array or one alert: a JSON array of alerts.
 */
azs_status azs_alerts_parse(const uint8_t *json, size_t length, char **alerts, azs_error **error);

/**
 * The code of a kind: "SHARE_NOT_WRITABLE". Lives for ever. NULL for a number that is none.
 */
const char *azs_alert_kind_code(int32_t kind);

/**
 * The kind of a faultTypeId of Azure Stack Hub, whatever its letter case. `AZS_ALERT_KIND_NONE` where it is not known,
 * and for NULL.
 */
azs_alert_kind azs_alert_kind_of_fault_type(const char *id);

/**
 * A backup of a place, `contoso.com/nyc/Switches`, to a share, with nothing else said yet.
 */
azs_status azs_backup_builder_new(const azs_share *share,
                                  const char *place,
                                  azs_backup_builder **builder,
                                  azs_error **error);

/**
 * Adds a certificate that can open the set: at least one is needed.
 */
azs_status azs_backup_builder_certificate(azs_backup_builder *builder,
                                          const azs_encryption_certificate *certificate,
                                          azs_error **error);

/**
 * Sets options from a JSON object: its keys are the names of the functions below, with `labels` (an object), `exclude`
 * and `distrust` (lists of strings). What is missing or null stays as it is. After an error the builder can only be freed.
 */
azs_status azs_backup_builder_options(azs_backup_builder *builder,
                                      const char *options,
                                      azs_error **error);

/**
 * Accepts certificates that are expired or not yet valid, which are refused otherwise.
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
 * Leaves out what a pattern in gitignore syntax matches below each folder; `!` takes back in.
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
 * Makes the region folder, and that of a component of your own, where it is missing; otherwise that is an error.
 */
azs_status azs_backup_builder_create(azs_backup_builder *builder,
                                     bool create,
                                     azs_error **error);

/**
 * Reads each stored file that is taken over back at least once in so many runs; the default is 7, 0 is never.
 */
azs_status azs_backup_builder_recheck(azs_backup_builder *builder, uint32_t runs, azs_error **error);

/**
 * Writes anew what was stored longer ago than this many days; the default is 180, 0 is never.
 */
azs_status azs_backup_builder_renew_after_days(azs_backup_builder *builder,
                                               uint32_t days,
                                               azs_error **error);

/**
 * zstd level, -7 to 19; the default is 3. Checked when the backup starts.
 */
azs_status azs_backup_builder_level(azs_backup_builder *builder, int32_t level, azs_error **error);

/**
 * Most bytes of one stored segment, 4 to 64 MiB; the default is 12 MiB. Checked when the backup starts.
 */
azs_status azs_backup_builder_segment_size(azs_backup_builder *builder, size_t bytes, azs_error **error);

/**
 * Threads that read and compress; the default is one for each core.
 */
azs_status azs_backup_builder_workers(azs_backup_builder *builder, size_t workers, azs_error **error);

/**
 * A folder of this host, one for each job, in which it remembers the last set from run to run: then a set costs what
 * changed since.
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
 * Does not take over a stored file from an earlier set, since a verification found it damaged: what it holds is stored
 * again. `file` is that of a fault in the report of `azs_set_verify`.
 */
azs_status azs_backup_builder_distrust(azs_backup_builder *builder,
                                       const char *file,
                                       azs_error **error);

/**
 * Names the set, in place of the clock and a random suffix.
 */
azs_status azs_backup_builder_set_name(azs_backup_builder *builder, const char *name, azs_error **error);

/**
 * Sets the progress function, which is called while sources are added and while the backup is committed, on the thread
 * that does so. `user_data` has to live until the backup is freed.
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
 * Begins the backup: checks everything that was said and creates the set's folder. A builder starts once; it still has
 * to be freed.
 */
azs_status azs_backup_start(azs_backup_builder *builder,
                            azs_backup **backup,
                            azs_error **error);

/**
 * The name of the set that is being made.
 */
azs_status azs_backup_set(azs_backup *backup, char **name, azs_error **error);

/**
 * Adds a file or a folder, whichever it is, under a name; NULL for its own.
 */
azs_status azs_backup_add(azs_backup *backup, const char *source, const char *name, azs_error **error);

/**
 * Adds a folder and all below it, under a name; NULL for its own.
 */
azs_status azs_backup_add_folder(azs_backup *backup,
                                 const char *folder,
                                 const char *name,
                                 azs_error **error);

/**
 * Adds a file under a name, which may have folders in it: `tor1/running-config`; NULL for its own.
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
 * Says that something is not in the set because it could not be had, a switch that did not answer: by the policy
 * "fail" the call fails with `AZS_STATUS_SOURCE_UNREADABLE`, by "report" it is named in the report, and the set is
 * partial. `message` is one line for people.
 */
azs_status azs_backup_add_problem(azs_backup *backup,
                                  const char *name,
                                  const char *message,
                                  azs_error **error);

/**
 * Waits until everything is stored and writes the cover sheet: from then on it is a backup. Gives the report as JSON;
 * `report` may be NULL. The backup still has to be freed.
 */
azs_status azs_backup_commit(azs_backup *backup,
                             char **report,
                             azs_error **error);

/**
 * Frees a backup; one that was not committed is abandoned: what it stored is removed. One that is in use is abandoned
 * when the call that uses it returns. NULL is allowed.
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
 * What the certificate says, as JSON: `subject`, `issuer`, `serial`, `sha1_thumbprint`, `sha256_thumbprint`,
 * `not_before`, `not_after`, `key`.
 */
azs_status azs_encryption_certificate_facts(const azs_encryption_certificate *certificate,
                                            char **json,
                                            azs_error **error);

/**
 * Fails with `AZS_STATUS_CERTIFICATE_EXPIRED` unless the certificate is valid at that time, NULL for now.
 */
azs_status azs_encryption_certificate_check_validity(const azs_encryption_certificate *certificate,
                                                     const char *at,
                                                     azs_error **error);

/**
 * The certificate in DER, as a CER file holds it.
 */
azs_status azs_encryption_certificate_to_der(const azs_encryption_certificate *certificate,
                                             azs_bytes **der,
                                             azs_error **error);

/**
 * Frees a certificate. NULL is allowed.
 */
void azs_encryption_certificate_free(azs_encryption_certificate *certificate);

/**
 * Reads a PFX. An empty password and none, NULL, are the same.
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
 * Reads a PFX file. An empty password and none, NULL, are the same.
 */
azs_status azs_decryption_certificate_load(const char *file,
                                           const char *password,
                                           azs_decryption_certificate **certificate,
                                           azs_error **error);

/**
 * What the certificate says, as JSON: see `azs_encryption_certificate_facts`.
 */
azs_status azs_decryption_certificate_facts(const azs_decryption_certificate *certificate,
                                            char **json,
                                            azs_error **error);

/**
 * Its public half, as the CER has it.
 */
azs_status azs_decryption_certificate_encryption_certificate(const azs_decryption_certificate *certificate,
                                                             azs_encryption_certificate **public_half,
                                                             azs_error **error);

/**
 * Frees a certificate. NULL is allowed.
 */
void azs_decryption_certificate_free(azs_decryption_certificate *certificate);

/**
 * Makes a sealer for `count` certificates, 1 to 16, whose handles stand at `certificates` and are no longer needed
 * after.
 */
azs_status azs_sealer_new(const azs_encryption_certificate *const *certificates,
                          size_t count,
                          azs_sealer **sealer,
                          azs_error **error);

/**
 * Seals bytes: one message.
 */
azs_status azs_sealer_seal(const azs_sealer *sealer,
                           const uint8_t *content,
                           size_t length,
                           azs_bytes **message,
                           azs_error **error);

/**
 * Seals a file into a new one, which is seen only when it is whole.
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
 * Makes an opener of `count` certificates, whose handles stand at `certificates` and are no longer needed after.
 */
azs_status azs_opener_new(const azs_decryption_certificate *const *certificates,
                          size_t count,
                          azs_opener **opener,
                          azs_error **error);

/**
 * What its certificates say: a JSON array of facts.
 */
azs_status azs_opener_certificates(const azs_opener *opener, char **json, azs_error **error);

/**
 * Opens a message. The content is given only when all of it is authentic.
 */
azs_status azs_opener_open(const azs_opener *opener,
                           const uint8_t *message,
                           size_t length,
                           azs_bytes **content,
                           azs_error **error);

/**
 * Opens a file that holds one message into a new file, which only its owner may read and which is seen only when it is
 * whole.
 */
azs_status azs_opener_open_file(const azs_opener *opener,
                                const char *from,
                                const char *to,
                                azs_error **error);

/**
 * Opens the message that a function reads; another writes the content, of which it gets nothing before all of it is
 * authentic. Both get `user_data`.
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
 * Whom a message is sealed to: a JSON array.
 */
azs_status azs_message_recipients(const uint8_t *message,
                                  size_t length,
                                  char **json,
                                  azs_error **error);

/**
 * The status that the call returned. `AZS_STATUS_OK` for NULL.
 */
azs_status azs_error_status(const azs_error *error);

/**
 * The code, the same word in all languages: "ACCESS_DENIED". Lives for ever. "OK" for NULL.
 */
const char *azs_error_code(const azs_error *error);

/**
 * One line for people, in UTF-8, without secrets. Lives as long as `error`. Empty for NULL.
 */
const char *azs_error_message(const azs_error *error);

/**
 * What lies beneath, in UTF-8: what the operating system or OpenSSL said. Lives as long as `error`. NULL where there
 * is nothing beneath.
 */
const char *azs_error_cause(const azs_error *error);

/**
 * The file or folder that it concerns, on the share or on this host, in UTF-8. Lives as long as `error`. NULL where it
 * concerns none, or none is known.
 */
const char *azs_error_path(const azs_error *error);

/**
 * What was done when it failed, in one word: "read", "write", "list". Lives as long as `error`. NULL where that is not
 * known.
 */
const char *azs_error_operation(const azs_error *error);

/**
 * The name of the backup set that it concerns: "20261123T020000Z-7f3a91c2". Lives as long as `error`. NULL where it
 * concerns none, or none is known.
 */
const char *azs_error_set(const azs_error *error);

/**
 * The alert: which of those that operators know it is, and what to do. Lives as long as `error`; not to be freed by
 * itself. NULL for NULL.
 */
const azs_classification *azs_error_alert(const azs_error *error);

/**
 * Frees an error. NULL is allowed.
 */
void azs_error_free(azs_error *error);

/**
 * The code of a status: "ACCESS_DENIED", "OK". Lives for ever. "INTERNAL" for a number that is none.
 *
 * The argument is a number, so that no value of it is undefined.
 */
const char *azs_status_code(int32_t status);

/**
 * Text in JSON that this library gave: `azs_json_text(report, "/set", &set, &error)`. `pointer` is a JSON Pointer
 * (RFC 6901): the names of members and the numbers of items, each after a slash. Gives NULL if it is null.
 * `AZS_STATUS_NOT_FOUND` if it is not there: some members are left out when there is nothing to say.
 *
 * Each call reads the JSON from its beginning. For each item of a long list take `azs_sets_item`,
 * `azs_entries_next` or `azs_json_part` first.
 */
azs_status azs_json_text(const char *json,
                         const char *pointer,
                         char **text,
                         azs_error **error);

/**
 * A whole number in JSON: "/stored/bytes". `AZS_STATUS_NOT_FOUND` if it is null or not there; `value` is 0 then.
 */
azs_status azs_json_number(const char *json,
                           const char *pointer,
                           int64_t *value,
                           azs_error **error);

/**
 * A truth value in JSON: "/is_sound". `AZS_STATUS_NOT_FOUND` if it is null or not there; `value` is false then.
 */
azs_status azs_json_bool(const char *json,
                         const char *pointer,
                         bool *value,
                         azs_error **error);

/**
 * How many items a list in JSON has: "/faults", or "" for the JSON itself. `AZS_STATUS_NOT_FOUND` if it is null or not
 * there; `count` is 0 then.
 */
azs_status azs_json_count(const char *json,
                          const char *pointer,
                          size_t *count,
                          azs_error **error);

/**
 * A part of JSON, as JSON of its own: "/deletions/0", or "/running" for a job that `azs_job_end` takes.
 * `AZS_STATUS_NOT_FOUND` if it is not there.
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
 * Goes on below a UNC path by a path on the share.
 */
azs_status azs_unc_path_join(const char *path, const char *below, char **json, azs_error **error);

/**
 * Goes on below a path on the share by another.
 */
azs_status azs_share_path_join(const char *path, const char *below, char **json, azs_error **error);

/**
 * Forms a deployment of its external domain name and region.
 */
azs_status azs_deployment_form(const char *external_domain_name,
                               const char *region,
                               char **json,
                               azs_error **error);

/**
 * Forms a place of a deployment, a component and a scale unit, or NULL where there is none.
 */
azs_status azs_place_form(const char *deployment,
                          const char *component,
                          const char *scale_unit,
                          char **json,
                          azs_error **error);

/**
 * Forms a set's name of the time of its making, NULL for now, and a number that tells sets of one second apart.
 */
azs_status azs_set_name_form(const char *created,
                             uint32_t suffix,
                             char **json,
                             azs_error **error);

/**
 * The folder of a set below the root of the share: facts of a path on the share.
 */
azs_status azs_place_set_folder(const char *place, const char *set, char **json, azs_error **error);

/**
 * Whether two UNC paths are the same place, whatever their letter case.
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
 * Where the bytes begin. They live as long as `bytes`. NULL for NULL.
 */
const uint8_t *azs_bytes_data(const azs_bytes *bytes);

/**
 * How many there are. 0 for NULL.
 */
size_t azs_bytes_length(const azs_bytes *bytes);

/**
 * Frees bytes. NULL is allowed.
 */
void azs_bytes_free(azs_bytes *bytes);

/**
 * Frees a text that a function of this library gave as `char *`. NULL is allowed.
 */
void azs_string_free(char *text);

/**
 * The version of the library: "0.1.0". Lives for ever.
 */
const char *azs_version(void);

/**
 * A policy. `options` is NULL for the defaults, which keep every complete set, or a JSON object with `keep_days`,
 * `keep_last`, `keep_daily`, `keep_weekly`, `keep_monthly`, `keep_labels` (pairs of key and value, null for any),
 * `pin` (names of sets), `make_room` (bytes), `grace_hours` (24), `shrunken_below` (50, in percent).
 */
azs_status azs_retention_policy_new(const char *options,
                                    azs_retention_policy **policy,
                                    azs_error **error);

/**
 * The same policy that makes room besides: until `bytes` are free on a share with this space, the JSON of
 * `azs_share_space`.
 */
azs_status azs_retention_policy_make_room_for(const azs_retention_policy *policy,
                                              uint64_t bytes,
                                              const char *space,
                                              azs_retention_policy **changed,
                                              azs_error **error);

/**
 * What to delete of the sets that a listing gave. Deletes nothing. `now` is NULL for now.
 */
azs_status azs_retention_policy_plan(const azs_retention_policy *policy,
                                     const azs_sets *sets,
                                     const char *now,
                                     azs_retention_plan **plan,
                                     azs_error **error);

/**
 * What a policy would do with candidates: a JSON array of `deployment`, `component`, `scale_unit`, `set`, `condition`,
 * `created`, `bytes` and `labels`. Such a plan deletes nothing when it is applied.
 */
azs_status azs_retention_policy_plan_candidates(const azs_retention_policy *policy,
                                                const char *candidates,
                                                const char *now,
                                                azs_retention_plan **plan,
                                                azs_error **error);

/**
 * What goes and what stays, as JSON: `deletions` and `kept` with their reasons, `freed_bytes`, `shortfall`.
 */
azs_status azs_retention_plan_json(const azs_retention_plan *plan, char **json, azs_error **error);

/**
 * Deletes what the plan says, the oldest first. Gives the report as JSON: `outcomes` and `freed_bytes`; a set that
 * cannot be deleted does not make the call fail. `before` may be NULL.
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
 * Reviews a configuration, a JSON document, and the share whose root it names. `now` is NULL for now.
 */
azs_status azs_review_new(const uint8_t *configuration,
                          size_t length,
                          const azs_share *share,
                          const char *now,
                          azs_review **found,
                          azs_error **error);

/**
 * What it found, as JSON: `findings` with `rule`, `severity`, `about`, `seen` and what to do, `silenced`,
 * `components`, `space`.
 */
azs_status azs_review_json(const azs_review *review, char **json, azs_error **error);

/**
 * As a table for a terminal.
 */
azs_status azs_review_to_table(const azs_review *review, char **text, azs_error **error);

/**
 * As an HTML page.
 */
azs_status azs_review_to_html(const azs_review *review, char **html, azs_error **error);

/**
 * Frees a review. NULL is allowed.
 */
void azs_review_free(azs_review *review);

/**
 * The rules, as a JSON array: `rule`, `severity`, `title`, `why`, `practice`, `remedy`.
 */
azs_status azs_review_rules(char **json, azs_error **error);

/**
 * A schedule. `options` is NULL for the defaults, or a JSON object with `frequency_hours` (12), `beyond_microsoft`
 * (false), `phase_seconds`, `jitter_seconds` with `host`.
 */
azs_status azs_schedule_new(const char *options,
                            azs_schedule **schedule,
                            azs_error **error);

/**
 * When to run next, as JSON: `at`, `due`, `missed`, `clock_set_back_by`. `last` is when the last scheduled run began
 * or was skipped, NULL where there was none; `now` is NULL for now.
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
 * A gate without sources: it is open.
 */
azs_status azs_gate_new(azs_gate **gate, azs_error **error);

/**
 * Asks a file with a document of operations, too, which is read anew each time; one that is not there is an error.
 */
azs_status azs_gate_file(azs_gate *gate,
                         const char *file,
                         azs_error **error);

/**
 * Takes a document of operations, too: see `azs_operations_parse`.
 */
azs_status azs_gate_document(azs_gate *gate, const uint8_t *json, size_t length, azs_error **error);

/**
 * Asks a function, too. `user_data` has to live until the gate is freed.
 */
azs_status azs_gate_source(azs_gate *gate, azs_operations_fn source, void *user_data, azs_error **error);

/**
 * Lets backups run beside operations of this kind: "secret_rotation".
 */
azs_status azs_gate_ignore(azs_gate *gate, const char *kind, azs_error **error);

/**
 * What keeps the gate closed now: a JSON array of `reason` and `operation`, empty where it is open.
 */
azs_status azs_gate_holds(azs_gate *gate, char **json, azs_error **error);

/**
 * Whether a scheduled backup that is due now runs: JSON with `decision`, "run" or "skipped", and then `holds` and
 * `next_run`.
 */
azs_status azs_gate_scheduled(azs_gate *gate,
                              const azs_schedule *schedule,
                              const char *now,
                              char **json,
                              azs_error **error);

/**
 * Fails with `AZS_STATUS_CONFLICT` where a backup on demand may not run now; the message says until when.
 */
azs_status azs_gate_on_demand(azs_gate *gate, const char *now, azs_error **error);

/**
 * Frees a gate. NULL is allowed.
 */
void azs_gate_free(azs_gate *gate);

/**
 * Reads a document of operations, ours or of the admin API: a JSON array.
 */
azs_status azs_operations_parse(const uint8_t *document,
                                size_t length,
                                char **json,
                                azs_error **error);

/**
 * The record of a job that begins, as JSON. `trigger` is "scheduled" or "on_demand"; `place` may be NULL.
 */
azs_status azs_job_start(const char *id,
                         const char *trigger,
                         const char *place,
                         const char *now,
                         char **job,
                         azs_error **error);

/**
 * The record of a scheduled job that was skipped, as JSON. `decision` is what `azs_gate_scheduled` gave.
 */
azs_status azs_job_skip(const char *id,
                        const char *decision,
                        const char *now,
                        char **job,
                        azs_error **error);

/**
 * The record of a job that has ended, as JSON. `job` is its record so far, `status` a word such as "Succeeded" or
 * "Failed". Set and bytes are taken from `report`, the JSON of `azs_backup_commit`, reason and alert from `failure`;
 * each may be NULL.
 */
azs_status azs_job_end(const char *job,
                       const char *status,
                       const char *report,
                       const azs_error *failure,
                       const char *now,
                       char **ended,
                       azs_error **error);

/**
 * Appends the record of a job to a log, and returns when it is on the disk. One process at a time may append.
 */
azs_status azs_job_log_append(const char *log, const char *job, azs_error **error);

/**
 * Reads the jobs of a log, as JSON: `jobs`, `last_scheduled`, `last_good`, `running`, `died`, `unreadable`, `is_cut`.
 * A log that is not there has none. `died` are jobs whose process ended without a word: they failed, and the next
 * append writes that down.
 */
azs_status azs_job_log_read(const char *log,
                            const char *now,
                            char **json,
                            azs_error **error);

/**
 * What an operator should see to: a JSON array of `warning`, `message` and more. All but `retention_days` may be NULL:
 * when the last good backup began, when backups were set up, what `azs_gate_holds` gave, since when the gate has been
 * closed, what `azs_schedule_next_run` gave, and the time.
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
 * Opens the set in a folder of the share, as a listing or `azs_place_set_folder` gives it. `AZS_STATUS_CONFLICT` where
 * it belongs elsewhere.
 */
azs_status azs_set_open(const azs_share *share,
                        const char *folder,
                        azs_set **set,
                        azs_error **error);

/**
 * Opens a set of `place` in a folder of the share, where another's should lie: one that was copied there.
 */
azs_status azs_set_open_foreign(const azs_share *share,
                                const char *folder,
                                const char *place,
                                azs_set **set,
                                azs_error **error);

/**
 * Opens a set by its encrypted index alone, where `backup.json` or `SHA256SUMS` is damaged or gone and its data is
 * there.
 */
azs_status azs_set_open_by_index(const azs_share *share,
                                 const char *folder,
                                 const azs_opener *opener,
                                 azs_set **set,
                                 azs_error **error);

/**
 * Its cover sheet as JSON.
 */
azs_status azs_set_cover(const azs_set *set, char **json, azs_error **error);

/**
 * Its folder on the share.
 */
azs_status azs_set_folder(const azs_set *set, char **folder, azs_error **error);

/**
 * Begins to list what the set holds. Set and opener may be freed before the entries.
 */
azs_status azs_set_entries(const azs_set *set,
                           const azs_opener *opener,
                           azs_entries **entries,
                           azs_error **error);

/**
 * The next entry as JSON: `kind`, `path`, `size` and more; NULL after the last. After an error the next call goes on
 * with what follows the damage.
 */
azs_status azs_entries_next(azs_entries *entries,
                            char **json,
                            azs_error **error);

/**
 * Frees entries. NULL is allowed.
 */
void azs_entries_free(azs_entries *entries);

/**
 * Checks every stored file against SHA256SUMS; needs no key. Gives the report as JSON: the set is sound where `faults`
 * and `losses` are empty.
 */
azs_status azs_set_verify(const azs_set *set,
                          azs_progress_fn progress,
                          void *user_data,
                          char **report,
                          azs_error **error);

/**
 * Checks every byte with the decryption certificate. The report is as above.
 */
azs_status azs_set_verify_full(const azs_set *set,
                               const azs_opener *opener,
                               azs_progress_fn progress,
                               void *user_data,
                               char **report,
                               azs_error **error);

/**
 * All of the set, into an empty folder, and not past damage.
 */
azs_status azs_restore_options_new(azs_restore_options **options, azs_error **error);

/**
 * Reads options from a JSON object with `patterns` (a list), `existing`, `compare`, `damage`; what is missing or null has
 * its default.
 */
azs_status azs_restore_options_from_json(const char *json,
                                         azs_restore_options **options,
                                         azs_error **error);

/**
 * Restores only what a pattern in gitignore syntax matches; several add up, `!` takes away.
 */
azs_status azs_restore_options_pattern(azs_restore_options *options,
                                       const char *pattern,
                                       azs_error **error);

/**
 * What to do about what is there: "refuse", the default, "keep" or "replace".
 */
azs_status azs_restore_options_existing(azs_restore_options *options,
                                        const char *existing,
                                        azs_error **error);

/**
 * By what that which is kept is compared with the set: "metadata", the default, or "content".
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
 * Frees options. NULL is allowed.
 */
void azs_restore_options_free(azs_restore_options *options);

/**
 * Restores the set into a folder. `options` may be NULL for the defaults. Gives the report as JSON.
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
 * Restores one file of at most `limit` bytes into memory; 0 means the default, 64 MiB.
 */
azs_status azs_set_restore_bytes(const azs_set *set,
                                 const azs_opener *opener,
                                 const char *path,
                                 uint64_t limit,
                                 azs_bytes **content,
                                 azs_error **error);

/**
 * Restores one file to a function, which gets nothing before all of the file was found right. Both functions get
 * `user_data`; `progress` may be NULL. Gives the entry as JSON; `entry` may be NULL.
 */
azs_status azs_set_restore_stream(const azs_set *set,
                                  const azs_opener *opener,
                                  const char *path,
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
 * Opens a folder of this host as a share: a local disk, or a share that the system has mounted. `durability` is
 * "flushed", "cached" or NULL for the first.
 */
azs_status azs_folder_share_open(const char *root,
                                 const char *durability,
                                 azs_share **share,
                                 azs_error **error);

/**
 * Connects to a share over SMB 3 by its UNC path, with no mount, and logs on. `account` is like `CONTOSO\\azsbackup`.
 * `options` is NULL for the defaults, or a JSON object with `port`, `encryption` ("required", "preferred", "off"),
 * `oldest_dialect` ("3.1.1"; "3.0" and "3.0.2" give up encryption and protection of the negotiation), `durability`,
 * `connections`, `attempts`, and in seconds `connect_limit`, `silence_limit`, `call_limit`. Account and password are in
 * no message and no output.
 *
 * `AZS_STATUS_UNSUPPORTED` where the library was built without SMB.
 */
azs_status azs_smb_share_connect(const char *root,
                                 const char *account,
                                 const char *password,
                                 const char *options,
                                 azs_share **share,
                                 azs_error **error);

/**
 * What the connection of an SMB share came to, as JSON: `address`, `target` (behind a DFS path),
 * `dialect`, `encrypted`, `cipher`, `signing`, `block`. `AZS_STATUS_INVALID_ARGUMENT` for a share of another kind.
 */
azs_status azs_smb_share_facts(const azs_share *share,
                               char **json,
                               azs_error **error);

/**
 * Where it is, for people.
 */
azs_status azs_share_describe(const azs_share *share, char **text, azs_error **error);

/**
 * Its room in bytes, as JSON: `total` and `free`.
 */
azs_status azs_share_space(const azs_share *share, char **json, azs_error **error);

/**
 * Frees a share. NULL is allowed.
 */
void azs_share_free(azs_share *share);

/**
 * Checks an open share for the backups of a deployment, step by step: it writes a few objects with random names, and
 * removes them. `options` is NULL, or a JSON object with `components`, each like "Switches" or "Switches/su1", and
 * `create_folders` (false). Gives the report as JSON: `is_sound`, and `steps` with `outcome` ("passed", "warned",
 * "failed", "skipped"), what was `seen`, and the `alert` of a failure. A step that fails does not make the call fail.
 */
azs_status azs_share_check(const azs_share *share,
                           const char *deployment,
                           const char *options,
                           char **report,
                           azs_error **error);

/**
 * Checks the way to a share over SMB, from the name of the server on: the first step that fails is where the fault is.
 * One attempt to log on is made. `connection` is what `azs_smb_share_connect` calls `options`, else as above.
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
 * Lists the sets of a deployment, or of one component of it; NULL for all. Needs no key.
 */
azs_status azs_share_list_sets(const azs_share *share,
                               const char *deployment,
                               const char *component,
                               azs_sets **sets,
                               azs_error **error);

/**
 * How many there are. 0 for NULL.
 */
size_t azs_sets_count(const azs_sets *sets);

/**
 * All of them: a JSON array, by place and then from old to new. Of each `place`, `name`, `folder`, `has_cover_sheet`,
 * `is_shrunken`, `state` ("complete", "damaged", "foreign", "incomplete", "unreadable", "unsupported"), and `cover` or
 * `reason`; of a foreign one `belongs_to`, the folder where it belongs.
 */
azs_status azs_sets_json(const azs_sets *sets,
                         char **json,
                         azs_error **error);

/**
 * One of them, as JSON: an object of the array that `azs_sets_json` gives. The first is number 0.
 */
azs_status azs_sets_item(const azs_sets *sets, size_t number, char **json, azs_error **error);

/**
 * Folders of components and scale units that cannot be listed, so that sets in them are not named: a JSON array of
 * `folder`, `code` and `reason`.
 */
azs_status azs_sets_unreadable(const azs_sets *sets,
                               char **json,
                               azs_error **error);

/**
 * Frees a listing. NULL is allowed.
 */
void azs_sets_free(azs_sets *sets);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* AZS_BACKUP_H */
