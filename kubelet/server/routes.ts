import { StatusError } from '../../shared/errors/status-error.ts'

/** What a path of the node's API asks for. */
export type Route =
  | { what: 'healthz' | 'configz' | 'pods' | 'stats' | 'metrics' | 'resource metrics' | 'container metrics' }
  | { what: 'logs'; namespace: string; pod: string; container: string }
  | { what: 'exec' | 'attach'; namespace: string; pod: string; uid?: string | undefined; container: string }
  | { what: 'portForward'; namespace: string; pod: string; uid?: string | undefined }

const fixed: Readonly<Record<string, Route>> = {
  '/healthz': { what: 'healthz' },
  '/configz': { what: 'configz' },
  '/pods': { what: 'pods' },
  '/stats/summary': { what: 'stats' },
  '/metrics': { what: 'metrics' },
  '/metrics/resource': { what: 'resource metrics' },
  '/metrics/cadvisor': { what: 'container metrics' },
}

/** Reads a path; names are decoded. @throws StatusError NotFound */
export function routeOf(path: string): Route {
  const known = fixed[path.length > 1 ? path.replace(/\/$/, '') : path]
  if (known) return known
  const [first = '', ...rest] = path.split('/').slice(1).map(decoded)
  if (rest.every((part) => part !== '')) {
    const [namespace, pod, third, fourth] = rest
    if (namespace !== undefined && pod !== undefined) {
      if (first === 'containerLogs' && rest.length === 3 && third) return { what: 'logs', namespace, pod, container: third }
      if ((first === 'exec' || first === 'attach') && rest.length === 3 && third) return { what: first, namespace, pod, container: third }
      if ((first === 'exec' || first === 'attach') && rest.length === 4 && fourth) {
        return { what: first, namespace, pod, uid: third, container: fourth }
      }
      if (first === 'portForward' && rest.length <= 3) return { what: 'portForward', namespace, pod, uid: third }
    }
  }
  throw new StatusError('NotFound', '404 page not found')
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch (cause) {
    throw new StatusError('BadRequest', 'the path is not well encoded', { cause })
  }
}
