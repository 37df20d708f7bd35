'use strict'

// Progress of long work, and the two ways to stop it: the callback and an AbortSignal.

const native = require('../native.js')
const { BackupError, callback, options, told, wrongType } = require('./ffi.js')

/** The options of long work, whatever else it takes. */
const WORK = ['progress', 'signal']

class Control {
  #signal
  #thrown
  #hasThrown = false
  #isDone = false

  constructor({ progress, signal } = {}) {
    callback(progress, 'progress')
    if (signal !== undefined && signal !== null && !(signal instanceof AbortSignal)) {
      throw wrongType('signal', 'an AbortSignal', signal)
    }
    this.#signal = signal ?? undefined
    const tell = (files, bytes, storedBytes, total) => {
      if (this.#isDone || this.#hasThrown) {
        return
      }
      try {
        const totalBytes = total < 0 ? undefined : total
        if (progress({ files, bytes, storedBytes, totalBytes }) === false) {
          this.native.stop()
        }
      } catch (error) {
        this.#hasThrown = true
        this.#thrown = error
        this.native.stop()
      }
    }
    this.native = new native.Control(progress ? tell : undefined)
  }

  /** Takes the options of work that has no others. */
  static of(given) {
    return new Control(options(given, WORK))
  }

  /**
   * Runs work that returns a promise. When the signal comes, this also calls `stop`, and the work ends without a
   * result.
   */
  async run(work, stop) {
    if (this.#signal?.aborted) {
      throw this.#aborted()
    }
    const stopped = () => {
      this.native.stop()
      stop?.()
    }
    this.#signal?.addEventListener('abort', stopped, { once: true })
    try {
      const done = await work(this.native)
      if (!(stop && this.#signal?.aborted)) {
        return done
      }
    } catch (error) {
      throw this.translate(error)
    } finally {
      this.#signal?.removeEventListener('abort', stopped)
    }
    throw this.#aborted()
  }

  runSync(work) {
    if (this.#signal?.aborted) {
      throw this.#aborted()
    }
    try {
      return work(this.native)
    } catch (error) {
      throw this.translate(error)
    }
  }

  /** The error for the caller: what its callback threw, its signal's reason, or what went wrong. */
  translate(error, cause) {
    if (this.#hasThrown) {
      return this.#thrown
    }
    return this.#signal?.aborted ? this.#aborted(error) : told(error, cause)
  }

  /** Reports no more progress. */
  done() {
    this.#isDone = true
  }

  #aborted(error) {
    if (error !== undefined && !['CANCELLED', 'SOURCE_UNREADABLE', 'IO'].includes(error.code)) {
      return told(error)
    }
    const alert = error === undefined ? undefined : told(error).alert
    const aborted = new BackupError('CANCELLED', 'the work was aborted by its signal', { alert, cause: this.#signal.reason })
    // Node's name for every error of aborted work.
    return Object.defineProperty(aborted, 'name', { value: 'AbortError', configurable: true, writable: true })
  }
}

module.exports = { Control, WORK }
