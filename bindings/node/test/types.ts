// Compares the types with what programs do. Only compiled, never run.
import * as azs from '../index.js'

async function used(): Promise<void> {
  const certificate = await azs.EncryptionCertificate.load(new URL('file:///backup.cer'))
  await using share = await azs.FolderShare.open('/mnt/AzSBackups', { durability: 'flushed' })
  const controller = new AbortController()
  await using backup = await azs.Backup.start(share, { text: 'contoso.com/nyc/Switches' }, {
    certificates: [certificate],
    labels: { vendor: 'Contoso' },
    progress: ({ bytes, totalBytes }) => bytes < (totalBytes ?? Infinity),
    signal: controller.signal,
  })
  await backup.addBytes('tor1/running-config', Buffer.from('hostname tor-1'))
  await backup.addReader('log', (async function* () {
    yield new Uint8Array(3)
  })())
  const report: azs.BackupReport = await backup.commit()
  const files: number = report.content.files + report.reuse.linked.files
  const lines: string[] = [...report.warnings, ...report.reuse.rewritten, ...report.problems.map(({ code }) => code)]
  void lines
  const checked = await azs.checkShare(share, 'contoso.com/nyc', { signal: controller.signal })
  const listed = await azs.listSets(share, 'contoso.com/nyc', null, { progress: ({ files }) => files < 1000 })
  void listed.unreadable
  const codes: (azs.AlertCode | undefined)[] = checked.steps.map((step) => step.alert?.class.kind)
  void codes
  const opener = new azs.Opener(azs.DecryptionCertificate.loadSync('backup.pfx', 'secret'))
  const set = await azs.BackupSet.open(share, report.folder)
  for await (const entry of set.entries(opener)) {
    const path: azs.Text = entry.kind === 'symlink' ? entry.target : entry.path
    void path
  }
  const content: Buffer = await set.restoreBytes(opener, 'tor1/running-config', { limit: files })
  set.createRestoreStream(opener, 'log').pipe(process.stdout)
  const signer = await azs.Signer.load('signing.pfx', 'secret')
  await using signed = await azs.Backup.start(share, 'contoso.com/nyc/Switches', { certificates: certificate, signer })
  void signed
  const requireSigners = [signer.certificate, azs.SignerCertificate.loadSync('next.cer')]
  await set.verify({ requireSigners, signal: controller.signal })
  await azs.listSets(share, 'contoso.com/nyc', null, { requireSigners: signer.certificate })
  const signature: azs.Signature = await set.requireSigners(requireSigners)
  const who: string = signature.state === 'signed' ? signature.signer.subject : signature.state
  void who
  try {
    azs.parseName(content.toString())
  } catch (error) {
    if (error instanceof azs.BackupError && error.code === azs.ErrorKind.INVALID_NAME) {
      const kind: azs.AlertCode | undefined = error.alert?.kind
      const place: (string | undefined)[] = [error.path, error.operation, error.set]
      void [kind, place]
    }
  }
  const decision = await new azs.Gate(['operations.json', async () => [{ kind: 'update', state: 'running' }]]).scheduled(new azs.Schedule())
  if (decision.decision === 'skipped') {
    const at: string = decision.nextRun
    void at
  }
  for (const summary of await azs.listSets(share, 'contoso.com/nyc')) {
    const line: string = summary.state === 'complete' ? summary.cover.status : summary.reason
    const folder: string = summary.state === 'foreign' ? summary.belongsTo : summary.folder
    console.log(line, folder, summary instanceof azs.SetSummary)
  }
  for (const warning of azs.backupWarnings()) {
    console.log(warning.message, warning.warning === 'missed_runs' ? warning.count : warning.warning)
  }
  const state: azs.SetState = 'complete'
  void state
  const plan = new azs.RetentionPolicy({ keepDays: 7 }).plan(await azs.listSets(share, 'contoso.com/nyc'))
  for (const [folder, outcome] of (await plan.apply(share)).outcomes) {
    if (outcome.outcome === 'failed') {
      console.log(folder, outcome.code)
    }
  }
}

function refused(share: azs.Share, report: azs.BackupReport, summary: azs.SetSummary, entry: azs.Entry): void {
  // @ts-expect-error: a field that is none
  report.statsu
  // @ts-expect-error: a status that is none
  report.status === 'Suceeded'
  // @ts-expect-error: only a complete set has a cover sheet for certain
  summary.cover.status
  // @ts-expect-error: only a foreign one belongs elsewhere
  summary.belongsTo
  // @ts-expect-error: a folder has no size
  entry.size
  // @ts-expect-error: a listing makes them
  new azs.SetSummary()
  // @ts-expect-error: a word that is none
  azs.FolderShare.openSync('/mnt', { durability: 'never' })
  // @ts-expect-error: a handle is not made by new
  new azs.EncryptionCertificate()
  // @ts-expect-error: a signer is not the certificate that is demanded
  azs.listSetsSync(share, 'contoso.com/nyc', null, { requireSigners: azs.Signer.loadSync('signing.pfx') })
  // @ts-expect-error: a share is not a path
  azs.listSetsSync('/mnt', 'contoso.com/nyc')
  const copies = azs.replicateSync(share, share, 'contoso.com/nyc')
  // @ts-expect-error: only a set that was copied says what was sent
  copies.sets[0].sent
  // @ts-expect-error: an outcome that is none
  copies.sets[0].outcome === 'copid'
  // @ts-expect-error: a place is no share
  azs.surveySync('contoso.com/nyc')
  // @ts-expect-error: an option that is none
  new azs.Schedule({ frequency: 4 })
  // @ts-expect-error: no certificates
  azs.Backup.startSync(share, 'contoso.com/nyc/HLH', {})
  // @ts-expect-error: text is not bytes
  new azs.Sealer().sealSync('text')
}

void used
void refused
