import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readSettings, topOf } from '../settings.ts'
import { checkPool } from './check-pool.ts'

describe('addresses for load balancers', () => {
  for (const [subnet, expected] of [
    ['172.28.0.0/16', '172.28.255.0/24'],
    ['10.203.7.0/24', '10.203.7.240/28'],
    ['10.0.0.0/8', '10.255.255.0/24'],
    ['192.168.0.64/26', '192.168.0.124/30'],
    ['172.28.0.0', ''],
  ] as const) {
    it(`of ${subnet} are the upper end: ${expected || 'none'}`, () => assert.equal(topOf(subnet), expected))
  }

  const look = (environment: Record<string, string>) =>
    checkPool(readSettings('/nowhere', { COMPOSE_PROJECT_NAME: 'nobodys', ...environment }))

  it('follow the subnet, and are told to compose', async () => {
    const settings = readSettings('/nowhere', { COXSWAIN_SUBNET: '172.30.0.0/20' })
    assert.equal(settings.loadBalancerPool, '172.30.15.0/24')
    assert.equal(settings.environment['COXSWAIN_LOAD_BALANCER_POOL'], '172.30.15.0/24')
    assert.equal((await look({ COXSWAIN_SUBNET: '172.30.0.0/20' }))[0]?.state, 'good')
  })

  for (const [what, environment, why] of [
    ['outside the subnet', { COXSWAIN_LOAD_BALANCER_POOL: '192.168.1.0/28' }, /are not in the hosts' network/],
    ['as large as the subnet', { COXSWAIN_LOAD_BALANCER_POOL: '172.28.0.0/16' }, /are not in the hosts' network/],
    ['that are no range', { COXSWAIN_LOAD_BALANCER_POOL: 'many' }, /"many", not an IPv4 range/],
  ] as const) {
    it(`are refused ${what}, with the setting`, async () => {
      const [finding] = await look(environment)
      assert.equal(finding?.state, 'failed')
      assert.match(finding?.text ?? '', why)
      assert.match(finding?.cure ?? '', /COXSWAIN_LOAD_BALANCER_POOL/)
    })
  }
})
