'use strict'

// The boundary to the other language: arguments are checked here, errors and plain data converted.

const { fileURLToPath } = require('node:url')
const { types } = require('node:util')
const native = require('../native.js')
const OPTIONS = require('./options.js')

/** Any failure of this library: a `code` for programs, a line for people, the `alert`, and the `cause`. */
class BackupError extends Error {
  #alert

  constructor(code, message, options = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.path = options.path
    this.operation = options.operation
    this.set = options.set
    this.#alert = options.alert
  }

  get alert() {
    return this.#alert
  }
}
Object.defineProperty(BackupError.prototype, 'name', { value: 'BackupError', configurable: true, writable: true })

/** Makes the alert of an error; `alert.js` sets it. */
const hooks = { alertOf: (alert) => alert }

const codes = new Set(native.errorKinds())

/** Makes the error for the caller; `cause` is what JavaScript itself threw. */
function told(error, cause) {
  if (!codes.has(error?.code) || !Array.isArray(error.causes)) {
    return error
  }
  const beneath = [...error.causes].reverse()
  if (cause !== undefined) {
    // The innermost line is that of the cause.
    beneath.shift()
  }
  for (const line of beneath) {
    cause = new Error(line, cause === undefined ? undefined : { cause })
  }
  // Null means unknown, too.
  const known = (name) => error[name] ?? undefined
  return new BackupError(error.code, OF_OPTIONS.has(error.code) ? inCamelCase(error.message) : error.message, {
    alert: hooks.alertOf(error.alert),
    cause,
    path: known('path'),
    operation: known('operation'),
    set: known('set'),
  })
}

const OF_OPTIONS = new Set(['INVALID_ARGUMENT', 'MALFORMED'])

/** Writes the names of options in the core's message as JavaScript has them, but not the caller's own text. */
function inCamelCase(message) {
  const own = /(?:cannot be |\[)"(?:[^"\\]|\\.)*"/
  const name = /\b[a-z0-9]+(?:_[a-z0-9]+)+\b/
  return message.replace(new RegExp(`${own.source}|${name.source}`, 'g'), (found) =>
    names.has(camelWord(found)) ? camelWord(found) : found,
  )
}

const names = new Set(Object.values(OPTIONS).flat())

/** Makes an error that this half finds. */
function refused(code, message) {
  return told(native.refusal(code, message))
}

/** Calls the native half. */
function call(work) {
  try {
    return work()
  } catch (error) {
    throw told(error)
  }
}

/** Calls the native half and awaits what it promises. */
async function promised(work) {
  try {
    return await work()
  } catch (error) {
    throw told(error)
  }
}

function wrongType(name, wanted, value) {
  const error = new TypeError(`${name} must be ${wanted}, not ${shown(value)}`)
  error.code = 'ERR_INVALID_ARG_TYPE'
  return error
}

function shown(value) {
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : `of type ${typeof value}`
}

function wrongValue(name, what) {
  return invalid(`${name} ${what}`)
}

function invalid(message) {
  const error = new TypeError(message)
  error.code = 'ERR_INVALID_ARG_VALUE'
  return error
}

/** Text, or an object with a `text`: the facts of a name or place. */
function text(value, name) {
  const found = typeof value === 'object' && value !== null ? value.text : value
  if (typeof found !== 'string') {
    throw wrongType(name, 'a string', value)
  }
  if (!found.isWellFormed()) {
    throw wrongValue(name, 'holds half of a surrogate pair')
  }
  return found
}

function optionalText(value, name) {
  return value === undefined || value === null ? undefined : text(value, name)
}

/** A path of this host: a string or a `file:` URL. */
function path(value, name) {
  const found = value instanceof URL ? fileURLToPath(value) : value
  if (typeof found !== 'string') {
    throw wrongType(name, 'a string or a file: URL', value)
  }
  if (found.includes('\0')) {
    throw wrongValue(name, 'holds a null character')
  }
  return text(found, name)
}

/** Bytes, without a copy unless other threads may change them. */
function bytes(value, name) {
  const seen = view(value, name)
  return types.isSharedArrayBuffer(seen.buffer) ? new Uint8Array(seen) : seen
}

/** A copy of the caller's bytes, which nobody else can change. */
function copied(value, name) {
  return new Uint8Array(view(value, name))
}

function view(value, name) {
  const isView = ArrayBuffer.isView(value)
  if (!isView && !types.isAnyArrayBuffer(value)) {
    throw wrongType(name, 'a Uint8Array', value)
  }
  try {
    const seen = isView ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : new Uint8Array(value)
    // Only here can detached memory be told from none at all. The same holds for a view of memory that has shrunk.
    if (isView && seen.length === 0 && types.isTypedArray(value)) {
      Uint8Array.prototype.at.call(value, 0)
    }
    return seen
  } catch {
    throw wrongValue(name, 'is detached, or its memory has become shorter than it')
  }
}

/** Bytes, or text that becomes bytes. */
function bytesOrText(value, name) {
  return typeof value === 'string' ? Buffer.from(value) : bytes(value, name)
}

/** JSON: as text, as bytes, or as a value. */
function document(value, name) {
  if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)) {
    return Buffer.from(json(value, name))
  }
  return bytesOrText(value, name)
}

function integer(value, name, least, most) {
  if (typeof value !== 'number') {
    throw wrongType(name, 'a number', value)
  }
  if (!Number.isInteger(value) || value < least || value > most) {
    const error = new RangeError(`${name} must be an integer from ${least} to ${most}, not ${value}`)
    error.code = 'ERR_OUT_OF_RANGE'
    throw error
  }
  return value
}

/** A time: a `Date`, RFC 3339 text, or nothing. */
function time(value, name) {
  if (value === undefined || value === null) {
    return undefined
  }
  if (types.isDate(value)) {
    if (Number.isNaN(value.getTime())) {
      throw wrongValue(name, 'is no valid date')
    }
    return value.toISOString()
  }
  return text(value, name)
}

/** Options: an object with no other keys than these. */
function options(value, names) {
  if (value === undefined || value === null) {
    return {}
  }
  if (typeof value !== 'object' || !isPlain(value)) {
    throw wrongType('options', 'a plain object', value)
  }
  for (const name of Object.keys(value)) {
    if (!names.includes(name)) {
      throw invalid(native.noOption(name.toWellFormed(), names))
    }
  }
  return value
}

/** Whether all that an object has is its own: what it inherits, and what a Map or a promise holds, would be lost. */
function isPlain(value) {
  const prototype = Object.getPrototypeOf(value)
  const isOfObject = prototype === null || Object.hasOwn(prototype, 'hasOwnProperty')
  return isOfObject && !Array.isArray(value) && inherited(value) === undefined
}

function inherited(value) {
  for (const name in value) {
    if (!Object.hasOwn(value, name)) {
      return name
    }
  }
  return undefined
}

function instance(value, of, name) {
  if (!(value instanceof of)) {
    throw wrongType(name, `a ${of.name}`, value)
  }
  return value
}

function callback(value, name) {
  if (value !== undefined && value !== null && typeof value !== 'function') {
    throw wrongType(name, 'a function', value)
  }
  return value ?? undefined
}

/** One or several. */
function list(value) {
  return value === undefined || value === null ? [] : Array.isArray(value) ? value : [value]
}

/** Values whose keys are the caller's own. */
const OWN_KEYS = new Set(['labels'])

/** Converts JSON to plain data with JavaScript's names. */
function plain(json) {
  return camel(JSON.parse(json))
}

function camelWord(word) {
  return word.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase())
}

function snakeWord(word) {
  return word.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

function camel(value) {
  if (Array.isArray(value)) {
    return value.map(camel)
  }
  if (typeof value !== 'object' || value === null) {
    return value
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [camelWord(key), OWN_KEYS.has(key) ? item : camel(item)]))
}

/** Converts plain data to JSON with the core's names. */
function json(value, name) {
  if (typeof value !== 'object' || value === null) {
    throw wrongType(name, 'an object', value)
  }
  return JSON.stringify(snake(value, name, true, 0))
}

/** Plain data with the core's names. Refuses what JSON would leave out, or make null. */
function snake(value, name, areOurs, depth) {
  if (depth > MOST_DEPTH) {
    throw wrongValue(name, 'is nested too deeply, or in itself')
  }
  if (typeof value === 'function' || typeof value === 'symbol' || typeof value === 'bigint') {
    throw wrongType(name, 'plain data', value)
  }
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw wrongValue(name, `cannot be ${value}; it is a finite number`)
  }
  if (typeof value === 'string') {
    return text(value, name)
  }
  if (typeof value !== 'object' || value === null) {
    return value
  }
  if (types.isDate(value)) {
    return time(value, name)
  }
  if (typeof value.toJSON === 'function') {
    return given(value.toJSON(), name, areOurs, depth)
  }
  if (Array.isArray(value)) {
    // Not `map`, which passes over holes.
    return Array.from(value, (item) => given(item, name, areOurs, depth))
  }
  if (hasContentOfItsOwn(value) || inherited(value) !== undefined) {
    throw wrongType(name, 'plain data', value)
  }
  const copy = {}
  for (const [key, item] of Object.entries(value)) {
    const [word, of] = areOurs ? [snakeWord(key), camelWord(key)] : [key, `${name}[${JSON.stringify(key.slice(0, 40))}]`]
    if (Object.hasOwn(copy, word)) {
      throw wrongValue(of, 'is given twice')
    }
    // An option that is undefined is not given; a label that is would be lost.
    copy[word] = areOurs && item === undefined ? undefined : given(item, of, areOurs && !OWN_KEYS.has(key), depth)
  }
  return copy
}

function given(value, name, areOurs, depth) {
  if (value === undefined) {
    throw wrongValue(name, 'cannot be undefined')
  }
  return snake(value, name, areOurs, depth + 1)
}

/** Whether JSON does not show what it holds. */
function hasContentOfItsOwn(value) {
  return (
    types.isMap(value) ||
    types.isSet(value) ||
    types.isPromise(value) ||
    types.isRegExp(value) ||
    types.isAnyArrayBuffer(value) ||
    ArrayBuffer.isView(value)
  )
}

/** As deep as the core reads. */
const MOST_DEPTH = 127

module.exports = {
  BackupError,
  bytes,
  bytesOrText,
  call,
  callback,
  copied,
  document,
  hooks,
  instance,
  integer,
  json,
  list,
  optionalText,
  options,
  path,
  plain,
  promised,
  refused,
  text,
  time,
  told,
  wrongType,
}
