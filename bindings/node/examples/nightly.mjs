// One turn of a nightly job: due? may it run? back up, raise an alert if need be, delete what is old.
//
//     node nightly.mjs --share /mnt/AzSBackups --cer backup.cer --state /var/lib/azs-backup SOURCE...
//
// The gate reads operations.json in the state folder, which a script writes that has a token of the admin API.
import { writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import * as azs from 'azs-backup'

const { values: given, positionals: sources } = parseArgs({
  options: {
    share: { type: 'string' },
    cer: { type: 'string' },
    state: { type: 'string' },
    place: { type: 'string', default: 'contoso.com/nyc/HLH' },
  },
  allowPositionals: true,
})

const place = azs.parsePlace(given.place)
const schedule = new azs.Schedule({ frequencyHours: 12, jitterSeconds: 1800, host: hostname() })
const log = new azs.JobLog(join(given.state, 'jobs.jsonl'))
const gate = new azs.Gate([join(given.state, 'operations.json'), async () => (await log.read()).running])

async function backUp() {
  const share = await azs.FolderShare.open(given.share)
  const certificates = await azs.EncryptionCertificate.load(given.cer)
  const backup = await azs.Backup.start(share, place, { certificates, state: given.state, sourceProblems: 'report' })
  try {
    for (const source of sources) {
      await backup.add(source)
    }
    const report = await backup.commit()
    const policy = new azs.RetentionPolicy({ keepDays: 7, keepMonthly: 12 })
    await policy.plan(await azs.listSets(share, place.deployment, place.component)).apply(share)
    return report
  } finally {
    await backup.abandon()
  }
}

async function turn() {
  const nextRun = schedule.nextRun((await log.read()).lastScheduled)
  if (new Date(nextRun.at) > new Date()) {
    console.log('next at', nextRun.at)
    return
  }
  const id = new Date().toISOString()
  const decision = await gate.scheduled(schedule)
  if (decision.decision === 'skipped') {
    const job = azs.skipJob(id, decision)
    await log.append(job)
    console.log(job.reason)
    return
  }
  const job = azs.startJob(id, { place })
  await log.append(job)
  try {
    const { status, folder, set, stored } = await backUp()
    await log.append(azs.endJob(job, status, { set, bytes: stored.bytes }))
    console.log(status, folder)
  } catch (error) {
    if (!(error instanceof azs.BackupError)) {
      throw error
    }
    const context = { share: given.share, path: place.text, operation: 'backup' }
    await writeFile(join(given.state, 'alert.json'), JSON.stringify(azs.makeAlert(error.alert, context)))
    await log.append(azs.endJob(job, 'Failed', { alert: error.alert.kind, reason: error.message }))
    console.error(`${error.code}: ${error.message}`)
    console.error(error.alert.remedy(context).join('\n'))
    process.exitCode = 1
  }
  for (const { message } of azs.backupWarnings({ lastBackup: (await log.read()).lastGood, nextRun })) {
    console.error(message)
  }
}

await turn()
