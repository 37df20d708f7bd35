'use strict'

const { Transform } = require('node:stream')
const native = require('../native.js')
const { bytes, call, instance, list, optionalText, path, plain, promised, refused, time } = require('./ffi.js')

/** Returns the native half of a handle. */
const halves = new WeakMap()
const half = (handle) => halves.get(handle)

function made(of, native) {
  const handle = Object.create(of.prototype)
  halves.set(handle, native)
  return handle
}

function notByNew(name, how) {
  throw new TypeError(`a ${name} is made by ${how}`)
}

class EncryptionCertificate {
  constructor() {
    notByNew('EncryptionCertificate', 'EncryptionCertificate.fromCer or EncryptionCertificate.load')
  }

  static fromCer(cer) {
    return made(EncryptionCertificate, call(() => native.EncryptionCertificate.fromCer(bytes(cer, 'cer'))))
  }

  static async load(file) {
    return made(EncryptionCertificate, await promised(() => native.EncryptionCertificate.load(path(file, 'file'))))
  }

  static loadSync(file) {
    return made(EncryptionCertificate, call(() => native.EncryptionCertificate.loadSync(path(file, 'file'))))
  }

  get facts() {
    return plain(call(() => half(this).facts()))
  }

  checkValidity(at) {
    call(() => half(this).checkValidity(time(at, 'at')))
  }

  toDer() {
    return call(() => half(this).toDer())
  }
}

class DecryptionCertificate {
  constructor() {
    notByNew('DecryptionCertificate', 'DecryptionCertificate.fromPfx, fromPem or load')
  }

  static async fromPfx(pfx, password) {
    const read = () => native.DecryptionCertificate.fromPfx(bytes(pfx, 'pfx'), optionalText(password, 'password'))
    return made(DecryptionCertificate, await promised(read))
  }

  static fromPfxSync(pfx, password) {
    const read = () => native.DecryptionCertificate.fromPfxSync(bytes(pfx, 'pfx'), optionalText(password, 'password'))
    return made(DecryptionCertificate, call(read))
  }

  static async fromPem(key, passphrase, cer) {
    const read = () =>
      native.DecryptionCertificate.fromPem(bytes(key, 'key'), optionalText(passphrase, 'passphrase'), bytes(cer, 'cer'))
    return made(DecryptionCertificate, await promised(read))
  }

  static fromPemSync(key, passphrase, cer) {
    const read = () =>
      native.DecryptionCertificate.fromPemSync(bytes(key, 'key'), optionalText(passphrase, 'passphrase'), bytes(cer, 'cer'))
    return made(DecryptionCertificate, call(read))
  }

  static async load(file, password) {
    const read = () => native.DecryptionCertificate.load(path(file, 'file'), optionalText(password, 'password'))
    return made(DecryptionCertificate, await promised(read))
  }

  static loadSync(file, password) {
    const read = () => native.DecryptionCertificate.loadSync(path(file, 'file'), optionalText(password, 'password'))
    return made(DecryptionCertificate, call(read))
  }

  get facts() {
    return plain(call(() => half(this).facts()))
  }

  get encryptionCertificate() {
    return made(EncryptionCertificate, call(() => half(this).encryptionCertificate()))
  }
}

/** Returns the native halves of one or several certificates. */
function certificates(given, of) {
  return list(given).map((one) => half(instance(one, of, 'certificate')))
}

class Sealer {
  constructor(...given) {
    halves.set(this, call(() => new native.Sealer(certificates(given.flat(), EncryptionCertificate))))
  }

  seal(content) {
    return promised(() => half(this).seal(bytes(content, 'content')))
  }

  sealSync(content) {
    return call(() => half(this).sealSync(bytes(content, 'content')))
  }

  sealFile(from, to) {
    return promised(() => half(this).sealFile(path(from, 'from'), path(to, 'to')))
  }

  sealFileSync(from, to) {
    return call(() => half(this).sealFileSync(path(from, 'from'), path(to, 'to')))
  }

  createSealStream() {
    return whole((content) => this.seal(content), native.MAX_CONTENT)
  }
}

class Opener {
  constructor(...given) {
    const held = certificates(given.flat(), DecryptionCertificate)
    if (held.length === 0) {
      throw new TypeError('an Opener needs at least one DecryptionCertificate')
    }
    halves.set(this, call(() => new native.Opener(held)))
  }

  get certificates() {
    return plain(call(() => half(this).certificates()))
  }

  open(message) {
    return promised(() => half(this).open(bytes(message, 'message')))
  }

  openSync(message) {
    return call(() => half(this).openSync(bytes(message, 'message')))
  }

  openFile(from, to) {
    return promised(() => half(this).openFile(path(from, 'from'), path(to, 'to')))
  }

  openFileSync(from, to) {
    return call(() => half(this).openFileSync(path(from, 'from'), path(to, 'to')))
  }

  createOpenStream() {
    return whole((message) => this.open(message), native.MAX_CONTENT + 65536)
  }
}

/** A stream that outputs nothing before it has read everything: a message is sealed or opened as a whole. */
function whole(work, most) {
  const chunks = []
  let length = 0
  return new Transform({
    transform(chunk, _encoding, done) {
      length += chunk.length
      if (length <= most) {
        // The writer may reuse the memory as soon as this is done.
        chunks.push(Buffer.from(chunk))
        done()
        return
      }
      chunks.length = 0
      done(refused('LIMIT_EXCEEDED', `there are more than ${most} bytes, the most that is read here`))
    },
    flush(done) {
      const all = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)
      chunks.length = 0
      work(all).then((made) => done(null, made), done)
    },
  })
}

function recipientsOf(message) {
  return plain(call(() => native.recipientsOf(bytes(message, 'message'))))
}

module.exports = { DecryptionCertificate, EncryptionCertificate, Opener, Sealer, certificates, half, halves, made, notByNew, recipientsOf }
