// One turn of a nightly job: due? may it run? back up, raise an alert if need be, delete what is old.
//
//     node nightly.mjs --share /mnt/AzSBackups --cer backup.cer --state /var/lib/azs-backup SOURCE...
//
// The gate reads operations.json in the state folder. Let a script with a token of the admin API write it; without it,
// backups do not wait for updates and repairs. Failures are recorded in alert.json and jobs.jsonl there.
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, join } from 'node:path'
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

const log = new azs.JobLog(join(given.state, 'jobs.jsonl'))
const id = new Date().toISOString()

// When told to end, it removes what it began from the share, and records the job.
const ending = new AbortController()
for (const name of ['SIGTERM', 'SIGINT']) {
  process.once(name, () => ending.abort(new Error(`ended by ${name}`)))
}

async function backUp(place) {
  const share = await azs.FolderShare.open(given.share)
  const certificates = await azs.EncryptionCertificate.load(given.cer)
  const backup = await azs.Backup.start(share, place, {
    certificates,
    state: given.state,
    sourceProblems: 'report',
    signal: ending.signal,
  })
  try {
    for (const source of sources) {
      try {
        await backup.add(source)
      } catch (error) {
        if (error.code !== 'SOURCE_UNREADABLE') {
          throw error
        }
        await backup.addProblem(basename(source), error)
      }
    }
    return await backup.commit()
  } finally {
    await backup.abandon()
  }
}

async function deleteOld(place, newest) {
  const share = await azs.FolderShare.open(given.share)
  // Retention takes it for a good one and would delete others for it.
  const { isSound, faults } = await (await azs.BackupSet.open(share, newest)).verify()
  if (!isSound) {
    throw new Error(`${newest} is damaged: ${faults[0].message}; no old set is deleted`)
  }
  const policy = new azs.RetentionPolicy({ keepDays: 7, keepMonthly: 12 })
  await policy.plan(await azs.listSets(share, place.deployment, place.component)).apply(share)
}

async function turn() {
  await mkdir(given.state, { recursive: true })
  const place = azs.parsePlace(given.place)
  const schedule = new azs.Schedule({ frequencyHours: 12, jitterSeconds: 1800, host: hostname() })
  const nextRun = schedule.nextRun((await log.read()).lastScheduled)
  if (new Date(nextRun.at) > new Date()) {
    console.log('next at', nextRun.at)
    return
  }
  const asked = [async () => (await log.read()).running]
  const operations = join(given.state, 'operations.json')
  if (existsSync(operations)) {
    asked.push(operations)
  } else {
    console.error(`${operations} is not there: backups do not wait for updates and repairs`)
  }
  const decision = await new azs.Gate(asked).scheduled(schedule)
  if (decision.decision === 'skipped') {
    const job = azs.skipJob(id, decision)
    await log.append(job)
    console.log(job.reason)
    return
  }
  const job = azs.startJob(id, { place })
  await log.append(job)
  const { status, folder, set, stored } = await backUp(place)
  await log.append(azs.endJob(job, status, { set, bytes: stored.bytes }))
  console.log(status, folder)
  await deleteOld(place, folder)
  for (const { message } of azs.backupWarnings({ lastBackup: (await log.read()).lastGood, nextRun })) {
    console.error(message)
  }
}

/** Writes an alert and the job's record to the state folder, and lines for people. */
async function failed(error) {
  const found = azs.classifyError(error)
  const context = { share: given.share, path: given.place, operation: 'backup' }
  const reason = `${error.code ?? error.name}: ${error.message}`
  process.exitCode = 1
  console.error(reason)
  console.error(found.remedy(context).join('\n'))
  await writeFile(join(given.state, 'alert.json'), JSON.stringify(azs.makeAlert(found, context)))
  if ((await log.read()).jobs.every((job) => job.id !== id || !job.ended)) {
    await log.append(azs.endJob(azs.startJob(id), 'Failed', { alert: found.kind, reason }))
  }
}

await turn().catch(failed)
