#!/usr/bin/env node
'use strict'

// The program azs-backup. It runs in the native half, and handles signals itself.

const native = require('../native.js')

process.exitCode = native.runProgram(process.argv.slice(2))
