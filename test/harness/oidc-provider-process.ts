// An identity provider as others see it: two documents over HTTPS. A process of its own, so that it can be away, slow or broken while the API server works.
import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'

/** What it answers. `silent`: nothing, ever; `stalling`: a beginning. */
export type ProviderMode = 'good' | 'garbage' | 'huge' | 'silent' | 'stalling' | 'redirect' | 'broken' | 'other-issuer' | 'plain-keys'

export type ProviderCommand =
  | { readonly do: 'listen'; readonly cert: string; readonly key: string; readonly port: number }
  | { readonly do: 'publish'; readonly keys: readonly object[] }
  | { readonly do: 'behave'; readonly mode: ProviderMode }
  | { readonly do: 'leave' }
  | { readonly do: 'count' }

/** What a command is answered: the port, and the requests so far. */
export interface ProviderReport {
  readonly port: number
  readonly requests: number
}

let server: Server | undefined
let port = 0
let requests = 0
let keys: readonly object[] = []
let mode: ProviderMode = 'good'
const sockets = new Set<Duplex>()

function answer(url: string): { code: number; body: string; location?: string } {
  const own = `https://127.0.0.1:${port}`
  if (mode === 'garbage') return { code: 200, body: '<html>log in</html>' }
  if (mode === 'huge') return { code: 200, body: JSON.stringify({ keys: ['x'.repeat(8 * 1024 * 1024)] }) }
  if (mode === 'redirect') return { code: 302, body: '', location: `${own}/elsewhere` }
  if (mode === 'broken') return { code: 503, body: 'later' }
  if (url === '/keys') return { code: 200, body: JSON.stringify({ keys }) }
  if (!url.endsWith('/openid-configuration')) return { code: 404, body: 'no' }
  const issuer = mode === 'other-issuer' ? 'https://elsewhere.example' : own
  return { code: 200, body: JSON.stringify({ issuer, jwks_uri: mode === 'plain-keys' ? `http://127.0.0.1:${port}/keys` : `${own}/keys` }) }
}

async function obey(command: ProviderCommand): Promise<void> {
  if (command.do === 'publish') keys = command.keys
  if (command.do === 'behave') mode = command.mode
  if (command.do === 'leave') {
    server?.close()
    for (const socket of sockets) socket.destroy()
  }
  if (command.do === 'listen') {
    server = createServer({ cert: command.cert, key: command.key }, (request, response) => {
      requests++
      if (mode === 'silent') return
      if (mode === 'stalling') return void response.writeHead(200).write('{')
      const { code, body, location } = answer(request.url ?? '')
      response.writeHead(code, { 'content-type': 'application/json', ...(location ? { location } : {}) }).end(body)
    })
    server.on('connection', (socket: Duplex) => sockets.add(socket.once('close', () => sockets.delete(socket))))
    server.listen(command.port, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  }
}

process.on('message', (command: ProviderCommand) => {
  void obey(command).then(() => process.send?.({ port, requests } satisfies ProviderReport))
})
process.on('disconnect', () => process.exit(0))
