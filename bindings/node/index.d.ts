/// <reference types="node" />

import { Readable, Transform } from 'node:stream'

import {
  AlertSeverity,
  BackupStatus,
  Compare,
  Condition,
  Confidence,
  CopyOutcome,
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

/** The condition that an error reports: the same word in Rust, Python, Node and C. New ones may be added. */
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
  | 'NOT_TRUSTED'
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
 * Any failure of this library. `message` is one line for people, without secrets; in a program, look at `code`. If an
 * `AbortSignal` stopped the work, the code is `CANCELLED`, the name `AbortError`, and the `cause` the signal's reason.
 *
 * An argument of the wrong type is a `TypeError` or `RangeError`, as everywhere in Node.
 */
export class BackupError extends Error {
  private constructor()
  readonly code: ErrorCode
  /** The file or folder that it concerns, on the share or on this host, if known. */
  readonly path: string | undefined
  /** What was done when it failed, in one word, if known: `read`, `write`, `list`. */
  readonly operation: string | undefined
  /** The name of the backup set that it concerns, if known: `20261123T020000Z-7f3a91c2`. */
  readonly set: string | undefined
  /** Which of the documented alerts it is, and what to do. Undefined if the work never began. */
  readonly alert: Classification | undefined
}

// -------------------------------------------------------------------------------------------- What arguments are

/** A path of this host. */
export type FilePath = string | URL
/** Bytes. Calls that end in `Sync` do not copy them; others copy them before they return. */
export type Bytes = Uint8Array | ArrayBufferView | ArrayBuffer
/** A time: a `Date`, or text like `2026-11-23T02:00:00Z`. */
export type Time = Date | string
/** The text of a name or place, or its facts. */
export type Named = string | { readonly text: string }

/** How far long work is. */
export interface Progress {
  readonly files: number
  /** Bytes of file content read from the source, or written to the target. */
  readonly bytes: number
  /** Bytes written to the share or read from it, compressed and encrypted. */
  readonly storedBytes: number
  /** Bytes of file content expected in all, if known; in the last call it equals `bytes`. */
  readonly totalBytes: number | undefined
}

/** Options of long work: it reports its progress about ten times a second, and you can stop it. */
export interface WorkOptions {
  /** Return `false` to stop the work with `CANCELLED`. If this throws, the work fails with the same error. */
  progress?: (progress: Progress) => unknown
  signal?: AbortSignal
}

/** The same for a call that ends in `Sync`: if the signal is already aborted, the work does not begin. */
export type WorkOptionsSync = WorkOptions

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

/** Each parses a text. Returns its normal form, `text`, and its parts; fails with `INVALID_NAME` or `RESERVED_PATH`. */
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
/** Without `created` it is now; `suffix` distinguishes sets that begin in the same second. */
export function formSetName(created: Time | null | undefined, suffix: number): SetNameFacts
/** Returns the folder of a set, below the root of the share. */
export function setFolder(place: Named, set: Named): SharePathFacts
/** Whether two UNC paths are the same place, ignoring letter case. */
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
  /** Fails with `CERTIFICATE_EXPIRED` unless it is valid at that time, by default now. */
  checkValidity(at?: Time | null): void
  toDer(): Buffer
}

/** A certificate with its private key, which opens backups: the PFX. */
export class DecryptionCertificate {
  private constructor()
  /** An empty password and no password are the same. */
  static fromPfx(pfx: Bytes, password?: string | null): Promise<DecryptionCertificate>
  static fromPfxSync(pfx: Bytes, password?: string | null): DecryptionCertificate
  static fromPem(key: Bytes, passphrase: string | null | undefined, cer: Bytes): Promise<DecryptionCertificate>
  static fromPemSync(key: Bytes, passphrase: string | null | undefined, cer: Bytes): DecryptionCertificate
  static load(file: FilePath, password?: string | null): Promise<DecryptionCertificate>
  static loadSync(file: FilePath, password?: string | null): DecryptionCertificate
  readonly facts: CertificateFacts
  readonly encryptionCertificate: EncryptionCertificate
}

/** The public certificate of a host that signs its sets: the CER that readers demand. */
export class SignerCertificate {
  private constructor()
  /**
   * Reads DER, PEM or Base64, or a PKCS #7 bundle with one certificate. Validity does not count here: a signature is good
   * if the certificate was valid at the time of the set.
   */
  static fromCer(cer: Bytes): SignerCertificate
  static load(file: FilePath): Promise<SignerCertificate>
  static loadSync(file: FilePath): SignerCertificate
  readonly facts: CertificateFacts
  toDer(): Buffer
}

/** A certificate with its private key, with which a host signs its sets: a PFX of its own, which opens no backup. */
export class Signer {
  private constructor()
  /** One certificate in it must be fit to sign. An empty password and no password are the same. */
  static fromPfx(pfx: Bytes, password?: string | null): Promise<Signer>
  static fromPfxSync(pfx: Bytes, password?: string | null): Signer
  static fromPem(key: Bytes, passphrase: string | null | undefined, cer: Bytes): Promise<Signer>
  static fromPemSync(key: Bytes, passphrase: string | null | undefined, cer: Bytes): Signer
  static load(file: FilePath, password?: string | null): Promise<Signer>
  static loadSync(file: FilePath, password?: string | null): Signer
  readonly facts: CertificateFacts
  /** The public half, which readers demand. */
  readonly certificate: SignerCertificate
  /** Fails with `CERTIFICATE_EXPIRED` unless it is valid at that time, by default now. */
  checkValidity(at?: Time | null): void
}

/** Whom a reader demands sets from. */
export interface Demand {
  /** One or several signers: a set that none of them signed is refused as `NOT_TRUSTED`. */
  requireSigners?: SignerCertificate | SignerCertificate[]
}

// ---------------------------------------------------------------------------------------------------- Seal and open

export interface RecipientFacts {
  issuer: string
  serial: string
}

/** Seals messages of at most 64 MiB each to 1 to 16 certificates. */
export class Sealer {
  constructor(...certificates: (EncryptionCertificate | EncryptionCertificate[])[])
  seal(content: Bytes): Promise<Buffer>
  sealSync(content: Bytes): Buffer
  /** Seals a file into a new one. Returns how many bytes it had. */
  sealFile(from: FilePath, to: FilePath): Promise<number>
  sealFileSync(from: FilePath, to: FilePath): number
  /** Reads everything, then outputs one message. */
  createSealStream(): Transform
}

/** Opens messages. Returns nothing of a message before all of it is authentic. */
export class Opener {
  constructor(...certificates: (DecryptionCertificate | DecryptionCertificate[])[])
  readonly certificates: CertificateFacts[]
  open(message: Bytes): Promise<Buffer>
  openSync(message: Bytes): Buffer
  /** Opens a file into a new one that only its owner can read. Returns the length of the content in bytes. */
  openFile(from: FilePath, to: FilePath): Promise<number>
  openFileSync(from: FilePath, to: FilePath): number
  /** Reads one whole message, then outputs its content. */
  createOpenStream(): Transform
}

export function recipientsOf(message: Bytes): RecipientFacts[]

// ---------------------------------------------------------------------------------------------------- Share

export interface Space {
  total: number
  free: number
}

/** A share for backups. `await using` closes it. */
export abstract class Share {
  /** Returns where it is, for people. */
  describe(): string
  space(): Promise<Space>
  spaceSync(): Space
  /** Closes it. What you opened on it keeps working. */
  close(): void
  [Symbol.asyncDispose](): Promise<void>
}

export interface FolderShareOptions {
  durability?: Durability
}

/** A share in a folder of this host: a local disk, or a share that the operating system has mounted. */
export class FolderShare extends Share {
  private constructor()
  static open(root: FilePath, options?: FolderShareOptions): Promise<FolderShare>
  static openSync(root: FilePath, options?: FolderShareOptions): FolderShare
}

/** What client and server agreed on. */
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
  /** With one older than 3.1.1 you give up encryption and protection of the negotiation. */
  oldestDialect?: Dialect
  durability?: Durability
  connections?: number
  /** Limits are in seconds. */
  connectLimit?: number
  silenceLimit?: number
  callLimit?: number
  attempts?: number
}

/** A share over SMB 3, by its UNC path, without mounting it. It never shows the password. */
export class SmbShare extends Share {
  private constructor()
  static connect(root: Named, account: string, password: string, options?: SmbShareOptions): Promise<SmbShare>
  static connectSync(root: Named, account: string, password: string, options?: SmbShareOptions): SmbShare
  facts(): Promise<SmbFacts>
  factsSync(): SmbFacts
}

/** The options of a share in an object store: these, the limits and `attempts` (docs/object-stores.md). */
export interface ShareOptions extends SmbShareOptions {
  endpoint?: string
  region?: string
  pathStyle?: boolean
  allowHttp?: boolean
  /** Of Azure, like `2019-07-07`. */
  apiVersion?: string
  /** PEM file with certificate authorities to trust besides the system's. */
  authorities?: string
  /** For so many days nobody can delete what is written. */
  lockDays?: number
  lockMode?: 'compliance' | 'governance'
}

/**
 * Opens a share: a folder, a UNC path, or the URL of an object store. With an account, our own client logs on to the server of a UNC path. Without
 * one, the operating system opens the share: any folder, and on Windows a UNC path, as the account that the program runs
 * as; elsewhere a UNC path takes an account. Where the system opens it, `durability` is the only option.
 * A URL takes no account: credentials come from the environment. It fails as `UNSUPPORTED` if the package was built
 * without the feature `object-store`.
 */
export function openShare(
  root: FilePath,
  account?: string | null,
  password?: string | null,
  options?: ShareOptions,
): Promise<Share>
export function openShareSync(
  root: FilePath,
  account?: string | null,
  password?: string | null,
  options?: ShareOptions,
): Share

export interface CheckOptions extends Stoppable {
  /** Each like `Switches` or `Switches/su1`. */
  components?: string | string[]
  /** Whether to create missing folders. */
  createFolders?: boolean
}

/** What a failed step means: the code of its error, the class of alert, what happened, and what to do next. */
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

/**
 * Checks whether an open share can take the backups of a deployment. Writes a few objects with random names, and
 * removes them.
 */
export function checkShare(share: Share, deployment: Named, options?: CheckOptions): Promise<CheckReport>
export function checkShareSync(share: Share, deployment: Named, options?: CheckOptions): CheckReport
/**
 * Checks the way to a share over SMB, beginning with the server's name. The first step that fails shows where the fault
 * is.
 */
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

/** Text, or bytes that are not text. */
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

/** Stored files of a set: how many, and their bytes. */
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

/** What a listing says about every set. */
export interface SetSummaryFacts {
  place: Place
  name: string
  folder: string
  hasCoverSheet: boolean
  /** Whether it is complete, but holds no file, or less than half of what another set of its place holds. */
  isShrunken: boolean
  /** Who signed it, if all of its files are there. */
  signature: Signature | null
}

/** Whether somebody signed a set, and who. Only a demand for signers says whether that is one of your hosts. */
export type Signature =
  | { state: 'unsigned' }
  | { state: 'signed'; signer: CertificateFacts; signedAt: string | null }
  | { state: 'invalid'; reason: string }

/** A set in a listing. A complete one has its cover sheet, any other the reason why it is not complete. */
export type SetSummary = SetSummaryFacts &
  (
    | { state: 'complete'; cover: CoverSheet; reason?: undefined }
    /** `belongsTo` is the folder where it belongs. */
    | { state: 'foreign'; belongsTo: string; reason: string; cover?: undefined }
    | { state: Exclude<SetState, 'complete' | 'foreign'>; reason: string; cover?: undefined }
  )
/** For `instanceof`. Listings create them. */
export const SetSummary: abstract new (made: never) => SetSummary

/** A folder that may contain sets but cannot be listed. */
export interface UnreadableFolder {
  folder: string
  code: ErrorCode
  reason: string
}

/** A listing of sets, and the folders that could not be listed; their sets are missing here. */
export type SetList = SetSummary[] & { unreadable: UnreadableFolder[] }

/** How to list sets. */
export interface ListOptions extends Demand {
  /**
   * Lists only the newest sets of each place, from the newest back until so many are complete, and reads no older one; 0
   * lists all. A set from the future is listed but does not count. Without the older ones nobody sees that a set is shrunken.
   */
  newest?: number
}

/**
 * The sets of a deployment, or of one component of it, by place and then from old to new. Progress counts sets. With a
 * demand, a set that none of the signers signed is `untrusted`: retention deletes no such set, and counts none as good.
 */
export function listSets(
  share: Share,
  deployment: Named,
  component?: Named | null,
  options?: WorkOptions & ListOptions,
): Promise<SetList>
export function listSetsSync(
  share: Share,
  deployment: Named,
  component?: Named | null,
  options?: WorkOptionsSync & ListOptions,
): SetList

/** What the index says about any entry. */
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

/**
 * An entry, by its kind. The `target` of a copy or hard link is a path in the set; that of a symlink is its own text.
 */
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
  /** Whether the target refused it. The set still has it, so you can restore it elsewhere. */
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
  /** Files in the set's folder that are not the set's: `Thumbs.db`, `~snapshot`. They do no harm. */
  foreign: string[]
  losses: Loss[]
  signature: Signature
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
  /** Things that were kept although they differ from the set. */
  keptDiffering: Text[]
  losses: Loss[]
  /** Patterns that nothing in the set matches. */
  unmatched: string[]
  unrestored: { what: string; count: number; example: string }[]
  problems: Problem[]
  signature: Signature
}

export interface RestoreOptions extends WorkOptions, Demand {
  /** What to restore, in gitignore syntax; by default everything. */
  patterns?: string | string[]
  /** What to do about existing things; the default is `refuse`. */
  existing?: Existing
  /** How to compare existing files that are kept with the set; the default is `metadata`. */
  compare?: Compare
  /** What to do about damage; the default is `stop`. */
  damage?: Damage
}

/** A backup set on a share, complete by its cover sheet. */
export class BackupSet {
  private constructor()
  /** If the set was copied to where another belongs, open it by naming its own place. */
  static open(share: Share, folder: Named, place?: Named | null): Promise<BackupSet>
  static openSync(share: Share, folder: Named, place?: Named | null): BackupSet
  /**
   * Opens a set by its encrypted index alone. Use it if `backup.json` or `SHA256SUMS` is damaged or gone but the data
   * is there.
   */
  static openByIndex(share: Share, folder: Named, opener: Opener): Promise<BackupSet>
  readonly cover: CoverSheet
  readonly folder: string
  /** Iterates over its entries, and fetches them as you ask for them. */
  entries(opener: Opener): AsyncGenerator<Entry, void, undefined>
  entriesSync(opener: Opener): Generator<Entry, void, undefined>
  /** Reads who signed it. Only a demand says whether that is one of your hosts. */
  signature(): Promise<Signature>
  signatureSync(): Signature
  /** Returns the signature if it is by one of these signers; otherwise fails with `NOT_TRUSTED`. */
  requireSigners(...signers: (SignerCertificate | SignerCertificate[])[]): Promise<Signature>
  requireSignersSync(...signers: (SignerCertificate | SignerCertificate[])[]): Signature
  /** Checks every stored file against `SHA256SUMS`. Needs no key. A demand that is not met is a fault. */
  verify(options?: WorkOptions & Demand): Promise<VerifyReport>
  verifySync(options?: WorkOptionsSync & Demand): VerifyReport
  /** Checks every byte: authenticates it, decompresses it and compares it with the index. */
  verifyFull(opener: Opener, options?: WorkOptions & Demand): Promise<VerifyReport>
  verifyFullSync(opener: Opener, options?: WorkOptionsSync & Demand): VerifyReport
  restore(opener: Opener, target: FilePath, options?: RestoreOptions): Promise<RestoreReport>
  restoreSync(opener: Opener, target: FilePath, options?: RestoreOptions): RestoreReport
  /** Restores one file of at most `limit` bytes into memory; 0 means the default, 64 MiB. */
  restoreBytes(opener: Opener, path: string, options?: { limit?: number } & Demand): Promise<Buffer>
  restoreBytesSync(opener: Opener, path: string, options?: { limit?: number } & Demand): Buffer
  /**
   * Restores one file to a stream, which outputs nothing before the whole file is verified. If you answer a request
   * with it, wait for its `readable` first: if that fails, you can still send another answer.
   */
  createRestoreStream(opener: Opener, path: string, options?: WorkOptions & Demand): Readable
}

// ---------------------------------------------------------------------------------------------------- Backup

export interface BackupOptions extends WorkOptions {
  /** Each of them can open the set. At least one is required. */
  certificates: EncryptionCertificate | EncryptionCertificate[]
  /** Signs the set, so that readers can demand sets of this host. */
  signer?: Signer
  allowExpiredCertificates?: boolean
  /** Written on the cover sheet, in clear: vendor, model, serial, firmware. */
  labels?: Record<string, string>
  /** What to leave out below each folder, in gitignore syntax; `!` takes something back in. */
  exclude?: string | string[]
  /** What to do about sources that cannot be read or that change; the default is `fail`. */
  sourceProblems?: SourceProblems
  /** What to do about sources that are empty, or hold less than half of last time; the default is `warn`. */
  shrunkenSources?: ShrunkenSources
  /** Leaves out what is mounted below a source. */
  oneFileSystem?: boolean
  /**
   * Creates the region folder, and the folder of a component of your own, if it is missing; by default that is an
   * error.
   */
  create?: boolean
  /**
   * Reads back each stored file that is taken over from an earlier set, at least once in this many runs; the default is
   * 7, and 0 means never.
   */
  recheck?: number
  /** Stores again what was stored more than this many days ago; the default is 180, and 0 means never. */
  renewAfterDays?: number
  /** The zstd level, -7 to 19; the default is 3. */
  level?: number
  /** The largest size of a stored segment in bytes, 4 to 64 MiB; the default is 12 MiB. */
  segmentSize?: number
  workers?: number
  /**
   * A folder of this host, one for each job, that remembers the last set. With it a set costs only what changed since.
   */
  state?: FilePath
  /** Reads every file, whatever its times say, and every stored file that is taken over from an earlier set. */
  rereadEverything?: boolean
  /** Stored files that a verification found damaged. Their content is stored again. */
  distrust?: string | string[]
  setName?: Named
}

/** What was read and stored for a set, and what earlier sets already had. */
export interface Reuse {
  /** The folder of the earlier set that this one builds on; null for a full set. */
  base: string | null
  filesRead: number
  bytesRead: number
  /** Files that did not change and were not stored again. */
  filesKept: number
  bytesKept: number
  /** Stored files that were hard-linked from the earlier set. */
  linked: Stored
  /** Stored files that the share copied because it could not link them. */
  copied: Stored
  /** Stored files taken over from an interrupted run. */
  takenOver: Stored
  /** Stored files of the earlier set that were read back and compared with their digests. */
  checked: Stored
  /** Stored files that are damaged on the share, and so in earlier sets, too; this set stored their content again. */
  damaged: string[]
  /** Stored files sent to the share. */
  stored: Stored
  /** Stored files of the earlier set that were missing or damaged; this set stored their content again. */
  rewritten: string[]
}

/**
 * What protected the traffic to a share over SMB. `cipher` is null if the traffic was only signed, `target` without
 * DFS.
 */
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
  /** What cost time or space but does not harm the set: one line each. */
  warnings: string[]
  /** What protected the traffic to a share over SMB; null for a folder. */
  protection: ShareProtection | null
  seconds: number
}

/**
 * A backup in the making. Calls run one after another, awaited or not. If you do not commit it, it leaves nothing that
 * looks like a backup; `await using` abandons it.
 */
export class Backup {
  private constructor()
  static start(share: Share, place: Named, options: BackupOptions): Promise<Backup>
  static startSync(share: Share, place: Named, options: BackupOptions): Backup
  /** The name of the set. */
  readonly set: string
  readonly report: BackupReport | undefined
  /** Adds a file or a folder, under its own name or another. */
  add(source: FilePath, options?: { name?: string }): Promise<void>
  addSync(source: FilePath, options?: { name?: string }): void
  addFolder(folder: FilePath, options?: { name?: string }): Promise<void>
  addFolderSync(folder: FilePath, options?: { name?: string }): void
  addFile(file: FilePath, options?: { name?: string }): Promise<void>
  addFileSync(file: FilePath, options?: { name?: string }): void
  addBytes(name: string, content: Bytes): Promise<void>
  addBytesSync(name: string, content: Bytes): void
  /** Adds everything that a stream or another iterable returns. */
  addReader(name: string, source: AsyncIterable<Bytes | string> | Iterable<Bytes | string>): Promise<void>
  /**
   * Records that something could not be fetched: a switch did not answer. With `sourceProblems: 'report'` the report
   * names it, and the set is partial; otherwise this fails with `SOURCE_UNREADABLE`.
   */
  addProblem(name: string, error: Error | string): Promise<void>
  addProblemSync(name: string, error: Error | string): void
  /**
   * Waits until everything is stored, then writes the cover sheet, which makes it a backup. If a source could not be
   * added before, this fails with that error.
   */
  commit(): Promise<BackupReport>
  commitSync(): BackupReport
  /** Stops the work, and removes what was stored. */
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

/** The five kinds that the documentation names. */
export type DocumentedAlertCode = 'OUT_OF_CAPACITY' | 'CONNECTIVITY' | 'PATH' | 'AUTHENTICATION' | 'GENERAL'

/** All kinds of alert. */
export const AlertKind: { readonly [Code in AlertCode]: Code }

/** Which mapping decides the class; the default is `refined`. */
export interface ProfileOption {
  profile?: Profile
}

/** Where and to whom a failure happened. Without an `id` a new one is made. */
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

/** The class of a failure: the kind of alert, how certain it is, why, and whether to try again. */
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
  /** Returns what happened, in up to three sentences. */
  describe(context?: AlertContext): string
  /** Returns what to do next, step by step. */
  remedy(context?: AlertContext): string[]
}

export function classifyNtstatus(status: number, options?: ProfileOption): Classification
export function classifyWin32(code: number, options?: ProfileOption): Classification
export function classifyHresult(result: number, options?: ProfileOption): Classification
export function classifyErrno(errno: number, options?: ProfileOption): Classification
/** Classifies any error: ours, Node's by its errno, all others by their text and that of their causes. */
export function classifyError(error: Error, options?: ProfileOption): Classification
export function classifyText(text: string | Bytes, options?: ProfileOption): Classification
/** Classifies an alert, or a listing of alerts, in the JSON of the admin API: text or a value. */
export function classifyJson(json: string | Bytes | object, options?: ProfileOption): Classification
/** For alerts that no failure raises: an almost full share, an expiring certificate. */
export function classifyKind(kind: AlertCode): Classification

/** Classifies text line by line. */
export class TextClassifier {
  constructor(options?: ProfileOption)
  line(line: string | Bytes): void
  finish(): Classification
}

/** An alert as the admin API writes it, with its keys unchanged. */
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
  /** 4 to 12, by default 12; 1 to 744 with `beyondMicrosoft`. */
  frequencyHours?: number
  beyondMicrosoft?: boolean
  phaseSeconds?: number
  jitterSeconds?: number
  /** Decides when within the jitter this host runs. */
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
/** A file with a document, a document, or a function that returns one or a promise of one. */
export type OperationSource =
  | FilePath
  | Bytes
  | object
  | (() => OperationsDocument | Promise<OperationsDocument>)

/** Keeps backups from running beside what they conflict with. */
export class Gate {
  constructor(sources?: OperationSource | OperationSource[], options?: { ignore?: string | string[] })
  /** Returns what keeps it closed now; empty if it is open. */
  holds(): Promise<Hold[]>
  holdsSync(): Hold[]
  /** Decides whether a scheduled backup that is due now runs. */
  scheduled(schedule: Schedule, now?: Time | null): Promise<Decision>
  scheduledSync(schedule: Schedule, now?: Time | null): Decision
  /** Fails with `CONFLICT` if a backup on demand may not run now. */
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
  /** The process that runs it, while it runs. */
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
  /** Jobs whose process ended without saying so: they failed, and the next append records that. */
  died: Job[]
}

/** A file of jobs. Only one process may append at a time. */
export class JobLog {
  constructor(file: FilePath)
  readonly path: string
  append(job: Job): Promise<void>
  appendSync(job: Job): void
  read(now?: Time | null): Promise<Jobs>
  readSync(now?: Time | null): Jobs
}

/** Something that an operator should look into; `message` is one line for people. */
export type BackupWarning = { message: string } & (
  | { warning: 'clock_set_back'; seconds: number }
  /** `retention`: for how many days backups are kept. */
  | { warning: 'gate_closed_too_long'; since: string; hold: string; retention: number }
  | { warning: 'missed_runs'; count: number; due: string }
  | { warning: 'no_recent_backup'; last: string | null }
)

/** Returns what an operator should look into; empty if all is well. */
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
  /** Pairs of key and value; null matches any value. */
  keepLabels?: [string, string | null][]
  /** Names of sets. */
  pin?: string[]
  /** Bytes. */
  makeRoom?: number
  graceHours?: number
  /** A percentage; a set that holds less than that of an older good set displaces no other. The default is 50. */
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

/** Which sets of a deployment to keep. */
export class RetentionPolicy {
  constructor(options?: RetentionOptions)
  /** Returns a policy that also deletes sets until this many bytes are free on a share with this space. */
  makeRoomFor(bytes: number, space: Space): RetentionPolicy
  /** Plans for the sets of one listing, all or some; or for plain data, to try out the policy. */
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

/** Which sets to delete and which to keep, and why. */
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
  /** `before` is called before each deletion; return `false` to stop there. */
  applySync(share: Share, options?: { before?: (deletion: Deletion) => unknown }): RetentionReport
}

// ---------------------------------------------------------------------------------------------------- Copies

export interface CopyOptions extends WorkOptions, Demand {
  /** Leaves out what this policy would delete at the other share at the time `now`: give the one that is carried out there. */
  retention?: RetentionPolicy | null
  now?: Time | null
  /** Creates the region folder at the other share if it is missing. */
  create?: boolean
  /** Reads back all that the other share has of these sets, and sends again what is not as it was written. */
  readBack?: boolean
  /** Only finds out which sets are missing. */
  dryRun?: boolean
}

/** Stored files and their bytes. */
export interface Amount {
  files: number
  bytes: number
}

/** What became of one set. `folder` is its folder at the other share. */
export type CopiedSet = { place: Place; name: string; folder: string } & (
  | { outcome: 'copied'; sent: Amount; linked: Amount }
  /** Bytes stored in it. */
  | { outcome: 'missing'; bytes: number }
  | { outcome: 'skipped' | 'conflict'; reason: string }
  | { outcome: 'failed'; code: ErrorCode; message: string }
  | { outcome: Exclude<CopyOutcome, 'copied' | 'missing' | 'skipped' | 'conflict' | 'failed'> }
)

/** What became of the sets, the newest of each place first, and the folders of the first share that could not be listed. */
export interface CopyReport {
  copied: number
  sent: Amount
  /** Whether a set is no backup or could not be copied, or a folder cannot be read. */
  needsAttention: boolean
  sets: CopiedSet[]
  unreadable: UnreadableFolder[]
}

/**
 * Copies the complete sets of a deployment, or of one component, to another share, sealed as they are: those that are not
 * whole there, the newest of each place first. Needs no key. Each byte is compared at both ends, and the cover sheet comes
 * last. A set that cannot be copied is in the report, and the others still are. Progress counts stored files.
 */
export function replicate(
  share: Share,
  to: Share,
  deployment: Named,
  component?: Named | null,
  options?: CopyOptions,
): Promise<CopyReport>
export function replicateSync(
  share: Share,
  to: Share,
  deployment: Named,
  component?: Named | null,
  options?: CopyOptions,
): CopyReport
/** Copies one set. Fails with `NOT_FOUND` if there is none, and with `INCOMPLETE` if it is no backup. */
export function copySet(share: Share, to: Share, place: Named, set: Named, options?: CopyOptions): Promise<CopyReport>
export function copySetSync(share: Share, to: Share, place: Named, set: Named, options?: CopyOptions): CopyReport
/** The deployments that have a region folder on a share, by name. Folders that cannot be listed are left out. */
export function listDeployments(share: Share): Promise<DeploymentFacts[]>
export function listDeploymentsSync(share: Share): DeploymentFacts[]

// ------------------------------------------------------------------------------- Azure Stack Hub's own backups

/** Something in `MASBackup` that is not as it should be. */
export interface MasBackupFinding {
  code: string
  severity: Severity
  path: string
  backup: string | null
  seen: string
}

/** What is known of a snapshot, from good to bad. */
export type SnapshotState = 'verified' | 'not_checked' | 'in_progress' | 'not_opened' | 'unreadable' | 'damaged'

/** One snapshot of a repository, as its clear metadata describes it. */
export interface MasBackupSnapshot {
  path: string
  backupId: string
  created: string | null
  kind: 'full' | 'progressive'
  isContemporaneous: boolean
  isAutomatic: boolean
  stampVersion: string
  oemVersion: string | null
  deploymentId: string
  dataVersion: string | null
  previousId: string
  fullId: string
  status: string
  thumbprint: string | null
  contentKib: number | null
  zipKib: number | null
  storedBytes: number
  others: Record<string, string>
  repository: string
}

/** A backup of Azure Stack Hub: the snapshots of all repositories with one id. */
export interface MicrosoftBackup {
  id: string
  store: string
  created: string | null
  isLegacy: boolean
  isAutomatic: boolean
  isHidden: boolean
  readiness: 'ready' | 'not_ready' | 'unknown'
  reasons: string[]
  statedStatus: string | null
  statesReady: boolean | null
  repositories: { name: string; isComplete: boolean; isEssential: boolean | null; chain: string[]; missing: string[] }[]
  thumbprints: string[]
  storedBytes: number
}

/** What lies in a `MASBackup`, by its clear metadata alone. */
export interface MasBackupCatalog {
  folder: string
  now: string
  recoveryPoint: string | null
  stores: {
    name: string
    registrations:
      | {
          repository: string
          isEssential: boolean
          isProgressive: boolean
          periodMinutes: number | null
          retentionDays: number | null
        }[]
      | null
    repositories: { name: string; snapshots: MasBackupSnapshot[]; chains: number[][] }[]
  }[]
  /** Newest first. */
  backups: MicrosoftBackup[]
  certificates: { thumbprint: string; snapshots: number; first: string | null; last: string | null }[]
  findings: MasBackupFinding[]
  /** What Azure Stack Hub's prune would remove as unrecognised. */
  prunable: string[]
}

/** What a verification or an extraction found about one snapshot. */
export interface SnapshotCheck {
  path: string
  backupId: string
  state: SnapshotState
  openedBy: string | null
  oaep: 'sha256' | 'sha1' | null
  files: number
  bytes: number
}

/** What a verification found. */
export interface MasBackupReport {
  /** The worst state of all snapshots. */
  state: SnapshotState
  snapshots: SnapshotCheck[]
  backups: {
    id: string
    store: string
    created: string | null
    readiness: 'ready' | 'not_ready' | 'unknown'
    state: SnapshotState
    weakest: [string, SnapshotState][]
  }[]
  shown: string[]
  notShown: string[]
  findings: MasBackupFinding[]
  storedBytes: number
  bytes: number
}

/** What an extraction did. */
export interface ExtractReport {
  state: SnapshotState
  snapshots: SnapshotCheck[]
  files: number
  bytes: number
  kept: number
  /** What the backup needs and does not have. */
  missing: string[]
  keptDiffering: string[]
  refused: { path: string; code: string; message: string }[]
  unrestored: { what: string; count: number; example: string }[]
  findings: MasBackupFinding[]
}

export interface MasBackupVerifyOptionsSync extends WorkOptionsSync {
  /** Only what the backup of this id needs. */
  backup?: string | null
  now?: Time | null
}

export interface MasBackupVerifyOptions extends WorkOptions {
  /** Only what the backup of this id needs. */
  backup?: string | null
  now?: Time | null
}

export interface ExtractOptions extends WorkOptions {
  /** Only what the backup needs of this repository. */
  repository?: string
  /** What to do about things that already exist; the default is `refuse`. */
  existing?: Existing
  /** Whether to write zips inside as folders, and to decrypt what is encrypted once more. */
  openInner?: boolean
  now?: Time | null
}

/** The `MASBackup` in one folder of a share: Azure Stack Hub's own backups. It is read and never written. */
export class MasBackup {
  private constructor()
  /** Finds `MASBackup`, in any letter case, in a folder of the share: that of a region, or with `''` the root. */
  static open(share: Share, folder: Named): Promise<MasBackup>
  static openSync(share: Share, folder: Named): MasBackup
  readonly folder: string
  /** Lists what lies there, by clear metadata alone. */
  list(options?: WorkOptions & { now?: Time | null }): Promise<MasBackupCatalog>
  listSync(options?: WorkOptionsSync & { now?: Time | null }): MasBackupCatalog
  /**
   * Verifies the snapshots that a backup needs, or all of them: with an opener every byte, without one what can be
   * seen.
   */
  verify(opener?: Opener | null, options?: MasBackupVerifyOptions): Promise<MasBackupReport>
  verifySync(opener?: Opener | null, options?: MasBackupVerifyOptionsSync): MasBackupReport
  /** Extracts the snapshots that a backup needs, each into the folder `<repository>/<snapshot>` of the target. */
  extract(opener: Opener, backup: string, target: FilePath, options?: ExtractOptions): Promise<ExtractReport>
  extractSync(opener: Opener, backup: string, target: FilePath, options?: ExtractOptions): ExtractReport
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

/** The state of the backups of one component, or of one of its scale units. */
export interface ComponentReview {
  name: string
  worst: Severity | null
  isConfigured: boolean
  frequencyHours: number
  retentionDays: number | null
  lastBackup: string | null
  /** When its newest complete copy on another share began, if the review was given such shares. */
  lastCopy: string | null
  complete: number
  others: number
  bytes: number
  /** Days in UTC. */
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
  /** Azure Stack Hub's own backups, in each `MASBackup` that has any. */
  theirBackups: {
    folder: string
    backups: number
    ready: number
    lastReady: string | null
    bytes: number
    drill: SnapshotState | null
    days: { date: string; complete: number; partial: number; incomplete: number }[]
  }[]
  space: { totalBytes: number; freeBytes: number; seenAt: string | null } | null
  nextRunBytes: number
  toTable(): string
  toHtml(): string
}

/** Reviews a configuration, JSON as text or as a value, and the share whose root it names. */
export function review(
  configuration: string | Bytes | object,
  share: Share,
  options?: ReviewOptions,
): Promise<Review>
export function reviewSync(configuration: string | Bytes | object, share: Share, options?: ReviewOptions): Review
export interface ReviewOptions {
  /** One or several other shares: the review says how old the newest copies on them are. */
  copies?: Share | Share[] | null
  /** Tried on what the newest backup of Azure Stack Hub needs: a drill. */
  opener?: Opener | null
  now?: Time | null
}
export const RULES: readonly Rule[]

// ---------------------------------------------------------------------------------------------------- Survey

/** A share, of which all deployments are meant, or a deployment of a share. */
export type Region = Share | { share: Share; deployment?: Named | null }

export interface SurveyOptions extends WorkOptions, Demand {
  /** One or several shares with copies. */
  copies?: Share | Share[] | null
  /** Hours that may lie between two backups, by default 12. */
  frequencyHours?: number
  now?: Time | null
}

/** A component, or one of its scale units; or a share or deployment that shows none. */
export interface SurveyRow {
  share: string
  deployment: { externalDomainName: string; region: string } | null
  component: string | null
  /** How bad it is; `null` if all is well. */
  severity: Severity | null
  /** What is not as it should be. */
  remarks: string[]
  sets: number
  /** The newest complete set, and what it says. */
  lastGood: string | null
  due: string | null
  status: BackupStatus | null
  files: number
  bytes: number
  storedBytes: number
  /** Bytes of content in the complete set before it. */
  bytesBefore: number | null
  signature: Signature | null
  thumbprints: string[]
  /** When its newest complete copy elsewhere began. */
  lastCopy: string | null
}

/** Many deployments side by side, the worst first. */
export class Survey {
  private constructor()
  now: string
  rows: SurveyRow[]
  toHtml(): string
}

/**
 * Looks at many deployments side by side, without a key: when each component was last backed up, how large the set is and
 * how that changed, who signed it, which PFX opens it, how old the newest copy elsewhere is. A share or a folder that cannot
 * be read is a row that says so. Progress counts deployments as files.
 */
export function survey(regions: Region | Region[], options?: SurveyOptions): Promise<Survey>
export function surveySync(regions: Region | Region[], options?: SurveyOptions): Survey
