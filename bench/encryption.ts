// Creates of Secrets for a second of CPU of the API server as people run it, over TLS, with and without encryption at rest, small ones and such of
// 100 KB; each provider beside none in the same run. `tools/node bench/encryption.ts`
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { keyNamed, writeEncryptionConfiguration } from '../test/harness/encryption.ts'
import { runLoad } from '../test/harness/load.ts'
import { measuredServer, NAMESPACE, prepareNamespace } from '../test/harness/measured-server.ts'
import { printRow } from '../test/harness/pod-load.ts'

const folder = mkdtempSync(join(tmpdir(), 'encryption-bench-'))
const path = `/api/v1/namespaces/${NAMESPACE}/secrets`
const CONNECTIONS = 16

/** Secrets created for a second of CPU. */
async function creates(provider: string | undefined, bytes: number, count: number): Promise<number> {
  const file = join(folder, 'encryption.json')
  writeEncryptionConfiguration(file, { secrets: provider === undefined ? [{ identity: {} }] : [{ [provider]: { keys: [keyNamed('a')] } }] })
  const server = await measuredServer()
  try {
    await server.start(provider === undefined ? [] : [`--encryption-provider-config=${file}`])
    await prepareNamespace(server.target)
    const data = { password: Buffer.alloc(bytes, 'password').toString('base64') }
    const body = JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { generateName: 'load-' }, data })
    const job = { kind: 'requests', target: server.target, connections: CONNECTIONS, path, method: 'POST', body, first: 0 } as const
    await runLoad({ ...job, count: 500 })
    const before = server.cpu()
    const done = await runLoad({ ...job, count })
    return done.count / (server.cpu() - before)
  } finally {
    await server.remove()
  }
}

try {
  for (const [bytes, count] of [
    [32, 4_000],
    [100_000, 400],
  ] as const) {
    for (const provider of ['aesgcm', 'secretbox', 'aescbc']) {
      const bare = await creates(undefined, bytes, count)
      const encrypted = await creates(provider, bytes, count)
      printRow(
        `create a Secret of ${bytes} bytes, ${provider}`,
        encrypted,
        'per s of CPU',
        `${(encrypted / bare).toFixed(2)} of ${Math.round(bare)} without`,
      )
    }
  }
} finally {
  rmSync(folder, { recursive: true })
}
