'use strict'

// Azure Stack Hub's own backups: list, verify, extract.

const native = require('../native.js')
const { call, instance, json, optionalText, options, path, plain, promised, text, time } = require('./ffi.js')
const { Control, WORK } = require('./control.js')
const { Opener, half, made } = require('./envelope.js')
const { Share } = require('./share.js')

const openerOf = (opener) => half(instance(opener, Opener, 'opener'))

function verifying(opener, given) {
  const chosen = options(given, ['backup', 'now', ...WORK])
  const by = opener === undefined || opener === null ? undefined : openerOf(opener)
  return [[by, optionalText(chosen.backup, 'backup'), time(chosen.now, 'now')], new Control(chosen)]
}

function extracting(opener, backup, target, given) {
  const chosen = options(given, ['repository', 'existing', 'openInner', 'now', ...WORK])
  const data = {}
  for (const [name, key] of [['repository', 'repository'], ['existing', 'existing'], ['openInner', 'open_inner']]) {
    if (chosen[name] !== undefined && chosen[name] !== null) {
      data[key] = chosen[name]
    }
  }
  const of = [openerOf(opener), text(backup, 'backup'), path(target, 'target'), json(data, 'options'), time(chosen.now, 'now')]
  return [of, new Control(chosen)]
}

/** The `MASBackup` in one folder of a share: read, and never written. */
class MasBackup {
  constructor() {
    throw new TypeError('a MasBackup is opened by MasBackup.open')
  }

  static async open(share, folder) {
    const [on, at] = [half(instance(share, Share, 'share')), text(folder, 'folder')]
    return made(MasBackup, await promised(() => native.MasBackup.open(on, at)))
  }

  static openSync(share, folder) {
    const [on, at] = [half(instance(share, Share, 'share')), text(folder, 'folder')]
    return made(MasBackup, call(() => native.MasBackup.openSync(on, at)))
  }

  get folder() {
    return half(this).folder()
  }

  async list(given) {
    const chosen = options(given, ['now', ...WORK])
    const at = time(chosen.now, 'now')
    return plain(await new Control(chosen).run((hook) => half(this).list(at, hook)))
  }

  listSync(given) {
    const chosen = options(given, ['now', ...WORK])
    const at = time(chosen.now, 'now')
    return plain(new Control(chosen).runSync((hook) => half(this).listSync(at, hook)))
  }

  async verify(opener, given) {
    const [of, control] = verifying(opener, given)
    return plain(await control.run((hook) => half(this).verify(...of, hook)))
  }

  verifySync(opener, given) {
    const [of, control] = verifying(opener, given)
    return plain(control.runSync((hook) => half(this).verifySync(...of, hook)))
  }

  async extract(opener, backup, target, given) {
    const [of, control] = extracting(opener, backup, target, given)
    return plain(await control.run((hook) => half(this).extract(...of, hook)))
  }

  extractSync(opener, backup, target, given) {
    const [of, control] = extracting(opener, backup, target, given)
    return plain(control.runSync((hook) => half(this).extractSync(...of, hook)))
  }
}

module.exports = { MasBackup }
