// Who made a set: signers, and the demand for them.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { inspect } from 'node:util'

import { PASSWORD, SWITCHES, VECTORS, azs, backUp, certificate, failure, folder, opener, share } from './common.mjs'

const signing = (name) => readFileSync(join(VECTORS, 'signatures', name))
const signer = () => azs.Signer.fromPfxSync(signing('hlh01.pfx'), PASSWORD)

test('a signed set meets the demand for its signer alone', async (t) => {
  const [on, own] = [share(t), signer()]
  const { folder: at } = await backUp(on, { tor1: 'hostname tor1' }, { signer: own })
  const set = azs.BackupSet.openSync(on, at)
  const signature = await set.signature()
  assert.deepEqual(signature.signer, own.facts)
  assert.deepEqual(await set.requireSigners(own.certificate), signature)
  assert.deepEqual((await set.restore(opener(), join(folder(t), 'new'), { requireSigners: own.certificate })).signature, signature)
  const [listed] = await azs.listSets(on, 'contoso.com/nyc', null, { requireSigners: [own.certificate] })
  assert.deepEqual([listed.state, listed.signature], ['complete', signature])

  const other = azs.SignerCertificate.fromCer(signing('hlh01-next.cer'))
  const target = join(folder(t), 'nothing')
  const error = await failure(() => set.restore(opener(), target, { requireSigners: other }))
  assert.deepEqual([error.code, error.set, existsSync(target)], ['NOT_TRUSTED', set.cover.set, false])
  const [planted] = await azs.listSets(on, 'contoso.com/nyc', null, { requireSigners: other })
  assert.deepEqual([planted.state, planted.cover], ['untrusted', undefined])
  assert.match(planted.reason, /not one of the signers demanded/)
  assert.deepEqual(azs.SignerCertificate.fromCer(other.toDer()).facts, other.facts)
})

test('an empty demand is a mistake, and none demands nothing', async (t) => {
  const on = share(t)
  const set = azs.BackupSet.openSync(on, (await backUp(on, { tor1: 'x' })).folder)
  const calls = [
    (given) => azs.listSets(on, 'contoso.com/nyc', null, given),
    (given) => azs.listSetsSync(on, 'contoso.com/nyc', null, given),
    (given) => set.verify(given),
    (given) => set.verifyFullSync(opener(), given),
    (given) => set.restoreBytes(opener(), 'tor1', given),
    (given) => set.restore(opener(), join(folder(t), 'new'), given),
  ]
  for (const call of calls) {
    const error = await failure(() => call({ requireSigners: [] }))
    assert(error instanceof azs.BackupError && error.code === 'INVALID_ARGUMENT', `${call}: ${error}`)
    assert.match(error.message, /requireSigners: an empty list/)
    await call({ requireSigners: null })
  }
  assert.throws(() => set.createRestoreStream(opener(), 'tor1', { requireSigners: [] }), { code: 'INVALID_ARGUMENT' })
  assert.equal((await failure(() => set.requireSigners())).code, 'INVALID_ARGUMENT')
})

test('an expired signer signs nothing unless allowed', async (t) => {
  const [on, expired] = [share(t), azs.Signer.fromPfxSync(signing('expired.pfx'), PASSWORD)]
  assert.throws(() => expired.checkValidity(), { code: 'CERTIFICATE_EXPIRED' })
  const given = { certificates: certificate(), signer: expired }
  assert.equal((await failure(() => azs.Backup.start(on, SWITCHES, given))).code, 'CERTIFICATE_EXPIRED')
  assert.deepEqual([...azs.listSetsSync(on, 'contoso.com/nyc')], [])
  azs.Backup.startSync(on, SWITCHES, { ...given, allowExpiredCertificates: true }).abandonSync()
})

test('a signer shows no secret', async () => {
  const error = await failure(() => azs.Signer.fromPfx(signing('hlh01.pfx'), 'swordfish'))
  assert.equal(error.code, 'WRONG_PASSWORD')
  assert(!inspect(error, { depth: 10, showHidden: true }).includes('swordfish'))
  assert(!inspect(signer(), { showHidden: true }).includes('horse'))
  assert.equal(JSON.stringify(signer()), '{}')
  const by = await azs.Signer.fromPem(signing('hlh01.key'), PASSWORD, signing('hlh01.cer'))
  assert.deepEqual(by.facts, signer().facts)
  const file = join(VECTORS, 'signatures', 'hlh01.pfx')
  assert.deepEqual((await azs.Signer.load(file, PASSWORD)).facts, by.facts)
})
