import { Agent, request } from 'node:https'
import { parse, stringify } from 'yaml'

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
  contexts: { name: string; context: { cluster: string; user: string } }[]
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

/** Where the API servers are reached from this machine; the first is what kubectl is told, the others have a context of their own. */
export interface PublishedServer {
  readonly name: string
  readonly url: string
}

/** The same kubeconfig with addresses that this machine reaches: those inside the cluster's network it does not. */
export function withServers(kubeconfigText: string, servers: readonly PublishedServer[]): string {
  const config = parse(kubeconfigText) as Kubeconfig
  const cluster = config.clusters[0]?.cluster
  const context = config.contexts[0]?.context
  if (cluster === undefined || context === undefined) throw new Error('the kubeconfig names no cluster or no context')
  const data = cluster['certificate-authority-data']
  const clusters = servers.map(({ name, url }) => ({ name, cluster: { server: url, 'certificate-authority-data': data } }))
  const contexts = servers.map(({ name }) => ({ name, context: { ...context, cluster: name } }))
  return stringify({ ...config, clusters, contexts }, { lineWidth: 0 })
}
