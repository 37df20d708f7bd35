// The examples and the README's program, as programs of a consumer who has the package installed.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'

import { PACKAGE, PASSWORD, REPOSITORY, file, withRegion } from './common.mjs'

// A folder of a consumer: the package below node_modules, the programs beside it, and no more.
const consumer = mkdtempSync(join(tmpdir(), 'azs-backup-consumer-'))
after(() => rmSync(consumer, { recursive: true, force: true }))
mkdirSync(join(consumer, 'node_modules'))
symlinkSync(PACKAGE, join(consumer, 'node_modules', 'azs-backup'))
cpSync(join(PACKAGE, 'examples'), join(consumer, 'examples'), { recursive: true })
for (const name of ['share', 'state', 'hlh']) {
  mkdirSync(join(consumer, name))
}
withRegion(join(consumer, 'share'))
writeFileSync(join(consumer, 'backup.cer'), file('rsa2048.cer'))
writeFileSync(join(consumer, 'backup.pfx'), file('rsa2048.pfx'))

function run(program, given, { input = '', code = 0 } = {}) {
  const done = spawnSync(process.execPath, [program, ...given], {
    cwd: consumer,
    input,
    env: { ...process.env, AZS_PFX_PASSWORD: PASSWORD, NODE_OPTIONS: '' },
    encoding: 'utf8',
    timeout: 60_000,
  })
  assert.equal(done.status, code, `${program}: ${done.stderr}`)
  return done
}
const example = (name, given, how) => run(join('examples', `${name}.mjs`), given, how)

test('switches, and one file on the day of need', () => {
  const first = example('switches', ['--share', 'share', '--cer', 'backup.cer', 'tor1', 'tor2'])
  assert.match(first.stdout, /^Succeeded contoso.com\/nyc\/Switches\/.* 2 files\n$/)
  // Sets of one second are in no particular order.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1100)
  example('switches', ['--share', 'share', '--cer', 'backup.cer', 'tor1'])
  const older = example('one_file', ['--share', 'share', '--pfx', 'backup.pfx', 'tor2/running-config'])
  assert.equal(older.stdout, 'hostname tor2\n')
  assert.match(older.stderr, /NOT_FOUND/)
  example('one_file', ['--share', 'share', '--pfx', 'backup.pfx', '--to', 'copy', 'tor1/running-config'])
  assert.equal(readFileSync(join(consumer, 'copy'), 'utf8'), 'hostname tor1\n')
  const none = example('one_file', ['--share', 'share', '--pfx', 'backup.pfx', 'nothing'], { code: 1 })
  assert.match(none.stderr, /no set has nothing/)
})

test('the first night, and one in which everything fails', () => {
  writeFileSync(join(consumer, 'hlh', 'hosts'), '127.0.0.1 localhost\n')
  const given = ['--share', 'share', '--cer', 'backup.cer', '--state', 'first', 'hlh']
  // No state folder, no operations.json, and a source that is not mounted.
  const done = example('nightly', [...given, 'absent'])
  assert.match(done.stdout, /^PartialSucceeded contoso.com\/nyc\/HLH\//)
  assert.match(done.stderr, /operations.json is not there/)
  const [jobs, alert] = ['jobs.jsonl', 'alert.json'].map((name) => join(consumer, 'first', name))
  unlinkSync(jobs)
  writeFileSync(join(consumer, 'first', 'operations.json'), '{')
  assert.match(example('nightly', given, { code: 1 }).stderr, /^MALFORMED/)
  assert(existsSync(alert))
  assert.match(readFileSync(jobs, 'utf8').trim().split('\n').at(-1), /"status":"Failed".*MALFORMED/)
})

test('a nightly job', () => {
  writeFileSync(join(consumer, 'hlh', 'hosts'), '127.0.0.1 localhost\n')
  const [state, jobs] = [join(consumer, 'state'), join(consumer, 'state', 'jobs.jsonl')]
  const given = ['--share', 'share', '--cer', 'backup.cer', '--state', 'state', 'hlh']
  writeFileSync(join(state, 'operations.json'), '[{"kind": "update", "state": "running"}]')
  assert.match(example('nightly', given).stdout, /was skipped: update is running/)
  unlinkSync(jobs)
  writeFileSync(join(state, 'operations.json'), '[]')
  assert.match(example('nightly', given).stdout, /^Succeeded contoso.com\/nyc\/HLH\//)
  assert.match(example('nightly', given).stdout, /^next at/)
  unlinkSync(jobs)
  const failed = example('nightly', ['--share', 'none', ...given.slice(2)], { code: 1 })
  assert.match(failed.stderr, /^NOT_FOUND: open share folder/)
  const alert = JSON.parse(readFileSync(join(state, 'alert.json'), 'utf8'))
  assert.equal(alert.properties.title, 'Backup failed due to a fault in the path.')
  assert.match(readFileSync(jobs, 'utf8').trim().split('\n').at(-1), /"alert":"PATH"/)
})

test('classify what went wrong', () => {
  assert.match(example('classify', ['0xC000006D']).stdout, /^AUTHENTICATION \(AUTHENTICATION\), confidence HIGH/)
  assert.match(example('classify', ['53']).stdout, /^CONNECTIVITY/)
  const said = { input: 'mount error(113): No route to host\n' }
  assert.match(example('classify', [], said).stdout, /^CONNECTIVITY/)
  const alert = '{"properties": {"faultTypeId": "AzureStack.BackupController.ExternalShareAlmostFullFault"}}'
  assert.match(example('classify', [alert]).stdout, /^ALMOST_FULL \(OUT_OF_CAPACITY\)/)
})

for (const readme of ['README.md', 'bindings/node/README.md']) {
  test(`the program of ${readme}, exactly as printed`, () => {
    const [, code] = /<!-- node -->\n```js\n([^]*?)```/.exec(readFileSync(join(REPOSITORY, readme), 'utf8')) ?? []
    assert(code !== undefined, `${readme} has no program for Node`)
    writeFileSync(join(consumer, 'readme.mjs'), code)
    assert.match(run('readme.mjs', []).stdout, /hostname tor1/)
  })
}

test('the tarball holds what is needed and no more', { skip: PACKAGE === join(import.meta.dirname, '..') }, () => {
  for (const name of ['index.js', 'index.d.ts', 'native.js', 'lib/ffi.js', 'README.md', 'examples/nightly.mjs']) {
    assert(existsSync(join(PACKAGE, name)), name)
  }
  for (const name of ['src', 'test', 'Cargo.toml', 'build.mjs', 'node_modules', 'package-lock.json']) {
    assert(!existsSync(join(PACKAGE, name)), name)
  }
})

test('the package brings the program', () => {
  const { bin } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8'))
  const program = join(PACKAGE, bin['azs-backup'])
  const cer = ['--root', 'share', '--place', 'contoso.com/nyc/Registration', '--cer', 'backup.cer']
  const made = run(program, ['backup', ...cer, '--stdin', 'form', '--json'], { input: 'registered\n' })
  const { folder } = JSON.parse(made.stdout).result
  const cat = run(program, ['cat', '--root', 'share', '--pfx', 'backup.pfx', folder, 'form'])
  assert.equal(cat.stdout, 'registered\n')
  run(program, ['backup'], { code: 2 })
})
