'use strict'

const { randomUUID } = require('node:crypto')
const native = require('../native.js')
const {
  BackupError,
  bytesOrText,
  call,
  document,
  hooks,
  integer,
  json,
  instance,
  options,
  optionalText,
  plain,
  text,
  time,
} = require('./ffi.js')

const CONTEXT = ['id', 'now', 'location', 'share', 'path', 'account', 'operation']

function context(value) {
  const given = options(value, CONTEXT)
  return json({ ...given, id: given.id ?? randomUUID(), now: time(given.now, 'now') }, 'context')
}

const handles = new WeakMap()

/** The class of a failure: plain data, and the texts for a context. */
class Classification {
  constructor(handle) {
    Object.assign(this, plain(call(() => handle.json())))
    handles.set(this, handle)
    Object.freeze(this)
  }

  describe(of) {
    return call(() => handles.get(this).describe(context(of)))
  }

  remedy(of) {
    return call(() => handles.get(this).remedy(context(of)))
  }
}

hooks.alertOf = (handle) => (handle === undefined ? undefined : new Classification(handle))

function classified(work) {
  return new Classification(call(work))
}

function profile(given) {
  return optionalText(options(given, ['profile']).profile, 'profile')
}

const ofCode = (form, least, most) => (code, given) =>
  classified(() => native.classifyCode(form, integer(code, 'code', least, most), profile(given)))

const classifyNtstatus = ofCode('ntstatus', -(2 ** 31), 2 ** 32 - 1)
const classifyWin32 = ofCode('win32', 0, 2 ** 32 - 1)
const classifyHresult = ofCode('hresult', -(2 ** 31), 2 ** 32 - 1)
const classifyErrno = ofCode('errno', -(2 ** 31), 2 ** 31 - 1)

function classifyText(given, of) {
  return classified(() => native.classifyText(bytesOrText(given, 'text'), profile(of)))
}

function classifyJson(given, of) {
  // An alert as a value keeps its keys as they are.
  const value = typeof given === 'object' && given !== null && !ArrayBuffer.isView(given) ? JSON.stringify(given) : given
  return classified(() => native.classifyJson(bytesOrText(value, 'json'), profile(of)))
}

function classifyKind(kind) {
  return classified(() => native.classifyKind(text(kind, 'kind')))
}

/**
 * Classifies any error: ours by what the core knows, Node's by its errno, others by their text and that of their
 * causes.
 */
function classifyError(error, given) {
  instance(error, Error, 'error')
  const texts = []
  for (let link = error; link instanceof Error && texts.length < 64; link = link.cause) {
    if (link instanceof BackupError && link.alert !== undefined) {
      const { alert } = link
      return given === undefined ? alert : classified(() => handles.get(alert).under(profile(given)))
    }
    if (Number.isInteger(link.errno)) {
      return classifyErrno(link.errno, given)
    }
    texts.push(`${link.code ?? ''} ${link.message}`.toWellFormed())
  }
  return classifyText(texts.join('\n'), given)
}

class TextClassifier {
  #native

  constructor(given) {
    this.#native = call(() => new native.TextClassifier(profile(given)))
  }

  line(line) {
    call(() => this.#native.line(bytesOrText(line, 'line')))
  }

  finish() {
    return classified(() => this.#native.finish())
  }
}

function makeAlert(classification, of) {
  instance(classification, Classification, 'classification')
  return JSON.parse(call(() => handles.get(classification).alert(context(of))))
}

function parseAlerts(given) {
  const value = typeof given === 'object' && given !== null && !ArrayBuffer.isView(given) ? JSON.stringify(given) : given
  return JSON.parse(call(() => native.parseAlerts(bytesOrText(value, 'json'))))
}

function alertKindOfFaultType(id) {
  return native.alertKindOfFaultType(text(id, 'id')) ?? undefined
}

const words = (all) => Object.freeze(Object.fromEntries(all.map((word) => [word, word])))

module.exports = {
  AlertKind: words(native.alertKinds()),
  Classification,
  ErrorKind: words(native.errorKinds()),
  TextClassifier,
  alertKindOfFaultType,
  classifyErrno,
  classifyError,
  classifyHresult,
  classifyJson,
  classifyKind,
  classifyNtstatus,
  classifyText,
  classifyWin32,
  makeAlert,
  parseAlerts,
}
