import assert from 'node:assert/strict'
import test from 'node:test'
import { checkNodeIps, givenAddresses } from './given-addresses.ts'

test('a node has the address that was found, those given, or the machine’s own of a family', () => {
  const present = () => ['192.0.2.9', 'fd00:28::9']
  assert.deepEqual(givenAddresses([], '192.0.2.1'), ['192.0.2.1'])
  assert.deepEqual(givenAddresses([], undefined), [])
  assert.deepEqual(givenAddresses(['192.0.2.7', 'fd00::7'], '192.0.2.1', present), ['192.0.2.7', 'fd00::7'])
  assert.deepEqual(givenAddresses(['0.0.0.0', '::'], '192.0.2.1', present), ['192.0.2.1', 'fd00:28::9'])
  assert.deepEqual(
    givenAddresses(['::', '0.0.0.0'], '192.0.2.1', () => []),
    ['192.0.2.1'],
  )
})

test('what is no address, and two of one family, are refused', () => {
  checkNodeIps(['192.0.2.1', 'fd00::1'])
  assert.throws(() => checkNodeIps(['node-1']), /"node-1" is no IP address/)
  assert.throws(() => checkNodeIps(['192.0.2.1', '192.0.2.2']), /one address, or one of each family/)
})
