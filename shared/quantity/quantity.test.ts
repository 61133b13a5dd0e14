import assert from 'node:assert/strict'
import test from 'node:test'
import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  formatQuantity,
  parseQuantity,
  quantityFromMilli,
  quantityMilliValue,
  quantityValue,
  subtractQuantities,
} from './quantity.ts'

test('writes the canonical form', () => {
  const cases: Record<string, string> = {
    '0': '0',
    '0Gi': '0',
    '-0': '0',
    '1': '1',
    '100m': '100m',
    '1000m': '1',
    '1500m': '1500m',
    '1.5': '1500m',
    '0.1': '100m',
    '.5': '500m',
    '5.': '5',
    '+5': '5',
    '-5m': '-5m',
    '1024Mi': '1Gi',
    '1.5Gi': '1536Mi',
    '512': '512',
    '1024': '1024',
    '1000Ki': '1000Ki',
    '0.5Ki': '512',
    '0.5Mi': '512Ki',
    '1025Ki': '1025Ki',
    '1000k': '1M',
    '1000000': '1M',
    '12e6': '12e6',
    '1e3': '1e3',
    '1E3': '1e3',
    '1500e-3': '1500e-3',
    '10E': '10E',
    '1000E': '1000E',
    '16Ei': '9223372036854775807',
    '0.1n': '1n',
    '-0.1n': '-1n',
    '0.0000000001': '1n',
    '0.001Ki': '1024m',
    '2.3456m': '2345600n',
    '007': '7',
    '340282366920938463463374607431768211456': '340282366920938463463374607431768211456',
  }
  for (const [text, canonical] of Object.entries(cases)) assert.equal(canonicalQuantity(text), canonical, text)
})

test('refuses what is no quantity, in the words of upstream', () => {
  const shape = { message: "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'" }
  for (const text of ['', ' ', 'abc', '1 Gi', '1Gi ', 'Gi', '.', '+', '1\n', '1.2.3', '١'])
    assert.throws(() => parseQuantity(text), shape, JSON.stringify(text))
  for (const text of ['1K', '1mm', '1ki', '1Mi3', '1e', '1ee3']) {
    assert.throws(() => parseQuantity(text), { message: "unable to parse quantity's suffix" }, text)
  }
  assert.throws(() => parseQuantity('1e999999999'), { message: 'unable to parse numeric part of quantity' })
  assert.equal(canonicalQuantity('1e-999999999'), '1e-9')
})

test('calculates exactly', () => {
  const sum = addQuantities(parseQuantity('0.1'), parseQuantity('0.2'))
  assert.equal(formatQuantity(sum), '300m')
  assert.equal(formatQuantity(addQuantities(parseQuantity('0'), parseQuantity('1Gi'))), '1Gi')
  assert.equal(formatQuantity(subtractQuantities(parseQuantity('1Gi'), parseQuantity('512Mi'))), '512Mi')
  assert.ok(compareQuantities(parseQuantity('1Gi'), parseQuantity('1G')) > 0)
  assert.equal(compareQuantities(parseQuantity('1'), parseQuantity('1000m')), 0)
  assert.equal(quantityMilliValue(parseQuantity('1.5')), 1500)
  assert.equal(quantityMilliValue(parseQuantity('1u')), 1)
  assert.equal(quantityValue(parseQuantity('1Gi')), 2 ** 30)
  assert.equal(quantityValue(parseQuantity('-1500m')), -2)
  assert.equal(formatQuantity(quantityFromMilli(250)), '250m')
})

test('what was written once stays as it is', () => {
  for (const text of ['1', '999m', '1023Ki', '17Gi', '123456789', '12e6', '2345600n']) {
    assert.equal(canonicalQuantity(canonicalQuantity(text)), canonicalQuantity(text))
  }
})
