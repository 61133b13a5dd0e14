import { Agent, request } from 'node:https'
import { parse } from 'yaml'

/** Connection to the API server as the administrator; only what starting and checking a cluster needs. */
export interface ClusterConnection {
  /** The answer's status and body. Rejects when there is no answer. */
  get(path: string): Promise<{ status: number; body: string }>
  /** Each line of a stream (a watch), until it ends or the signal aborts. */
  lines(path: string, signal: AbortSignal): AsyncIterable<string>
  close(): void
}

interface Kubeconfig {
  clusters: { cluster: { server: string; 'certificate-authority-data': string } }[]
  users: { user: { 'client-certificate-data': string; 'client-key-data': string } }[]
}

/** PEM texts of the only cluster and user of a kubeconfig, and where the API server is. */
export interface ClusterCredentials {
  server: string
  ca: Buffer
  cert: Buffer
  key: Buffer
}

export function credentialsOf(kubeconfigText: string): ClusterCredentials {
  const config = parse(kubeconfigText) as Kubeconfig
  const cluster = config.clusters[0]?.cluster
  const user = config.users[0]?.user
  if (cluster === undefined || user === undefined) throw new Error('the kubeconfig names no cluster or no user')
  const decode = (text: string) => Buffer.from(text, 'base64')
  return {
    server: cluster.server,
    ca: decode(cluster['certificate-authority-data']),
    cert: decode(user['client-certificate-data']),
    key: decode(user['client-key-data']),
  }
}

/** Connects with the only cluster and user of a kubeconfig. */
export function connect(kubeconfigText: string): ClusterConnection {
  const { server, ca, cert, key } = credentialsOf(kubeconfigText)
  const agent = new Agent({ keepAlive: true, ca, cert, key })
  const open = (path: string, signal?: AbortSignal) => request(new URL(path, server), { agent, ...(signal && { signal }) })
  return {
    get: (path) =>
      new Promise((resolve, reject) => {
        open(path)
          .on('error', reject)
          .on('response', (response) => {
            let body = ''
            response.setEncoding('utf8').on('error', reject)
            response.on('data', (text: string) => {
              body += text
            })
            response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
          })
          .end()
      }),
    async *lines(path, signal) {
      const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
        open(path, signal).on('error', reject).on('response', resolve).end()
      })
      if (response.statusCode !== 200) throw new Error(`GET ${path} answered ${response.statusCode}`)
      let rest = ''
      for await (const chunk of response.setEncoding('utf8')) {
        const lines = (rest + chunk).split('\n')
        rest = lines.pop() ?? ''
        yield* lines
      }
    },
    close: () => agent.destroy(),
  }
}

/** The same kubeconfig with another address: the one inside the cluster's network is not reachable from this machine. */
export function withServer(kubeconfigText: string, server: string): string {
  return kubeconfigText.replace(/^(\s*server:).*$/m, `$1 "${server}"`)
}

/**
 * Status of an answer to nobody in particular; undefined: there is no answer. Whose certificate it is, is not asked: before the first answer there is
 * nothing to compare it with, and nothing is told to the server.
 */
export function anonymousStatus(url: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const asking = request(url, { rejectUnauthorized: false, timeout: 2000 }, (response) => {
      response.resume().on('close', () => resolve(response.statusCode))
    })
    asking.on('timeout', () => asking.destroy(new Error('no answer in 2 s')))
    asking.on('error', () => resolve(undefined))
    asking.end()
  })
}
