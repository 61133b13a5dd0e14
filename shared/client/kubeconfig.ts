import { createRequire } from 'node:module'
import { dirname, resolve } from 'node:path'
import { type Connection, type ConnectionSource, connectionFromFiles, type FileReader } from './connection.ts'

/** A kubeconfig that cannot be used; the message names the file and the part. */
export class KubeconfigError extends Error {
  override readonly name = 'KubeconfigError'
}

/**
 * The connection of a kubeconfig's context (default: its current one). Files it names, and the kubeconfig itself, are read again when they change.
 * @throws KubeconfigError on first use when it is missing or incomplete
 */
export function connectionFromKubeconfig(path: string, context?: string): ConnectionSource {
  return connectionFromFiles((read) => {
    try {
      return connectionOf(parseKubeconfig(read(path)), { read, folder: dirname(path), context })
    } catch (error) {
      throw new KubeconfigError(`${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
    }
  })
}

/**
 * The document of a kubeconfig. Those we write for each other are JSON, so that most processes never load a YAML library (12 MB).
 * @throws Error where it is neither
 */
export function parseKubeconfig(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // It is YAML, or the YAML library says what it is not.
  }
  const { parse }: typeof import('yaml') = createRequire(import.meta.url)('yaml')
  return parse(text)
}

const serviceAccountFolder = '/var/run/secrets/kubernetes.io/serviceaccount'

/** The connection every Pod has: the service account's token and the environment's address of the API. @throws KubeconfigError outside a Pod */
export function inClusterConnection(env: Readonly<Record<string, string | undefined>>, folder = serviceAccountFolder): ConnectionSource {
  const host = env['KUBERNETES_SERVICE_HOST']
  const port = env['KUBERNETES_SERVICE_PORT']
  if (!host || !port) throw new KubeconfigError('not in a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set')
  const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`
  return connectionFromFiles((read) => ({ server, ca: read(`${folder}/ca.crt`), token: read(`${folder}/token`).trim() }))
}

interface Place {
  read: FileReader
  folder: string
  context: string | undefined
}

function connectionOf(document: unknown, place: Place): Connection {
  const config = record(document, 'the file')
  const contextName = place.context ?? optionalText(config, 'current-context')
  if (!contextName) throw new Error('no current-context')
  const context = named(config, 'contexts', 'context', contextName)
  const cluster = named(config, 'clusters', 'cluster', requiredText(context, 'cluster'))
  const userName = optionalText(context, 'user')
  const user = userName ? named(config, 'users', 'user', userName) : {}
  for (const unsupported of ['exec', 'auth-provider']) {
    if (user[unsupported] !== undefined) throw new Error(`users[${userName}].user.${unsupported} is not supported`)
  }
  return {
    ...serversOf(cluster),
    ca: material(cluster, 'certificate-authority', place),
    insecure: cluster['insecure-skip-tls-verify'] === true,
    serverName: optionalText(cluster, 'tls-server-name'),
    certificate: material(user, 'client-certificate', place),
    key: material(user, 'client-key', place),
    token: optionalText(user, 'token') ?? tokenFile(user, place),
  }
}

/**
 * The extension of a kubeconfig's cluster that lists all API servers: `{servers: [URL, …]}`. Other clients pass extensions over and
 * know `server` alone.
 */
export const SERVERS_EXTENSION = 'coxswain.dev/servers'

function serversOf(cluster: Record<string, unknown>): Pick<Connection, 'server' | 'servers'> {
  const url = (text: string) => {
    if (!URL.canParse(text)) throw new Error(`server ${JSON.stringify(text)} is no URL`)
    return text.replace(/\/+$/, '')
  }
  const server = url(requiredText(cluster, 'server'))
  const extensions = cluster['extensions'] ?? []
  if (!Array.isArray(extensions)) throw new Error('extensions is not a list')
  const found = extensions.map((each: unknown) => record(each, 'an extension')).find(({ name }) => name === SERVERS_EXTENSION)
  if (!found) return { server }
  const listed = record(found['extension'], SERVERS_EXTENSION)['servers']
  if (!Array.isArray(listed) || listed.length === 0) throw new Error(`${SERVERS_EXTENSION} holds no list of servers`)
  return { server, servers: listed.map((each: unknown) => url(String(each))) }
}

/** `<key>-data` in base64, or the file `<key>`, relative to the kubeconfig's folder. */
function material(holder: Record<string, unknown>, key: string, { read, folder }: Place): string | undefined {
  const data = optionalText(holder, `${key}-data`)
  if (data) return Buffer.from(data, 'base64').toString('utf8')
  const file = optionalText(holder, key)
  return file ? read(resolve(folder, file)) : undefined
}

function tokenFile(user: Record<string, unknown>, { read, folder }: Place): string | undefined {
  const file = optionalText(user, 'tokenFile')
  return file ? read(resolve(folder, file)).trim() : undefined
}

function named(config: Record<string, unknown>, list: string, part: string, name: string): Record<string, unknown> {
  const entries = config[list]
  const entry = Array.isArray(entries) ? entries.find((each: unknown) => record(each, list)['name'] === name) : undefined
  if (entry === undefined) throw new Error(`${list} has no ${JSON.stringify(name)}`)
  return record(record(entry, list)[part], `${list}[${name}].${part}`)
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${what} is not a mapping`)
  return value as Record<string, unknown>
}

function optionalText(holder: Record<string, unknown>, key: string): string | undefined {
  const value = holder[key]
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value !== 'string') throw new Error(`${key} is not text`)
  return value
}

function requiredText(holder: Record<string, unknown>, key: string): string {
  const value = optionalText(holder, key)
  if (value === undefined) throw new Error(`${key} is missing`)
  return value
}
