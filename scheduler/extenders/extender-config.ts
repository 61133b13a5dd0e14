import type { Connection } from '../../shared/client/connection.ts'
import { ConfigError } from '../../shared/process/config.ts'
import { closedObject, type FieldSchema, readConfigText } from '../../shared/process/config-file.ts'
import { parseDuration } from '../../shared/process/setting.ts'

/** An extender as it is written in the configuration file; fields are upstream's. */
export interface WrittenExtender {
  readonly urlPrefix: string
  readonly filterVerb?: string
  readonly prioritizeVerb?: string
  readonly preemptVerb?: string
  readonly bindVerb?: string
  /** How much its points count. */
  readonly weight?: number
  readonly enableHTTPS?: boolean
  readonly tlsConfig?: {
    readonly insecure?: boolean
    readonly serverName?: string
    readonly certFile?: string
    readonly keyFile?: string
    readonly caFile?: string
    readonly certData?: string
    readonly keyData?: string
    readonly caData?: string
  }
  readonly httpTimeout?: string
  /** It knows the nodes: names are enough. */
  readonly nodeCacheCapable?: boolean
  readonly managedResources?: readonly { readonly name: string; readonly ignoredByScheduler?: boolean }[]
  readonly ignorable?: boolean
}

/** One that can be asked. */
export interface ExtenderSettings extends WrittenExtender {
  readonly connection: Connection
  readonly timeoutMilliseconds: number
}

const text = { type: 'string', minLength: 1 }
const flag = { type: 'boolean' }
const DEFAULT_TIMEOUT = '5s'

export const extenderSchema: FieldSchema = closedObject(
  {
    ...{ urlPrefix: text, filterVerb: text, prioritizeVerb: text, preemptVerb: text, bindVerb: text, httpTimeout: text },
    ...{ weight: { type: 'integer', minimum: 1, maximum: 1_000_000 }, enableHTTPS: flag, nodeCacheCapable: flag, ignorable: flag },
    tlsConfig: closedObject({
      ...{ insecure: flag, serverName: text, certFile: text, keyFile: text, caFile: text, certData: text, keyData: text, caData: text },
    }),
    managedResources: { type: 'array', items: closedObject({ name: text, ignoredByScheduler: flag }, ['name']) },
  },
  ['urlPrefix'],
)

/** Checks what a schema cannot, and reads the files that are named. @throws ConfigError */
export async function readExtenders(written: readonly WrittenExtender[], file: string): Promise<ExtenderSettings[]> {
  const binders = written.filter(({ bindVerb }) => bindVerb !== undefined).length
  if (binders > 1) throw new ConfigError(`${file}: extenders: found ${binders} extenders implementing bind, at most one may`)
  return Promise.all(written.map((extender, index) => read(extender, `${file}: extenders[${index}]`)))
}

async function read(extender: WrittenExtender, place: string): Promise<ExtenderSettings> {
  const { urlPrefix, prioritizeVerb, weight, enableHTTPS, tlsConfig, httpTimeout = DEFAULT_TIMEOUT } = extender
  if (!URL.canParse(urlPrefix) || !/^https?:/.test(urlPrefix))
    throw new ConfigError(`${place}.urlPrefix: ${JSON.stringify(urlPrefix)} is not a URL with http or https`)
  if (prioritizeVerb !== undefined && weight === undefined)
    throw new ConfigError(`${place}.weight: is required of an extender that prioritizes`)
  if (tlsConfig?.insecure && (tlsConfig.caFile ?? tlsConfig.caData) !== undefined)
    throw new ConfigError(`${place}.tlsConfig: an authority cannot be named together with insecure`)
  const url = new URL(urlPrefix)
  if (enableHTTPS) url.protocol = 'https:'
  const [ca, certificate, key] = await Promise.all([
    pem(tlsConfig?.caData, tlsConfig?.caFile),
    pem(tlsConfig?.certData, tlsConfig?.certFile),
    pem(tlsConfig?.keyData, tlsConfig?.keyFile),
  ])
  if ((certificate === undefined) !== (key === undefined))
    throw new ConfigError(`${place}.tlsConfig: a certificate and its key belong together`)
  return {
    ...extender,
    timeoutMilliseconds: timeoutOf(httpTimeout, place),
    connection: {
      server: url.href.replace(/\/+$/, ''),
      ca,
      certificate,
      key,
      serverName: tlsConfig?.serverName,
      insecure: tlsConfig?.insecure,
    },
  }
}

function timeoutOf(written: string, place: string): number {
  try {
    return parseDuration(written)
  } catch (cause) {
    throw new ConfigError(`${place}.httpTimeout: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

/** Data is PEM in base64, and wins over a file. */
async function pem(data: string | undefined, file: string | undefined): Promise<string | undefined> {
  if (data !== undefined) return Buffer.from(data, 'base64').toString()
  return file === undefined ? undefined : readConfigText(file)
}
