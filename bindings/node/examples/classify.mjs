// Classify what went wrong: an NTSTATUS (0x…), a Win32 code, alert JSON, or whatever a tool printed.
//
//     mount -t cifs //fs.contoso.com/AzSBackups /mnt 2>&1 | node classify.mjs
//     node classify.mjs 0xC000006D
import { text } from 'node:stream/consumers'

import { classifyJson, classifyNtstatus, classifyText, classifyWin32 } from 'azs-backup'

function classify(said) {
  if (said.startsWith('0x')) {
    return classifyNtstatus(Number(said))
  }
  if (/^\d+$/.test(said)) {
    return classifyWin32(Number(said))
  }
  return /^\s*(\{|\[\{)/.test(said) ? classifyJson(said) : classifyText(said)
}

const found = classify(process.argv.slice(2).join(' ') || (await text(process.stdin)))
console.log(`${found.kind} (${found.documentedKind}), confidence ${found.confidence}`)
for (const { form, name, meaning } of found.evidence) {
  console.log(`  ${form} ${name}: ${meaning}`)
}
found.remedy({ share: String.raw`\\fs.contoso.com\AzSBackups` }).forEach((step, at) => console.log(`${at + 1}. ${step}`))
