'use strict'

// Loads the native half for this platform; a package may contain several, in `native`.

const { existsSync } = require('node:fs')
const { join } = require('node:path')
const fileName = require('./lib/platform.js')

const file = join(__dirname, 'native', fileName)
if (!existsSync(file)) {
  throw new Error(`azs-backup has no native half for this platform, native/${fileName}; build it by npm run build`)
}

module.exports = require(file)
