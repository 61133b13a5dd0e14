import { fileURLToPath } from 'node:url'
import { type GrpcClient, grpcClient, type Tls } from '../../../shared/grpc/grpc-client.ts'
import type { Logger } from '../../../shared/logging/logger.ts'
import type { Clock } from '../../../shared/time/clock.ts'
import { StorageRefused, StorageUnavailable } from '../storage.ts'
import type { EtcdKeys } from './etcd-keys.ts'
import type { EtcdCalls, RangeResponse } from './etcd-messages.ts'
import { newRecord, readRecord } from './store-record.ts'

const PROTO = fileURLToPath(new URL('./etcd.proto', import.meta.url))

/** Milliseconds that a member has to answer a write or a read; etcd itself gives up on a request after about seven seconds. */
export const PATIENCE = 8_000
/** Milliseconds that a member has to say who it is, before another one is asked. */
const GREETING = 3_000
/** Milliseconds without a word after which a member is asked whether it is there. etcd breaks off with who asks more often than every five seconds. */
const KEEP_ALIVE = 6_000
/** Answers hold a page of objects, or a change with what was there before. */
const MOST_BYTES = 64 * 2 ** 20

export type EtcdClient = GrpcClient<EtcdCalls>

export interface LinkOptions {
  /** `https://10.0.0.1:2379`; `http` where etcd is on this machine alone. */
  readonly endpoints: readonly string[]
  readonly tls?: Tls
  readonly keys: EtcdKeys
  /** Whose store it is. */
  readonly cluster: string
  /** The revision of a store that is made now. */
  readonly start?: number | undefined
  readonly clock: Clock
  readonly logger: Logger
}

/** A client of one member, whatever it holds. */
export function etcdClient(endpoint: string, clock: Clock, tls?: Tls): EtcdClient {
  const { protocol, host, port } = new URL(endpoint)
  const options = { tls: protocol === 'https:' ? (tls ?? {}) : undefined, mostBytes: MOST_BYTES, keepAlive: KEEP_ALIVE }
  return grpcClient<EtcdCalls>(`dns:${port === '' ? `${host}:2379` : host}`, PROTO, clock, options)
}

interface Member {
  readonly endpoint: string
  readonly client: EtcdClient
}

/**
 * The way to etcd: one of its members at a time, which is asked who it is before anything else. So nothing is ever written to an etcd that is another
 * one than at the start, whatever is behind an address by now. Revisions are etcd's, less what it had counted when the store was made.
 */
export class EtcdLink {
  readonly #options: LinkOptions
  readonly #members: readonly Member[]
  #next = 0
  #current: Member | undefined
  #trouble: unknown = new Error('not connected yet')
  #known: { readonly offset: number; readonly start: number; readonly clusterId: string } | undefined
  /** The newest revision that anyone was told of: an etcd that is behind it is not the one it was. */
  #seen = 0

  constructor(options: LinkOptions) {
    const { clock, endpoints, tls } = options
    this.#options = options
    this.#members = endpoints.map((endpoint) => ({ endpoint, client: etcdClient(endpoint, clock, tls) }))
  }

  /** The store's revision for one of etcd's. */
  ours(revision: string): number {
    return Number(revision) - this.#knowledge.offset
  }

  /** The store's revision when it was made. */
  get start(): number {
    return this.#knowledge.start
  }

  theirs(revision: number): number {
    return revision + this.#knowledge.offset
  }

  /** Notes that a revision was shown to the world. */
  saw(revision: number): void {
    if (revision > this.#seen) this.#seen = revision
  }

  /** One call to the member of the moment. @throws GrpcError; StorageUnavailable when there is none, so that nothing was sent */
  call<Name extends 'Range' | 'Txn' | 'Compact'>(name: Name, request: EtcdCalls[Name]['request']): Promise<EtcdCalls[Name]['response']> {
    const member = this.#current
    if (member !== undefined) return member.client.call(name, request, { patience: PATIENCE })
    const said = this.#trouble instanceof Error ? this.#trouble.message : String(this.#trouble)
    return Promise.reject(new StorageUnavailable(`no member of etcd can be reached: ${said}`, { cause: this.#trouble }))
  }

  /** The member of the moment, for a watch. @throws StorageUnavailable */
  get client(): EtcdClient {
    if (this.#current === undefined) throw new StorageUnavailable('no member of etcd can be reached', { cause: this.#trouble })
    return this.#current.client
  }

  /** Gives the member of the moment up. */
  lost(reason: unknown): void {
    if (this.#current === undefined) return
    this.#options.logger.warn('lost the connection to etcd', { endpoint: this.#current.endpoint, error: String(reason) })
    this.#trouble = reason
    this.#current = undefined
  }

  /** Takes the next member that is what it should be, and makes the store where there is none yet. @throws the last refusal of all of them */
  async connect(): Promise<void> {
    let problem: unknown
    for (let tried = 0; tried < this.#members.length; tried++) {
      const member = this.#members[this.#next++ % this.#members.length]!
      try {
        await this.#greet(member)
        this.#current = member
        return
      } catch (error) {
        this.#trouble = error
        // What can be mended by whoever starts the server is told rather than what may pass.
        if (!(problem instanceof StorageRefused)) problem = error
      }
    }
    throw problem
  }

  close(): void {
    this.#current = undefined
    this.#trouble = new StorageUnavailable('the store is closed')
    for (const { client } of this.#members) client.close()
  }

  get #knowledge() {
    if (this.#known === undefined) throw new Error('etcd was not asked yet')
    return this.#known
  }

  async #greet({ client, endpoint }: Member): Promise<void> {
    const { keys, cluster } = this.#options
    const found = await client.call('Range', { key: keys.record }, { patience: GREETING })
    const { clusterId } = found.header
    if (this.#known !== undefined && clusterId !== this.#known.clusterId) {
      throw new StorageRefused(`${endpoint} is a member of another etcd than the one this server works with`)
    }
    const { header, kvs } = found.kvs.length > 0 ? found : await this.#makeStore(client, found, endpoint)
    const record = kvs[0]
    if (record === undefined) throw new Error('etcd has lost the record of the store it was just given')
    const { start } = readRecord(record, keys, cluster)
    const offset = Number(record.createRevision) - start
    if (this.#known !== undefined && this.#known.offset !== offset) {
      throw new StorageRefused(`the store at ${keys.prefix} in etcd was removed and made anew; restart this server`)
    }
    this.#known ??= { clusterId, offset, start }
    const newest = this.ours(header.revision)
    if (newest < this.#seen) {
      throw new StorageRefused(
        `etcd at ${endpoint} is at revision ${newest}, and clients have seen ${this.#seen}: it was restored from a snapshot; restart the API servers`,
      )
    }
  }

  async #makeStore(client: EtcdClient, { header }: RangeResponse, endpoint: string): Promise<RangeResponse> {
    const { keys, cluster, start = 0, logger } = this.#options
    if (this.#known !== undefined) throw new StorageRefused(`the store at ${keys.prefix} is gone from etcd`)
    const range = { key: keys.record }
    const foreign = await client.call('Range', { ...keys.all, limit: 1, keysOnly: true, revision: header.revision }, { patience: GREETING })
    if (foreign.kvs.length > 0) {
      throw new StorageRefused(
        `${keys.prefix} in etcd holds something that is no store of this program (${foreign.kvs[0]!.key}); give this server an --etcd-prefix of its own`,
      )
    }
    await client.call(
      'Txn',
      {
        compare: [{ ...range, target: 'CREATE', result: 'EQUAL', createRevision: 0 }],
        success: [{ requestPut: { ...range, value: newRecord(cluster, start) } }],
        failure: [],
      },
      { patience: PATIENCE },
    )
    logger.info('made a store in etcd', { endpoint, prefix: keys.prefix })
    // Ours, or that of a server that was faster.
    return client.call('Range', range, { patience: PATIENCE })
  }
}
