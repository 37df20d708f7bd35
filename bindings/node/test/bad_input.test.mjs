// Wrong types, closed handles, callbacks that throw, streams that end early, signals at every moment: an error, no crash.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'

import { SWITCHES, azs, backUp, certificate, failure, file, folder, opener, share, withRegion } from './common.mjs'

const NONE = [undefined, null, 7, 1n, true, Symbol('x'), {}, [], () => {}, NaN]

test('a wrong type is a TypeError that names the argument', async (t) => {
  const on = share(t)
  const report = await backUp(on, { file: 'content' })
  const set = azs.BackupSet.openSync(on, report.folder)
  const backup = await azs.Backup.start(on, SWITCHES, { certificates: certificate() })
  t.after(() => backup.abandon())
  const calls = {
    text: [azs.parseUncPath, azs.parseName, azs.classifyKind, (x) => azs.joinUncPath(x, 'a'), (x) => azs.listSetsSync(on, x)],
    bytes: [
      azs.EncryptionCertificate.fromCer,
      (x) => azs.DecryptionCertificate.fromPfxSync(x),
      azs.SignerCertificate.fromCer,
      (x) => azs.Signer.fromPfxSync(x),
      (x) => azs.Signer.fromPem(x, undefined, x),
      (x) => new azs.Sealer(certificate()).sealSync(x),
      (x) => opener().open(x),
      (x) => backup.addBytes('name', x),
    ],
    path: [
      azs.FolderShare.openSync,
      azs.FolderShare.open,
      azs.EncryptionCertificate.loadSync,
      azs.SignerCertificate.load,
      azs.Signer.loadSync,
      (x) => backup.add(x),
      (x) => set.restore(opener(), x),
      (x) => new azs.JobLog(x),
    ],
    handle: [
      (x) => new azs.Sealer(x ?? 7),
      (x) => new azs.Opener(x ?? 7),
      (x) => azs.listSets(x, 'contoso.com/nyc'),
      (x) => azs.BackupSet.open(x, report.folder),
      (x) => set.verifyFull(x),
      (x) => set.entries(x).next(),
      (x) => set.requireSigners(x),
      (x) => set.verifySync({ requireSigners: x ?? 7 }),
      (x) => azs.listSetsSync(on, 'contoso.com/nyc', null, { requireSigners: [x] }),
      (x) => azs.Backup.start(on, SWITCHES, { certificates: certificate(), signer: x ?? 7 }),
      (x) => new azs.Gate().scheduledSync(x),
    ],
    stream: [(x) => backup.addReader('name', x)],
  }
  for (const [kind, all] of Object.entries(calls)) {
    for (const call of all) {
      for (const none of NONE) {
        if ((kind === 'stream' && Array.isArray(none)) || (kind === 'handle' && Array.isArray(none))) {
          continue
        }
        const error = await failure(() => call(none))
        assert(error instanceof TypeError, `${call}: ${String(none)}: ${error}`)
      }
    }
  }
})

test('numbers out of bounds are a RangeError', () => {
  for (const number of [-1, 1.5, 2 ** 32, 1e300, Infinity, NaN]) {
    assert.throws(() => azs.classifyWin32(number), RangeError)
    assert.throws(() => azs.formSetName(null, number), RangeError)
  }
  assert.equal(azs.classifyNtstatus(0xc000006d | 0).kind, azs.classifyNtstatus(0xc000006d).kind)
  assert.throws(() => azs.classifyErrno('5'), TypeError)
})

test('text that is none, and text that is refused', async (t) => {
  assert.throws(() => azs.parseName('a\ud800'), { code: 'ERR_INVALID_ARG_VALUE' })
  assert.throws(() => azs.FolderShare.openSync('/tmp/a\0b'), { code: 'ERR_INVALID_ARG_VALUE' })
  assert.throws(() => azs.parseName('a\0b'), { code: 'INVALID_NAME' })
  assert.throws(() => azs.parseName('a'.repeat(1 << 20)), { code: 'INVALID_NAME' })
  assert.throws(() => azs.parsePlace('contoso.com/nyc/MASBackup'), { code: 'RESERVED_PATH' })
  assert.throws(() => certificate().checkValidity('yesterday'), { code: 'INVALID_ARGUMENT' })
  assert.throws(() => certificate().checkValidity(new Date(NaN)), { code: 'ERR_INVALID_ARG_VALUE' })
  assert.throws(() => azs.classifyText('x', { profile: 'another' }), { code: 'INVALID_ARGUMENT' })
  assert.throws(() => azs.classifyJson('{'), { code: 'MALFORMED' })
  const backup = await azs.Backup.start(share(t), SWITCHES, { certificates: certificate() })
  for (const name of ['../up', '/root', 'a//b', '', 'a\0b']) {
    assert.equal((await failure(() => backup.addBytes(name, Buffer.alloc(1)))).code, 'INVALID_NAME')
  }
  await backup.abandon()
})

test('options that are none are refused', async (t) => {
  const on = share(t)
  assert.throws(() => azs.FolderShare.openSync('/tmp', { durable: true }), { code: 'ERR_INVALID_ARG_VALUE' })
  assert.throws(() => azs.FolderShare.openSync('/tmp', { durability: 'never' }), { code: 'INVALID_ARGUMENT' })
  assert.throws(() => new azs.Schedule({ frequencyHours: 24 }), { code: 'INVALID_ARGUMENT' })
  assert.throws(() => new azs.Schedule({ frequencyHours: -4 }), { code: 'INVALID_ARGUMENT' })
  assert.throws(() => new azs.RetentionPolicy({ keepLast: 1e300 }), { code: 'INVALID_ARGUMENT' })
  assert.throws(() => new azs.Sealer(), { code: 'INVALID_ARGUMENT' })
  for (const options of [{}, { level: 99 }, { segmentSize: 1 }, { sourceProblems: 'ignore' }, { setName: 'now' }, { level: 'high' }]) {
    const certificates = Object.keys(options).length === 0 ? [] : certificate()
    const error = await failure(() => azs.Backup.start(on, SWITCHES, { certificates, ...options }))
    assert(['INVALID_ARGUMENT', 'INVALID_NAME'].includes(error.code), `${JSON.stringify(options)}: ${error}`)
  }
})

test('credentials are in no message and no output', async () => {
  const connect = () =>
    azs.SmbShare.connect(String.raw`\\127.0.0.1\a`, String.raw`CONTOSO\azsbackup`, 'swordfish', { port: 9, attempts: 1, connectLimit: 2 })
  const error = await failure(connect)
  assert(error instanceof azs.BackupError)
  const { inspect } = await import('node:util')
  assert(!inspect(error, { depth: 10, showHidden: true }).includes('swordfish'))
  assert(!inspect(azs.DecryptionCertificate.fromPfxSync(file('rsa2048.pfx'), 'correct horse'), { showHidden: true }).includes('horse'))
})

test('a package built without object stores says so', async () => {
  const options = { region: 'eu-west-1', lockDays: 30 }
  const error = await failure(() => azs.openShare('s3://contoso-backups/azs?sig=hunter2', null, null, options))
  assert.equal(error.code, 'UNSUPPORTED')
  assert(error.message.includes('object-store') && !error.message.includes('hunter2'), error.message)
  // Its options reach the core, which refuses them for a folder.
  const inFolder = () => azs.openShareSync('.', null, null, { lockMode: 'compliance' })
  assert.throws(inFolder, { code: 'INVALID_ARGUMENT', message: /lockMode|lock_mode/ })
})

test('a handle that was closed is an error', async (t) => {
  const on = share(t)
  const report = await backUp(on, { file: 'content' })
  const set = azs.BackupSet.openSync(on, report.folder)
  on.close()
  on.close()
  assert.throws(() => on.describe(), { code: 'INVALID_ARGUMENT' })
  assert.equal((await failure(() => azs.listSets(on, 'contoso.com/nyc'))).code, 'INVALID_ARGUMENT')
  // What was made of it before goes on working.
  assert((await set.verify()).isSound)
  const classifier = new azs.TextClassifier()
  classifier.finish()
  assert.throws(() => classifier.line('x'), { code: 'INVALID_ARGUMENT' })
  assert.throws(() => azs.Share.prototype.describe.call({}), TypeError)
})

const slowly = async function* (count = 1e9) {
  for (let i = 0; i < count; i++) {
    yield Buffer.alloc(1 << 20, i)
  }
}

test('a callback that throws, and one that says stop', async (t) => {
  const on = share(t)
  const thrown = new Error('from the callback')
  const throws = await azs.Backup.start(on, SWITCHES, {
    certificates: certificate(),
    progress: () => {
      throw thrown
    },
  })
  assert.equal(await failure(() => throws.addReader('endless', slowly())), thrown)
  await throws.abandon()
  const stops = await azs.Backup.start(on, SWITCHES, { certificates: certificate(), progress: () => false })
  assert.equal((await failure(() => stops.addReader('endless', slowly()))).code, 'CANCELLED')
  await stops.abandon()
  const sync = azs.Backup.startSync(on, SWITCHES, {
    certificates: certificate(),
    progress: () => {
      throw thrown
    },
  })
  // The clock of the hook: one that is asked too early says nothing.
  await new Promise((done) => setTimeout(done, 150))
  assert.equal(await failure(async () => sync.addBytesSync('large', Buffer.alloc(64 << 20, 'x'))), thrown)
  sync.abandonSync()
  const sets = await azs.listSets(on, 'contoso.com/nyc').catch(() => [])
  assert.equal(sets.filter((set) => set.state === 'complete').length, 0)
})

test('a signal stops work at every moment', async (t) => {
  const on = share(t)
  const already = AbortSignal.abort(new Error('why'))
  const error = await failure(() => azs.Backup.start(on, SWITCHES, { certificates: certificate(), signal: already }))
  assert.deepEqual([error.name, error.code, error.cause.message], ['AbortError', 'CANCELLED', 'why'])
  for (const delay of [0, 1, 20, 150, 400]) {
    const controller = new AbortController()
    const backup = await azs.Backup.start(on, SWITCHES, { certificates: certificate(), signal: controller.signal })
    setTimeout(() => controller.abort(), delay)
    const stopped = await failure(() => backup.addReader('endless', slowly()))
    assert.deepEqual([stopped.name, stopped.code], ['AbortError', 'CANCELLED'], `${delay} ms: ${stopped.stack}`)
    await backup.abandon()
  }
  // One that waits for a stream that never gives anything.
  const controller = new AbortController()
  const backup = await azs.Backup.start(on, SWITCHES, { certificates: certificate(), signal: controller.signal })
  setTimeout(() => controller.abort(), 50)
  const stopped = await failure(() => backup.addReader('never', new Readable({ read() {} })))
  assert.equal(stopped.name, 'AbortError')
  await backup.abandon()
})

test('a stream that fails or gives nonsense', async (t) => {
  const on = share(t)
  const backup = await azs.Backup.start(on, SWITCHES, { certificates: certificate() })
  const reason = new Error('the switch hung up')
  const fails = async function* () {
    yield Buffer.from('some')
    throw reason
  }
  const error = await failure(() => backup.addReader('fails', fails()))
  assert.equal(error.code, 'SOURCE_UNREADABLE')
  let root = error
  while (root.cause !== undefined) {
    root = root.cause
  }
  assert.equal(root, reason)
  // The run has ended with it, whatever the program does next.
  const ended = await failure(() => backup.commit())
  assert.equal(ended.code, 'SOURCE_UNREADABLE')
  const other = await azs.Backup.start(on, SWITCHES, { certificates: certificate() })
  const nonsense = await failure(() => other.addReader('nonsense', [7]))
  assert.equal(nonsense.code, 'SOURCE_UNREADABLE')
  await other.abandon()
  const third = await azs.Backup.start(on, SWITCHES, { certificates: certificate() })
  await third.addReader('empty', [])
  const report = await third.commit()
  const set = azs.BackupSet.openSync(on, report.folder)
  assert.equal((await buffer(set.createRestoreStream(opener(), 'empty'))).length, 0)
})

test('many streams at once do not wait for one another', async (t) => {
  // More than the worker threads that Node has: files are read on those, and nothing of ours may hold them all.
  const on = share(t)
  const { createReadStream } = await import('node:fs')
  const source = join(folder(t), 'source')
  const { writeFileSync } = await import('node:fs')
  writeFileSync(source, Buffer.alloc(1 << 20, 'x'))
  const backups = await Promise.all(
    Array.from({ length: 8 }, (_, at) => azs.Backup.start(on, `contoso.com/nyc/HLH/su${at + 1}`, { certificates: certificate(), create: true })),
  )
  await Promise.all(backups.map((backup) => backup.addReader('stream', createReadStream(source))))
  const reports = await Promise.all(backups.map((backup) => backup.commit()))
  assert(reports.every((report) => report.content.bytes === 1 << 20))
})

test('worker threads use it side by side, and may be ended at work', { timeout: 60_000 }, async (t) => {
  const at = withRegion(folder(t))
  const code = `
    const { parentPort, workerData } = require('node:worker_threads')
    const azs = require(workerData.package)
    const { readFileSync } = require('node:fs')
    const certificates = azs.EncryptionCertificate.fromCer(readFileSync(workerData.cer))
    void (async () => {
      const share = await azs.FolderShare.open(workerData.share)
      const backup = await azs.Backup.start(share, workerData.place, { certificates })
      await backup.addBytes('file', Buffer.from('content'))
      if (workerData.ends) {
        parentPort.postMessage((await backup.commit()).status)
      } else {
        parentPort.postMessage('at work')
        await backup.addReader('endless', (function* () { for (;;) yield Buffer.alloc(65536) })())
      }
    })()`
  const cer = new URL('../../../tests/vectors/envelope/rsa2048.cer', import.meta.url).pathname
  const start = (place, ends) =>
    new Worker(code, {
      eval: true,
      workerData: { package: new URL('../index.js', import.meta.url).pathname, cer, share: at, place, ends },
    })
  const ending = ['contoso.com/nyc/HLH', 'contoso.com/nyc/Switches'].map((place) => once(start(place, true), 'message'))
  assert.deepEqual(await Promise.all(ending), [['Succeeded'], ['Succeeded']])
  const endless = start('contoso.com/nyc/Registration', false)
  assert.deepEqual(await once(endless, 'message'), ['at work'])
  await endless.terminate()
  // This thread goes on.
  assert.equal(azs.listSetsSync(azs.FolderShare.openSync(at), 'contoso.com/nyc', 'HLH').length, 1)
})

test('options that JSON would lose are refused', async (t) => {
  const on = share(t)
  class Site {
    keepLast = 1
    get keepDays() {
      return 30
    }
  }
  const inherits = Object.assign(Object.create({ keepDays: 30 }), { keepLast: 1 })
  for (const options of [inherits, new Site(), new Map([['keepDays', 7]]), Promise.resolve({ keepDays: 7 }), [7], { __proto__: { keepDays: 7 } }]) {
    assert.throws(() => new azs.RetentionPolicy(options), { code: 'ERR_INVALID_ARG_TYPE', message: /a plain object/ })
  }
  assert(new azs.RetentionPolicy(Object.assign(Object.create(null), { keepLast: 1 })))
  for (const labels of [{ serial: undefined }, new Map([['a', 'b']]), { a: { toJSON() {} } }, Object.create({ a: 'b' })]) {
    const error = await failure(() => azs.Backup.start(on, SWITCHES, { certificates: certificate(), labels }))
    assert(error instanceof TypeError && error.message.startsWith('labels'), error)
  }
  for (const keepLabels of [[['model', undefined]], [['model', NaN]], [, 'model']]) {
    assert.throws(() => new azs.RetentionPolicy({ keepLabels }), { name: 'TypeError', message: /^keepLabels/ })
  }
  const itself = []
  itself.push(itself)
  assert.throws(() => new azs.RetentionPolicy({ pin: itself }), { message: 'pin is nested too deeply, or in itself' })
  const site = { deployment: { externalDomainName: 'contoso.com', region: 'nyc' }, root: String.raw`\\\\fs\\share` }
  for (const [frequencyHours, says] of [[NaN, /finite/], [() => 4, /plain data/], [4n, /plain data/]]) {
    const error = await failure(() => azs.review({ ...site, frequencyHours }, on))
    assert(error instanceof TypeError && says.test(error.message) && error.message.startsWith('frequencyHours'), error)
  }
  const twice = await failure(() => azs.review({ ...site, frequencyHours: 4, frequency_hours: 24 }, on))
  assert.equal(twice.message, 'frequencyHours is given twice')
  const candidate = { place: { deployment: { externalDomainName: 'contoso.com', region: 'nyc' }, component: 'Switches' }, created: new Date(NaN) }
  assert.throws(() => new azs.RetentionPolicy().plan([candidate]), { message: 'created is no valid date' })
})

test('an unknown option of any length is answered at once', () => {
  assert.throws(() => new azs.Schedule({ ['x'.repeat(3e7)]: 1 }), /there is no option/)
})

test('what the caller gave is shown as it is', () => {
  assert.throws(() => new azs.RetentionPolicy({ keepLast: 'keep_last' }), { message: /keepLast cannot be a string/ })
  assert.throws(() => new azs.RetentionPolicy({ shrunkenBelow: 101 }), { message: /shrunkenBelow is a percentage/ })
})
