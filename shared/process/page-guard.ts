import type { IncomingHttpHeaders } from 'node:http'

/** What a page may send anywhere without asking first (the Fetch standard's "CORS-safelisted" request headers). */
const pageTypes = ['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain']
/** What browsers say of requests that the person at the machine made, or a page of this very address. */
const ownSites = ['none', 'same-origin']
const reading = ['GET', 'HEAD', 'OPTIONS']

interface PageRequest {
  readonly method?: string | undefined
  readonly headers: IncomingHttpHeaders
}

/**
 * Why a request to a port that asks nobody who they are may come from a web page that the person at the machine only looks at;
 * undefined where it cannot. Pages reach such ports by rebinding their own name to this machine (the Host header shows that name), by
 * opening WebSockets (Origin), by loading what they cannot read (Sec-Fetch-Site), and by sending forms, which go without a question
 * before them; every other method and media type is asked about first, and the answer to that is no.
 * @param names further names of this machine, without port
 */
export function pageProblem({ method = 'GET', headers }: PageRequest, names: readonly string[] = []): string | undefined {
  const { host, origin } = headers
  if (!isOwnHost(host, names)) return `this port is for this machine only: it is not called ${JSON.stringify(host ?? '')}`
  if (origin !== undefined && origin.toLowerCase() !== `http://${host}`.toLowerCase()) {
    return `this port serves no pages of ${JSON.stringify(origin)}: leave the Origin header out`
  }
  const site = headers['sec-fetch-site']
  if (site !== undefined && !ownSites.includes(String(site))) return 'this port serves no pages of other sites'
  if (reading.includes(method) || headers.upgrade !== undefined) return undefined
  const [type = ''] = (headers['content-type'] ?? '').toLowerCase().split(/[;\s]/, 1)
  // Of the methods that change something only this one is sent by pages without a question first.
  if (!type && method === 'POST') return 'a POST to this port needs a Content-Type, such as application/json'
  if (type && pageTypes.includes(type)) return `this port takes no ${type}, which any web page can send; use application/json`
  return undefined
}

/** Whether a Host header names this machine: by a loopback name, or by one of those given. */
export function isOwnHost(host: string | undefined, names: readonly string[] = []): host is string {
  if (host === undefined) return false
  return (
    names.includes(host.toLowerCase().replace(/:\d{1,5}$/, '')) ||
    /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(:\d{1,5})?$/i.test(host)
  )
}
