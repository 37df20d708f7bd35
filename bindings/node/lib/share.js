'use strict'

const native = require('../native.js')
const { Control, WORK } = require('./control.js')
const { call, instance, integer, json, list, options, optionalText, path, plain, promised, text } = require('./ffi.js')
const { half, halves, made } = require('./envelope.js')
const { CHECK, SMB, STORE } = require('./options.js')
const { DEMAND, demanded } = require('./signature.js')

/** A share of any kind. */
class Share {
  constructor() {
    throw new TypeError('a share is opened by openShare, FolderShare.open or SmbShare.connect')
  }

  describe() {
    return call(() => half(this).describe())
  }

  async space() {
    return plain(await promised(() => half(this).space()))
  }

  spaceSync() {
    return plain(call(() => half(this).spaceSync()))
  }

  close() {
    half(this).close()
  }
}

class FolderShare extends Share {
  static async open(root, given) {
    const durability = optionalText(options(given, ['durability']).durability, 'durability')
    return made(FolderShare, await promised(() => native.Share.openFolder(path(root, 'root'), durability)))
  }

  static openSync(root, given) {
    const durability = optionalText(options(given, ['durability']).durability, 'durability')
    return made(FolderShare, call(() => native.Share.openFolderSync(path(root, 'root'), durability)))
  }
}

/** Stops the call; only work that goes through many things tells how far it is. */
const STOP = ['signal']

/** The parts of options: those of the connection, those of the check, and what stops the call. */
function parts(given, names) {
  const { components, createFolders, signal, ...connection } = options(given, [...names, ...STOP])
  return { connection: json(connection, 'options'), check: chosen({ components, createFolders }), control: new Control({ signal }) }
}

class SmbShare extends Share {
  static async connect(root, account, password, given) {
    const { connection, control } = parts(given, SMB)
    const named = [text(root, 'root'), text(account, 'account'), text(password, 'password')]
    return made(SmbShare, await control.run((hook) => native.Share.connectSmb(...named, connection, hook)))
  }

  static connectSync(root, account, password, given) {
    const { connection, control } = parts(given, SMB)
    const named = [text(root, 'root'), text(account, 'account'), text(password, 'password')]
    return made(SmbShare, control.runSync(() => native.Share.connectSmbSync(...named, connection)))
  }

  async facts() {
    return plain(await promised(() => half(this).facts()))
  }

  factsSync() {
    return plain(call(() => half(this).factsSync()))
  }
}

function opening(root, account, password, given) {
  const { connection, control } = parts(given, [...SMB, ...STORE])
  return [control, [path(root, 'root'), optionalText(account, 'account'), optionalText(password, 'password'), connection]]
}

/**
 * Opens a share: our own client does if there is an account, else the system; `options` are those of `SmbShare.connect`, or of
 * an object store.
 */
async function openShare(root, account, password, given) {
  const [control, of] = opening(root, account, password, given)
  return made(Share, await control.run((hook) => native.Share.open(...of, hook)))
}

function openShareSync(root, account, password, given) {
  const [control, of] = opening(root, account, password, given)
  return made(Share, control.runSync(() => native.Share.openSync(...of)))
}

function chosen({ components, createFolders }) {
  return json({ components: list(components).map((one) => text(one, 'components')), createFolders }, 'options')
}

function checking(root, account, password, deployment, given) {
  const { connection, check, control } = parts(given, [...SMB, ...CHECK])
  const named = [text(root, 'root'), text(account, 'account'), text(password, 'password')]
  return [control, [...named, connection, text(deployment, 'deployment'), check]]
}

/** A check that was stopped throws: its report would say that the rest of the steps failed. */
const STOPPED = () => {}

/** Checks the way to a share over SMB; `options` are those of `SmbShare.connect` and of `checkShare`. */
async function checkSmbShare(root, account, password, deployment, given) {
  const [control, of] = checking(root, account, password, deployment, given)
  return plain(await control.run((hook) => native.Share.checkSmb(...of, hook), STOPPED))
}

function checkSmbShareSync(root, account, password, deployment, given) {
  const [control, of] = checking(root, account, password, deployment, given)
  return plain(control.runSync(() => native.Share.checkSmbSync(...of)))
}

/** Checks an open share for the backups of a deployment, step by step. */
async function checkShare(share, deployment, given) {
  const on = half(instance(share, Share, 'share'))
  const [of, { check, control }] = [text(deployment, 'deployment'), parts(given, CHECK)]
  return plain(await control.run((hook) => on.check(of, check, hook), STOPPED))
}

function checkShareSync(share, deployment, given) {
  const on = half(instance(share, Share, 'share'))
  const [of, { check, control }] = [text(deployment, 'deployment'), parts(given, CHECK)]
  return plain(control.runSync(() => on.checkSync(of, check)))
}

if (Symbol.asyncDispose) {
  Share.prototype[Symbol.asyncDispose] = async function () {
    this.close()
  }
}
if (Symbol.dispose) {
  Share.prototype[Symbol.dispose] = function () {
    this.close()
  }
}

/** A set in a listing: plain data. */
class SetSummary {
  constructor(data) {
    Object.assign(this, data)
  }
}

/** The listing that a summary belongs to, and its number there. Only such a set can be deleted. */
const listed = new WeakMap()

function summaries(listing) {
  const { sets, unreadable } = plain(call(() => listing.json()))
  const found = sets.map((data, number) => {
    const summary = new SetSummary(data)
    listed.set(summary, { listing, number })
    return summary
  })
  return Object.assign(found, { unreadable })
}

function listing(share, deployment, component, given) {
  const from = half(instance(share, Share, 'share'))
  const chosen = options(given, ['newest', DEMAND, ...WORK])
  const newest = integer(chosen.newest ?? 0, 'newest', 0, 2 ** 32 - 1)
  const of = [text(deployment, 'deployment'), optionalText(component, 'component'), newest, demanded(chosen[DEMAND])]
  return [from, of, new Control(chosen)]
}

async function listSets(share, deployment, component, given) {
  const [from, of, control] = listing(share, deployment, component, given)
  return summaries(await control.run((hook) => from.listSets(...of, hook)))
}

function listSetsSync(share, deployment, component, given) {
  const [from, of, control] = listing(share, deployment, component, given)
  return summaries(control.runSync((hook) => from.listSetsSync(...of, hook)))
}

module.exports = { FolderShare, SetSummary, Share, SmbShare, checkShare, checkShareSync, checkSmbShare, checkSmbShareSync, halves, listSets, listSetsSync, listed, openShare, openShareSync }
