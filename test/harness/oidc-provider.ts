import { fork } from 'node:child_process'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { SignJWT } from 'jose'
import { serverPapers } from './hook-server.ts'
import type { ProviderCommand, ProviderMode, ProviderReport } from './oidc-provider-process.ts'

/** A key of a provider: signs tokens, and is published. */
export interface SigningKey {
  readonly id: string
  readonly algorithm: string
  readonly privateKey: KeyObject
  readonly publicJwk: object
}

/** A new key. */
export function providerKey(id: string, algorithm: 'RS256' | 'ES256' = 'RS256'): SigningKey {
  const { privateKey, publicKey } =
    algorithm === 'RS256' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { id, algorithm, privateKey, publicJwk: { ...publicKey.export({ format: 'jwk' }), kid: id, use: 'sig', alg: algorithm } }
}

export interface OidcProvider {
  readonly issuer: string
  /** PEM of who vouches for it. */
  readonly authority: string
  /** Signs claims; `iss`, `aud`, `sub` and `exp` (an hour from now) are there unless they are said otherwise. A claim that is undefined is left out. */
  token(key: SigningKey, claims?: Readonly<Record<string, unknown>>, header?: Readonly<Record<string, unknown>>): Promise<string>
  publish(...keys: readonly SigningKey[]): Promise<void>
  behave(mode: ProviderMode): Promise<void>
  /** How many requests it got. */
  requests(): Promise<number>
  /** Stops listening; `comeBack` listens at the same port. */
  leave(): Promise<void>
  comeBack(): Promise<void>
  stop(): Promise<void>
}

/** A real identity provider in a process of its own. */
export async function startProvider(...keys: readonly SigningKey[]): Promise<OidcProvider> {
  const papers = await serverPapers({ ip: ['127.0.0.1'] })
  const child = fork(fileURLToPath(new URL('./oidc-provider-process.ts', import.meta.url)), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  let last: Promise<unknown> = Promise.resolve()
  const tell = (command: ProviderCommand): Promise<ProviderReport> => {
    const answered = last.then(async () => {
      const answer = once(child, 'message')
      child.send(command)
      const [report] = (await answer) as [ProviderReport]
      return report
    })
    last = answered
    return answered
  }
  const listen = (port: number) => tell({ do: 'listen', cert: papers.cert, key: papers.key, port })
  const { port } = await listen(0)
  const issuer = `https://127.0.0.1:${port}`
  const publish = async (...published: readonly SigningKey[]) =>
    void (await tell({ do: 'publish', keys: published.map((key) => key.publicJwk) }))
  await publish(...keys)
  return {
    issuer,
    authority: papers.authority,
    token(key, claims = {}, header = {}) {
      const all = { iss: issuer, aud: 'coxswain', sub: 'jane', exp: Math.floor(Date.now() / 1000) + 3600, ...claims }
      return new SignJWT(JSON.parse(JSON.stringify(all)))
        .setProtectedHeader({ alg: key.algorithm, kid: key.id, ...header })
        .sign(key.privateKey)
    },
    publish,
    behave: async (mode) => void (await tell({ do: 'behave', mode })),
    requests: async () => (await tell({ do: 'count' })).requests,
    leave: async () => void (await tell({ do: 'leave' })),
    comeBack: async () => void (await listen(port)),
    async stop() {
      const gone = once(child, 'exit')
      child.disconnect()
      await gone
    },
  }
}
