'use strict'

// Loads the native half for this platform. The package may contain several, in `native`; npm may have installed one more
// as a package of its own, which is for this platform alone: `azs-backup-win32-x64` and the like.

const { existsSync } = require('node:fs')
const { join } = require('node:path')
const fileName = require('./lib/platform.js')

function load() {
  const file = join(__dirname, 'native', fileName)
  if (existsSync(file)) {
    return require(file)
  }
  try {
    return require(`azs-backup-${fileName.replace(/\.node$/, '')}`)
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND') throw error
    throw new Error(`azs-backup has no native half for this platform, native/${fileName}; build it by npm run build`)
  }
}

module.exports = load()
