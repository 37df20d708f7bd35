// The shared vectors, with the same answers as in Rust, Python and C.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'

import { SWITCHES, VECTORS, azs, certificate, file, folder, load, opener } from './common.mjs'

const counts = {}

/** Runs the cases of a theme; each gives what it should have said, or nothing. */
function walk(theme, cases, ends) {
  const wrong = []
  for (const one of cases) {
    counts[theme] = (counts[theme] ?? 0) + 1
    let got
    try {
      got = ends(one)
    } catch (error) {
      assert(error instanceof azs.BackupError, `${one.name}: ${error.stack}`)
      got = error.code === one.error ? undefined : error.code
      wrong.push(...(got === undefined ? [] : [[one, got]]))
      continue
    }
    if (one.error !== undefined || got !== undefined) {
      wrong.push([one, got])
    }
  }
  assert.deepEqual(wrong, [])
}

const same = (a, b) => (JSON.stringify(a) === JSON.stringify(b) ? undefined : a)

test('layout', () => {
  const parsers = {
    component: azs.parseComponent,
    deployment: azs.parseDeployment,
    host: azs.parseHost,
    name: azs.parseName,
    place: azs.parsePlace,
    scale_unit: azs.parseScaleUnit,
    set_name: azs.parseSetName,
    share_path: azs.parseSharePath,
    unc_path: azs.parseUncPath,
  }
  walk('layout', load('layout'), ({ type, input, expect }) => same(parsers[type](input).text, expect))
})

const snake = (facts) =>
  Object.fromEntries(Object.entries(facts).map(([key, value]) => [key.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`), value]))

test('envelope', () => {
  walk('envelope', load('envelope'), (one) => {
    const bytes = file(one.file)
    switch (one.kind) {
      case 'cer':
        return same(snake(azs.EncryptionCertificate.fromCer(bytes).facts), one.facts)
      case 'pfx':
        return same(snake(azs.DecryptionCertificate.fromPfxSync(bytes, one.password).facts), one.facts)
      case 'validity':
        return azs.EncryptionCertificate.fromCer(bytes).checkValidity(one.at)
      default: {
        assert.equal(one.kind, 'message')
        const opener = new azs.Opener(azs.DecryptionCertificate.fromPfxSync(file(one.pfx), one.password))
        return same(opener.openSync(bytes).toString(), one.content)
      }
    }
  })
})

test('alert', () => {
  const forms = {
    ntstatus: (input, profile) => azs.classifyNtstatus(Number(input), profile),
    hresult: (input, profile) => azs.classifyHresult(Number(input), profile),
    win32: azs.classifyWin32,
    errno: azs.classifyErrno,
    text: azs.classifyText,
    json: (input, profile) => azs.classifyJson(JSON.stringify(input), profile),
    json_text: azs.classifyJson,
  }
  walk('alert', load('alert').cases, (one) => {
    const found = forms[one.form](one.input, { profile: one.profile })
    const [first] = found.evidence
    const right =
      found.kind === one.kind &&
      found.documentedKind === one.documented_kind &&
      (one.ambiguous ?? Boolean(first?.otherKind)) === Boolean(first?.otherKind) &&
      (one.failure ?? found.failure) === found.failure &&
      (one.status ?? first?.name) === first?.name
    return right ? undefined : found
  })
})

test('schedule', () => {
  const { next_run: runs, gate: gates } = load('schedule')
  walk('schedule', runs, (one) => {
    const schedule = new azs.Schedule({
      frequencyHours: one.frequency_hours,
      beyondMicrosoft: one.beyond_microsoft ?? false,
      phaseSeconds: one.phase_seconds ?? 0,
    })
    const next = schedule.nextRun(one.last, one.now)
    return same(
      [next.at, next.missed, next.clockSetBackBy, one.due === undefined ? undefined : next.due],
      [one.at, one.missed, one.clock_set_back_by ?? 0, one.due],
    )
  })
  const now = '2026-11-23T02:00:00Z'
  const schedule = new azs.Schedule()
  walk('gate', gates, (one) => {
    const gate = new azs.Gate(() => JSON.stringify(one.document))
    const holds = gate.holdsSync()
    const decision = gate.scheduledSync(schedule, now)
    const isOpen = one.reasons.length === 0
    assert.equal(decision.decision, isOpen ? 'run' : 'skipped', one.name)
    if (isOpen) {
      gate.onDemandSync(now)
    } else {
      assert.equal(decision.nextRun, schedule.nextRun(now, now).at)
      assert.throws(() => gate.onDemandSync(now), (error) => error.code === 'CONFLICT' && error.message.includes(one.says))
    }
    return same(holds.map((hold) => hold.reason), one.reasons)
  })
})

const camel = (options) =>
  Object.fromEntries(Object.entries(options).map(([key, value]) => [key.replace(/_([a-z])/g, (_, c) => c.toUpperCase()), value]))

test('retention', () => {
  const switches = { deployment: { externalDomainName: 'contoso.com', region: 'nyc' }, component: 'Switches' }
  walk('retention', load('retention'), (one) => {
    const policy = new azs.RetentionPolicy(camel(one.policy))
    const plan = policy.plan(one.sets.map((set) => ({ ...switches, ...camel(set) })), one.now)
    assert.equal(plan.kept.length + plan.deletions.length, one.sets.length)
    const kept = Object.fromEntries(plan.kept.map(({ set, reasons }) => [set, reasons]))
    for (const [set, reasons] of Object.entries(one.keep ?? {})) {
      assert.deepEqual(kept[set], reasons, one.name)
    }
    assert.equal(plan.shortfall, one.shortfall ?? 0)
    return same(plan.deletions.map(({ set, reason }) => [set, reason]), one.delete)
  })
})

/** The code of a failure, or what the work gives. */
const codeOr = (work) => {
  try {
    return work()
  } catch (error) {
    assert(error instanceof azs.BackupError, error.stack)
    return error.code
  }
}

test('sets', (t) => {
  const on = azs.FolderShare.openSync(join(VECTORS, 'sets'))
  walk('sets', load('sets'), (one) => {
    let set
    try {
      set = azs.BackupSet.openSync(on, one.folder, one.place)
    } catch (error) {
      return error.code === one.open ? undefined : error.code
    }
    const by = new azs.Opener(azs.DecryptionCertificate.fromPfxSync(file(one.pfx), one.password))
    const got = {
      faults: set.verifySync().faults.map((fault) => [fault.file, fault.kind]),
      verify_full: codeOr(() => set.verifyFullSync(by).isSound),
      entries: codeOr(() => [...set.entriesSync(by)].map((entry) => [entry.kind, entry.path])),
      restore: codeOr(() => set.restoreSync(by, join(folder(t), 'new')).files),
      files: Object.fromEntries(
        Object.keys(one.files).map((name) => {
          try {
            return [name, { text: set.restoreBytesSync(by, name).toString() }]
          } catch (error) {
            return [name, { error: error.code }]
          }
        }),
      ),
    }
    const { faults, verify_full, entries, restore, files } = one
    return isDeepStrictEqual(got, { faults, verify_full, entries, restore, files }) ? undefined : got
  })
})

const signing = (name) => readFileSync(join(VECTORS, 'signatures', name))
const signers = (one) => one.demand.map((name) => azs.SignerCertificate.fromCer(signing(name)))

/** What comes of a set, with what the case demands. */
async function signedSetEnds(t, on, one) {
  const given = one.demand.length === 0 ? {} : { requireSigners: signers(one) }
  const [set, target] = [azs.BackupSet.openSync(on, one.set), join(folder(t), 'new')]
  const signature = set.signatureSync()
  const ends = {
    signature: signature.state,
    signer: signature.signer?.subject ?? null,
    require_signers: one.demand.length === 0 || codeOr(() => isDeepStrictEqual(set.requireSignersSync(signers(one)), signature)),
    faults: set.verifySync(given).faults.map((fault) => [fault.file, fault.kind]),
    verify_full: set.verifyFullSync(opener(), given).isSound,
    restore: codeOr(() => set.restoreSync(opener(), target, given).files),
    restore_bytes: codeOr(() => set.restoreBytesSync(opener(), 'tor1', given).toString()),
    restore_stream: await text(set.createRestoreStream(opener(), 'tor1', given)).catch((error) => error.code),
    list: azs.listSetsSync(on, 'contoso.com/nyc', null, given).find((found) => found.folder === one.set).state,
  }
  assert.equal(existsSync(target), ends.restore === 1)
  // What does not wait comes to the same.
  const later = {
    ...ends,
    signature: (await set.signature()).state,
    require_signers: one.demand.length === 0 || (await set.requireSigners(...signers(one)).then(() => true, (error) => error.code)),
    faults: (await set.verify(given)).faults.map((fault) => [fault.file, fault.kind]),
    verify_full: (await set.verifyFull(opener(), given)).isSound,
    restore: await set.restore(opener(), join(folder(t), 'new'), given).then(({ files }) => files, (error) => error.code),
    restore_bytes: await set.restoreBytes(opener(), 'tor1', given).then(String, (error) => error.code),
    list: (await azs.listSets(on, 'contoso.com/nyc', null, given)).find((found) => found.folder === one.set).state,
  }
  assert.deepEqual(later, ends, one.name)
  return ends
}

function signerEnds(one) {
  try {
    const of = one.certificate === undefined ? [] : [signing(one.certificate)]
    const made =
      one.kind === 'signer_certificate'
        ? azs.SignerCertificate.fromCer(signing(one.file))
        : azs.Signer[of.length === 0 ? 'fromPfxSync' : 'fromPemSync'](signing(one.file), one.password, ...of)
    return { subject: made.facts.subject }
  } catch (error) {
    assert(error instanceof azs.BackupError, error.stack)
    assert(one.password === undefined || !error.message.includes(one.password))
    return { error: error.code }
  }
}

test('signatures', async (t) => {
  const on = azs.FolderShare.openSync(join(VECTORS, 'signatures', 'share'))
  const cases = load('signatures')
  const sets = new Map()
  for (const one of cases.filter(({ kind }) => kind === 'set')) {
    sets.set(one, await signedSetEnds(t, on, one))
  }
  const planned = (one) => {
    const given = one.demand.length === 0 ? {} : { requireSigners: signers(one) }
    const plan = new azs.RetentionPolicy(camel(one.policy)).plan(azs.listSetsSync(on, 'contoso.com/nyc', null, given), one.now)
    return { delete: plan.deletions.map((deletion) => deletion.folder) }
  }
  walk('signatures', cases, (one) => {
    const got = sets.get(one) ?? (one.kind === 'retention' ? planned(one) : signerEnds(one))
    return isDeepStrictEqual(got, one.ends) ? undefined : got
  })
})

test('review', (t) => {
  walk('review', load('review'), (one) => {
    const root = folder(t)
    for (const [path, content] of Object.entries(one.share)) {
      mkdirSync(content === null ? join(root, path) : dirname(join(root, path)), { recursive: true })
      if (content !== null) {
        writeFileSync(join(root, path), content)
      }
    }
    const found = azs.reviewSync(JSON.stringify(one.configuration), azs.FolderShare.openSync(root), { now: one.now })
    // What depends on the disk is no case.
    const findings = found.findings.filter(({ rule }) => !['SHARE_ALMOST_FULL', 'SHARE_WITHOUT_ROOM'].includes(rule))
    return same(
      [findings.map(({ rule, about }) => [rule, about]), found.silenced.map(({ rule, about, reason }) => [rule, about, reason])],
      [one.findings, one.silenced],
    )
  })
})

/** Writes the healthy tree, and breaks it. */
function masBackupTree(root, vectors, broken) {
  for (const [name, content] of Object.entries({ ...vectors.healthy, ...broken.written })) {
    if (!broken.removed?.includes(name)) {
      mkdirSync(dirname(join(root, name)), { recursive: true })
      writeFileSync(join(root, name), Buffer.from(content, 'base64'))
    }
  }
  for (const [from, to] of Object.entries(broken.renamed ?? {}).reverse()) {
    renameSync(join(root, from), join(root, to))
  }
  for (const [name, target] of Object.entries(broken.links ?? {})) {
    symlinkSync(target, join(root, name))
  }
}

test('mas_backup', (t) => {
  const vectors = load('mas_backup')
  const pfx = Object.values(vectors.pfx)
  const held = pfx.map((one) => azs.DecryptionCertificate.fromPfxSync(Buffer.from(one, 'base64'), vectors.password))
  const [both, at] = [new azs.Opener(held), { now: vectors.now }]
  const cases = [['healthy', {}], ...Object.entries(vectors.breaks)].map(([name, broken]) => ({ name, broken }))
  walk('mas_backup', cases, ({ name, broken }) => {
    const root = folder(t)
    masBackupTree(root, vectors, broken)
    const theirs = azs.MasBackup.openSync(azs.FolderShare.openSync(root), '')
    const report = theirs.verifySync(both, at)
    if (name !== 'healthy') {
      const found = new Set(report.findings.map((finding) => finding.code))
      return broken.findings.every((code) => found.has(code)) ? undefined : [...found]
    }
    assert.deepEqual([report.state, report.snapshots.length], ['verified', 39])
    assert.equal(theirs.verifySync(null, at).state, 'not_checked')
    const site = { root: '\\\\fs.contoso.com\\AzSBackups', deployment: { external_domain_name: 'contoso.com', region: 'nyc' } }
    for (const [opener, drill] of [[both, 'verified'], [null, null]]) {
      const review = azs.reviewSync(site, azs.FolderShare.openSync(root), { ...at, opener })
      assert.deepEqual(review.theirBackups.map((of) => of.drill), [drill])
    }
    for (const backup of theirs.listSync(at).backups) {
      if (!backup.repositories.some((of) => of.chain.length > 0)) {
        continue
      }
      const target = join(folder(t), 'target')
      for (const snapshot of theirs.extractSync(both, backup.id, target, at).snapshots) {
        const [above, stem] = snapshot.path.split('/').slice(-2)
        const repository = backup.isLegacy ? stem : above
        for (const [file, digest] of Object.entries(vectors.contents[`${snapshot.path}.zip`])) {
          const content = readFileSync(join(target, repository, stem, file))
          assert.equal(createHash('sha256').update(content).digest('hex'), digest)
        }
      }
    }
    return undefined
  })
})

test('options', (t) => {
  const word = (text) => text.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase())
  const camel = (given) => Object.fromEntries(Object.entries(given).map(([key, value]) => [word(key), value]))
  const take = {
    backup: (given, on) =>
      azs.Backup.startSync(on, SWITCHES, { create: true, certificates: certificate(), ...given }).abandonSync(),
    restore: (given) => {
      const set = azs.BackupSet.openSync(azs.FolderShare.openSync(join(VECTORS, 'sets')), 'whole')
      return set.restoreSync(opener(), join(folder(t), 'new'), given)
    },
    smb: (given) => azs.SmbShare.connectSync('\\\\127.0.0.1\\AzSBackups', 'CONTOSO\\azsbackup', 'not used', given),
    check: (given, on) => azs.checkShareSync(on, 'contoso.com/nyc', given),
    schedule: (given) => new azs.Schedule(given),
    retention: (given) => new azs.RetentionPolicy(given),
    review: (given, on) => azs.reviewSync(JSON.stringify(given), on, { now: '2026-11-23T02:00:00Z' }),
  }
  walk('options', load('options'), (one) => {
    try {
      const given = one.of === 'review' ? one.options : camel(one.options)
      take[one.of](given, azs.FolderShare.openSync(folder(t)))
    } catch (error) {
      const said = [one.says ?? '', word(one.says ?? '')]
      if (!said.some((says) => error.message.includes(says))) {
        return error.message
      }
      // Of names and types JavaScript's half may have the word.
      if (one.typed && error instanceof TypeError) {
        throw new azs.BackupError(one.error, error.message)
      }
      throw error
    }
  })
})

test('the counts', () => {
  // As the walkers of the other languages print them.
  for (const [theme, count] of Object.entries(counts)) {
    console.log(`vectors: ${theme} ${count}`)
  }
  assert.deepEqual(counts, load('counts'))
})
