// Restore one file from the newest complete set, on the day you need it. The password is in AZS_PFX_PASSWORD.
//
//     node one_file.mjs --share /mnt/AzSBackups --pfx backup.pfx tor1/running-config > running-config
import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'

import { BackupSet, DecryptionCertificate, FolderShare, Opener, listSets, parsePlace } from 'azs-backup'

const {
  values: given,
  positionals: [file],
} = parseArgs({
  options: {
    share: { type: 'string' },
    pfx: { type: 'string' },
    place: { type: 'string', default: 'contoso.com/nyc/Switches' },
    to: { type: 'string' },
  },
  allowPositionals: true,
})

const place = parsePlace(given.place)
const opener = new Opener(await DecryptionCertificate.load(given.pfx, process.env.AZS_PFX_PASSWORD))
const share = await FolderShare.open(given.share)

async function restore(summary) {
  const set = await BackupSet.open(share, summary.folder)
  const target = given.to === undefined ? process.stdout : createWriteStream(given.to)
  await pipeline(set.createRestoreStream(opener, file), target, { end: target !== process.stdout })
}

const complete = (await listSets(share, place.deployment, place.component)).filter((set) => set.state === 'complete')
for (const summary of complete.reverse()) {
  try {
    await restore(summary)
    console.error(`${file} as of ${summary.cover.created}`)
    process.exit(0)
  } catch (error) {
    if (!['DAMAGED', 'NOT_FOUND'].includes(error.code)) {
      throw error
    }
    console.error(`${summary.name}: ${error.code}: ${error.message}`)
  }
}
console.error(`no set has ${file}`)
process.exitCode = 1
