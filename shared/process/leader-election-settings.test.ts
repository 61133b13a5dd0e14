import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../random/random.ts'
import { ConfigError, readConfig } from './config.ts'
import { electionOf, leaderElectionSettings } from './leader-election-settings.ts'

const election = (...args: string[]) => {
  const config = readConfig({ name: 'manager', summary: '' }, leaderElectionSettings('kube-manager'), { args, env: {} })
  return electionOf(config, seededRandom(1))
}

test('the times and the Lease of an election are upstream’s unless flags say otherwise', () => {
  const { identity, ...rest } = election() ?? assert.fail('no election')
  assert.match(identity, /.+_.+/)
  const times = { leaseMilliseconds: 15_000, renewMilliseconds: 10_000, retryMilliseconds: 2_000 }
  assert.deepEqual(rest, { name: 'kube-manager', namespace: 'kube-system', ...times })
  const other = election('--leader-elect-lease-duration=4s', '--leader-elect-renew-deadline=3s', '--leader-elect-resource-name=mine')
  assert.deepEqual([other?.leaseMilliseconds, other?.renewMilliseconds, other?.name], [4_000, 3_000, 'mine'])
  assert.equal(election('--leader-elect=false'), undefined)
})

for (const [flags, message] of [
  [['--leader-elect-lease-duration=10s'], /lease-duration: must be greater than --leader-elect-renew-deadline/],
  [['--leader-elect-renew-deadline=2400ms'], /renew-deadline: must be greater than 1.2 times --leader-elect-retry-period/],
  [['--leader-elect-retry-period=0'], /retry-period: must be greater than zero/],
  [['--leader-elect-lease-duration=500ms'], /lease-duration: must be at least 1s/],
  [['--leader-elect-resource-lock=endpoints'], /endpoints.*leases/],
] as const) {
  test(`${flags.join(' ')} is refused: two could lead at once, or nobody`, () => {
    assert.throws(
      () => election(...flags),
      (error) => error instanceof ConfigError && message.test(error.message),
    )
  })
}
