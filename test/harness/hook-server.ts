import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage, RequestListener } from 'node:http'
import { createServer, type ServerOptions } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { Duplex } from 'node:stream'
import { type ExtendedUsage, type Issuer, issueAuthority, issueCertificate } from '../../shared/certificates/issue-certificate.ts'

/** An authority of a test's own, and a server's certificate of it. PEM. */
export interface ServerPapers {
  readonly authority: string
  readonly authorityKey: string
  readonly cert: string
  readonly key: string
}

const pem = { type: 'pkcs8', format: 'pem' } as const
const lasting = { notBefore: 0, notAfter: Date.UTC(2100, 0) }

/** Papers for a server of these names; without an issuer, of an authority of its own. */
export async function serverPapers(
  names: { dns?: readonly string[]; ip?: readonly string[] },
  usages: readonly ExtendedUsage[] = ['serverAuth'],
  issuer?: Issuer,
): Promise<ServerPapers> {
  const { certificate: authority, key: authorityKey } = issuer ?? (await testAuthority())
  const own = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const cert = await issueCertificate(
    { certificate: authority, key: authorityKey },
    {
      ...{ subject: { commonName: names.dns?.[0] ?? 'server', organizations: [] }, publicKey: own.publicKey, ...lasting },
      ...{ usages: [...usages], names: { dnsNames: [...(names.dns ?? [])], ipAddresses: [...(names.ip ?? [])] } },
    },
  )
  return { authority, authorityKey, cert, key: own.privateKey.export(pem).toString() }
}

async function testAuthority(): Promise<Issuer> {
  const ca = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { certificate: await issueAuthority(ca, { commonName: 'test authority', ...lasting }), key: ca.privateKey.export(pem).toString() }
}

/** An address of this machine at which the API server dials others: not its loopback. */
export function machineAddress(): string {
  const found = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4')
  if (!found) throw new Error('this machine has no address but its loopback')
  return found.address
}

/** A real HTTPS server that answers as a webhook or an extension API server does. */
export interface HookServer {
  readonly host: string
  readonly port: number
  /** PEM in base64. */
  readonly caBundle: string
  /** Connections that were made to it. */
  readonly connections: number
  /** Who asks for another protocol is theirs. */
  onUpgrade(listener: (request: IncomingMessage, socket: Duplex) => void): void
  close(): void
}

/** Listens at once; `host` is where it is dialled. */
export async function hookServer(
  papers: ServerPapers,
  listener: RequestListener,
  { host = machineAddress(), ...options }: ServerOptions & { host?: string } = {},
): Promise<HookServer> {
  const server = createServer({ cert: papers.cert, key: papers.key, ...options }, listener)
  const sockets = new Set<Socket>()
  let connections = 0
  server.on('connection', (socket: Socket) => {
    connections++
    sockets.add(socket.once('close', () => sockets.delete(socket)))
  })
  server.listen(0, host)
  await once(server, 'listening')
  return {
    host,
    port: (server.address() as AddressInfo).port,
    caBundle: Buffer.from(papers.authority).toString('base64'),
    get connections() {
      return connections
    },
    onUpgrade(listener) {
      server.on('upgrade', listener)
    },
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
