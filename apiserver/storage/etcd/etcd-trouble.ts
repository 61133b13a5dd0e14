import { status } from '@grpc/grpc-js'
import { GrpcError } from '../../../shared/grpc/grpc-client.ts'
import { StorageUnavailable } from '../storage.ts'

/** etcd's refusals that need another answer than "not now". */
export type EtcdRefusal = 'compacted' | 'ahead' | 'too large' | 'no space' | 'corrupt'

/**
 * Which refusal it is. Where several share a gRPC code, etcd's sentence tells them apart: it is part of etcd's interface, and its own client tells them
 * so. Undefined: anything else, above all no answer.
 */
export function refusalOf(error: unknown): EtcdRefusal | undefined {
  if (!(error instanceof GrpcError)) return undefined
  const { code, message } = error
  if (code === status.OUT_OF_RANGE) return message.includes('compacted') ? 'compacted' : 'ahead'
  if (code === status.DATA_LOSS) return 'corrupt'
  if (code === status.INVALID_ARGUMENT && message.includes('request is too large')) return 'too large'
  if (code === status.RESOURCE_EXHAUSTED) {
    if (message.includes('database space exceeded')) return 'no space'
    if (message.includes('larger than max')) return 'too large'
  }
  return undefined
}

const CURES: Partial<Record<EtcdRefusal, string>> = {
  'no space':
    "etcd's database has reached its quota; compact and defragment it or raise --quota-backend-bytes, then `etcdctl alarm disarm`",
  corrupt: 'members of etcd disagree about what they hold; replace the damaged member, then `etcdctl alarm disarm`',
}

/** What is told of an etcd that does not do what it is asked for. */
export function unavailable(what: string, cause: unknown): StorageUnavailable {
  if (cause instanceof StorageUnavailable) return cause
  const refusal = refusalOf(cause)
  const said = cause instanceof Error ? cause.message : String(cause)
  const cure = refusal && CURES[refusal]
  return new StorageUnavailable(`${what}: ${cure ? `${cure} (${said})` : said}`, { cause })
}
