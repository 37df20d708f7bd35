'use strict'

const native = require('../native.js')
const { bytes, bytesOrText, call, copied, instance, json, list, options, optionalText, path, plain, promised, text, wrongType } = require('./ffi.js')
const { Control, WORK } = require('./control.js')
const { EncryptionCertificate, certificates, half } = require('./envelope.js')
const { BACKUP } = require('./options.js')
const { Share } = require('./share.js')
const { Signer } = require('./signature.js')

/** What a backup did: plain data. */
class BackupReport {
  constructor(data) {
    Object.assign(this, data)
  }
}

/** When the process ends, unfinished backups are removed from the share, if it answers. */
let isAtEnd = false
function atEnd() {
  if (!isAtEnd) {
    isAtEnd = true
    process.once('exit', () => native.end())
  }
}

/** A backup in the making. Calls run one after another, awaited or not. */
class Backup {
  #native
  #control
  #set
  #report
  #last = Promise.resolve()

  constructor(key, making, control) {
    if (key !== KEY) {
      throw new TypeError('a Backup is begun by Backup.start')
    }
    this.#native = making
    this.#control = control
    this.#set = call(() => making.set())
    atEnd()
  }

  static async start(share, place, given) {
    const { control, ...begun } = begin(share, place, given)
    const of = [begun.share, begun.place, begun.certificates, begun.signer, begun.options]
    const made = await control.run((hook) => native.Backup.start(...of, hook))
    return new Backup(KEY, made, control)
  }

  static startSync(share, place, given) {
    const { control, ...begun } = begin(share, place, given)
    const of = [begun.share, begun.place, begun.certificates, begun.signer, begun.options]
    const made = control.runSync((hook) => native.Backup.startSync(...of, hook))
    return new Backup(KEY, made, control)
  }

  get set() {
    return this.#set
  }

  /** What it did; undefined until it is committed. */
  get report() {
    return this.#report
  }

  add(source, given) {
    return this.#add('either', source, given)
  }

  addSync(source, given) {
    this.#addSync('either', source, given)
  }

  addFolder(source, given) {
    return this.#add('folder', source, given)
  }

  addFolderSync(source, given) {
    this.#addSync('folder', source, given)
  }

  addFile(source, given) {
    return this.#add('file', source, given)
  }

  addFileSync(source, given) {
    this.#addSync('file', source, given)
  }

  async addBytes(name, content) {
    // It may have to wait for its turn, but must store the content of this moment.
    const [under, taken] = [text(name, 'name'), copied(content, 'content')]
    await this.#run(() => this.#native.addBytes(under, taken))
  }

  addBytesSync(name, content) {
    const [under, taken] = [text(name, 'name'), bytes(content, 'content')]
    this.#control.runSync((hook) => this.#native.addBytesSync(hook, under, taken))
  }

  /** Adds everything that a Readable or another iterable returns. */
  async addReader(name, source) {
    const under = text(name, 'name')
    const of = source?.[Symbol.asyncIterator] ?? source?.[Symbol.iterator]
    if (typeof of !== 'function' || typeof source === 'string') {
      throw wrongType('source', 'a Readable or another iterable of bytes', source)
    }
    let thrown
    const iterator = of.call(source)
    const want = async () => {
      try {
        for (;;) {
          const { done, value } = await iterator.next()
          if (done) {
            feed.end()
            return
          }
          const chunk = bytesOrText(value, 'a chunk')
          if (chunk.length > 0) {
            feed.push(chunk)
            return
          }
        }
      } catch (error) {
        thrown = error ?? new Error('the stream failed')
        feed.fail(String(thrown.message ?? thrown).toWellFormed())
      }
    }
    const feed = new native.Feed(want)
    try {
      await this.#run(
        () => this.#native.addReader(under, feed),
        () => feed.fail('the work was aborted by its signal'),
        () => thrown,
      )
    } catch (error) {
      // Closes the source, as `for await` would.
      Promise.resolve(iterator.return?.()).catch(() => {})
      throw error
    }
  }

  /** Records that something could not be fetched: a switch did not answer. */
  async addProblem(name, error) {
    const [under, said] = [text(name, 'name'), problem(error)]
    await this.#run(() => this.#native.addProblem(under, said))
  }

  addProblemSync(name, error) {
    const [under, said] = [text(name, 'name'), problem(error)]
    this.#control.runSync((hook) => this.#native.addProblemSync(hook, under, said))
  }

  async commit() {
    const report = await this.#run(() => this.#native.commit())
    this.#control.done()
    return (this.#report = new BackupReport(plain(report)))
  }

  commitSync() {
    const report = this.#control.runSync((hook) => this.#native.commitSync(hook))
    this.#control.done()
    return (this.#report = new BackupReport(plain(report)))
  }

  async abandon() {
    this.#control.native.stop()
    this.#control.done()
    await this.#last
    await promised(() => this.#native.abandon())
  }

  abandonSync() {
    this.#control.done()
    call(() => this.#native.abandonSync())
  }

  #add(kind, source, given) {
    const [from, name] = [path(source, 'source'), optionalText(options(given, ['name']).name, 'name')]
    return this.#run(() => this.#native.add(kind, from, name)).then(() => {})
  }

  #addSync(kind, source, given) {
    const [from, name] = [path(source, 'source'), optionalText(options(given, ['name']).name, 'name')]
    this.#control.runSync((hook) => this.#native.addSync(hook, kind, from, name))
  }

  /** Runs after the calls before it. */
  #run(work, stop, thrown = () => undefined) {
    const done = this.#last.then(() =>
      this.#control.run(async () => {
        try {
          return await work()
        } catch (error) {
          throw thrown() === undefined ? error : this.#control.translate(error, thrown())
        }
      }, stop),
    )
    this.#last = done.catch(() => {})
    return done
  }
}

const KEY = Symbol('Backup')

/** Returns the message of an error, or text. */
function problem(error) {
  if (typeof error === 'string') {
    return error.toWellFormed()
  }
  if (error instanceof Error || typeof error?.message === 'string') {
    return String(error.message || error.name).toWellFormed()
  }
  throw wrongType('error', 'an Error or a string', error)
}

if (Symbol.asyncDispose) {
  Backup.prototype[Symbol.asyncDispose] = function () {
    return this.abandon()
  }
}

function begin(share, place, given) {
  const chosen = options(given, [...BACKUP, 'certificates', 'signer', ...WORK])
  const data = { ...chosen, exclude: list(chosen.exclude), distrust: list(chosen.distrust) }
  delete data.certificates
  delete data.signer
  delete data.progress
  delete data.signal
  if (data.state !== undefined && data.state !== null) {
    data.state = path(data.state, 'state')
  }
  return {
    share: half(instance(share, Share, 'share')),
    place: text(place, 'place'),
    certificates: certificates(chosen.certificates, EncryptionCertificate),
    signer: chosen.signer === undefined || chosen.signer === null ? undefined : half(instance(chosen.signer, Signer, 'signer')),
    options: json(Object.fromEntries(Object.entries(data).filter(([, value]) => value !== undefined)), 'options'),
    control: new Control(chosen),
  }
}

module.exports = { Backup, BackupReport }
