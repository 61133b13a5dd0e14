import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readSettings } from '../settings.ts'
import { checkRanges, overlap } from './check-ranges.ts'

describe('ranges of addresses', () => {
  for (const [one, other, expected] of [
    ['10.244.0.0/16', '10.244.3.0/24', true],
    ['10.244.3.0/24', '10.244.0.0/16', true],
    ['10.244.0.0/16', '10.245.0.0/16', false],
    ['10.0.0.0/8', '10.96.0.0/12', true],
    ['192.168.1.5/32', '192.168.1.0/24', true],
    ['192.168.1.0/25', '192.168.1.128/25', false],
  ] as const) {
    it(`${one} and ${other} ${expected ? 'overlap' : 'are apart'}`, () => assert.equal(overlap(one, other), expected))
  }

  it('are refused when they overlap each other, with the setting to change', async () => {
    const settings = { ...readSettings('/nowhere', {}), clusterCidr: '10.96.0.0/12' }
    // Whatever else is found: this machine may run clusters of its own.
    const found = (await checkRanges(settings)).find(({ text }) =>
      /10\.96\.0\.0\/12 of the pods overlaps 10\.96\.0\.0\/16 of the Services/.test(text),
    )
    assert.equal(found?.state, 'failed')
    assert.match(found?.cure ?? '', /COXSWAIN_CLUSTER_CIDR/)
  })

  it('are refused when they are none', async () => {
    const [finding] = await checkRanges({ ...readSettings('/nowhere', {}), subnet: '172.28.0.0' })
    assert.equal(finding?.state, 'failed')
    assert.match(finding?.text ?? '', /COXSWAIN_SUBNET/)
  })

  it('must hold the address of the DNS', async () => {
    const findings = await checkRanges({ ...readSettings('/nowhere', {}), clusterDns: '10.97.0.10' })
    assert.ok(findings.some(({ state, text }) => state === 'failed' && text.includes('10.97.0.10')))
  })
})
