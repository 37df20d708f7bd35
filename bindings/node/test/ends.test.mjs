// How work ends, and what waits for it: shares that hang, garbage, the end of the process, signals.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'

import { PACKAGE, SWITCHES, VECTORS, azs, backUp, certificate, failure, folder, opener, share, withRegion } from './common.mjs'

const CER = join(VECTORS, 'envelope', 'rsa2048.cer')

/** Files of Node's own, and its names, answer while this hangs. */
async function stayQuick(hanging) {
  const begun = Date.now()
  await readFile(CER)
  await lookup('localhost')
  const took = Date.now() - begun
  assert(took < 1000, `Node's own files waited ${took} ms for ${hanging}`)
}

/** A server that accepts connections and never says anything. */
async function silentServer(t) {
  const sockets = []
  const silent = createServer((socket) => sockets.push(socket.on('error', () => {})))
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  t.after(() => {
    sockets.forEach((socket) => socket.destroy())
    silent.close()
  })
  return silent.address().port
}

test('a share that hangs keeps none of the threads of Node', async (t) => {
  const options = { port: await silentServer(t), connectLimit: 4, attempts: 1 }
  const root = String.raw`\\127.0.0.1\data`
  const hanging = Array.from({ length: 4 }, () => failure(() => azs.SmbShare.connect(root, 'azsbackup', 'secret', options)))
  hanging.push(...Array.from({ length: 4 }, () => azs.checkSmbShare(root, 'azsbackup', 'secret', 'contoso.com/nyc', options)))
  await stayQuick('connections')
  await Promise.all(hanging)
})

const isUnix = process.platform !== 'win32'

test('a signal ends what waits for a server that hangs', async (t) => {
  const port = await silentServer(t)
  const root = String.raw`\\127.0.0.1\data`
  for (const begin of [
    (signal) => azs.SmbShare.connect(root, 'azsbackup', 'secret', { port, signal }),
    (signal) => azs.checkSmbShare(root, 'azsbackup', 'secret', 'contoso.com/nyc', { port, signal }),
  ]) {
    const reason = new Error('it is morning')
    const controller = new AbortController()
    setTimeout(() => controller.abort(reason), 300)
    const begun = Date.now()
    const error = await failure(() => begin(controller.signal))
    const took = Date.now() - begun
    assert.deepEqual([error.code, error.name, error.cause], ['CANCELLED', 'AbortError', reason])
    assert(took < 8000, `it took ${took} ms`)
  }
})

test('a signal and the progress of a listing', async (t) => {
  const sets = share(t)
  await backUp(sets, { 'tor1/running-config': 'hostname tor-1' })
  const seen = []
  const found = await azs.listSets(sets, 'contoso.com/nyc', null, { progress: (now) => seen.push(now.files) })
  assert.deepEqual([found.length, seen.at(-1)], [1, 1])
  for (const work of [
    () => azs.listSets(sets, 'contoso.com/nyc', null, { signal: AbortSignal.abort() }),
    () => azs.listSetsSync(sets, 'contoso.com/nyc', 'Switches', { signal: AbortSignal.abort() }),
    () => azs.checkShare(sets, 'contoso.com/nyc', { signal: AbortSignal.abort() }),
    () => azs.checkShareSync(sets, 'contoso.com/nyc', { signal: AbortSignal.abort() }),
  ]) {
    assert.equal((await failure(work)).code, 'CANCELLED')
  }
  const wrong = await failure(() => azs.listSets(sets, 'contoso.com/nyc', null, { signal: 'now' }))
  assert(wrong instanceof TypeError)
})

test('files that hang keep none of them', { skip: !isUnix }, async (t) => {
  const on = folder(t)
  // Opening a pipe waits for its other end.
  const pipe = join(on, 'pipe')
  execFileSync('mkfifo', [pipe])
  const calls = {
    certificate: () => azs.EncryptionCertificate.load(pipe),
    pfx: () => azs.DecryptionCertificate.load(pipe),
    seal: () => new azs.Sealer(certificate()).sealFile(pipe, join(on, 'sealed')),
    open: () => opener().openFile(pipe, join(on, 'opened')),
    gate: () => new azs.Gate(pipe).holds(),
    jobs: () => new azs.JobLog(pipe).read(),
  }
  for (const [name, call] of Object.entries(calls)) {
    const hanging = Array.from({ length: 4 }, () => call().catch((error) => error))
    const isDone = Promise.all(hanging).then(() => true)
    await stayQuick(name)
    // Those that still wait get an end, and an empty file with it.
    while (!(await Promise.race([isDone, new Promise((done) => setTimeout(done, 50, false))]))) {
      await (await open(pipe, 'r+')).close()
    }
  }
})

test('more work than there are threads is done in its turn', async (t) => {
  const on = share(t)
  const report = await backUp(on, { file: 'content' })
  const set = await azs.BackupSet.open(on, report.folder)
  const by = opener()
  const all = await Promise.all(Array.from({ length: 200 }, () => set.restoreBytes(by, 'file')))
  assert(all.every((content) => content.toString() === 'content'))
})

test('streams that wait for one another all come to their end', async (t) => {
  const on = share(t)
  const report = await backUp(on, { file: 'content' })
  const set = await azs.BackupSet.open(on, report.folder)
  const by = opener()
  const backups = Array.from({ length: 80 }, async (_, at) => {
    const backup = await azs.Backup.start(on, `contoso.com/nyc/Copy${at}`, { certificates: certificate(), workers: 1, create: true })
    await backup.addReader('copy', set.createRestoreStream(by, 'file'))
    return backup.commit()
  })
  const made = await Promise.all(backups)
  assert(made.every((one) => one.content.files === 1))
})

/** Runs a program that has `azs`, a share and a certificate; gives its child process. */
function run(on, body) {
  const head = `
    import { readFileSync } from 'node:fs'
    const azs = (await import(${JSON.stringify(pathToFileURL(join(PACKAGE, 'index.js')).href)})).default
    const share = azs.FolderShare.openSync(${JSON.stringify(on)}, { durability: 'cached' })
    const certificates = azs.EncryptionCertificate.loadSync(${JSON.stringify(CER)})
  `
  return spawn(process.execPath, ['--expose-gc', '--input-type=module', '--eval', head + body], { stdio: 'pipe' })
}

const left = (on) => readdirSync(on, { recursive: true }).filter((name) => name.endsWith('.p7m'))

for (const end of ['', 'process.exit(0)', 'setTimeout(() => { throw new Error("mine") })']) {
  test(`what is not finished at the end of the process is removed: ${end || 'nothing left to do'}`, async (t) => {
    const on = withRegion(folder(t))
    const child = run(
      on,
      `globalThis.kept = await azs.Backup.start(share, '${SWITCHES}', { certificates })
      await kept.addBytes('a', Buffer.alloc(30 << 20, Math.random().toString()))
      ${end}`,
    )
    await once(child, 'exit')
    assert.deepEqual(left(on), [])
  })
}

test('garbage that has to talk to a share does not stop JavaScript', async (t) => {
  const on = withRegion(folder(t))
  const child = run(
    on,
    `async function forget() {
      const backup = await azs.Backup.start(share, '${SWITCHES}', { certificates, level: 19, workers: 1 })
      for (let i = 0; i < 8; i++) {
        await backup.addBytes(String(i), Buffer.alloc(2 << 20, Buffer.from(Array.from({ length: 4096 }, () => Math.random() * 256))))
      }
    }
    await forget()
    let [before, longest] = [performance.now(), 0]
    const timer = setInterval(() => {
      const now = performance.now()
      longest = Math.max(longest, now - before)
      before = now
    }, 5)
    const begun = performance.now()
    for (let i = 0; i < 20; i++) {
      before = performance.now()
      globalThis.gc()
      await new Promise((done) => setTimeout(done, 20))
    }
    clearInterval(timer)
    console.log(longest)`,
  )
  const printed = await new Response(Readable.toWeb(child.stdout)).text()
  t.diagnostic(`the longest pause was ${Number(printed).toFixed(0)} ms`)
  assert(Number(printed) > 0 && Number(printed) < 250, printed)
})

test('an aborted stream ends the backup, whatever the policy', async (t) => {
  const on = share(t)
  const stop = new AbortController()
  const backup = await azs.Backup.start(on, SWITCHES, {
    certificates: certificate(),
    sourceProblems: 'report',
    signal: stop.signal,
  })
  const endless = async function* () {
    yield Buffer.from('x')
    stop.abort()
    await new Promise(() => {})
  }
  const error = await failure(() => backup.addReader('endless', endless()))
  assert.equal(error.code, 'CANCELLED')
  assert.equal(error.name, 'AbortError')
  await backup.abandon()
  assert.equal((await azs.listSets(on, 'contoso.com/nyc')).length, 0)
})

test('SIGTERM takes what was begun off the share, and the nightly job is recorded', { skip: !isUnix }, async (t) => {
  const on = folder(t)
  const [to, state, source] = ['share', 'state', 'hlh'].map((name) => join(on, name))
  execFileSync('mkdir', [to, source])
  withRegion(to)
  for (let i = 0; i < 40; i++) {
    writeFileSync(join(source, String(i)), Buffer.alloc(16 << 20, Buffer.from(Array.from({ length: 65_521 }, () => Math.random() * 256))))
  }
  const program = join(PACKAGE, 'examples', 'nightly.mjs')
  // It finds the package by its name.
  const consumer = join(on, 'consumer')
  execFileSync('mkdir', ['-p', join(consumer, 'node_modules')])
  execFileSync('ln', ['-s', PACKAGE, join(consumer, 'node_modules', 'azs-backup')])
  writeFileSync(join(consumer, 'nightly.mjs'), readFileSync(program))
  const child = spawn(process.execPath, [join(consumer, 'nightly.mjs'), '--share', to, '--cer', CER, '--state', state, source])
  let said = ''
  child.stderr.on('data', (chunk) => (said += chunk))
  for (let i = 0; i < 600 && left(to).length === 0; i++) {
    await new Promise((done) => setTimeout(done, 50))
  }
  child.kill('SIGTERM')
  const [code] = await once(child, 'exit')
  assert.equal(code, 1, said)
  assert.deepEqual(left(to), [])
  const last = JSON.parse(readFileSync(join(state, 'jobs.jsonl'), 'utf8').trim().split('\n').at(-1))
  assert.equal(last.status, 'Failed')
  assert.match(last.reason, /^CANCELLED/)
  assert(existsSync(join(state, 'alert.json')))
})
