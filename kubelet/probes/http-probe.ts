import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { failure, failureOf, HOOK_USER_AGENT, MOST_OUTPUT, PROBE_USER_AGENT, type ProbeOutcome, success, warning } from './probe-outcome.ts'

export interface HttpTarget {
  scheme: 'http' | 'https'
  host: string
  port: number
  /** With the query, if any. */
  path: string
  headers: readonly { name: string; value: string }[]
  /** Of a hook: it only has to be answered, whatever the status says. */
  isHook?: boolean | undefined
}

/** Redirects that stay on the host are followed this often; one that leads elsewhere already shows a living server, but not the page meant. */
const MOST_REDIRECTS = 10
/** The statuses that send a client on. */
const REDIRECTS = new Set([301, 302, 303, 307, 308])

/** GET; 200 to 399 is well. Certificates are not verified: the question is whether the container answers. */
export async function httpProbe(target: HttpTarget, signal: AbortSignal): Promise<ProbeOutcome> {
  // Joined as text: of `//name/…` a resolver of links would make another host.
  const start = new URL(`${originOf(target)}${target.path.startsWith('/') ? '' : '/'}${target.path}`)
  const what = `Get ${JSON.stringify(start.href)}`
  let url = start
  try {
    for (let hops = 0; ; hops++) {
      const { status, location, body } = await get(url, target, signal)
      if ((status < 200 || status >= 400) && !target.isHook) return failure(`HTTP probe failed with statuscode: ${status}`)
      if (status < 300 || status >= 400) return success(body)
      const next = REDIRECTS.has(status) && location !== undefined ? new URL(location, url) : undefined
      if (next?.hostname !== start.hostname) return warning(`Probe terminated redirects, Response body: ${body}`)
      if (hops >= MOST_REDIRECTS) return failure(`${what}: stopped after ${MOST_REDIRECTS} redirects`)
      url = next
    }
  } catch (error) {
    return failureOf(error, what, signal)
  }
}

function originOf({ scheme, host, port }: HttpTarget): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`
}

interface Answer {
  status: number
  location: string | undefined
  body: string
}

function get(url: URL, { headers, isHook }: HttpTarget, signal: AbortSignal): Promise<Answer> {
  const sent: Record<string, string | string[]> = {
    'User-Agent': isHook ? HOOK_USER_AGENT : PROBE_USER_AGENT,
    Accept: '*/*',
    Connection: 'close',
  }
  for (const { name, value } of headers) {
    const known = Object.keys(sent).find((one) => one.toLowerCase() === name.toLowerCase())
    // An empty value takes a header of ours away.
    if (known !== undefined && value === '') delete sent[known]
    else sent[known ?? name] = value
  }
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? requestHttps : requestHttp
    const options = { headers: sent, agent: false, signal, rejectUnauthorized: false } as const
    const outgoing = send(url, options, (response) => read(response, resolve, reject))
    outgoing.once('error', reject)
    outgoing.end()
  })
}

function read(response: IncomingMessage, resolve: (answer: Answer) => void, reject: (error: unknown) => void): void {
  const { statusCode: status = 0 } = response
  const { location } = response.headers
  let body = ''
  const finish = () => resolve({ status, location, body })
  response.setEncoding('utf8')
  response.on('data', (text: string) => {
    body += text
    if (body.length <= MOST_OUTPUT) return
    body = body.slice(0, MOST_OUTPUT)
    finish()
    response.destroy()
  })
  response.once('end', finish)
  response.once('error', reject)
}
