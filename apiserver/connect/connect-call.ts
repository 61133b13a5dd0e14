import { StatusError } from '../../shared/errors/status-error.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { AccessAttributes } from '../authz/authorizer.ts'
import type { ObjectReader } from '../registry/object-reader.ts'
import type { Call } from '../verbs/call.ts'
import type { KubeletConnections } from './kubelet-connection.ts'

/** What the streaming sub-resources work with. */
export interface ConnectTools {
  readonly reader: ObjectReader
  readonly kubelets: KubeletConnections
  /** @throws StatusError Forbidden */
  readonly require: (attributes: AccessAttributes) => void
}

/** The pod of the call. @throws StatusError NotFound */
export function podOf({ info }: Call, reader: ObjectReader): Pod {
  const { namespace, name } = info
  const pod = reader.get('v1', 'Pod', { namespace, name })
  if (pod) return pod
  throw new StatusError('NotFound', `pods ${JSON.stringify(name)} not found`, { details: { name, kind: 'pods' } })
}

/** The container meant: the one named, or the only one. @throws StatusError BadRequest */
export function containerOf(pod: Pod, wanted: string): string {
  const { containers, initContainers = [], ephemeralContainers = [] } = pod.spec
  const name = pod.metadata.name ?? ''
  if (wanted !== '') {
    const all = [...containers, ...initContainers, ...ephemeralContainers]
    if (all.some((container) => container.name === wanted)) return wanted
    throw new StatusError('BadRequest', `container ${wanted} is not valid for pod ${name}`)
  }
  const [only] = containers
  if (containers.length === 1 && only) return only.name
  if (containers.length === 0) throw new StatusError('BadRequest', `a container name must be specified for pod ${name}`)
  const listed = (list: readonly { name: string }[]) => `[${list.map((container) => container.name).join(' ')}]`
  const inits = initContainers.length > 0 ? ` or one of the init containers: ${listed(initContainers)}` : ''
  throw new StatusError('BadRequest', `a container name must be specified for pod ${name}, choose one of: ${listed(containers)}${inits}`)
}

/** A path of a kubelet. */
export function kubeletPath(...parts: readonly string[]): string {
  return parts.map((part) => `/${encodeURIComponent(part)}`).join('')
}

/**
 * Over a WebSocket these are GET requests, so that a right to read would be enough to run commands; upstream asks for `create` as well.
 * @throws StatusError Forbidden
 */
export function requireCreate({ info, user }: Call, require: ConnectTools['require']): void {
  const { verb, group, version, resource, subresource, namespace, name } = info
  if (verb === 'get') require({ user, verb: 'create', group, version, resource, subresource, namespace, name })
}
