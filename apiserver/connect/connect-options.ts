import type { KubeObject } from '../../shared/objects/object.ts'
import { isTrue, type RequestInfo } from '../http/request-info.ts'

const kinds: Readonly<Record<string, string>> = {
  'pods/exec': 'PodExecOptions',
  'pods/attach': 'PodAttachOptions',
  'pods/portforward': 'PodPortForwardOptions',
  'pods/proxy': 'PodProxyOptions',
  'services/proxy': 'ServiceProxyOptions',
  'nodes/proxy': 'NodeProxyOptions',
}

/** What a connection asks for, as the object that upstream shows to admission; undefined for what is no connection (a log is read). */
export function connectOptions({ resource, subresource, query, rest }: RequestInfo): KubeObject | undefined {
  const kind = kinds[`${resource}/${subresource}`]
  if (kind === undefined) return undefined
  // It has no metadata; the empty one is for who asks every object, and not shown.
  return Object.assign({ apiVersion: 'v1', kind, metadata: {} }, asked(subresource, query, rest))
}

function asked(subresource: string, query: URLSearchParams, rest: string): object {
  if (subresource === 'proxy') return rest === '' ? {} : { path: `/${rest}` }
  if (subresource === 'portforward') {
    const ports = query
      .getAll('ports')
      .flatMap((text) => text.split(','))
      .map(Number)
    return ports.length > 0 && ports.every(Number.isInteger) ? { ports } : {}
  }
  const streams = ['stdin', 'stdout', 'stderr', 'tty'].filter((name) => isTrue(query.get(name)))
  const container = query.get('container')
  return {
    ...Object.fromEntries(streams.map((name) => [name, true])),
    ...(container ? { container } : {}),
    ...(subresource === 'exec' ? { command: query.getAll('command') } : {}),
  }
}
