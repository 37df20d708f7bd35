'use strict'

const native = require('../native.js')
const { bytes, call, instance, list, optionalText, path, plain, promised, refused, time } = require('./ffi.js')
const { half, made, notByNew } = require('./envelope.js')

/** The public certificate of a host that signs its sets. */
class SignerCertificate {
  constructor() {
    notByNew('SignerCertificate', 'SignerCertificate.fromCer or SignerCertificate.load')
  }

  static fromCer(cer) {
    return made(SignerCertificate, call(() => native.SignerCertificate.fromCer(bytes(cer, 'cer'))))
  }

  static async load(file) {
    return made(SignerCertificate, await promised(() => native.SignerCertificate.load(path(file, 'file'))))
  }

  static loadSync(file) {
    return made(SignerCertificate, call(() => native.SignerCertificate.loadSync(path(file, 'file'))))
  }

  get facts() {
    return plain(call(() => half(this).facts()))
  }

  toDer() {
    return call(() => half(this).toDer())
  }
}

/** The certificate and private key with which a host signs its sets. */
class Signer {
  constructor() {
    notByNew('Signer', 'Signer.fromPfx, fromPem or load')
  }

  static async fromPfx(pfx, password) {
    const read = () => native.Signer.fromPfx(bytes(pfx, 'pfx'), optionalText(password, 'password'))
    return made(Signer, await promised(read))
  }

  static fromPfxSync(pfx, password) {
    const read = () => native.Signer.fromPfxSync(bytes(pfx, 'pfx'), optionalText(password, 'password'))
    return made(Signer, call(read))
  }

  static async fromPem(key, passphrase, cer) {
    const read = () =>
      native.Signer.fromPem(bytes(key, 'key'), optionalText(passphrase, 'passphrase'), bytes(cer, 'cer'))
    return made(Signer, await promised(read))
  }

  static fromPemSync(key, passphrase, cer) {
    const read = () =>
      native.Signer.fromPemSync(bytes(key, 'key'), optionalText(passphrase, 'passphrase'), bytes(cer, 'cer'))
    return made(Signer, call(read))
  }

  static async load(file, password) {
    const read = () => native.Signer.load(path(file, 'file'), optionalText(password, 'password'))
    return made(Signer, await promised(read))
  }

  static loadSync(file, password) {
    const read = () => native.Signer.loadSync(path(file, 'file'), optionalText(password, 'password'))
    return made(Signer, call(read))
  }

  get facts() {
    return plain(call(() => half(this).facts()))
  }

  get certificate() {
    return made(SignerCertificate, half(this).certificate())
  }

  checkValidity(at) {
    call(() => half(this).checkValidity(time(at, 'at')))
  }
}

/** The option of whatever reads sets. */
const DEMAND = 'requireSigners'

/**
 * The signers demanded; none if nothing is. An empty list is refused, because it more likely comes from a mistake than
 * from a reader that demands nothing.
 */
function demanded(given) {
  const signers = list(given).map((one) => half(instance(one, SignerCertificate, DEMAND)))
  if (Array.isArray(given) && signers.length === 0) {
    throw refused('INVALID_ARGUMENT', `${DEMAND}: an empty list demands nothing; name at least one signer, or leave it out`)
  }
  return signers
}

module.exports = { DEMAND, Signer, SignerCertificate, demanded }
