import { StorageRefused } from '../storage.ts'
import type { EtcdKeys } from './etcd-keys.ts'
import type { KeyValue } from './etcd-messages.ts'

const FORMAT = 1

/** What a store in etcd says of itself. */
export interface StoreRecord {
  readonly format: number
  /** Whose store it is: the servers of one cluster name the same, and others are refused. */
  readonly cluster: string
  /** The store's revision when it was made: it goes on counting where another store ended. */
  readonly start: number
}

export function newRecord(cluster: string, start: number): Buffer {
  return Buffer.from(JSON.stringify({ format: FORMAT, cluster, start } satisfies StoreRecord))
}

/** @throws StorageRefused for a store of a newer version, of another cluster, or none at all */
export function readRecord({ value }: KeyValue, { prefix }: EtcdKeys, cluster: string): StoreRecord {
  const record = parsed(value)
  if (record === undefined) {
    throw new StorageRefused(`what lies at ${prefix}/store in etcd is no record of a store; give this server an --etcd-prefix of its own`)
  }
  if (record.format > FORMAT) {
    throw new StorageRefused(
      `the store at ${prefix} in etcd has format ${record.format}, and this version reads formats up to ${FORMAT}: a newer version wrote it. ` +
        'Start that version again, or restore a snapshot from before the upgrade',
    )
  }
  if (record.cluster !== cluster) {
    throw new StorageRefused(
      `the store at ${prefix} in etcd belongs to another cluster (${record.cluster}; this server is of ${cluster}); ` +
        'give this server the pki folder of that cluster, or an --etcd-prefix of its own',
    )
  }
  return record
}

function parsed(value: Buffer): StoreRecord | undefined {
  try {
    const { format, cluster, start } = JSON.parse(value.toString()) as Partial<StoreRecord>
    return typeof format === 'number' && typeof cluster === 'string' && typeof start === 'number' ? { format, cluster, start } : undefined
  } catch {
    return undefined // no JSON: no record
  }
}
