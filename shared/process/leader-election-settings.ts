import { hostname } from 'node:os'
import type { LeaderElectionOptions } from '../controller/leader-election.ts'
import type { Random } from '../random/random.ts'
import { ConfigError, type ConfigOf } from './config.ts'
import { boolean, choice, duration, text } from './setting.ts'

/** Flags of a program of which several copies may run, with upstream's names and default times. @param name of the Lease that copies compete for */
export const leaderElectionSettings = (name: string) => ({
  leaderElect: boolean('whether of several copies one is at work; the others wait until it is not', true),
  leaderElectLeaseDuration: duration(
    'how long others wait after the last renewal of the one at work before one of them takes over',
    15_000,
  ),
  leaderElectRenewDeadline: duration('how long it tries to renew before it gives up; less than the lease', 10_000),
  leaderElectRetryPeriod: duration('how often it renews, and how often others look', 2_000),
  leaderElectResourceLock: choice('what copies compete for', ['leases'], 'leases'),
  leaderElectResourceName: text('name of that Lease', name),
  leaderElectResourceNamespace: text('namespace of that Lease', 'kube-system'),
})

type LeaderElectionConfig = ConfigOf<ReturnType<typeof leaderElectionSettings>>

/** Upstream's: what looks of several copies may be apart, as a part of the time between two. */
const JITTER = 1.2

/** What this copy takes part in; undefined: there is no election. @throws ConfigError for times with which two could lead at once */
export function electionOf(config: LeaderElectionConfig, random: Random): LeaderElectionOptions | undefined {
  if (!config.leaderElect) return undefined
  const {
    leaderElectLeaseDuration: leaseMilliseconds,
    leaderElectRenewDeadline: renewMilliseconds,
    leaderElectRetryPeriod: retryMilliseconds,
    leaderElectResourceName: name,
    leaderElectResourceNamespace: namespace,
  } = config
  // A Lease counts whole seconds.
  if (leaseMilliseconds < 1_000) throw new ConfigError('--leader-elect-lease-duration: must be at least 1s')
  if (retryMilliseconds <= 0) throw new ConfigError('--leader-elect-retry-period: must be greater than zero')
  if (leaseMilliseconds <= renewMilliseconds) {
    throw new ConfigError('--leader-elect-lease-duration: must be greater than --leader-elect-renew-deadline')
  }
  if (renewMilliseconds <= JITTER * retryMilliseconds) {
    throw new ConfigError(`--leader-elect-renew-deadline: must be greater than ${JITTER} times --leader-elect-retry-period`)
  }
  const identity = `${hostname()}_${random.uuid()}`
  return { name, namespace, identity, leaseMilliseconds, renewMilliseconds, retryMilliseconds }
}
