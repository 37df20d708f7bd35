// Copies on another share, and surveys of many deployments.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, readdirSync, rmSync, unlinkSync, writeFileSync, cpSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

import { PASSWORD, SWITCHES, VECTORS, azs, certificate, failure, folder, withRegion } from './common.mjs'

const NOW = new Date(Math.floor(Date.now() / 1000) * 1000)
const DEPLOYMENT = 'contoso.com/nyc'
const signer = () => azs.Signer.fromPfxSync(readFileSync(join(VECTORS, 'signatures', 'hlh01.pfx')), PASSWORD)
const outcomes = (report) => report.sets.map(({ outcome }) => outcome)

/** Two shares, and what makes a set on the first that began so many hours ago by its name. */
function sites(t) {
  const roots = [withRegion(folder(t)), withRegion(folder(t))]
  const [share, to] = roots.map((root) => azs.FolderShare.openSync(root, { durability: 'cached' }))
  const backUp = (hours, { place = SWITCHES, content = 'hostname tor1', ...options } = {}) => {
    const setName = azs.formSetName(new Date(NOW.getTime() - hours * 3600e3), 7).text
    const given = { certificates: certificate(), create: true, level: 1, setName, ...options }
    const backup = azs.Backup.startSync(share, place, given)
    backup.addBytesSync('tor1', Buffer.from(content))
    return backup.commitSync()
  }
  return { share, to, backUp, here: roots[0], there: roots[1] }
}

test('sets are copied once', async (t) => {
  const { share, to, backUp } = sites(t)
  const [old, made] = [backUp(30), backUp(1)]
  backUp(2, { place: 'contoso.com/nyc/HLH/su1' })
  const planned = await azs.replicate(share, to, DEPLOYMENT, 'Switches', { dryRun: true })
  assert.deepEqual([outcomes(planned), planned.copied, planned.sent.files], [['missing', 'missing'], 0, 0])
  assert(planned.sets[0].bytes >= made.stored.bytes)
  assert.deepEqual([...azs.listSetsSync(to, DEPLOYMENT)], [])

  const seen = []
  const report = await azs.replicate(share, to, azs.parseDeployment(DEPLOYMENT), 'Switches', { progress: (at) => void seen.push(at) })
  assert.deepEqual([outcomes(report), report.copied, report.needsAttention], [['copied', 'copied'], 2, false])
  // The newest first.
  assert.deepEqual(report.sets.map(({ name }) => name), [made.set, old.set])
  assert.equal(report.sets[0].folder, made.folder)
  assert.equal(report.sent.bytes, report.sets.reduce((sum, { sent }) => sum + sent.bytes, 0))
  assert(report.sent.bytes > 0 && seen.at(-1).totalBytes === seen.at(-1).bytes)

  for (const [newest, names] of [[1, [made.set]], [2, [old.set, made.set]], [0, [old.set, made.set]]]) {
    assert.deepEqual((await azs.listSets(to, DEPLOYMENT, null, { newest })).map(({ name }) => name), names)
    assert.deepEqual(azs.listSetsSync(to, DEPLOYMENT, 'Switches', { newest }).map(({ name }) => name), names)
  }
  assert.throws(() => azs.listSetsSync(to, DEPLOYMENT, null, { newest: -1 }), RangeError)

  const again = azs.replicateSync(share, to, DEPLOYMENT, null, { readBack: true })
  assert.deepEqual([again.copied, outcomes(again).sort()], [1, ['copied', 'present', 'present']])
  const last = azs.replicateSync(share, to, DEPLOYMENT)
  assert.deepEqual([last.copied, last.sent, new Set(outcomes(last))], [0, { files: 0, bytes: 0 }, new Set(['present'])])
})

test('one set is copied', async (t) => {
  const { share, to, backUp, here } = sites(t)
  const [old, made] = [backUp(30), backUp(1)]
  assert.deepEqual(outcomes(await azs.copySet(share, to, SWITCHES, old.set)), ['copied'])
  assert.deepEqual(outcomes(azs.copySetSync(share, to, azs.parsePlace(SWITCHES), azs.parseSetName(old.set))), ['present'])
  unlinkSync(join(here, made.folder, 'backup.json'))
  assert.equal((await failure(() => azs.copySet(share, to, SWITCHES, made.set))).code, 'INCOMPLETE')
  const none = azs.formSetName(NOW, 1)
  assert.throws(() => azs.copySetSync(share, to, SWITCHES, none), { code: 'NOT_FOUND' })
})

test('what is no backup, or not its own, is named', async (t) => {
  const { share, to, backUp, here, there } = sites(t)
  const own = signer()
  const [planted, damaged, signed] = [backUp(3), backUp(2, { signer: own }), backUp(1, { signer: own })]
  const name = readdirSync(join(here, damaged.folder)).find((one) => one.endsWith('.p7m'))
  const stored = join(here, damaged.folder, name)
  const content = readFileSync(stored)
  content[content.length >> 1] ^= 1
  unlinkSync(stored)
  writeFileSync(stored, content)
  const report = await azs.replicate(share, to, DEPLOYMENT, null, { requireSigners: own.certificate })
  const [good, bad, stranger] = report.sets
  assert.deepEqual([good.outcome, good.name, bad.outcome, bad.code, bad.name], ['copied', signed.set, 'failed', 'DAMAGED', damaged.set])
  assert.match(bad.message, new RegExp(name.replaceAll('.', '\\.')))
  assert.deepEqual([stranger.outcome, stranger.name, report.needsAttention], ['skipped', planted.set, true])
  assert.match(stranger.reason, /sign/)
  assert.equal((await failure(() => azs.replicate(share, to, DEPLOYMENT, null, { requireSigners: [] }))).code, 'INVALID_ARGUMENT')

  // Another set of this name is there.
  cpSync(join(here, planted.folder), join(there, planted.folder), { recursive: true })
  rmSync(join(here, planted.folder), { recursive: true })
  backUp(3, { content: 'hostname tor2' })
  const conflict = azs.replicateSync(share, to, DEPLOYMENT).sets.find((one) => one.name === planted.set)
  assert.equal(conflict.outcome, 'conflict')
  assert.match(conflict.reason, /another set/)
})

test('retention there is heeded, and a share that is not there refused', async (t) => {
  const { share, to, backUp, there } = sites(t)
  for (const hours of [72, 48, 24]) {
    backUp(hours)
  }
  const retention = new azs.RetentionPolicy({ keepLast: 1 })
  assert.deepEqual(outcomes(azs.replicateSync(share, to, DEPLOYMENT, null, { retention, now: NOW })), ['copied', 'not_kept', 'not_kept'])
  rmSync(join(there, 'contoso.com'), { recursive: true })
  assert.equal((await failure(() => azs.replicate(share, to, DEPLOYMENT))).code, 'NOT_FOUND')
  assert.equal((await azs.replicate(share, to, DEPLOYMENT, null, { create: true })).copied, 3)
  assert.throws(() => azs.replicateSync(share, share, DEPLOYMENT), { code: 'INVALID_ARGUMENT', message: /one share/ })
  for (const [given, said] of [
    [{ creat: true }, /there is no option "creat"/],
    [{ create: 'yes' }, /create cannot be a string/],
    [{ readBack: 1 }, /readBack cannot be 1/],
    [{ retention: {} }, /retention/],
  ]) {
    assert.throws(() => azs.replicateSync(share, to, DEPLOYMENT, null, given), said)
  }
  to.close()
  assert.throws(() => azs.replicateSync(share, to, DEPLOYMENT), { code: 'INVALID_ARGUMENT', message: /is closed/ })
})

test('callback and signal stop the work', async (t) => {
  const { share, to, backUp } = sites(t)
  const { set } = backUp(1)
  const stop = { progress: () => false }
  const mine = new Error('mine')
  const thrown = () => {
    throw mine
  }
  const isCancelled = async (work) => assert.equal((await failure(work)).code, 'CANCELLED', `${work}`)
  await isCancelled(() => azs.replicateSync(share, to, DEPLOYMENT, null, stop))
  await isCancelled(() => azs.copySet(share, to, SWITCHES, set, { signal: AbortSignal.abort() }))
  await isCancelled(() => azs.survey(share, { signal: AbortSignal.abort() }))
  await isCancelled(() => azs.surveySync(share, stop))
  assert.equal(await failure(() => azs.copySetSync(share, to, SWITCHES, set, { progress: thrown })), mine)
  assert(azs.listSetsSync(to, DEPLOYMENT).every(({ state }) => state !== 'complete'))
  assert.equal((await azs.replicate(share, to, DEPLOYMENT)).copied, 1)
})

test('a survey of two regions', async (t) => {
  const { share, to, backUp, here } = sites(t)
  const own = signer()
  backUp(14, { content: 'x'.repeat(1000) })
  const good = backUp(3, { content: 'x'.repeat(1500), signer: own })
  backUp(240, { place: 'contoso.com/lax/Switches' })
  mkdirSync(join(here, 'fabrikam.com', 'chi'), { recursive: true })
  const deployments = await azs.listDeployments(share)
  assert.deepEqual(deployments.map(({ text }) => text), ['contoso.com/lax', DEPLOYMENT, 'fabrikam.com/chi'])
  assert.deepEqual(azs.listDeploymentsSync(share), deployments)
  assert.deepEqual(deployments[1], azs.parseDeployment(DEPLOYMENT))

  const found = await azs.survey(share, { now: NOW })
  assert.deepEqual(found.rows.map(({ deployment, severity }) => [deployment.region, severity]), [
    ['lax', 'critical'],
    ['chi', 'critical'],
    ['nyc', null],
  ])
  const row = found.rows[2]
  assert.deepEqual([row.component, row.lastGood, row.status, row.sets, row.lastCopy], ['Switches', good.set, 'Succeeded', 2, null])
  assert.deepEqual([row.files, row.bytes, row.bytesBefore], [1, 1500, 1000])
  assert.deepEqual(row.signature.signer, own.facts)
  assert.deepEqual(row.thumbprints, [good.certificates[0].sha1Thumbprint])
  assert.match(found.toHtml(), /3 deployments/)
  assert(found instanceof azs.Survey)
  assert.throws(() => new azs.Survey(), TypeError)
  assert.deepEqual(azs.surveySync([share], { now: NOW }).rows, found.rows)

  // One deployment, and the copies elsewhere.
  const one = { share, deployment: DEPLOYMENT }
  const [alone] = azs.surveySync(one, { copies: to, now: NOW }).rows
  assert(alone.severity !== null && alone.remarks.some((remark) => /copy/.test(remark)))
  await azs.replicate(share, to, DEPLOYMENT)
  const [copied] = (await azs.survey([one], { copies: [to], requireSigners: own.certificate, now: NOW })).rows
  assert.deepEqual([Date.parse(copied.lastCopy), copied.severity], [Date.parse(azs.parseSetName(good.set).created), null])
  assert.equal(azs.surveySync(one, { frequencyHours: 1, now: NOW }).rows[0].severity, 'warning')
  for (const regions of ['contoso.com/nyc', [{ share: to, region: 'nyc' }], [{ deployment: DEPLOYMENT }], 7]) {
    assert.throws(() => azs.surveySync(regions))
  }
})

test('a review says how old the newest copy is', async (t) => {
  const { share, to, backUp } = sites(t)
  const made = backUp(1)
  const configuration = {
    root: String.raw`\\fs.contoso.com\AzSBackups`,
    deployment: { external_domain_name: 'contoso.com', region: 'nyc' },
    components: [{ name: 'Switches' }],
  }
  const rules = ({ findings }) => new Set(findings.map(({ rule }) => rule))
  assert(!rules(await azs.review(configuration, share, { now: NOW })).has('COPY_MISSING'))
  assert(rules(azs.reviewSync(configuration, share, { copies: to, now: NOW })).has('COPY_MISSING'))
  await azs.replicate(share, to, DEPLOYMENT)
  const found = await azs.review(configuration, share, { copies: [to], now: NOW })
  assert(!rules(found).has('COPY_MISSING'))
  assert.equal(Date.parse(found.components[0].lastCopy), Date.parse(azs.parseSetName(made.set).created))
})
