import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type ApiOptions, startApi, type TestApi } from './api.ts'
import type { PrivateEtcd } from './private-etcd.ts'

/** Several API servers in this process, over one store in etcd that is nobody else's: one cluster. They end with the test. */
export interface ServersOverEtcd {
  readonly servers: readonly TestApi[]
  /** One more server of the cluster. */
  add(options?: ApiOptions): Promise<TestApi>
  /** Where the store lies in etcd. */
  readonly prefix: string
}

export async function serversOverEtcd(
  t: TestContext,
  etcd: PrivateEtcd,
  count: number,
  args: readonly string[] = [],
): Promise<ServersOverEtcd> {
  const prefix = `/${randomUUID()}`
  const pki = mkdtempSync(join(tmpdir(), 'pki-'))
  const shared = [`--etcd-servers=${etcd.endpoints.join()}`, `--etcd-prefix=${prefix}`, `--pki-dir=${pki}`, ...args]
  const add = (options: ApiOptions = {}) => startApi({ ...options, args: [...shared, ...(options.args ?? [])] }, t)
  const servers = await Promise.all(Array.from({ length: count }, () => add()))
  t.after(() => rmSync(pki, { recursive: true, force: true }))
  return { servers, add, prefix }
}
