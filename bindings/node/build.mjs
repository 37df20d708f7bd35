// Builds the native half and puts it where native.js looks: node build.mjs [--release]
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

import fileName from './lib/platform.js'

const here = import.meta.dirname
const profile = process.argv.includes('--release') ? ['--release'] : []
const features = process.env.AZS_BACKUP_FEATURES === undefined ? [] : ['--no-default-features', '--features', process.env.AZS_BACKUP_FEATURES]
const given = [...profile, ...features]
const cargo = process.env.CARGO ?? 'cargo'
const build = spawnSync(
  cargo,
  ['build', '--locked', '--package', 'azs-backup-node', '--message-format', 'json-render-diagnostics', ...given],
  { cwd: here, stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 1 << 30, encoding: 'utf8' },
)
if (build.status !== 0) {
  // Cargo has already printed why.
  console.error(build.error?.message ?? `${cargo} build failed`)
  process.exit(1)
}
const built = build.stdout
  .split('\n')
  .filter((line) => line.includes('"compiler-artifact"'))
  .map((line) => JSON.parse(line))
  .filter((message) => message.target.name === 'azs_backup_node')
  .flatMap((message) => message.filenames)
  .find((name) => /\.(so|dylib|dll)$/.test(name))
mkdirSync(join(here, 'native'), { recursive: true })
// Make a new file instead of new content: a program that has loaded the old one keeps it.
rmSync(join(here, 'native', fileName), { force: true })
copyFileSync(built, join(here, 'native', fileName))
// Four fifths of it are line numbers, which a tarball does not need. Without `strip` they stay.
spawnSync('strip', ['-S', join(here, 'native', fileName)])
console.log(`native/${fileName}`)
