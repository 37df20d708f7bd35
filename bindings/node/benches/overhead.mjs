// What the package costs over Rust, and how long it takes to import.
//
//     cargo bench --package azs-backup-benches --bench overhead > rust.json
//     npm run build:release                              # in bindings/node
//     node --expose-gc benches/overhead.mjs rust.json
//
// Prints nanoseconds of the best round of each, and the ratio to Rust. With AZS_BENCH_TREE a backup of that folder is one of
// them.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import * as azs from '../index.js'

const vectors = join(import.meta.dirname, '../../../tests/vectors/envelope')
const rust = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const certificates = azs.EncryptionCertificate.loadSync(join(vectors, 'rsa2048.cer'))
const sealer = new azs.Sealer(certificates)
const opener = new azs.Opener(azs.DecryptionCertificate.loadSync(join(vectors, 'rsa2048.pfx'), 'correct horse'))
const [small, large] = [Buffer.alloc(1024), Buffer.alloc(64 << 20)]
const [smallMessage, largeMessage] = [small, large].map((content) => sealer.sealSync(content))

async function measure(name, times, call, base = name) {
  let best = Infinity
  for (let round = 0; round < (times === 1 ? 7 : 15); round++) {
    // Buffers of earlier rounds are no part of this one.
    globalThis.gc()
    const begun = process.hrtime.bigint()
    for (let i = 0; i < times; i++) {
      const made = call()
      if (made instanceof Promise) {
        await made
      }
    }
    best = Math.min(best, Number(process.hrtime.bigint() - begun) / times)
  }
  console.log(`| ${name} | ${rust[base].toFixed(0)} | ${best.toFixed(0)} | ${(best / rust[base]).toFixed(2)} |`)
}

console.log('| call | Rust ns | Node ns | ratio |\n| --- | --- | --- | --- |')
await measure('classify_ntstatus', 20_000, () => azs.classifyNtstatus(0xc000006d))
await measure('classify_text', 10_000, () => azs.classifyText('mount error(113): No route to host'))
await measure('parse_unc_path', 20_000, () => azs.parseUncPath(String.raw`\\fileserver01.contoso.com\AzSBackups\contoso.com\nyc`))
await measure('seal_1_kib', 5000, () => sealer.sealSync(small))
await measure('open_1_kib', 5000, () => opener.openSync(smallMessage))
await measure('seal_64_mib', 1, () => sealer.sealSync(large))
await measure('open_64_mib', 1, () => opener.openSync(largeMessage))
await measure('seal_64_mib, by a promise', 1, () => sealer.seal(large), 'seal_64_mib')

/** A backup of a folder to a share that is gone afterwards. */
async function backUp(tree) {
  const root = mkdtempSync(join(tmpdir(), 'azs-backup-'))
  const share = azs.FolderShare.openSync(root, { durability: 'cached' })
  const backup = await azs.Backup.start(share, 'contoso.com/nyc/HLH', { certificates })
  await backup.addFolder(tree)
  await backup.commit()
  rmSync(root, { recursive: true })
}
if (process.env.AZS_BENCH_TREE) {
  await measure('backup_tree', 1, () => backUp(process.env.AZS_BENCH_TREE))
}

const wait = (code) => {
  const runs = Array.from({ length: 15 }, () => {
    const begun = process.hrtime.bigint()
    execFileSync(process.execPath, ['-e', code])
    return Number(process.hrtime.bigint() - begun) / 1e6
  })
  return runs.sort((a, b) => a - b)[7]
}
const path = JSON.stringify(join(import.meta.dirname, '..'))
console.log(`import: ${(wait(`require(${path})`) - wait('')).toFixed(1)} ms`)
