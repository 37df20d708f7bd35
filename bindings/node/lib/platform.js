'use strict'

// The name of the native half's file for this platform: `linux-x64-gnu.node` and the like.

const { platform, arch, report } = process
const libc = platform !== 'linux' ? '' : report.getReport().header.glibcVersionRuntime ? '-gnu' : '-musl'

module.exports = `${platform}-${arch}${libc}.node`
