// Fetch the configurations of all switches and back them up.
//
//     node switches.mjs --share /mnt/AzSBackups --cer backup.cer tor1 tor2 bmc
import { parseArgs } from 'node:util'

import { Backup, BackupError, EncryptionCertificate, FolderShare } from 'azs-backup'

const { values: given, positionals: switches } = parseArgs({
  options: {
    share: { type: 'string' },
    cer: { type: 'string' },
    place: { type: 'string', default: 'contoso.com/nyc/Switches' },
  },
  allowPositionals: true,
})

/**
 * Returns the running-config of a switch. Replace this with your own: ssh, a REST call, a file that the switch pushed.
 */
async function fetch(name) {
  return Buffer.from(`hostname ${name}\n`)
}

const certificates = await EncryptionCertificate.load(given.cer)
const share = await FolderShare.open(given.share)
const labels = { vendor: 'Contoso' }
const backup = await Backup.start(share, given.place, { certificates, labels, sourceProblems: 'report' })
try {
  for (const name of switches) {
    const under = `${name}/running-config`
    try {
      await backup.addBytes(under, await fetch(name))
    } catch (error) {
      if (error instanceof BackupError) {
        throw error
      }
      // A switch that does not answer is named, and makes the set partial.
      await backup.addProblem(under, error)
    }
  }
  const report = await backup.commit()
  console.log(report.status, report.folder, report.content.files, 'files')
} finally {
  // A backup that is not committed leaves nothing. If the runtime has it, use `await using backup = …`.
  await backup.abandon()
}
