// The words of plain data and options. Where a source may use words of its own, any string is allowed, too:
// `(string & {})` keeps the known ones in an editor's completions.

/** How a backup or a restore went. */
export type BackupStatus = 'Succeeded' | 'PartialSucceeded'
/** Whether a set of a listing is a backup, and if not, why. */
export type SetState = 'complete' | 'damaged' | 'foreign' | 'incomplete' | 'unreadable' | 'unsupported' | 'untrusted'
/** Whether somebody signed a set. */
export type SignatureState = 'unsigned' | 'signed' | 'invalid'
/** What an entry of a set is. A `copy` is a file with the content of another, which is stored once. */
export type EntryKind = 'copy' | 'file' | 'folder' | 'hard_link' | 'large_file' | 'symlink'
/** What can be wrong with a stored file. */
export type FaultKind = 'content' | 'digest' | 'foreign' | 'length' | 'missing' | 'signature' | 'unreadable'
/** The steps of a check, in order. */
export type Step =
  | 'name'
  | 'connection'
  | 'dialect'
  | 'log_on'
  | 'share'
  | 'path'
  | 'write'
  | 'read_back'
  | 'hard_link'
  | 'copy'
  | 'rename'
  | 'delete'
  | 'space'
  | 'clock'
/** How a step of a check went. */
export type StepOutcome = 'passed' | 'warned' | 'failed' | 'skipped'
/** Whether a share confirms a write once it is on the disk, or once it is in memory. */
export type Durability = 'flushed' | 'cached'
/** Whether to encrypt a connection over SMB. */
export type Encryption = 'required' | 'preferred' | 'off'
/** A version of SMB. */
export type Dialect = '3.0' | '3.0.2' | '3.1.1'
/** What to do about sources that cannot be read or that change. */
export type SourceProblems = 'fail' | 'report'
/** What to do about sources that are empty, or hold less than half of last time. */
export type ShrunkenSources = 'warn' | 'fail'
/** What a restore does about existing things. */
export type Existing = 'refuse' | 'keep' | 'replace'
/** How a restore compares existing files that it keeps with the set. */
export type Compare = 'metadata' | 'content'
/** What a restore does about damage. */
export type Damage = 'stop' | 'continue'
/** Which mapping decides the class of a failure. */
export type Profile = 'refined' | 'microsoft-2301'
/** How certain a classification is. */
export type Confidence = 'LOW' | 'MEDIUM' | 'HIGH'
/** The form in which evidence was found. */
export type EvidenceForm =
  | 'NTSTATUS'
  | 'WIN32'
  | 'HRESULT'
  | 'ERRNO'
  | 'HTTP'
  | 'IO_KIND'
  | 'ERROR'
  | 'FAULT_TYPE'
  | 'WORDING'
/** What to check to decide an ambiguous classification. */
export type Probe =
  | 'FREE_SPACE'
  | 'RESOLVE_NAME'
  | 'LIST_SHARES'
  | 'REAUTHENTICATE'
  | 'SERVER_STATE'
  | 'CHECK_ACCESS'
  | 'LOOK_UP_PATH'
  | 'DIALECT'
  | 'REACH_DOMAIN_CONTROLLER'
  | 'CHECK_HANDLES'
  | 'DISK'
  | 'CONTEXT'
/** When trying again makes sense. */
export type Retry = 'SOON' | 'LATER' | 'NEW_SESSION' | 'AFTER_FIX' | 'LOCK_OUT' | 'UNKNOWN' | 'NO_FAILURE'
/** How serious an alert is, in the admin API's words. */
export type AlertSeverity = 'Warning' | 'Critical'
/** What asked for a backup. */
export type Trigger = 'on_demand' | 'scheduled'
/** Why a backup has to wait. */
export type HoldReason =
  | 'backup_operation_running'
  | 'exclusive_action_running'
  | 'failed_exclusive_action'
  | 'restore_operation_running'
  | 'unknown'
/** What a deployment does; any other word counts as exclusive. */
export type OperationKind = 'backup' | 'fru' | 'restore' | 'secret_rotation' | 'update' | (string & {})
/** How far an operation is; any other word holds backups. */
export type OperationState = 'failed' | 'resolved' | 'running' | 'succeeded' | (string & {})
/** The status of a job, in the admin API's words. */
export type JobStatus =
  | 'Corrupted'
  | 'Creating'
  | 'Deleted'
  | 'Failed'
  | 'PartialSucceeded'
  | 'Queued'
  | 'Running'
  | 'Skipped'
  | 'Succeeded'
  | (string & {})
/** What an operator should look into. */
export type WarningKind = 'clock_set_back' | 'gate_closed_too_long' | 'missed_runs' | 'no_recent_backup'
/** The condition of a set, as retention sees it. */
export type Condition =
  | 'succeeded'
  | 'partial_succeeded'
  | 'damaged'
  | 'foreign'
  | 'incomplete'
  | 'unreadable'
  | 'unrecognised'
  | 'untrusted'
/** Why a set is deleted. */
export type DeleteReason = 'expired' | 'incomplete' | 'make_room'
/** Why a set stays. */
export type KeepReason =
  | 'daily'
  | 'damaged'
  | 'foreign'
  | 'from_the_future'
  | 'grace'
  | 'label'
  | 'last'
  | 'last_full'
  | 'last_good'
  | 'monthly'
  | 'no_good_set'
  | 'no_rule'
  | 'not_displaced'
  | 'pinned'
  | 'unreadable'
  | 'unrecognised'
  | 'untrusted'
  | 'weekly'
  | 'within'
/** The outcome of deleting a set. */
export type DeletionOutcome = 'deleted' | 'gone' | 'folder_left' | 'skipped' | 'failed' | 'not_needed' | 'stopped'
/** What became of a set that was to be copied. */
export type CopyOutcome = 'copied' | 'present' | 'missing' | 'not_kept' | 'skipped' | 'gone' | 'conflict' | 'failed'
/** How bad a finding of a review is. */
export type Severity = 'critical' | 'warning' | 'notice'
