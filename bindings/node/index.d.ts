/// <reference types="node" />

import { Readable, Transform } from 'node:stream'

import {
  AlertSeverity,
  BackupStatus,
  Compare,
  Condition,
  Confidence,
  Damage,
  DeleteReason,
  Dialect,
  Durability,
  Encryption,
  EvidenceForm,
  Existing,
  FaultKind,
  HoldReason,
  JobStatus,
  KeepReason,
  OperationKind,
  OperationState,
  Probe,
  Profile,
  Retry,
  SetState,
  Severity,
  ShrunkenSources,
  SourceProblems,
  Step,
  StepOutcome,
  Trigger,
} from './words.js'

export * from './words.js'

/** The version of the library. */
export const version: string

// ---------------------------------------------------------------------------------------------------- Errors

/** The condition that an error stands for: the same word in Rust, Python, Node and C. New ones may come. */
export type ErrorCode =
  | 'ACCESS_DENIED'
  | 'ALREADY_EXISTS'
  | 'CANCELLED'
  | 'CERTIFICATE_EXPIRED'
  | 'CERTIFICATE_UNSUITABLE'
  | 'CONFLICT'
  | 'DAMAGED'
  | 'INCOMPLETE'
  | 'INTERNAL'
  | 'INVALID_ARGUMENT'
  | 'INVALID_NAME'
  | 'IO'
  | 'LIMIT_EXCEEDED'
  | 'LOGON_FAILED'
  | 'MALFORMED'
  | 'NOT_FOUND'
  | 'OUT_OF_CAPACITY'
  | 'RESERVED_PATH'
  | 'SOURCE_CHANGED'
  | 'SOURCE_UNREADABLE'
  | 'TIMED_OUT'
  | 'UNREACHABLE'
  | 'UNSUPPORTED'
  | 'WRONG_CERTIFICATE'
  | 'WRONG_PASSWORD'

/** All codes. */
export const ErrorKind: { readonly [Code in ErrorCode]: Code }

/**
 * What this library fails with. `message` is one line for people, without secrets; programs look at `code`. Work that an
 * `AbortSignal` stopped has the code `CANCELLED`, the name `AbortError` and the signal's reason as its `cause`.
 *
 * An argument of a wrong type is a `TypeError` or `RangeError`, as everywhere in Node.
 */
export class BackupError extends Error {
  private constructor()
  readonly code: ErrorCode
  /** The file or folder that it concerns, on the share or on this host, where that is known. */
  readonly path: string | undefined
  /** What was done when it failed, in one word, where that is known: `read`, `write`, `list`. */
  readonly operation: string | undefined
  /** The name of the backup set that it concerns, where that is known: `20261123T020000Z-7f3a91c2`. */
  readonly set: string | undefined
  /** Which of the alerts that operators know it is, and what to do. Undefined where the work never began. */
  readonly alert: Classification | undefined
}

// -------------------------------------------------------------------------------------------- What arguments are

/** A path of this host. */
export type FilePath = string | URL
/** Bytes, taken without a copy. Don't change them before the call has ended. */
export type Bytes = Uint8Array | ArrayBufferView | ArrayBuffer
/** A time: a `Date`, or text like `2026-11-23T02:00:00Z`. */
export type Time = Date | string
/** The text of a name or place, or its facts. */
export type Named = string | { readonly text: string }

/** How far long work has come. */
export interface Progress {
  readonly files: number
  /** Bytes of file content read from the source, or written to the target. */
  readonly bytes: number
  /** Bytes of stored form written to the share, or read from it. */
  readonly storedBytes: number
  /** Bytes of file content expected in all, where that is known; at the last call it is `bytes`. */
  readonly totalBytes: number | undefined
}

/** Long work tells about ten times a second how far it is, and can be stopped. */
export interface Watched {
  /** `false` stops the work as `CANCELLED`; what it throws is thrown by the work. */
  progress?: (progress: Progress) => unknown
  signal?: AbortSignal
}

/** The same for a call that ends in `Sync`: a signal that is aborted already keeps it from beginning. */
export type WatchedSync = Watched

// ---------------------------------------------------------------------------------------------------- Layout

export interface HostFacts {
  text: string
  kind: 'fqdn' | 'single_label' | 'ipv4' | 'ipv6'
  ip: string | null
  scopeId: number | null
  address: string
  isLoopback: boolean
}

export interface UncPathFacts {
  text: string
  host: HostFacts
  share: string
  folders: string
  parent: string | null
  verbatim: string
  isAdministrative: boolean
  lenUtf16: number
}

export interface SharePathFacts {
  text: string
  names: string[]
  parent: string | null
  fileName: string | null
  lenUtf16: number
}

export interface NameFacts {
  text: string
}

export interface ComponentFacts {
  text: string
  isKnown: boolean
}

export interface DeploymentFacts {
  text: string
  externalDomainName: string
  region: string
  fqdn: string
  regionFolder: string
}

export interface PlaceFacts {
  text: string
  deployment: DeploymentFacts
  component: string
  scaleUnit: string | null
  folder: string
}

export interface SetNameFacts {
  text: string
  created: string
  suffix: number
}

/** Each reads a text and gives its normal form, `text`, and its parts, or fails with `INVALID_NAME` or `RESERVED_PATH`. */
export function parseUncPath(text: Named): UncPathFacts
export function parseSharePath(text: Named): SharePathFacts
export function parseName(text: Named): NameFacts
export function parseHost(text: Named): HostFacts
export function parseComponent(text: Named): ComponentFacts
export function parseScaleUnit(text: Named): NameFacts
export function parseDeployment(text: Named): DeploymentFacts
export function parsePlace(text: Named): PlaceFacts
export function parseSetName(text: Named): SetNameFacts
export function joinUncPath(path: Named, below: Named): UncPathFacts
export function joinSharePath(path: Named, below: Named): SharePathFacts
export function formDeployment(externalDomainName: Named, region: Named): DeploymentFacts
export function formPlace(deployment: Named, component: Named, scaleUnit?: Named | null): PlaceFacts
/** `created` is now where there is none; `suffix` tells sets of one second apart. */
export function formSetName(created: Time | null | undefined, suffix: number): SetNameFacts
/** The folder of a set below the root of the share. */
export function setFolder(place: Named, set: Named): SharePathFacts
/** Whether two UNC paths are the same place, whatever their letter case. */
export function isSamePlace(path: Named, other: Named): boolean
/** Whether a name is `MASBackup`, in any letter case or disguise. */
export function isMasBackup(name: string): boolean

// ---------------------------------------------------------------------------------------------------- Certificates

export interface CertificateFacts {
  subject: string
  issuer: string
  serial: string
  sha1Thumbprint: string
  sha256Thumbprint: string
  notBefore: string
  notAfter: string
  key: { algorithm: string; bits: number }
}

/** A public certificate that backups are sealed to: the CER. */
export class EncryptionCertificate {
  private constructor()
  /** Reads DER, PEM or Base64, or a PKCS #7 bundle with one certificate. */
  static fromCer(cer: Bytes): EncryptionCertificate
  static load(file: FilePath): Promise<EncryptionCertificate>
  static loadSync(file: FilePath): EncryptionCertificate
  readonly facts: CertificateFacts
  /** Fails with `CERTIFICATE_EXPIRED` unless it is valid then; now where no time is given. */
  checkValidity(at?: Time | null): void
  toDer(): Buffer
}

/** A certificate with its private key, which opens backups: the PFX. */
export class DecryptionCertificate {
  private constructor()
  /** An empty password and none are the same. */
  static fromPfx(pfx: Bytes, password?: string | null): Promise<DecryptionCertificate>
  static fromPfxSync(pfx: Bytes, password?: string | null): DecryptionCertificate
  static fromPem(key: Bytes, passphrase: string | null | undefined, cer: Bytes): Promise<DecryptionCertificate>
  static fromPemSync(key: Bytes, passphrase: string | null | undefined, cer: Bytes): DecryptionCertificate
  static load(file: FilePath, password?: string | null): Promise<DecryptionCertificate>
  static loadSync(file: FilePath, password?: string | null): DecryptionCertificate
  readonly facts: CertificateFacts
  readonly encryptionCertificate: EncryptionCertificate
}

// ---------------------------------------------------------------------------------------------------- Seal and open

export interface RecipientFacts {
  issuer: string
  serial: string
}

/** Seals messages, of at most 64 MiB each, to 1 to 16 certificates. */
export class Sealer {
  constructor(...certificates: (EncryptionCertificate | EncryptionCertificate[])[])
  seal(content: Bytes): Promise<Buffer>
  sealSync(content: Bytes): Buffer
  /** Seals a file into a new one; gives how many bytes it had. */
  sealFile(from: FilePath, to: FilePath): Promise<number>
  sealFileSync(from: FilePath, to: FilePath): number
  /** Takes everything, then gives one message. */
  createSealStream(): Transform
}

/** Opens messages. Nothing is given before all of a message is authentic. */
export class Opener {
  constructor(...certificates: (DecryptionCertificate | DecryptionCertificate[])[])
  readonly certificates: CertificateFacts[]
  open(message: Bytes): Promise<Buffer>
  openSync(message: Bytes): Buffer
  /** Opens a file into a new one, which only its owner may read; gives how many bytes it held. */
  openFile(from: FilePath, to: FilePath): Promise<number>
  openFileSync(from: FilePath, to: FilePath): number
  /** Takes one message as a whole, then gives its content. */
  createOpenStream(): Transform
}

export function recipientsOf(message: Bytes): RecipientFacts[]

// ---------------------------------------------------------------------------------------------------- Share

export interface Space {
  total: number
  free: number
}

/** A share that backups lie on. `await using` closes it. */
export abstract class Share {
  /** Where it is, for people. */
  describe(): string
  space(): Promise<Space>
  spaceSync(): Space
  /** What was made of it before goes on working. */
  close(): void
  [Symbol.asyncDispose](): Promise<void>
}

export interface FolderShareOptions {
  durability?: Durability
}

/** A share in a folder of this host: a local disk, or a share that the system has mounted. */
export class FolderShare extends Share {
  private constructor()
  static open(root: FilePath, options?: FolderShareOptions): Promise<FolderShare>
  static openSync(root: FilePath, options?: FolderShareOptions): FolderShare
}

/** What a connection came to. */
export interface SmbFacts {
  address: string
  /** The path of the share's root behind a DFS path. */
  target: string | null
  dialect: Dialect
  encrypted: boolean
  cipher: string | null
  signing: string | null
  block: number
}

/** What can be stopped without telling how far it is. */
export interface Stoppable {
  /** Ends the call within seconds, whatever the server does. In a call that ends in `Sync`, only before it begins. */
  signal?: AbortSignal
}

export interface SmbShareOptions extends Stoppable {
  port?: number
  encryption?: Encryption
  /** Older than 3.1.1 gives up encryption and protection of the negotiation. */
  oldestDialect?: Dialect
  durability?: Durability
  connections?: number
  /** In seconds, here and below. */
  connectLimit?: number
  silenceLimit?: number
  callLimit?: number
  attempts?: number
}

/** A share over SMB 3, by its UNC path, with no mount. The password is in no output. */
export class SmbShare extends Share {
  private constructor()
  static connect(root: Named, account: string, password: string, options?: SmbShareOptions): Promise<SmbShare>
  static connectSync(root: Named, account: string, password: string, options?: SmbShareOptions): SmbShare
  facts(): Promise<SmbFacts>
  factsSync(): SmbFacts
}

export interface CheckOptions extends Stoppable {
  /** Each like `Switches` or `Switches/su1`. */
  components?: string | string[]
  /** Whether folders that are missing are created. */
  createFolders?: boolean
}

/** What a failed step means: the code of its error, what class of alert that is, what happened, and what to do next. */
export interface CheckAlert {
  error: ErrorCode
  class: Omit<Classification, 'describe' | 'remedy'>
  description: string
  remedy: string[]
}

export interface CheckReport {
  /** Whether no step failed. */
  isSound: boolean
  share: string
  deployment: string
  steps: {
    step: Step
    outcome: StepOutcome
    seconds: number
    seen: string
    alert: CheckAlert | null
  }[]
}

/** Checks an open share for the backups of a deployment: it writes a few objects with random names, and removes them. */
export function checkShare(share: Share, deployment: Named, options?: CheckOptions): Promise<CheckReport>
export function checkShareSync(share: Share, deployment: Named, options?: CheckOptions): CheckReport
/** Checks the way to a share over SMB, from the server's name on: the first step that fails is where the fault is. */
export function checkSmbShare(
  root: Named,
  account: string,
  password: string,
  deployment: Named,
  options?: SmbShareOptions & CheckOptions,
): Promise<CheckReport>
export function checkSmbShareSync(
  root: Named,
  account: string,
  password: string,
  deployment: Named,
  options?: SmbShareOptions & CheckOptions,
): CheckReport

// ---------------------------------------------------------------------------------------------------- Sets

/** Text, or bytes that are none. */
export type Text = string | { base64: string }

export interface Place {
  deployment: { externalDomainName: string; region: string }
  component: string
  scaleUnit?: string
}

export interface Counts {
  files: number
  folders: number
  links: number
  bytes: number
  problems: number
}

/** What a set's folder holds, or a part of it. */
export interface Stored {
  files: number
  bytes: number
}

export interface CoverSheet extends Place {
  formatVersion: number
  madeBy: string
  set: string
  created: string
  finished: string
  status: BackupStatus
  certificates: CertificateFacts[]
  content: Counts
  stored: Stored
  sha256sums: string
  labels?: Record<string, string>
}

/** What a listing shows of every set. */
export interface SetSummaryFacts {
  place: Place
  name: string
  folder: string
  hasCoverSheet: boolean
  /** Whether it is complete and holds no file, or less than half of what another of its place does. */
  isShrunken: boolean
}

/** A set as a listing shows it: a complete one has its cover sheet, any other the reason why it is not complete. */
export type SetSummary = SetSummaryFacts &
  (
    | { state: 'complete'; cover: CoverSheet; reason?: undefined }
    /** `belongsTo` is the folder where it belongs. */
    | { state: 'foreign'; belongsTo: string; reason: string; cover?: undefined }
    | { state: Exclude<SetState, 'complete' | 'foreign'>; reason: string; cover?: undefined }
  )
/** For `instanceof`; listings make them. */
export const SetSummary: abstract new (made: never) => SetSummary

/** A folder that may hold sets and cannot be listed. */
export interface UnreadableFolder {
  folder: string
  code: ErrorCode
  reason: string
}

/** Sets as a listing shows them, and the folders that could not be listed: sets in them are missing here. */
export type SetList = SetSummary[] & { unreadable: UnreadableFolder[] }

/** The sets of a deployment, or of one component of it, by place and then from old to new. Progress counts sets. */
export function listSets(share: Share, deployment: Named, component?: Named | null, options?: Watched): Promise<SetList>
export function listSetsSync(share: Share, deployment: Named, component?: Named | null, options?: WatchedSync): SetList

/** What a set holds, as its index says. */
export interface EntryFacts {
  path: Text
  /** Octal digits: `0644`. */
  mode?: string
  uid?: number
  gid?: number
  /** Seconds since 1970 in decimal, with up to nine digits after the point. */
  mtime?: string
  /** Extended attributes: names, and values in Base64. */
  xattrs?: [name: Text, value: string][]
}

/** An entry, by its kind. The `target` of a copy or hard link is a path in the set, that of a symlink is what it says. */
export type Entry = EntryFacts &
  (
    | { kind: 'file'; size: number; sha256: string; sparse?: boolean }
    | { kind: 'large_file'; size: number; sparse?: boolean }
    | { kind: 'copy'; size: number; target: Text }
    | { kind: 'hard_link' | 'symlink'; target: Text }
    | { kind: 'folder' }
  )

export interface Problem {
  path: Text
  code: ErrorCode
  message: string
}

export interface Loss {
  path: Text | null
  file: string | null
  code: ErrorCode
  /** Whether the target refused it; the set has it. */
  refused: boolean
  message: string
}

export interface VerifyReport {
  full: boolean
  storedFiles: number
  storedBytes: number
  files: number
  bytes: number
  faults: {
    file: string
    kind: FaultKind
    message: string
  }[]
  /** What lies beside the set and is not of it. */
  foreign: string[]
  losses: Loss[]
  /** Whether there are neither faults nor losses. */
  isSound: boolean
}

export interface RestoreReport {
  status: BackupStatus
  files: number
  folders: number
  links: number
  bytes: number
  storedBytes: number
  kept: number
  /** What was kept and is not what the set has. */
  keptDiffering: Text[]
  losses: Loss[]
  /** Patterns that nothing matches. */
  unmatched: string[]
  unrestored: { what: string; count: number; example: string }[]
  problems: Problem[]
}

export interface RestoreOptions extends Watched {
  /** What to restore, in gitignore syntax; all where there is none. */
  patterns?: string | string[]
  /** What to do about what is there: `refuse` where nothing is said. */
  existing?: Existing
  /** By what that which is kept is compared with the set: `metadata` where nothing is said. */
  compare?: Compare
  /** What to do about damage: `stop` where nothing is said. */
  damage?: Damage
}

/** A set that is complete by its cover sheet. */
export class BackupSet {
  private constructor()
  /** One that was copied to where another's should lie is opened with the place that it is of. */
  static open(share: Share, folder: Named, place?: Named | null): Promise<BackupSet>
  static openSync(share: Share, folder: Named, place?: Named | null): BackupSet
  /** By its encrypted index alone, where `backup.json` or `SHA256SUMS` is damaged or gone and its data is there. */
  static openByIndex(share: Share, folder: Named, opener: Opener): Promise<BackupSet>
  readonly cover: CoverSheet
  readonly folder: string
  /** What it holds, fetched as it is asked for. */
  entries(opener: Opener): AsyncGenerator<Entry, void, undefined>
  entriesSync(opener: Opener): Generator<Entry, void, undefined>
  /** Checks every stored file against SHA256SUMS; needs no key. */
  verify(options?: Watched): Promise<VerifyReport>
  verifySync(options?: WatchedSync): VerifyReport
  /** Checks every byte. */
  verifyFull(opener: Opener, options?: Watched): Promise<VerifyReport>
  verifyFullSync(opener: Opener, options?: WatchedSync): VerifyReport
  restore(opener: Opener, target: FilePath, options?: RestoreOptions): Promise<RestoreReport>
  restoreSync(opener: Opener, target: FilePath, options?: RestoreOptions): RestoreReport
  /** One file of at most `limit` bytes; 0 means the default, 64 MiB. */
  restoreBytes(opener: Opener, path: string, options?: { limit?: number }): Promise<Buffer>
  restoreBytesSync(opener: Opener, path: string, options?: { limit?: number }): Buffer
  /**
   * One file, of which nothing is given before all of it was found right: await its `readable` before you answer a request
   * with it, and a failure can still be another answer.
   */
  createRestoreStream(opener: Opener, path: string, options?: Watched): Readable
}

// ---------------------------------------------------------------------------------------------------- Backup

export interface BackupOptions extends Watched {
  /** What can open the set: at least one. */
  certificates: EncryptionCertificate | EncryptionCertificate[]
  allowExpiredCertificates?: boolean
  /** On the cover sheet, in clear: vendor, model, serial, firmware. */
  labels?: Record<string, string>
  /** What to leave out below each folder, in gitignore syntax; `!` takes back in. */
  exclude?: string | string[]
  /** What to do about sources that cannot be read or that change: `fail` where nothing is said. */
  sourceProblems?: SourceProblems
  /** What to do about sources that are empty, or hold less than half of last time: `warn` where nothing is said. */
  shrunkenSources?: ShrunkenSources
  /** Leaves out what is mounted below a source. */
  oneFileSystem?: boolean
  /** Makes the region folder, and that of a component of your own, where it is missing; else that is an error. */
  create?: boolean
  /** Each stored file that is taken over is read back at least once in so many runs: 7 where nothing is said, 0 is never. */
  recheck?: number
  /** What was stored longer ago is written anew: 180 days where nothing is said, 0 is never. */
  renewAfterDays?: number
  /** zstd level, -7 to 19. */
  level?: number
  /** Most bytes of one stored segment, 4 to 64 MiB. */
  segmentSize?: number
  workers?: number
  /** A folder of this host, one for each job, in which it remembers the last set: then a set costs what changed since. */
  state?: FilePath
  /** Reads every file, whatever its times say, and every stored file that is taken over from an earlier set. */
  rereadEverything?: boolean
  /** Stored files that a verification found damaged: what they hold is stored again. */
  distrust?: string | string[]
  setName?: Named
}

/** What was read and stored for a set, and what earlier sets had already. */
export interface Reuse {
  /** The folder of the earlier set that this one builds on; null for a full one. */
  base: string | null
  filesRead: number
  bytesRead: number
  /** Files that did not change and were not stored again. */
  filesKept: number
  bytesKept: number
  /** Stored files that were hard-linked from the earlier set. */
  linked: Stored
  /** Stored files that the share copied, since it could not link them. */
  copied: Stored
  /** Stored files taken over from a run that was interrupted. */
  takenOver: Stored
  /** Stored files of the earlier set that were read back and compared with their digests. */
  checked: Stored
  /** Those that are damaged on the share, in earlier sets, too: what they held was stored again. */
  damaged: string[]
  /** Stored files that were sent to the share. */
  stored: Stored
  /** Stored files of the earlier set that were missing or damaged: what they held was stored again. */
  rewritten: string[]
}

/** What protected the traffic to a share over SMB. `cipher` is null if it was signed only, `target` without DFS. */
export interface ShareProtection {
  dialect: '3.0' | '3.0.2' | '3.1.1'
  signing: string
  cipher: string | null
  /** The file server's path behind a DFS path. */
  target: string | null
}

/** What a backup did. */
export class BackupReport {
  private constructor()
}
export interface BackupReport extends CoverSheet {
  folder: string
  reuse: Reuse
  problems: Problem[]
  /** Sockets, devices and pipes, which have no content. */
  skipped: Problem[]
  /** What cost time or space, but not the set: one line each. */
  warnings: string[]
  /** What protected the traffic to a share over SMB; null for a folder. */
  protection: ShareProtection | null
  seconds: number
}

/**
 * A backup in the making. Calls run one after another, awaited or not. One that is not committed leaves nothing that looks
 * like a backup; `await using` abandons it.
 */
export class Backup {
  private constructor()
  static start(share: Share, place: Named, options: BackupOptions): Promise<Backup>
  static startSync(share: Share, place: Named, options: BackupOptions): Backup
  /** The name of the set that is being made. */
  readonly set: string
  readonly report: BackupReport | undefined
  /** Adds a file or a folder, whichever it is, under its own name or another. */
  add(source: FilePath, options?: { name?: string }): Promise<void>
  addSync(source: FilePath, options?: { name?: string }): void
  addFolder(folder: FilePath, options?: { name?: string }): Promise<void>
  addFolderSync(folder: FilePath, options?: { name?: string }): void
  addFile(file: FilePath, options?: { name?: string }): Promise<void>
  addFileSync(file: FilePath, options?: { name?: string }): void
  addBytes(name: string, content: Bytes): Promise<void>
  addBytesSync(name: string, content: Bytes): void
  /** Adds everything that a stream, or anything else to be iterated, gives. */
  addReader(name: string, source: AsyncIterable<Bytes | string> | Iterable<Bytes | string>): Promise<void>
  /**
   * Says that something is not in the set because it could not be had: a switch that did not answer. With
   * `sourceProblems: 'report'` it is named in the report, and the set is partial; else this fails with
   * `SOURCE_UNREADABLE`.
   */
  addProblem(name: string, error: Error | string): Promise<void>
  addProblemSync(name: string, error: Error | string): void
  /** Waits until everything is stored and writes the cover sheet: from then on it is a backup. */
  commit(): Promise<BackupReport>
  commitSync(): BackupReport
  /** Stops what is at work, and removes what was stored. */
  abandon(): Promise<void>
  abandonSync(): void
  [Symbol.asyncDispose](): Promise<void>
}

// ---------------------------------------------------------------------------------------------------- Alerts

export type AlertCode =
  | 'OUT_OF_CAPACITY'
  | 'CONNECTIVITY'
  | 'PATH'
  | 'AUTHENTICATION'
  | 'GENERAL'
  | 'SHARE_NOT_WRITABLE'
  | 'SHARE_NOT_ACCESSIBLE'
  | 'UPLOAD_FAILED'
  | 'PARTIALLY_SUCCEEDED'
  | 'SKIPPED_BY_CONFLICT'
  | 'SCHEDULER_DISABLED'
  | 'NOT_CONFIGURED'
  | 'ALMOST_FULL'
  | 'DELETION_FAILED'
  | 'KEY_BASED_ENCRYPTION_DEPRECATED'
  | 'INTERNAL_BACKUP_FAILED'
  | 'INTERNAL_DELETION_FAILED'
  | 'CERTIFICATE_EXPIRING'

/** The five that the documentation names. */
export type DocumentedAlertCode = 'OUT_OF_CAPACITY' | 'CONNECTIVITY' | 'PATH' | 'AUTHENTICATION' | 'GENERAL'

/** All kinds of alert. */
export const AlertKind: { readonly [Code in AlertCode]: Code }

/** Whose mapping decides: ours where nothing is said. */
export interface ProfileOption {
  profile?: Profile
}

/** Where and for whom a failure happened. An `id` is made where none is given. */
export interface AlertContext {
  id?: string
  now?: Time
  location?: string
  share?: string
  path?: string
  account?: string
  operation?: string
}

export interface Evidence {
  form: EvidenceForm
  code: number | null
  name: string
  kind: AlertCode
  documentedKind: DocumentedAlertCode
  meaning: string
  otherKind: AlertCode | null
  probe: Probe | null
  line: number | null
}

export interface RetryAdvice {
  when: Retry
  delaySeconds: number | null
  attempts: number
  couldLockOut: boolean
}

/** The class of a failure: the kind of alert, how sure that is, why, and whether to try again. */
export class Classification {
  private constructor()
  readonly kind: AlertCode
  readonly documentedKind: DocumentedAlertCode
  readonly confidence: Confidence
  readonly failure: boolean
  readonly profile: Profile
  readonly severity: AlertSeverity
  readonly faultTypeId: string
  readonly title: string
  readonly retry: RetryAdvice
  readonly evidence: Evidence[]
  /** What happened, in a sentence or three. */
  describe(context?: AlertContext): string
  /** What to do next, step by step. */
  remedy(context?: AlertContext): string[]
}

export function classifyNtstatus(status: number, options?: ProfileOption): Classification
export function classifyWin32(code: number, options?: ProfileOption): Classification
export function classifyHresult(result: number, options?: ProfileOption): Classification
export function classifyErrno(errno: number, options?: ProfileOption): Classification
/** Any error: ours, Node's by its errno, others by their text and that of their causes. */
export function classifyError(error: Error, options?: ProfileOption): Classification
export function classifyText(text: string | Bytes, options?: ProfileOption): Classification
/** An alert, or a listing of alerts, of the admin API: JSON as text or as a value. */
export function classifyJson(json: string | Bytes | object, options?: ProfileOption): Classification
/** For alerts that no failure raises: an almost full share, a certificate that expires. */
export function classifyKind(kind: AlertCode): Classification

/** Classifies text that comes line by line. */
export class TextClassifier {
  constructor(options?: ProfileOption)
  line(line: string | Bytes): void
  finish(): Classification
}

/** An alert as the admin API writes it, with its keys as they are there. */
export interface Alert {
  properties: Record<string, unknown>
  [key: string]: unknown
}

export function makeAlert(classification: Classification, context?: AlertContext): Alert
/** Reads the alerts of a listing, an array or one alert. */
export function parseAlerts(json: string | Bytes | object): Alert[]
export function alertKindOfFaultType(id: string): AlertCode | undefined

// ---------------------------------------------------------------------------------------------------- Schedule and gate

export interface ScheduleOptions {
  /** 4 to 12, 12 where nothing is said; 1 to 744 with `beyondMicrosoft`. */
  frequencyHours?: number
  beyondMicrosoft?: boolean
  phaseSeconds?: number
  jitterSeconds?: number
  /** Decides where in the jitter this host runs. */
  host?: string
}

export interface NextRun {
  at: string
  due: string | null
  missed: number
  clockSetBackBy: number
}

/** When backups run. */
export class Schedule {
  constructor(options?: ScheduleOptions)
  /** `last` is when the last scheduled run began or was skipped. */
  nextRun(last?: Time | null, now?: Time | null): NextRun
}

export interface Operation {
  kind: OperationKind
  state: OperationState
  name?: string
  started?: string
  expectedEnd?: string
}

export interface Hold {
  reason: HoldReason
  operation: Operation
}

export type Decision = { decision: 'run' } | { decision: 'skipped'; holds: Hold[]; nextRun: string }

/** Operations as a document: JSON as text or bytes, or as a value. */
export type OperationsDocument = string | Bytes | object
/** A file with a document, a document, or a function that gives one, or a promise of one. */
export type OperationSource =
  | FilePath
  | Bytes
  | object
  | (() => OperationsDocument | Promise<OperationsDocument>)

/** Keeps backups from running beside what they conflict with. */
export class Gate {
  constructor(sources?: OperationSource | OperationSource[], options?: { ignore?: string | string[] })
  /** What keeps it closed now; empty where it is open. */
  holds(): Promise<Hold[]>
  holdsSync(): Hold[]
  /** Whether a scheduled backup that is due now runs. */
  scheduled(schedule: Schedule, now?: Time | null): Promise<Decision>
  scheduledSync(schedule: Schedule, now?: Time | null): Decision
  /** Fails with `CONFLICT` where a backup on demand may not run now. */
  onDemand(now?: Time | null): Promise<void>
  onDemandSync(now?: Time | null): void
}

export function parseOperations(document: OperationsDocument): Operation[]

export interface Job {
  id: string
  trigger: Trigger
  started: string
  ended?: string
  status: JobStatus
  place?: Place
  set?: string
  bytes?: number
  alert?: AlertCode | (string & {})
  reason?: string
  slow?: boolean
  nextRun?: string
  /** What does it, while it runs. */
  process?: { host: string; id: number }
}

export function startJob(
  id: string,
  options?: { trigger?: Trigger; place?: Named; now?: Time | null },
): Job
export function skipJob(id: string, decision: Decision, options?: { now?: Time | null }): Job
export function endJob(
  job: Job,
  status: JobStatus,
  options?: { set?: string; bytes?: number; alert?: AlertCode | (string & {}); reason?: string; place?: Place; now?: Time | null },
): Job

export interface Jobs {
  jobs: Job[]
  unreadable: number
  isCut: boolean
  lastScheduled: string | null
  lastGood: string | null
  running: Operation[]
  /** Those of the jobs whose process ended without a word: they failed, and the next append writes that down. */
  died: Job[]
}

/** A file of jobs. One process at a time may append. */
export class JobLog {
  constructor(file: FilePath)
  readonly path: string
  append(job: Job): Promise<void>
  appendSync(job: Job): void
  read(now?: Time | null): Promise<Jobs>
  readSync(now?: Time | null): Jobs
}

/** What an operator should see to; `message` is one line for people. */
export type BackupWarning = { message: string } & (
  | { warning: 'clock_set_back'; seconds: number }
  /** `retention` is for how many days backups are kept. */
  | { warning: 'gate_closed_too_long'; since: string; hold: string; retention: number }
  | { warning: 'missed_runs'; count: number; due: string }
  | { warning: 'no_recent_backup'; last: string | null }
)

/** What an operator should see to. */
export function backupWarnings(options?: {
  lastBackup?: Time | null
  setUp?: Time | null
  retentionDays?: number
  holds?: Hold[]
  closedSince?: Time | null
  nextRun?: NextRun | null
  now?: Time | null
}): BackupWarning[]

// ---------------------------------------------------------------------------------------------------- Retention

export interface RetentionOptions {
  keepDays?: number
  keepLast?: number
  keepDaily?: number
  keepWeekly?: number
  keepMonthly?: number
  /** Pairs of key and value, null for any. */
  keepLabels?: [string, string | null][]
  /** Names of sets. */
  pin?: string[]
  /** Bytes. */
  makeRoom?: number
  graceHours?: number
  /** In percent of the largest set: 50 where nothing is said. */
  shrunkenBelow?: number
}

export interface Candidate extends Place {
  set: string
  condition: Condition
  created?: string | null
  bytes?: number
  content?: { files: number; bytes: number } | null
  newestFile?: string | null
  labels?: Record<string, string>
}

/** What to keep of the sets of a deployment. */
export class RetentionPolicy {
  constructor(options?: RetentionOptions)
  /** The same policy that makes room besides, until so many bytes are free on a share with this space. */
  makeRoomFor(bytes: number, space: Space): RetentionPolicy
  /** Of what one listing gave, all or some; or of plain data, to see what the policy would do. */
  plan(sets: SetSummary[] | Candidate[], now?: Time | null): RetentionPlan
}

export interface Deletion extends Candidate {
  folder: string
  reason: DeleteReason
}

export interface Kept extends Candidate {
  folder: string
  reasons: KeepReason[]
}

export type Outcome =
  | { outcome: 'deleted' | 'gone' | 'not_needed' | 'stopped' }
  | { outcome: 'folder_left'; foreign: string[] }
  | { outcome: 'skipped'; why: string }
  | { outcome: 'failed'; code: ErrorCode; message: string }

export interface RetentionReport {
  outcomes: [folder: string, outcome: Outcome][]
  freedBytes: number
}

/** Which sets go and which stay, and why. */
export class RetentionPlan {
  private constructor()
  now: string
  deletions: Deletion[]
  kept: Kept[]
  freedBytes: number
  shortfall: number
  roomFor?: number | null
  /** Deletes what the plan says, the oldest first. */
  apply(share: Share): Promise<RetentionReport>
  /** `before` is told each deletion first; `false` stops there. */
  applySync(share: Share, options?: { before?: (deletion: Deletion) => unknown }): RetentionReport
}

// ---------------------------------------------------------------------------------------------------- Review

export interface Rule {
  rule: string
  severity: Severity
  title: string
  why: string
  practice: string
  remedy: string
}

export interface Finding extends Rule {
  about: string
  seen: string
}

/** How the backups of one component, or of one scale unit of it, stand. */
export interface ComponentReview {
  name: string
  worst: Severity | null
  isConfigured: boolean
  frequencyHours: number
  retentionDays: number | null
  lastBackup: string | null
  complete: number
  others: number
  bytes: number
  /** Days of UTC. */
  days: { date: string; complete: number; partial: number; incomplete: number }[]
  sizes: { created: string; bytes: number }[]
}

/** What a review found. */
export class Review {
  private constructor()
  now: string
  deployment: { externalDomainName: string; region: string }
  share: string
  findings: Finding[]
  silenced: (Finding & { reason: string })[]
  components: ComponentReview[]
  space: { totalBytes: number; freeBytes: number; seenAt: string | null } | null
  nextRunBytes: number
  toTable(): string
  toHtml(): string
}

/** Reviews a configuration, JSON as text or as a value, and the share whose root it names. */
export function review(
  configuration: string | Bytes | object,
  share: Share,
  options?: { now?: Time | null },
): Promise<Review>
export function reviewSync(configuration: string | Bytes | object, share: Share, options?: { now?: Time | null }): Review
export const RULES: readonly Rule[]
