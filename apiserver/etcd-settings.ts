import { createHash, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { ConfigError } from '../shared/process/config.ts'
import { list, path, text } from '../shared/process/setting.ts'
import type { EtcdStorageOptions } from './storage/etcd/etcd-storage.ts'

/** Where objects are kept in etcd; names as upstream's. */
export const etcdSettings = {
  etcdServers: list('members of the etcd that keeps objects, https://HOST:2379; default: none, objects are kept as --storage says'),
  etcdCafile: path('certificates of the authorities that members of etcd are known by; default: those of the system'),
  etcdCertfile: path('certificate that is shown to etcd'),
  etcdKeyfile: path('key of that certificate'),
  etcdPrefix: text('what the names of keys in etcd begin with; clusters that share an etcd have one each', '/coxswain'),
} as const

/** Where and how the etcd of the settings is reached. */
export type EtcdPlace = Pick<EtcdStorageOptions<unknown>, 'endpoints' | 'tls' | 'prefix'>

interface EtcdConfig {
  readonly etcdServers: readonly string[]
  readonly etcdCafile: string | undefined
  readonly etcdCertfile: string | undefined
  readonly etcdKeyfile: string | undefined
  readonly etcdPrefix: string
}

/** Undefined where no etcd is configured. @throws ConfigError */
export function etcdPlace(config: EtcdConfig): EtcdPlace | undefined {
  const { etcdServers: endpoints, etcdPrefix: prefix } = config
  const { etcdCafile, etcdCertfile, etcdKeyfile } = config
  if (endpoints.length === 0) return undefined
  for (const endpoint of endpoints) checkEndpoint(endpoint)
  if (!/^\/[^/].*[^/]$|^\/[^/]$/.test(prefix)) {
    throw new ConfigError(
      `--etcd-prefix: ${JSON.stringify(prefix)} is no prefix such as /coxswain: it begins with a slash, and ends without one`,
    )
  }
  if ((etcdCertfile === undefined) !== (etcdKeyfile === undefined)) {
    throw new ConfigError('--etcd-certfile and --etcd-keyfile belong together: give both or neither')
  }
  const tls = {
    authority: read('--etcd-cafile', etcdCafile),
    certificate: read('--etcd-certfile', etcdCertfile),
    key: read('--etcd-keyfile', etcdKeyfile),
  }
  return { endpoints, prefix, tls }
}

/** How a store knows whose it is: the fingerprint of the key of the cluster's authority, which every server of the cluster has. */
export function clusterOf(authority: string): string {
  const key = new X509Certificate(authority).publicKey.export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(key).digest('hex').slice(0, 16)
}

function checkEndpoint(endpoint: string): void {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined
  const isPlain = url?.protocol === 'http:'
  if (!url || (url.protocol !== 'https:' && !isPlain) || url.hostname === '' || url.pathname !== '/') {
    throw new ConfigError(`--etcd-servers: ${JSON.stringify(endpoint)} is no member such as https://10.0.0.1:2379`)
  }
  if (isPlain && !/^(127\.[\d.]+|localhost|\[::1\])$/.test(url.hostname)) {
    throw new ConfigError(`--etcd-servers: ${endpoint}: without TLS only an etcd on this machine is talked to (127.0.0.1, ::1)`)
  }
}

function read(flag: string, file: string | undefined): Buffer | undefined {
  if (file === undefined) return undefined
  try {
    return readFileSync(file)
  } catch (error) {
    throw new ConfigError(`${flag}: ${file} cannot be read: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
}
