/** A 64-bit number of etcd: decimal text in answers, and a number where it is surely small enough in requests. */
type Int64 = string | number

export interface ResponseHeader {
  readonly clusterId: string
  readonly revision: string
}

export interface KeyValue {
  readonly key: Buffer
  readonly value: Buffer
  readonly createRevision: string
  readonly modRevision: string
}

export interface EtcdEvent {
  readonly type: 'PUT' | 'DELETE'
  readonly kv: KeyValue
  readonly prevKv: KeyValue | null
}

/** The keys from `key` up to, and without, `rangeEnd`; without it one key. */
export interface KeyRange {
  readonly key: Buffer
  readonly rangeEnd?: Buffer
}

export interface RangeRequest extends KeyRange {
  readonly limit?: number
  readonly revision?: Int64
  readonly keysOnly?: boolean
  readonly countOnly?: boolean
}

export interface RangeResponse {
  readonly header: ResponseHeader
  readonly kvs: readonly KeyValue[]
  readonly more: boolean
  readonly count: string
}

export type RequestOp =
  | { readonly requestRange: RangeRequest }
  | { readonly requestPut: { readonly key: Buffer; readonly value: Buffer } }
  | { readonly requestDeleteRange: { readonly key: Buffer } }
  | { readonly requestTxn: TxnRequest }

/** Of a key: when it was created, or changed last, 0 for one that is absent; or what lies there. */
export type Compare = { readonly key: Buffer } & (
  | { readonly target: 'MOD'; readonly result: 'EQUAL'; readonly modRevision: Int64 }
  | { readonly target: 'CREATE'; readonly result: 'EQUAL' | 'GREATER'; readonly createRevision: Int64 }
  | { readonly target: 'VALUE'; readonly result: 'EQUAL'; readonly value: Buffer }
)

export interface TxnRequest {
  readonly compare: readonly Compare[]
  readonly success: readonly RequestOp[]
  readonly failure: readonly RequestOp[]
}

export interface TxnResponse {
  readonly header: ResponseHeader
  readonly succeeded: boolean
  readonly responses: readonly { readonly responseRange?: RangeResponse }[]
}

export interface WatchRequest {
  readonly createRequest: KeyRange & {
    readonly startRevision: Int64
    readonly progressNotify?: boolean
    readonly prevKv?: boolean
    /** Answers of any size come in pieces. */
    readonly fragment: boolean
  }
}

export interface WatchResponse {
  readonly header: ResponseHeader
  readonly created: boolean
  readonly canceled: boolean
  readonly cancelReason: string
  /** Not 0: the watch ends, because what it asks for is compacted up to here. */
  readonly compactRevision: string
  /** More of the same answer follows. */
  readonly fragment: boolean
  readonly events: readonly EtcdEvent[]
}

/** What the store asks of etcd (`etcd.proto`). */
export interface EtcdCalls {
  Range: { request: RangeRequest; response: RangeResponse }
  Txn: { request: TxnRequest; response: TxnResponse }
  Compact: { request: { readonly revision: Int64 }; response: { readonly header: ResponseHeader } }
  Watch: { request: WatchRequest; response: WatchResponse }
}
