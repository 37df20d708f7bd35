'use strict'

// Schedule, gate, jobs, retention, review.

const native = require('../native.js')
const {
  call,
  callback,
  document,
  instance,
  integer,
  json,
  list,
  options,
  optionalText,
  path,
  plain,
  promised,
  text,
  time,
  wrongType,
} = require('./ffi.js')
const { Opener, half, halves } = require('./envelope.js')
const { HEALTH, RETENTION, SCHEDULE } = require('./options.js')
const { Share, listed } = require('./share.js')

class Schedule {
  constructor(given) {
    halves.set(this, call(() => new native.Schedule(json(options(given, SCHEDULE), 'options'))))
  }

  nextRun(last, now) {
    return plain(call(() => half(this).nextRun(time(last, 'last'), time(now, 'now'))))
  }
}

/** Keeps backups from running beside what they conflict with. */
class Gate {
  #sources
  #ignore

  /**
   * A source is a file, a document (bytes, or an object), or a function that returns a document or a promise of one.
   */
  constructor(sources, given) {
    this.#sources = (sources instanceof Uint8Array ? [sources] : list(sources)).map((source) =>
      typeof source === 'function' || (typeof source === 'object' && source !== null && !(source instanceof URL))
        ? source
        : path(source, 'source'),
    )
    this.#ignore = list(options(given, ['ignore']).ignore).map((kind) => text(kind, 'ignore'))
  }

  async holds() {
    const sources = await this.#asked()
    return plain(await promised(() => native.gateHolds(sources)))
  }

  holdsSync() {
    return plain(call(() => native.gateHoldsSync(this.#askedSync())))
  }

  async scheduled(schedule, now) {
    const [by, at] = [half(instance(schedule, Schedule, 'schedule')), time(now, 'now')]
    const sources = await this.#asked()
    return plain(await promised(() => native.gateScheduled(sources, by, at)))
  }

  scheduledSync(schedule, now) {
    const [by, at] = [half(instance(schedule, Schedule, 'schedule')), time(now, 'now')]
    return plain(call(() => native.gateScheduledSync(this.#askedSync(), by, at)))
  }

  async onDemand(now) {
    const at = time(now, 'now')
    const sources = await this.#asked()
    await promised(() => native.gateOnDemand(sources, at))
  }

  onDemandSync(now) {
    call(() => native.gateOnDemandSync(this.#askedSync(), time(now, 'now')))
  }

  async #asked() {
    return this.#told(await Promise.all(this.#sources.map((source) => (typeof source === 'function' ? source() : source))))
  }

  #askedSync() {
    const answers = this.#sources.map((source) => {
      const answer = typeof source === 'function' ? source() : source
      if (typeof answer?.then === 'function') {
        throw wrongType('a source', 'a function that gives no promise, for a call that ends in Sync', answer)
      }
      return answer
    })
    return this.#told(answers)
  }

  #told(answers) {
    const [files, documents] = [[], []]
    answers.forEach((answer, at) => {
      if (typeof this.#sources[at] === 'string') {
        files.push(answer)
      } else {
        documents.push(Buffer.from(document(answer, 'a document of operations')).toString())
      }
    })
    return JSON.stringify({ files, documents, ignore: this.#ignore })
  }
}

function parseOperations(given) {
  return plain(call(() => native.parseOperations(document(given, 'document'))))
}

function startJob(id, given) {
  const { trigger = 'scheduled', place, now } = options(given, ['trigger', 'place', 'now'])
  return plain(
    call(() => native.startJob(text(id, 'id'), text(trigger, 'trigger'), optionalText(place, 'place'), time(now, 'now'))),
  )
}

function skipJob(id, decision, given) {
  const { now } = options(given, ['now'])
  return plain(call(() => native.skipJob(text(id, 'id'), json(decision, 'decision'), time(now, 'now'))))
}

function endJob(job, status, given) {
  const { now, ...more } = options(given, ['now', 'place', 'set', 'bytes', 'alert', 'reason'])
  return plain(call(() => native.endJob(json({ ...job, ...more }, 'job'), text(status, 'status'), time(now, 'now'))))
}

/** A file of jobs. */
class JobLog {
  #path

  constructor(file) {
    this.#path = path(file, 'file')
  }

  get path() {
    return this.#path
  }

  async append(job) {
    await promised(() => native.appendJob(this.#path, json(job, 'job')))
  }

  appendSync(job) {
    call(() => native.appendJobSync(this.#path, json(job, 'job')))
  }

  async read(now) {
    return plain(await promised(() => native.readJobs(this.#path, time(now, 'now'))))
  }

  readSync(now) {
    return plain(call(() => native.readJobsSync(this.#path, time(now, 'now'))))
  }
}

function backupWarnings(given) {
  const { now, ...health } = options(given, [...HEALTH, 'now'])
  for (const name of ['lastBackup', 'setUp', 'closedSince']) {
    health[name] = time(health[name], name)
  }
  return plain(call(() => native.backupWarnings(json(health, 'options'), time(now, 'now'))))
}

class RetentionPolicy {
  constructor(given) {
    halves.set(this, call(() => new native.RetentionPolicy(json(options(given, RETENTION), 'options'))))
  }

  /** Returns a policy that also deletes sets until this many bytes are free on a share with this space. */
  makeRoomFor(room, space) {
    const [of, most] = [options(space, ['total', 'free']), Number.MAX_SAFE_INTEGER]
    const numbers = [
      integer(room, 'room', 0, most),
      integer(of.total, 'space.total', 0, most),
      integer(of.free, 'space.free', 0, most),
    ]
    const policy = Object.create(RetentionPolicy.prototype)
    halves.set(policy, half(this).makeRoomFor(...numbers))
    return policy
  }

  /** Plans for summaries of one listing, or for candidates as plain data; a plan for candidates is never applied. */
  plan(sets, now) {
    if (!Array.isArray(sets)) {
      throw wrongType('sets', 'an array', sets)
    }
    const at = time(now, 'now')
    const of = sets.map((set) => listed.get(set))
    const [first] = of
    if (first === undefined) {
      return new RetentionPlan(KEY, call(() => half(this).planCandidates(json(sets, 'sets'), at)))
    }
    if (of.some((one) => one?.listing !== first.listing)) {
      throw new TypeError('sets must come from one listing')
    }
    const numbers = of.map((one) => one.number)
    return new RetentionPlan(KEY, call(() => first.listing.plan(half(this), numbers, at)))
  }
}

const KEY = Symbol('RetentionPlan')

/** Which sets to delete and which to keep: plain data, and how to carry it out. */
class RetentionPlan {
  constructor(key, made) {
    if (key !== KEY) {
      throw new TypeError('a plan is made by RetentionPolicy.plan')
    }
    halves.set(this, made)
    Object.assign(this, plain(call(() => made.json())))
  }

  async apply(share) {
    const on = half(instance(share, Share, 'share'))
    return plain(await promised(() => half(this).apply(on)))
  }

  applySync(share, given) {
    const on = half(instance(share, Share, 'share'))
    const before = callback(options(given, ['before']).before, 'before')
    const ask = before && ((deletion) => before(plain(deletion)) !== false)
    return plain(call(() => half(this).applySync(on, ask)))
  }
}

/** What a review found: plain data, a table and a page. */
class Review {
  constructor(key, made) {
    if (key !== KEY) {
      throw new TypeError('a Review is made by review')
    }
    halves.set(this, made)
    Object.assign(this, plain(call(() => made.json())))
  }

  toTable() {
    return half(this).toTable()
  }

  toHtml() {
    return half(this).toHtml()
  }
}

function reviewing(configuration, share, given) {
  const { copies, now, opener } = options(given, ['copies', 'now', 'opener'])
  const by = opener === undefined || opener === null ? undefined : half(instance(opener, Opener, 'opener'))
  const others = list(copies).map((copy) => half(instance(copy, Share, 'copies')))
  return [document(configuration, 'configuration'), half(instance(share, Share, 'share')), others, by, time(now, 'now')]
}

async function review(configuration, share, given) {
  const of = reviewing(configuration, share, given)
  return new Review(KEY, await promised(() => native.review(...of)))
}

function reviewSync(configuration, share, given) {
  const of = reviewing(configuration, share, given)
  return new Review(KEY, call(() => native.reviewSync(...of)))
}

module.exports = {
  Gate,
  JobLog,
  RULES: Object.freeze(plain(native.rules())),
  RetentionPlan,
  RetentionPolicy,
  Review,
  Schedule,
  backupWarnings,
  endJob,
  parseOperations,
  review,
  reviewSync,
  skipJob,
  startJob,
}
