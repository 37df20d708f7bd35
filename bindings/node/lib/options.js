'use strict'

// The names of the options that the core reads; a test compares them with the core's.

const BACKUP = [
  'allowExpiredCertificates',
  'labels',
  'exclude',
  'sourceProblems',
  'shrunkenSources',
  'oneFileSystem',
  'create',
  'recheck',
  'renewAfterDays',
  'level',
  'segmentSize',
  'workers',
  'state',
  'rereadEverything',
  'distrust',
  'setName',
]

const CHECK = ['components', 'createFolders']

const COPY = ['create', 'readBack', 'dryRun']

const HEALTH = ['lastBackup', 'setUp', 'retentionDays', 'holds', 'closedSince', 'nextRun']

const RESTORE = ['patterns', 'existing', 'compare', 'damage']

const RETENTION = [
  'keepDays',
  'keepLast',
  'keepDaily',
  'keepWeekly',
  'keepMonthly',
  'keepLabels',
  'pin',
  'makeRoom',
  'graceHours',
  'shrunkenBelow',
]

const SCHEDULE = ['frequencyHours', 'beyondMicrosoft', 'phaseSeconds', 'jitterSeconds', 'host']

const SMB = [
  'port',
  'encryption',
  'oldestDialect',
  'durability',
  'connections',
  'connectLimit',
  'silenceLimit',
  'callLimit',
  'attempts',
]

const STORE = [
  'endpoint',
  'region',
  'pathStyle',
  'allowHttp',
  'apiVersion',
  'authorities',
  'lockDays',
  'lockMode',
]

module.exports = { BACKUP, CHECK, COPY, HEALTH, RESTORE, RETENTION, SCHEDULE, SMB, STORE }
