'use strict'

const native = require('../native.js')
const { call, instance, json, list, options, optionalText, path, plain, promised, text } = require('./ffi.js')
const { half, halves, made } = require('./envelope.js')

/** A share of any kind. */
class Share {
  constructor() {
    throw new TypeError('a share is opened by FolderShare.open or SmbShare.connect')
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

const SMB = [
  'port',
  'encryption',
  'oldestDialect',
  'durability',
  'connections',
  'connectLimit',
  'silenceLimit',
  'callLimit',
  'attempts',
]

class SmbShare extends Share {
  static async connect(root, account, password, given) {
    const chosen = json(options(given, SMB), 'options')
    const named = [text(root, 'root'), text(account, 'account'), text(password, 'password')]
    return made(SmbShare, await promised(() => native.Share.connectSmb(...named, chosen)))
  }

  static connectSync(root, account, password, given) {
    const chosen = json(options(given, SMB), 'options')
    const named = [text(root, 'root'), text(account, 'account'), text(password, 'password')]
    return made(SmbShare, call(() => native.Share.connectSmbSync(...named, chosen)))
  }

  async facts() {
    return plain(await promised(() => half(this).facts()))
  }

  factsSync() {
    return plain(call(() => half(this).factsSync()))
  }
}

const CHECK = ['components', 'createFolders']

function checking(root, account, password, deployment, given) {
  const { components, createFolders, ...connection } = options(given, [...SMB, ...CHECK])
  return [
    text(root, 'root'),
    text(account, 'account'),
    text(password, 'password'),
    json(connection, 'options'),
    text(deployment, 'deployment'),
    chosen({ components, createFolders }),
  ]
}

function chosen(given) {
  const { components, createFolders = false } = options(given, CHECK)
  return json({ components: list(components).map((one) => text(one, 'components')), createFolders }, 'options')
}

/** Checks the way to a share over SMB; `options` are those of `SmbShare.connect` and of `checkShare`. */
async function checkSmbShare(root, account, password, deployment, given) {
  return plain(await promised(() => native.Share.checkSmb(...checking(root, account, password, deployment, given))))
}

function checkSmbShareSync(root, account, password, deployment, given) {
  return plain(call(() => native.Share.checkSmbSync(...checking(root, account, password, deployment, given))))
}

/** Checks an open share for the backups of a deployment, step by step. */
async function checkShare(share, deployment, given) {
  const on = half(instance(share, Share, 'share'))
  const of = [text(deployment, 'deployment'), chosen(given)]
  return plain(await promised(() => on.check(...of)))
}

function checkShareSync(share, deployment, given) {
  const on = half(instance(share, Share, 'share'))
  const of = [text(deployment, 'deployment'), chosen(given)]
  return plain(call(() => on.checkSync(...of)))
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

async function listSets(share, deployment, component) {
  const from = half(instance(share, Share, 'share'))
  const of = [text(deployment, 'deployment'), optionalText(component, 'component')]
  return summaries(await promised(() => from.listSets(...of)))
}

function listSetsSync(share, deployment, component) {
  const from = half(instance(share, Share, 'share'))
  const of = [text(deployment, 'deployment'), optionalText(component, 'component')]
  return summaries(call(() => from.listSetsSync(...of)))
}

module.exports = { FolderShare, SetSummary, Share, SmbShare, checkShare, checkShareSync, checkSmbShare, checkSmbShareSync, halves, listSets, listSetsSync, listed }
