// What could not be had: problems that a program names itself, readers that fail, names that nothing could restore.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'

import { SWITCHES, azs, backUp, certificate, failure, folder, opener, share } from './common.mjs'

const begin = (on, sourceProblems) => azs.Backup.start(on, SWITCHES, { certificates: certificate(), sourceProblems })

async function* failing() {
  yield Buffer.from('half of')
  throw new Error('no answer')
}

test('a problem makes the set partial and is named', async (t) => {
  const on = share(t)
  const backup = await begin(on, 'report')
  await backup.addBytes('tor1/running-config', Buffer.from('hostname tor1\n'))
  await backup.addProblem('tor2/running-config', 'no answer\nfrom 10.0.0.2')
  backup.addProblemSync('tor3/running-config', new Error('timed out'))
  await backup.addReader('tor4/running-config', failing())
  assert((await failure(() => backup.addProblem('tor5', 7))) instanceof TypeError)
  const report = await backup.commit()
  assert.equal(report.status, 'PartialSucceeded')
  assert.deepEqual(
    report.problems.map(({ path, code }) => [path, code]),
    [2, 3, 4].map((number) => [`tor${number}/running-config`, 'SOURCE_UNREADABLE']),
  )
  assert.match(report.problems[0].message, /no answer from 10\.0\.0\.2/)
  const set = azs.BackupSet.openSync(on, report.folder)
  assert.equal(set.cover.content.problems, 3)
  assert((await set.verifyFull(opener())).isSound)
})

test('a source that could not be added ends the backup even if the caller goes on', async (t) => {
  const on = share(t)
  for (const policy of ['fail', 'report']) {
    const backup = await begin(on, policy)
    await backup.addBytes('tor1', Buffer.from('hostname tor1'))
    assert.equal((await failure(() => backup.addBytes('tor1', Buffer.from('again')))).code, 'ALREADY_EXISTS')
    await backup.addBytes('tor2', Buffer.from('hostname tor2')).catch(() => {})
    assert.equal((await failure(() => backup.commit())).code, 'ALREADY_EXISTS')
  }
})

test('a problem is an error where problems are', async (t) => {
  const backup = await begin(share(t), 'fail')
  t.after(() => backup.abandon())
  assert.equal((await failure(() => backup.addProblem('tor2', 'no answer'))).code, 'SOURCE_UNREADABLE')
  const error = await failure(() => backup.addReader('tor3', failing()))
  assert.equal(error.code, 'SOURCE_UNREADABLE')
  assert.equal(error.cause.message, 'no answer')
})

test('a name that no file system restores is refused', async (t) => {
  const [on, to] = [folder(t), share(t)]
  const refusing = await begin(to, 'report')
  t.after(() => refusing.abandon())
  for (const name of ['b'.repeat(256), `a/${'b'.repeat(256)}/c`, 'é'.repeat(128)]) {
    for (const call of [
      () => refusing.addBytes(name, Buffer.from('x')),
      () => refusing.addReader(name, [Buffer.from('x')]),
      () => refusing.addFolder(on, { name }),
      () => refusing.addProblem(name, 'no answer'),
    ]) {
      assert.equal((await failure(call)).code, 'INVALID_NAME')
    }
  }
  const backup = await begin(to, 'report')
  t.after(() => backup.abandon())
  await backup.addBytes('b'.repeat(255), Buffer.from('x'))
})

test('a limit of 0 is the default', async (t) => {
  const on = share(t)
  const report = await backUp(on, { file: 'content' })
  const set = azs.BackupSet.openSync(on, report.folder)
  assert.equal((await set.restoreBytes(opener(), 'file', { limit: 0 })).toString(), 'content')
  assert.equal((await failure(() => set.restoreBytes(opener(), 'file', { limit: 1 }))).code, 'LIMIT_EXCEEDED')
})

test('a stream that fails does so before anything is written with it', async (t) => {
  const on = share(t)
  const report = await backUp(on, { file: 'content', empty: '' })
  const set = azs.BackupSet.openSync(on, report.folder)
  await assert.rejects(once(set.createRestoreStream(opener(), 'not there'), 'readable'), { code: 'NOT_FOUND' })
  for (const [name, content] of [['file', 'content'], ['empty', '']]) {
    const stream = set.createRestoreStream(opener(), name)
    await once(stream, 'readable')
    assert.equal((await stream.toArray()).join(''), content)
  }
})

test('progress ends with everything', async (t) => {
  const on = share(t)
  const report = await backUp(on, { file: 'content' })
  const set = azs.BackupSet.openSync(on, report.folder)
  let last
  const checked = await set.verifyFull(opener(), { progress: (progress) => void (last = progress) })
  assert.deepEqual(
    [last.files, last.bytes, last.totalBytes, last.storedBytes],
    [1, 7, 7, checked.storedBytes],
  )
})
