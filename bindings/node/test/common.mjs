// What the tests share: the vectors, throw-away folders, a share with a set on it.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

// The package that is tested: this one, or one that was installed elsewhere.
export const PACKAGE = process.env.AZS_BACKUP_PACKAGE ?? join(import.meta.dirname, '..')
const azs = await import(pathToFileURL(join(PACKAGE, 'index.js')).href)

export { azs }
export const PASSWORD = 'correct horse'
export const REPOSITORY = join(import.meta.dirname, '..', '..', '..')
export const VECTORS = join(REPOSITORY, 'tests', 'vectors')
export const file = (name) => readFileSync(join(VECTORS, 'envelope', name))
export const load = (name) => JSON.parse(readFileSync(join(VECTORS, `${name}.json`), 'utf8'))

export const certificate = () => azs.EncryptionCertificate.fromCer(file('rsa2048.cer'))
export const opener = () => new azs.Opener(azs.DecryptionCertificate.fromPfxSync(file('rsa2048.pfx'), PASSWORD))
export const SWITCHES = 'contoso.com/nyc/Switches'

/** A folder that is gone when the test has ended. */
export function folder(test) {
  const path = mkdtempSync(join(tmpdir(), 'azs-backup-'))
  test.after(async () => {
    for (let tries = 1; ; tries += 1) {
      try {
        return rmSync(path, { recursive: true, force: true })
      } catch (error) {
        // Windows removes no folder that a share still has open: it is closed when its object is collected.
        if (error.code !== 'EBUSY' || tries === 20) throw error
        globalThis.gc?.()
        await new Promise((done) => setTimeout(done, 50))
      }
    }
  })
  return path
}

/** A share in such a folder, in which a deployment has its own backups. */
export function share(test) {
  return azs.FolderShare.openSync(withRegion(folder(test)), { durability: 'cached' })
}

/** The same folder, with the region folder that Azure Stack Hub makes. */
export function withRegion(root) {
  mkdirSync(join(root, 'contoso.com', 'nyc'), { recursive: true })
  return root
}

/** A set with these files on that share. */
export async function backUp(to, files, options = {}) {
  const backup = await azs.Backup.start(to, SWITCHES, { certificates: certificate(), level: 1, ...options })
  for (const [name, content] of Object.entries(files)) {
    await backup.addBytes(name, Buffer.from(content))
  }
  return backup.commit()
}

/** What a call or a promise fails with. */
export async function failure(work) {
  try {
    await work()
  } catch (error) {
    return error
  }
  throw new Error('it did not fail')
}
