import assert from 'node:assert/strict'
import test from 'node:test'
import { made, madePod } from '../../test/harness/admission-trial.ts'
import { podAddressProblem } from './pod-addresses.ts'

test('a pod is in the ranges of its node, of both families; one that shares the network has the node’s addresses', () => {
  const addresses = ['192.0.2.1', 'fd00:28::1'].map((address) => ({ type: 'InternalIP', address }))
  const spec = { podCIDRs: ['10.244.1.0/24', 'fd00:10:244:1::/64'] }
  const node = made('v1', 'Node', { metadata: { name: 'a' }, spec, status: { addresses } })
  const problem = (ips: string[], hostNetwork = false) => {
    const pod = madePod({ hostNetwork })
    const said = { ...pod, status: { ...pod.status, podIP: ips[0] ?? '', podIPs: ips.map((ip) => ({ ip })) } }
    return podAddressProblem(said, pod, { node: () => node, claimant: () => undefined, owner: () => undefined })
  }
  assert.equal(problem(['10.244.1.7', 'fd00:10:244:1::7']), undefined)
  assert.match(problem(['10.244.1.7', 'fd00:10:244:2::7']) ?? '', /fd00:10:244:2::7 is not in the node's pod range 10\.244\.1\.0\/24, fd00/)
  assert.match(problem(['10.244.1.7', 'fe80::7']) ?? '', /link-local/)
  assert.equal(problem(['192.0.2.1', 'fd00:28::1'], true), undefined)
  assert.match(problem(['192.0.2.1', 'fd00:28::2'], true) ?? '', /not an address of the node/)
})
