// Names: those of the table that all languages share, those of `import` and `require`, those of the types.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'

import { REPOSITORY, SWITCHES, azs, certificate, failure, folder, opener } from './common.mjs'

const table = readFileSync(join(REPOSITORY, 'bindings', 'README.md'), 'utf8')
const types = readFileSync(join(import.meta.dirname, '..', 'index.d.ts'), 'utf8')

test('every name of the table exists, and has a type', () => {
  const rows = table.split('\n').filter((line) => line.startsWith('| ') && line.split(' | ').length === 5)
  let count = 0
  for (const row of rows) {
    for (const [, name] of row.split(' | ')[3].matchAll(/`([^`]+)`/g)) {
      const [, of, member, option] = /^(\w+)(?:\.(\w+))?(?:\(\{(\w+)\}\))?$/.exec(name) ?? []
      // A kind of value that has no class is a type alone.
      assert(of in azs || new RegExp(`export (interface|type) ${of}\\b`).test(types), name)
      if (member !== undefined && of in azs) {
        const holder = azs[of]
        const exists = member in holder || (typeof holder === 'function' && member in holder.prototype)
        // Plain data of a class is set when one is made.
        const body = [...types.matchAll(new RegExp(`export (?:class|interface) ${of}\\b[^]*?\\n}`, 'g'))].join('\n')
        assert(exists || new RegExp(`\\b${member}\\b`).test(body), name)
      }
      if (option !== undefined) {
        assert(new RegExp(`\\b${option}\\?`).test(types) || new RegExp(`\\b${option}:`).test(types), name)
      }
      count += 1
    }
  }
  assert(count > 120, `only ${count} names were found`)
})

test('import and require give the same names', async () => {
  const required = createRequire(import.meta.url)('..')
  const imported = await import('../index.js')
  const names = Object.keys(imported).filter((name) => !['default', 'module.exports'].includes(name))
  assert.deepEqual(names.sort(), Object.keys(required).sort())
  for (const name of names) {
    assert.equal(imported[name], required[name])
    assert(new RegExp(`export (abstract class|class|function|const) ${name}\\b`).test(types), `${name} has no type`)
  }
})

test('every kind of error and of alert is there', () => {
  const codes = [...table.matchAll(/^\| `\w+` \| `([A-Z_]+)` \| \d+ \|/gm)].map(([, code]) => code)
  assert.deepEqual(Object.keys(azs.ErrorKind), codes)
  const union = (name) =>
    [...new RegExp(`export type ${name} =([^]*?)\\n\\n`).exec(types)[1].matchAll(/'([A-Z_]+)'/g)].map(([, code]) => code)
  assert.deepEqual(union('ErrorCode'), codes)
  assert.deepEqual(union('AlertCode'), Object.keys(azs.AlertKind))
  for (const kind of Object.keys(azs.AlertKind)) {
    assert.equal(azs.classifyKind(kind).kind, kind)
    assert.equal(azs.alertKindOfFaultType(azs.classifyKind(kind).faultTypeId), kind)
  }
})

test('the names of options are those of the core', async (t) => {
  const require = createRequire(import.meta.url)
  const [native, lists] = [require('../native.js'), require('../lib/options.js')]
  const { half } = require('../lib/envelope.js')
  const on = azs.FolderShare.openSync(folder(t))
  const set = azs.BackupSet.openSync(azs.FolderShare.openSync(join(REPOSITORY, 'tests/vectors/sets')), 'whole')
  const [json, at] = ['{"zzzzzz": null}', join(folder(t), 'new')]
  const control = () => new native.Control(undefined)
  const ask = {
    BACKUP: () => native.Backup.startSync(half(on), SWITCHES, [half(certificate())], undefined, json, control()),
    CHECK: () => half(on).checkSync('contoso.com/nyc', json),
    COPY: () => native.replicateSync(half(on), half(on), 'contoso.com/nyc', undefined, [], undefined, undefined, json, control()),
    HEALTH: () => native.backupWarnings(json, undefined),
    RESTORE: () => half(set).restoreSync(half(opener()), at, json, [], control()),
    RETENTION: () => new native.RetentionPolicy(json),
    SCHEDULE: () => new native.Schedule(json),
    SMB: () => native.Share.connectSmbSync(String.raw`\\127.0.0.1\a`, String.raw`CONTOSO\azsbackup`, 'not used', json),
  }
  // Only a package that was built with object stores can be asked for theirs.
  assert.deepEqual([...Object.keys(ask), 'STORE'], Object.keys(lists))
  const source = readFileSync(join(REPOSITORY, 'src/share/object_store/options.rs'), 'utf8')
  for (const name of lists.STORE) {
    const field = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    assert(source.includes(`\n    ${field}: Option<`), name)
  }
  for (const [name, work] of Object.entries(ask)) {
    const { message } = await failure(async () => work())
    const [, all] = /there is no option "zzzzzz"; there are: (.*)$/.exec(message) ?? assert.fail(`${name}: ${message}`)
    const names = all.split(', ').map((word) => word.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase()))
    // What a schedule is written with, in place of its jitter.
    assert.deepEqual(lists[name], names.filter((word) => word !== 'shiftSeconds'), name)
  }
})

test('what is said of options has the names that JavaScript has', () => {
  const said = (work) => {
    try {
      work()
    } catch (error) {
      return error.message
    }
    return assert.fail('nothing was wrong')
  }
  for (const value of [null, undefined, 7]) {
    assert.equal(said(() => new azs.Schedule({ phaseSecond: value })), 'there is no option "phaseSecond"; did you mean "phaseSeconds"?')
  }
  assert.match(said(() => new azs.Schedule({ phaseSeconds: '1' })), /: phaseSeconds cannot be a string; it is a whole number/)
  assert.match(said(() => new azs.Schedule({ jitterSeconds: 60 })), /: jitterSeconds needs host/)
  for (const value of [NaN, Infinity, 1n, () => {}, Symbol('x')]) {
    assert.match(said(() => new azs.Schedule({ phaseSeconds: value })), /^phaseSeconds /)
    assert.match(said(() => new azs.RetentionPolicy({ keepLabels: [['a', value]] })), /^keepLabels /)
  }
})

test('the version is that of the library', () => {
  const packed = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8'))
  const workspace = readFileSync(join(REPOSITORY, 'Cargo.toml'), 'utf8')
  const [, version] = /\[workspace\.package\]\nversion = "([^"]+)"/.exec(workspace)
  assert.equal(packed.version, version)
  assert.equal(azs.version, version)
})
