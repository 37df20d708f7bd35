// Bytes of JavaScript that change, are given away or shrink while work is under way: what counts is what was there when the
// call was made.
import assert from 'node:assert/strict'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'

import { PASSWORD, SWITCHES, azs, certificate, failure, file, opener, share } from './common.mjs'

/** Bytes in memory of their own, which can be given away. */
const own = (content) => new Uint8Array(Uint8Array.from(content).buffer)

/** What may become of the memory behind bytes while a call is under way. */
const becomes = {
  'it changes': (bytes) => bytes.fill(0),
  'it is transferred': (bytes) => structuredClone(bytes, { transfer: [bytes.buffer] }),
}

for (const [what, happens] of Object.entries(becomes)) {
  test(`${what} while it is sealed, opened, read as a certificate`, async () => {
    const content = Buffer.alloc(1 << 20, 'x')
    const sealer = new azs.Sealer(certificate())
    for (let turn = 0; turn < 5; turn++) {
      const given = own(content)
      const sealing = sealer.seal(given)
      happens(given)
      const message = await sealing
      const sealed = own(message)
      const opening = opener().open(sealed)
      happens(sealed)
      assert.deepEqual(await opening, content)
      const pfx = own(file('rsa2048.pfx'))
      const reading = azs.DecryptionCertificate.fromPfx(pfx, PASSWORD)
      happens(pfx)
      assert.equal((await reading).facts.sha1Thumbprint, certificate().facts.sha1Thumbprint)
    }
  })

  test(`${what} while it is added to a backup, also by calls that are not awaited`, async (t) => {
    const on = share(t)
    const backup = await azs.Backup.start(on, SWITCHES, { certificates: certificate(), level: 1 })
    const names = ['a', 'b', 'c', 'd']
    const adding = names.map((name) => {
      const given = own(Buffer.alloc(3 << 20, name))
      const added = backup.addBytes(name, given)
      happens(given)
      return added
    })
    await Promise.all(adding)
    const report = await backup.commit()
    const set = azs.BackupSet.openSync(on, report.folder)
    for (const name of names) {
      assert((await set.restoreBytes(opener(), name)).equals(Buffer.alloc(3 << 20, name)), name)
    }
  })
}

test('a review reads its configuration at once', async (t) => {
  const text = own(Buffer.from('{"nonsense": '))
  const reviewing = failure(() => azs.review(text, share(t)))
  text.fill(32)
  assert.match((await reviewing).message, /EOF|line/)
})

test('a chunk that was written to a stream may be used again', async () => {
  const stream = new azs.Sealer(certificate()).createSealStream()
  const chunk = Buffer.alloc(8)
  for (const letter of 'abc') {
    chunk.fill(letter)
    await new Promise((done) => stream.write(chunk, done))
  }
  stream.end()
  const opened = await opener().open(await buffer(stream))
  assert.equal(opened.toString(), 'aaaaaaaabbbbbbbbcccccccc')
})

test('memory that is gone is an error, not an empty file', async (t) => {
  const backup = await azs.Backup.start(share(t), SWITCHES, { certificates: certificate() })
  const detached = () => {
    const bytes = own(Buffer.from('content'))
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
    return bytes
  }
  const shrunk = () => {
    const memory = new ArrayBuffer(16, { maxByteLength: 16 })
    const bytes = new Uint8Array(memory, 8, 8)
    memory.resize(4)
    return bytes
  }
  for (const given of [detached(), shrunk(), detached().buffer]) {
    for (const call of [
      () => backup.addBytes('name', given),
      () => backup.addBytesSync('name', given),
      () => new azs.Sealer(certificate()).seal(given),
      () => new azs.Sealer(certificate()).sealSync(given),
      () => azs.recipientsOf(given),
    ]) {
      const error = await failure(call)
      assert(error instanceof TypeError && error.code === 'ERR_INVALID_ARG_VALUE', `${call}: ${error}`)
    }
  }
  await backup.abandon()
})

test('memory of every kind is read', async () => {
  const sealer = new azs.Sealer(certificate())
  const growing = new ArrayBuffer(4, { maxByteLength: 1 << 16 })
  const tracking = new Uint8Array(growing)
  growing.resize(6)
  tracking.set(Buffer.from('vlan 7'))
  const shared = new Uint8Array(new SharedArrayBuffer(6))
  shared.set(Buffer.from('vlan 7'))
  const wide = new Uint16Array(Uint8Array.from(Buffer.from('vlan 7')).buffer)
  const kinds = [tracking, growing, shared, shared.buffer, wide, new DataView(wide.buffer), Buffer.from('a vlan 7').subarray(2)]
  for (const given of kinds) {
    assert.equal((await opener().open(await sealer.seal(given))).toString(), 'vlan 7')
    assert.equal(opener().openSync(sealer.sealSync(given)).toString(), 'vlan 7')
  }
  for (const none of [new Uint8Array(0), Buffer.alloc(0), new ArrayBuffer(0), new DataView(new ArrayBuffer(0))]) {
    assert.equal((await opener().open(await sealer.seal(none))).length, 0)
    assert.equal(opener().openSync(sealer.sealSync(none)).length, 0)
  }
})
