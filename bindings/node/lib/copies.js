'use strict'

// Copies on another share, and surveys of many deployments.

const native = require('../native.js')
const { call, instance, integer, json, list, options, optionalText, plain, promised, text, time, wrongType } = require('./ffi.js')
const { Control, WORK } = require('./control.js')
const { half, halves } = require('./envelope.js')
const { COPY } = require('./options.js')
const { RetentionPolicy } = require('./planning.js')
const { Share } = require('./share.js')
const { DEMAND, demanded } = require('./signature.js')

const shareOf = (share, name) => half(instance(share, Share, name))

/** The demand, the policy with its time, the choices, and what the work is controlled by. */
function copying(given) {
  const chosen = options(given, ['retention', 'now', ...COPY, DEMAND, ...WORK])
  const { create, readBack, dryRun, now, retention } = chosen
  const policy = retention === undefined || retention === null ? undefined : half(instance(retention, RetentionPolicy, 'retention'))
  const choices = json({ create, readBack, dryRun }, 'options')
  return [[demanded(chosen[DEMAND]), policy, time(now, 'now'), choices], new Control(chosen)]
}

function replicating(share, to, deployment, component, given) {
  const shares = [shareOf(share, 'share'), shareOf(to, 'to')]
  const [how, control] = copying(given)
  return [[...shares, text(deployment, 'deployment'), optionalText(component, 'component'), ...how], control]
}

async function replicate(share, to, deployment, component, given) {
  const [of, control] = replicating(share, to, deployment, component, given)
  return plain(await control.run((hook) => native.replicate(...of, hook)))
}

function replicateSync(share, to, deployment, component, given) {
  const [of, control] = replicating(share, to, deployment, component, given)
  return plain(control.runSync((hook) => native.replicateSync(...of, hook)))
}

function copyingOne(share, to, place, set, given) {
  const shares = [shareOf(share, 'share'), shareOf(to, 'to')]
  const [how, control] = copying(given)
  return [[...shares, text(place, 'place'), text(set, 'set'), ...how], control]
}

async function copySet(share, to, place, set, given) {
  const [of, control] = copyingOne(share, to, place, set, given)
  return plain(await control.run((hook) => native.copySet(...of, hook)))
}

function copySetSync(share, to, place, set, given) {
  const [of, control] = copyingOne(share, to, place, set, given)
  return plain(control.runSync((hook) => native.copySetSync(...of, hook)))
}

async function listDeployments(share) {
  const on = shareOf(share, 'share')
  return plain(await promised(() => native.listDeployments(on)))
}

function listDeploymentsSync(share) {
  const on = shareOf(share, 'share')
  return plain(call(() => native.listDeploymentsSync(on)))
}

const KEY = Symbol('Survey')

/** Many deployments side by side: plain data, and a page. */
class Survey {
  constructor(key, made) {
    if (key !== KEY) {
      throw new TypeError('a Survey is made by survey')
    }
    halves.set(this, made)
    Object.assign(this, plain(call(() => made.json())))
  }

  toHtml() {
    return half(this).toHtml()
  }
}

/** A region is a share, of which all deployments are meant, or one with a deployment. */
function region(given) {
  if (given instanceof Share) {
    return [half(given), null]
  }
  if (typeof given !== 'object' || given === null) {
    throw wrongType('regions', 'a Share, or an object of a share and a deployment', given)
  }
  const { share, deployment } = options(given, ['share', 'deployment'])
  return [shareOf(share, 'share'), optionalText(deployment, 'deployment') ?? null]
}

function surveying(regions, given) {
  const of = list(regions).map(region)
  const chosen = options(given, ['copies', 'frequencyHours', 'now', DEMAND, ...WORK])
  const copies = list(chosen.copies).map((copy) => shareOf(copy, 'copies'))
  const frequency = integer(chosen.frequencyHours ?? 12, 'frequencyHours', 0, MOST_HOURS)
  const [shares, deployments] = [of.map(([share]) => share), of.map(([, deployment]) => deployment)]
  return [[shares, deployments, copies, demanded(chosen[DEMAND]), frequency, time(chosen.now, 'now')], new Control(chosen)]
}

/** As many as the core's number holds. */
const MOST_HOURS = 2 ** 32 - 1

async function survey(regions, given) {
  const [of, control] = surveying(regions, given)
  return new Survey(KEY, await control.run((hook) => native.survey(...of, hook)))
}

function surveySync(regions, given) {
  const [of, control] = surveying(regions, given)
  return new Survey(KEY, control.runSync((hook) => native.surveySync(...of, hook)))
}

module.exports = { Survey, copySet, copySetSync, listDeployments, listDeploymentsSync, replicate, replicateSync, survey, surveySync }
