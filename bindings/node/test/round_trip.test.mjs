// One backup from beginning to end, and all that can be done with it.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'

import { PASSWORD, SWITCHES, azs, backUp, certificate, failure, file, folder, opener, share } from './common.mjs'

test('bytes, files and streams are sealed and opened', async (t) => {
  const sealer = new azs.Sealer(certificate(), [certificate()])
  const by = opener()
  const content = Buffer.from('vlan 7\n')
  assert.deepEqual(await by.open(await sealer.seal(content)), content)
  assert.deepEqual(by.openSync(sealer.sealSync(new Uint8Array(content))), content)
  assert.equal(azs.recipientsOf(sealer.sealSync(content)).length, 1)
  assert.equal(by.certificates[0].sha1Thumbprint, certificate().facts.sha1Thumbprint)

  const at = folder(t)
  const [plain, sealed, opened] = ['plain', 'sealed', 'opened'].map((name) => join(at, name))
  writeFileSync(plain, content)
  assert.equal(await sealer.sealFile(plain, pathToFileURL(sealed)), content.length)
  assert.equal((await failure(() => sealer.sealFile(plain, sealed))).code, 'ALREADY_EXISTS')
  assert.equal(by.openFileSync(sealed, opened), content.length)
  assert.deepEqual(readFileSync(opened), content)

  const chunks = []
  await pipeline(
    Readable.from([Buffer.from('vlan '), Buffer.from('8\n')]),
    sealer.createSealStream(),
    by.createOpenStream(),
    async (source) => {
      for await (const chunk of source) {
        chunks.push(chunk)
      }
    },
  )
  assert.equal(Buffer.concat(chunks).toString(), 'vlan 8\n')
  const cut = pipeline(Readable.from([sealer.sealSync(content).subarray(0, 50)]), by.createOpenStream(), buffer)
  assert.equal((await failure(() => cut)).code, 'MALFORMED')
})

test('certificates in all forms', async () => {
  const pfx = await azs.DecryptionCertificate.fromPfx(file('rsa2048.pfx'), PASSWORD)
  assert.deepEqual(pfx.encryptionCertificate.toDer(), file('rsa2048.cer'))
  assert.equal((await failure(() => azs.DecryptionCertificate.fromPfx(file('rsa2048.pfx'), 'wrong'))).code, 'WRONG_PASSWORD')
  const wrong = await failure(() => certificate().checkValidity(new Date('2001-01-01')))
  assert.equal(wrong.code, 'CERTIFICATE_EXPIRED')
  certificate().checkValidity()
})

test('a backup of a file, a folder, bytes and a stream', async (t) => {
  const on = share(t)
  const at = folder(t)
  const tree = join(at, 'tree')
  mkdirSync(tree)
  writeFileSync(join(tree, 'a'), 'in the tree')
  writeFileSync(join(tree, 'b.tmp'), 'left out')
  writeFileSync(join(at, 'plain'), 'plain')
  assert(on.describe().includes('azs-backup-'))
  const { total, free } = await on.space()
  assert(total >= free && on.spaceSync().total === total)

  const seen = []
  const backup = await azs.Backup.start(on, azs.parsePlace(SWITCHES), {
    certificates: certificate(),
    labels: { vendor: 'Contoso', firmwareVersion: '1.2' },
    exclude: '*.tmp',
    segmentSize: 4 << 20,
    workers: 2,
    progress: (progress) => void seen.push(progress),
  })
  // Not awaited one by one: they run one after another.
  const large = Buffer.alloc(3 << 20, 'x')
  const added = [
    backup.add(join(at, 'plain')),
    backup.addFile(join(at, 'plain'), { name: 'tor1/running-config' }),
    backup.addFolder(tree),
    backup.addBytes('tor2/running-config', Buffer.from('hostname tor-2\n')),
    backup.addReader('large', Readable.from([large.subarray(0, 1000), large.subarray(1000)])),
    backup.addReader('text', ['several ', 'pieces']),
  ]
  await Promise.all(added)
  const report = await backup.commit()
  assert.equal(report.set, backup.set)
  assert.equal(report.status, 'Succeeded')
  assert.equal(report.content.files, 6)
  assert.deepEqual(report.labels, { vendor: 'Contoso', firmwareVersion: '1.2' })
  assert.equal(report, backup.report)
  await backup.abandon()

  const [summary, ...others] = await azs.listSets(on, 'contoso.com/nyc')
  assert.deepEqual([summary.state, summary.folder, others], ['complete', report.folder, []])
  assert.equal(azs.setFolder(SWITCHES, report.set).text, report.folder)

  const set = await azs.BackupSet.open(on, report.folder)
  assert.equal(set.folder, report.folder)
  assert.equal(set.cover.set, report.set)
  const by = opener()
  assert((await set.verify()).isSound && (await set.verifyFull(by)).isSound)
  assert(set.verifySync().isSound && set.verifyFullSync(by).isSound)
  const paths = []
  for await (const entry of set.entries(by)) {
    paths.push(entry.path)
  }
  assert.deepEqual(paths, [...set.entriesSync(by)].map((entry) => entry.path))
  assert(paths.includes('tree/a') && !paths.includes('tree/b.tmp'))

  assert.equal((await set.restoreBytes(by, 'tor2/running-config')).toString(), 'hostname tor-2\n')
  assert.equal((await failure(() => set.restoreBytes(by, 'large', { limit: 5 }))).code, 'LIMIT_EXCEEDED')
  assert.equal(set.restoreBytesSync(by, 'text').toString(), 'several pieces')
  assert.deepEqual(await buffer(set.createRestoreStream(by, 'large')), large)
  assert.equal((await failure(() => buffer(set.createRestoreStream(by, 'nothing')))).code, 'NOT_FOUND')
  // A stream that nobody reads to its end is let go.
  for await (const chunk of set.createRestoreStream(by, 'large')) {
    assert.equal(chunk[0], 'x'.charCodeAt(0))
    break
  }

  const target = join(at, 'target')
  const restored = await set.restore(by, target, { patterns: ['tor*/'] })
  assert.equal(restored.files, 2)
  assert.equal(readFileSync(join(target, 'tor2', 'running-config'), 'utf8'), 'hostname tor-2\n')
  assert.equal((await failure(() => set.restore(by, target))).code, 'ALREADY_EXISTS')
  assert.equal(set.restoreSync(by, target, { existing: 'keep', damage: 'continue' }).kept, 2)
})

test('the same with calls that end in Sync', (t) => {
  const at = folder(t)
  writeFileSync(join(at, 'plain'), 'plain')
  const on = share(t)
  const backup = azs.Backup.startSync(on, SWITCHES, { certificates: [certificate()], state: join(at, 'state') })
  backup.addSync(join(at, 'plain'))
  backup.addFileSync(join(at, 'plain'), { name: 'again' })
  backup.addFolderSync(at, { name: 'folder' })
  backup.addBytesSync('bytes', Buffer.from('bytes'))
  const report = backup.commitSync()
  assert(report.content.files >= 4)
  assert.equal(azs.listSetsSync(on, 'contoso.com/nyc', 'Switches')[0].name, report.set)
  const set = azs.BackupSet.openSync(on, report.folder)
  assert.equal(set.restoreBytesSync(opener(), 'bytes').toString(), 'bytes')
  const abandoned = azs.Backup.startSync(on, SWITCHES, { certificates: [certificate()] })
  abandoned.addBytesSync('bytes', Buffer.from('bytes'))
  abandoned.abandonSync()
  assert.equal(azs.listSetsSync(on, 'contoso.com/nyc').length, 1)
})

test('a second set costs what changed', async (t) => {
  const on = share(t)
  const [state, tree] = [folder(t), folder(t)]
  writeFileSync(join(tree, 'image'), Buffer.alloc(1 << 20, 'x'))
  const make = async (options) => {
    const backup = await azs.Backup.start(on, SWITCHES, { certificates: certificate(), state, ...options })
    await backup.addFolder(tree, { name: 'tree' })
    return backup.commit()
  }
  const first = await make({})
  // A change of the same second as the backup is looked at again anyway.
  writeFileSync(join(tree, 'more'), 'more')
  const second = await make({ rereadEverything: true, distrust: 'nothing.tar.zst.p7m' })
  assert.equal(second.content.files, first.content.files + 1)
  assert.equal((await azs.BackupSet.openSync(on, second.folder).restoreBytes(opener(), 'tree/more')).toString(), 'more')
})

test('a backup that is not committed leaves nothing', async (t) => {
  const on = share(t)
  await backUp(on, { kept: 'kept' })
  const backup = await azs.Backup.start(on, SWITCHES, { certificates: certificate() })
  await backup.addBytes('lost', Buffer.from('lost'))
  await backup[Symbol.asyncDispose]()
  assert.equal((await azs.listSets(on, 'contoso.com/nyc')).length, 1)
  assert.equal((await failure(() => backup.commit())).code, 'INVALID_ARGUMENT')
})

test('a share is checked step by step', async (t) => {
  const on = share(t)
  const report = await azs.checkShare(on, 'contoso.com/nyc', { components: 'Switches', createFolders: true })
  assert(report.isSound, JSON.stringify(report))
  assert(report.steps.some(({ step, outcome }) => step === 'read_back' && outcome === 'passed'))
  assert.deepEqual(azs.checkShareSync(on, azs.parseDeployment('contoso.com/nyc')).steps.length, report.steps.length)
  const root = String.raw`\\127.0.0.1\a`
  const none = await azs.checkSmbShare(root, String.raw`CONTOSO\azsbackup`, 'swordfish', 'contoso.com/nyc', { port: 9, connectLimit: 2 })
  assert.equal(none.isSound, false)
  assert.equal(none.steps.find(({ outcome }) => outcome === 'failed').step, 'connection')
})

test('retention deletes what the plan says', async (t) => {
  const on = share(t)
  for (const name of ['first', 'second', 'third']) {
    await backUp(on, { [name]: name })
  }
  const sets = await azs.listSets(on, 'contoso.com/nyc')
  const plan = new azs.RetentionPolicy({ keepLast: 2 }).plan(sets)
  assert.deepEqual([plan.deletions.length, plan.kept.length], [1, 2])
  const { outcomes } = await plan.apply(on)
  assert.equal(outcomes[0][1].outcome, 'deleted')
  assert.equal((await azs.listSets(on, 'contoso.com/nyc')).length, 2)
  // A plan of plain data says the same and deletes nothing.
  const left = await azs.listSets(on, 'contoso.com/nyc')
  const candidates = left.map(({ place, name }) => ({ ...place, set: name, condition: 'succeeded' }))
  const imagined = new azs.RetentionPolicy({ keepLast: 1 }).plan(candidates)
  const told = []
  imagined.applySync(on, { before: (deletion) => told.push(deletion.set) })
  assert.equal(told.length, 1)
  assert.equal((await azs.listSets(on, 'contoso.com/nyc')).length, 2)
})

test('a set costs what changed since the last', async (t) => {
  const on = share(t)
  const at = folder(t)
  const [state, tree] = [join(at, 'state'), join(at, 'tree')]
  mkdirSync(tree)
  writeFileSync(join(tree, 'image'), randomBytes(3 << 20))
  const night = async (options = {}) => {
    // A file that changed within the last tick of the clock is looked at again.
    await setTimeout(30)
    const backup = azs.Backup.startSync(on, SWITCHES, { certificates: certificate(), state, ...options })
    await backup.addFolder(tree)
    const report = await backup.commit()
    assert.deepEqual(report.warnings, [])
    return report
  }
  const [first, second] = [await night(), await night()]
  assert.deepEqual([first.reuse.base, first.reuse.filesRead, first.reuse.stored], [null, 1, first.stored])
  const { base, filesRead, filesKept, bytesKept, linked, stored, rewritten } = second.reuse
  assert.deepEqual([base, filesRead, filesKept, bytesKept, rewritten], [first.folder, 0, 1, 3 << 20, []])
  assert.equal(linked.files + stored.files, second.stored.files)
  assert.equal((await night({ rereadEverything: true })).reuse.bytesRead, 3 << 20)

  const root = on.describe()
  const name = readdirSync(join(root, first.folder)).find((one) => statSync(join(root, first.folder, one)).size > 1 << 20)
  const damaged = readFileSync(join(root, first.folder, name))
  damaged[3000] ^= 1
  writeFileSync(join(root, first.folder, name), damaged)
  const { faults } = await (await azs.BackupSet.open(on, first.folder)).verify()
  assert.deepEqual(faults.map((fault) => fault.file), [name])
  const report = await night({ distrust: faults.map((fault) => fault.file) })
  assert.deepEqual(report.reuse.rewritten, [name])
  assert((await (await azs.BackupSet.open(on, report.folder)).verifyFull(opener())).isSound)

  const without = await backUp(on, { a: 'a' }, { state: join(tree, 'image') })
  assert.equal(without.warnings.length, 1)
})

test('gate, jobs and warnings', async (t) => {
  const at = folder(t)
  const operations = join(at, 'operations.json')
  writeFileSync(operations, '[]')
  const log = new azs.JobLog(join(at, 'jobs.jsonl'))
  const schedule = new azs.Schedule({ frequencyHours: 24, beyondMicrosoft: true })
  const gate = new azs.Gate([operations, async () => (await log.read()).running, [{ kind: 'backup', state: 'succeeded' }]], {
    ignore: 'secret_rotation',
  })
  assert.deepEqual(await gate.holds(), [])
  await gate.onDemand()
  const job = azs.startJob('1', { place: SWITCHES })
  await log.append(job)
  const [hold] = await gate.holds()
  assert.equal(hold.reason, 'backup_operation_running')
  assert.equal((await failure(() => gate.onDemand())).code, 'CONFLICT')
  const decision = await gate.scheduled(schedule)
  log.appendSync(azs.skipJob('2', decision))
  await log.append(azs.endJob(job, 'Succeeded', { bytes: 7 }))
  const { jobs, lastGood, lastScheduled } = log.readSync()
  assert.deepEqual(jobs.map(({ id, status }) => [id, status]), [['1', 'Succeeded'], ['2', 'Skipped']])
  assert.equal(jobs[1].nextRun, decision.nextRun)
  assert.equal(lastGood, job.started)
  assert(lastScheduled >= job.started)
  assert.deepEqual(azs.backupWarnings({ lastBackup: lastGood, nextRun: schedule.nextRun(lastScheduled) }), [])
  const [warning] = azs.backupWarnings({ lastBackup: new Date('2026-11-20'), now: '2026-11-23T02:00:00Z' })
  assert.equal(warning.message, 'no good backup since 2026-11-20T00:00:00Z')
  assert.deepEqual(azs.parseOperations('[{"kind": "fru", "state": "running"}]'), [{ kind: 'fru', state: 'running' }])
})

test('review of a configuration and a share', async (t) => {
  const on = share(t)
  await backUp(on, { file: 'content' })
  const configuration = {
    root: String.raw`\\fs.contoso.com\AzSBackups`,
    deployment: { externalDomainName: 'contoso.com', region: 'nyc' },
  }
  const found = await azs.review(configuration, on)
  assert(found.findings.length > 0 && azs.RULES.some(({ rule }) => rule === found.findings[0].rule))
  assert(found.toHtml().includes('<html') && found.toTable().includes(found.findings[0].severity))
  assert.deepEqual(azs.reviewSync(JSON.stringify({ ...configuration, deployment: { external_domain_name: 'contoso.com', region: 'nyc' } }), on, { now: found.now }).findings, found.findings)
})

test('an alert from a failure', async (t) => {
  const error = await failure(() => azs.FolderShare.open(join(folder(t), 'none')))
  assert(error instanceof azs.BackupError && error instanceof Error)
  assert.equal(error.name, 'BackupError')
  assert.equal(error.code, 'NOT_FOUND')
  assert.equal(error.operation, 'open')
  assert(error.path.endsWith('none') && error.message.includes(error.path))
  assert.equal(error.set, undefined)
  const set = '20261123T020000Z-7f3a91c2'
  const none = await failure(() => azs.BackupSet.open(share(t), `contoso.com/nyc/Switches/${set}`))
  assert.deepEqual([none.code, none.operation, none.set], ['NOT_FOUND', 'list', set])
  assert.equal((await failure(() => azs.parseName('nul'))).path, undefined)
  assert.equal(error.alert.documentedKind, 'PATH')
  assert(error.cause instanceof Error && /No such file/.test(error.cause.message))
  assert.equal(azs.classifyError(error).kind, 'PATH')
  assert.equal(azs.classifyError(error, { profile: 'microsoft-2301' }).profile, 'microsoft-2301')
  const alert = azs.makeAlert(error.alert, { share: 'the share', now: new Date('2026-11-23T02:00:00Z') })
  assert.equal(alert.properties.title, 'Backup failed due to a fault in the path.')
  assert.deepEqual(azs.parseAlerts([alert]), [alert])
  assert.equal(azs.classifyJson(alert).kind, 'PATH')
  assert(error.alert.describe({ share: 'the share' }).includes('the share'))
  const nodes = await failure(async () => readFileSync(join(folder(t), 'none')))
  assert.equal(azs.classifyError(nodes).kind, 'PATH')
  assert.equal(azs.classifyError(new Error('x', { cause: new Error('STATUS_DISK_FULL') })).kind, 'OUT_OF_CAPACITY')
  const classifier = new azs.TextClassifier()
  classifier.line('mount error(113): No route to host')
  assert.equal(classifier.finish().kind, 'CONNECTIVITY')
})
