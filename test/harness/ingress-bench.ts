import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, connect, type Server as NetServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { settings } from '../../ingress/config.ts'
import { createIngress, type IngressService } from '../../ingress/create-ingress.ts'
import type { Client } from '../../shared/client/client.ts'
import { createHttpClient } from '../../shared/client/http-client.ts'
import { type Logger, silentLogger } from '../../shared/logging/logger.ts'
import type { EndpointConditions } from '../../shared/openapi/generated/discovery-v1.ts'
import type { IngressSpec } from '../../shared/openapi/generated/networking-v1.ts'
import { readConfig } from '../../shared/process/config.ts'
import { systemRandom } from '../../shared/random/random.ts'
import { realClock } from '../../shared/time/clock.ts'
import { startApi } from './api.ts'
import { soon } from './soon.ts'

const NETWORKING = 'networking.k8s.io/v1'
const namespace = 'default'

/** Something that listens on loopback in the place of a Pod. */
export interface Backing {
  /** The address that slices have for it. */
  readonly address: string
  readonly port: number
}

export interface IngressBench {
  readonly client: Client
  readonly ingress: IngressService
  /** Everything of the log so far. */
  readonly lines: { message: string; fields: Record<string, unknown> }[]
  /** Listens as a Pod; ends with the test. */
  pod(listener: RequestListener): Promise<Backing & { server: Server }>
  /** The same for other servers. */
  podOf(server: Pick<NetServer, 'listen' | 'address' | 'close'>): Promise<Backing>
  /** A Service whose Pods these are; called again, its Pods are these from now on. */
  service(name: string, pods: readonly (Backing & { conditions?: EndpointConditions })[], appProtocol?: string): Promise<void>
  expose(name: string, spec: IngressSpec, annotations?: Record<string, string>): Promise<void>
  /** A Secret with a self-signed certificate for a host; called again, another one. Answers the certificate. */
  certificate(name: string, host: string): Promise<string>
}

/** A real API server, a real ingress with its own rights only, and servers in the place of Pods. Ends with the test. */
export async function ingressBench(context: TestContext, args: readonly string[] = []): Promise<IngressBench> {
  const api = await startApi({}, context)
  const client = api.client()
  const lines: IngressBench['lines'] = []
  const ports = new Map<string, number>()
  const clock = realClock()
  const flags = [
    '--bind-address=127.0.0.1',
    '--http-port=0',
    '--https-port=0',
    '--health-port=0',
    '--drain-timeout=200ms',
    '--publish-address=192.0.2.7',
  ]
  const config = readConfig({ name: 'ingress', summary: '' }, settings, { args: [...flags, '--leader-elect=false', ...args], env: {} })
  const transport = api.transport({ name: 'coxswain:ingress', groups: ['system:authenticated'] })
  const ingress = createIngress(
    config,
    {
      ...{ clock, random: systemRandom(), log: collecting(lines) },
      connect: () => ({
        client: createHttpClient(transport, { clock, userAgent: 'coxswain-ingress' }),
        ...{ transport, anonymous: transport, close() {} },
      }),
    },
    { dial: ({ address }): Socket => connect({ host: '127.0.0.1', port: ports.get(address) ?? 1, noDelay: true }) },
  )
  await ingress.start()
  // Before the API server's end, which is the context's first.
  context.after(() => ingress.stop())
  await soon(() => assert.notEqual(ingress.ports.https, 0))
  const podOf: IngressBench['podOf'] = async (server) => {
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    const address = `10.244.0.${ports.size + 2}`
    ports.set(address, (server.address() as AddressInfo).port)
    context.after(() => void server.close())
    return { address, port: 8080 }
  }
  return {
    ...{ client, ingress, lines, podOf },
    async pod(listener) {
      const server = createServer(listener)
      context.after(() => server.closeAllConnections())
      return { ...(await podOf(server)), server }
    },
    async service(name, pods, appProtocol) {
      const spec = { ports: [{ name: 'http', port: 80, targetPort: 8080, appProtocol }] }
      await client.create('v1', 'Service', { metadata: { namespace, name }, spec }).catch(unlessThere)
      const content = {
        addressType: 'IPv4',
        endpoints: pods.map(({ address, conditions = { ready: true } }) => ({ addresses: [address], conditions })),
        ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      }
      const metadata = { namespace, name: `${name}-a`, labels: { 'kubernetes.io/service-name': name } }
      await client.create('discovery.k8s.io/v1', 'EndpointSlice', { metadata, ...content }).catch(unlessThere)
      await client.patch('discovery.k8s.io/v1', 'EndpointSlice', { namespace, name: `${name}-a` }, { type: 'merge', body: content })
    },
    async expose(name, spec, annotations) {
      await client.create(NETWORKING, 'Ingress', { metadata: { namespace, name, ...(annotations ? { annotations } : {}) }, spec })
    },
    async certificate(name, host) {
      const { cert, key } = selfSigned(host)
      const data = { 'tls.crt': Buffer.from(cert).toString('base64'), 'tls.key': Buffer.from(key).toString('base64') }
      await client.create('v1', 'Secret', { metadata: { namespace, name }, type: 'kubernetes.io/tls', data }).catch(unlessThere)
      await client.patch('v1', 'Secret', { namespace, name }, { type: 'merge', body: { data } })
      return cert
    },
  }
}

/** By the program that people use for it, and that the README names. */
export function selfSigned(host: string, days = 1): { cert: string; key: string } {
  const folder = mkdtempSync(join(tmpdir(), 'certificate-'))
  try {
    const [cert, key] = [join(folder, 'tls.crt'), join(folder, 'tls.key')]
    const names = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`]
    const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key, '-out', cert]
    execFileSync('openssl', ['req', '-x509', ...made, '-days', String(days), ...names], { stdio: 'pipe' })
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A rule for all paths of a host, or for one. */
export function rule(service: string, host = 'web.example.com', path = '/'): NonNullable<IngressSpec['rules']>[number] {
  return { host, http: { paths: [{ path, pathType: 'Prefix', backend: { service: { name: service, port: { number: 80 } } } }] } }
}

function unlessThere(error: unknown): void {
  if (!(error instanceof Error) || !error.message.includes('already exists')) throw error
}

function collecting(lines: IngressBench['lines']): Logger {
  const write = (message: string, fields: Record<string, unknown> = {}) => void lines.push({ message, fields })
  return { ...silentLogger(), debug: write, info: write, warn: write, error: write, child: () => collecting(lines) }
}
