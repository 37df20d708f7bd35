'use strict'

const { Readable } = require('node:stream')
const native = require('../native.js')
const { call, instance, integer, json, list, optionalText, options, path, plain, promised, text } = require('./ffi.js')
const { Control, WORK } = require('./control.js')
const { Opener, half, made } = require('./envelope.js')
const { RESTORE } = require('./options.js')
const { Share } = require('./share.js')
const { DEMAND, demanded } = require('./signature.js')

/** How many entries to fetch at once. */
const AT_ONCE = 256

const openerOf = (opener) => half(instance(opener, Opener, 'opener'))

function restoring(given) {
  const chosen = options(given, [...RESTORE, DEMAND, ...WORK])
  const data = { patterns: list(chosen.patterns) }
  for (const name of ['existing', 'compare', 'damage']) {
    if (chosen[name] !== undefined && chosen[name] !== null) {
      data[name] = chosen[name]
    }
  }
  return [json(data, 'options'), demanded(chosen[DEMAND]), new Control(chosen)]
}

/** The demand, and what work without other options is controlled by. */
function working(given) {
  const chosen = options(given, [DEMAND, ...WORK])
  return [demanded(chosen[DEMAND]), new Control(chosen)]
}

/** A set that is complete by its cover sheet. */
class BackupSet {
  constructor() {
    throw new TypeError('a set is opened by BackupSet.open')
  }

  static async open(share, folder, place) {
    const on = half(instance(share, Share, 'share'))
    const of = [text(folder, 'folder'), optionalText(place, 'place')]
    return made(BackupSet, await promised(() => native.BackupSet.open(on, ...of)))
  }

  static openSync(share, folder, place) {
    const on = half(instance(share, Share, 'share'))
    const of = [text(folder, 'folder'), optionalText(place, 'place')]
    return made(BackupSet, call(() => native.BackupSet.openSync(on, ...of)))
  }

  static async openByIndex(share, folder, opener) {
    const on = half(instance(share, Share, 'share'))
    const [at, by] = [text(folder, 'folder'), openerOf(opener)]
    return made(BackupSet, await promised(() => native.BackupSet.openByIndex(on, at, by)))
  }

  get cover() {
    return plain(call(() => half(this).cover()))
  }

  get folder() {
    return half(this).folder()
  }

  async *entries(opener) {
    const entries = await promised(() => half(this).entries(openerOf(opener)))
    for (;;) {
      const some = plain(await promised(() => entries.next(AT_ONCE)))
      if (some.length === 0) {
        return
      }
      yield* some
    }
  }

  *entriesSync(opener) {
    const entries = call(() => half(this).entriesSync(openerOf(opener)))
    for (;;) {
      const some = plain(call(() => entries.nextSync(AT_ONCE)))
      if (some.length === 0) {
        return
      }
      yield* some
    }
  }

  async signature() {
    return plain(await promised(() => half(this).signature()))
  }

  signatureSync() {
    return plain(call(() => half(this).signatureSync()))
  }

  async requireSigners(...signers) {
    const by = demanded(signers.flat())
    return plain(await promised(() => half(this).requireSigners(by)))
  }

  requireSignersSync(...signers) {
    const by = demanded(signers.flat())
    return plain(call(() => half(this).requireSignersSync(by)))
  }

  async verify(given) {
    const [signers, control] = working(given)
    return report(await control.run((hook) => half(this).verify(signers, hook)))
  }

  verifySync(given) {
    const [signers, control] = working(given)
    return report(control.runSync((hook) => half(this).verifySync(signers, hook)))
  }

  async verifyFull(opener, given) {
    const [by, [signers, control]] = [openerOf(opener), working(given)]
    return report(await control.run((hook) => half(this).verifyFull(by, signers, hook)))
  }

  verifyFullSync(opener, given) {
    const [by, [signers, control]] = [openerOf(opener), working(given)]
    return report(control.runSync((hook) => half(this).verifyFullSync(by, signers, hook)))
  }

  async restore(opener, target, given) {
    const [by, into] = [openerOf(opener), path(target, 'target')]
    const [chosen, signers, control] = restoring(given)
    return plain(await control.run((hook) => half(this).restore(by, into, chosen, signers, hook)))
  }

  restoreSync(opener, target, given) {
    const [by, into] = [openerOf(opener), path(target, 'target')]
    const [chosen, signers, control] = restoring(given)
    return plain(control.runSync((hook) => half(this).restoreSync(by, into, chosen, signers, hook)))
  }

  restoreBytes(opener, file, given) {
    return promised(() => half(this).restoreBytes(openerOf(opener), text(file, 'path'), ...limits(given)))
  }

  restoreBytesSync(opener, file, given) {
    return call(() => half(this).restoreBytesSync(openerOf(opener), text(file, 'path'), ...limits(given)))
  }

  /** Restores one file to a Readable, which outputs nothing before the whole file is verified. */
  createRestoreStream(opener, file, given) {
    const [by, of] = [openerOf(opener), text(file, 'path')]
    const [signers, control] = working(given)
    const set = half(this)
    const drain = new native.Drain((chunk) => stream.push(chunk))
    let isBegun = false
    const stream = new Readable({
      read() {
        drain.want()
        if (!isBegun) {
          isBegun = true
          const work = control.run((hook) => set.restoreStream(by, of, signers, drain, hook), () => drain.close())
          work.then(
            () => stream.push(null),
            (error) => stream.destroy(error),
          )
        }
      },
      destroy(error, done) {
        drain.close()
        control.native.stop()
        done(error)
      },
    })
    return stream
  }
}

/** A file of at most this many bytes, where the core knows what 0 means; and the demand. */
function limits(given) {
  const chosen = options(given, ['limit', DEMAND])
  return [integer(chosen.limit ?? 0, 'limit', 0, Number.MAX_SAFE_INTEGER), demanded(chosen[DEMAND])]
}

function report(text) {
  const data = plain(text)
  return { ...data, isSound: data.faults.length === 0 && data.losses.length === 0 }
}

module.exports = { BackupSet }
