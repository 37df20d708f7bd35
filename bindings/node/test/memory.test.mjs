// 10,000 calls of each kind, with flat memory: node --expose-gc.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { PASSWORD, azs, backUp, certificate, file, opener, share } from './common.mjs'

async function settle() {
  // Native memory is let go by finalizers, which run after a turn of the loop.
  for (let i = 0; i < 5; i++) {
    globalThis.gc()
    await new Promise((done) => setTimeout(done, 5))
  }
  return process.memoryUsage().rss
}

test('10,000 calls leave memory flat', { timeout: 240_000 }, async (t) => {
  assert(globalThis.gc !== undefined, 'run by: node --expose-gc --test')
  const on = share(t)
  const report = await backUp(on, { file: 'content' })
  const set = azs.BackupSet.openSync(on, report.folder)
  const [cer, sealer, by] = [file('rsa2048.cer'), new azs.Sealer(certificate()), opener()]
  const content = Buffer.alloc(1024, 'x')
  const message = sealer.sealSync(content)
  const turn = async () => {
    azs.parseUncPath(String.raw`\\fs.contoso.com\AzSBackups`)
    azs.classifyText('mount error(113): No route to host')
    azs.EncryptionCertificate.fromCer(cer)
    assert.throws(() => azs.parseName('MASBackup'), azs.BackupError)
    by.openSync(sealer.sealSync(content))
    await by.open(message)
    await sealer.seal(content).catch(() => {})
    await by.open(content).catch(() => {})
  }
  const heavy = async () => {
    await set.verify({ progress: () => {} })
    await azs.listSets(on, 'contoso.com/nyc')
    await set.restoreBytes(by, 'file')
    for await (const entry of set.entries(by)) {
      assert.equal(entry.path, 'file')
    }
    azs.DecryptionCertificate.fromPfxSync(file('rsa2048.pfx'), PASSWORD)
  }
  const many = async (turns) => {
    for (let i = 0; i < turns; i++) {
      await turn()
      if (i % 100 === 0) {
        await heavy()
      }
    }
  }
  await many(7500)
  const before = await settle()
  await many(10_000)
  const grown = (await settle()) - before
  t.diagnostic(`resident memory grew by ${(grown / 2 ** 20).toFixed(1)} MiB`)
  // 10,000 messages of 1 KiB alone would be 10 MiB, and of each turn there are three.
  assert(grown < 16 << 20, `${grown} bytes`)
})
