import { randomUUID } from 'node:crypto'
import { after } from 'node:test'
import { silentLogger } from '../../../shared/logging/logger.ts'
import { realClock } from '../../../shared/time/clock.ts'
import { storageContract } from '../../../test/contract/storage.ts'
import { durableTestStore, factsOf, restampText } from '../../../test/contract/storage-driver.ts'
import { type PrivateEtcd, privateEtcd } from '../../../test/harness/private-etcd.ts'
import { type EtcdStorageOptions, openEtcdStorage } from './etcd-storage.ts'

let shared: Promise<PrivateEtcd> | undefined
const etcd = () => (shared ??= privateEtcd())
after(async () => (await shared)?.dispose())

const open = async (prefix: string, options: Partial<EtcdStorageOptions<string>> = {}) =>
  openEtcdStorage<string>({
    ...{ endpoints: (await etcd()).endpoints, prefix, cluster: 'ours', facts: factsOf, restamp: restampText },
    ...{ clock: realClock(), logger: silentLogger(), ...options },
  })

storageContract({
  name: 'etcd',
  durable: true,
  numbersAhead: false,
  isShared: true,
  share: 1 / 3,
  async create({ recent } = {}) {
    const prefix = `/${randomUUID()}`
    return durableTestStore((medium) => open(prefix, { recent, medium: (send) => medium.pass(send) }))
  },
})
