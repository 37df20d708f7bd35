'use strict'

const native = require('../native.js')
const { call, integer, optionalText, plain, text, time } = require('./ffi.js')

const parse = (what) => (given) => plain(call(() => native.facts(what, text(given, 'text'))))

module.exports = {
  formDeployment: (externalDomainName, region) =>
    plain(call(() => native.formDeployment(text(externalDomainName, 'externalDomainName'), text(region, 'region')))),
  formPlace: (deployment, component, scaleUnit) =>
    plain(
      call(() =>
        native.formPlace(text(deployment, 'deployment'), text(component, 'component'), optionalText(scaleUnit, 'scaleUnit')),
      ),
    ),
  formSetName: (created, suffix) =>
    plain(call(() => native.formSetName(time(created, 'created'), integer(suffix, 'suffix', 0, 2 ** 32 - 1)))),
  isMasBackup: (name) => native.isMasBackup(text(name, 'name')),
  isSamePlace: (path, other) => call(() => native.isSamePlace(text(path, 'path'), text(other, 'other'))),
  joinSharePath: (path, below) => plain(call(() => native.joinSharePath(text(path, 'path'), text(below, 'below')))),
  joinUncPath: (path, below) => plain(call(() => native.joinUncPath(text(path, 'path'), text(below, 'below')))),
  parseComponent: parse('component'),
  parseDeployment: parse('deployment'),
  parseHost: parse('host'),
  parseName: parse('name'),
  parsePlace: parse('place'),
  parseScaleUnit: parse('scale_unit'),
  parseSetName: parse('set_name'),
  parseSharePath: parse('share_path'),
  parseUncPath: parse('unc_path'),
  setFolder: (place, set) => plain(call(() => native.setFolder(text(place, 'place'), text(set, 'set')))),
}
