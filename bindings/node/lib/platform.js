'use strict'

// The name of the native half's file for this platform: `linux-x64-gnu.node` and the like.

const { readFileSync } = require('node:fs')

const { platform, arch, report } = process

function libc() {
  try {
    // Each C library names itself in its `ldd`. Node's report knows it, too, but takes as long as everything else that
    // loads.
    const [, name] = /(musl|GNU)/.exec(readFileSync('/usr/bin/ldd', 'latin1'))
    return name === 'musl' ? '-musl' : '-gnu'
  } catch {
    return report.getReport().header.glibcVersionRuntime ? '-gnu' : '-musl'
  }
}

module.exports = `${platform}-${arch}${platform === 'linux' ? libc() : ''}.node`
