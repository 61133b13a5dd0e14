import type { Transport } from '../../shared/client/transport.ts'
import { StatusError } from '../../shared/errors/status-error.ts'
import { readExactJson } from '../../shared/text/exact-json.ts'

/** A kind that can be listed, in the version it is read in. */
export interface ListedKind {
  /** Empty for the core group. */
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
}

interface GroupDocument {
  readonly groups?: readonly { readonly name: string; readonly versions: readonly { readonly version: string }[] }[]
}

interface ResourceDocument {
  readonly resources?: readonly {
    readonly name: string
    readonly kind: string
    readonly namespaced: boolean
    readonly verbs: readonly string[]
  }[]
}

/** Objects of these are others' in another form, or are made when asked for. */
const FORMS_OF_OTHERS: ReadonlySet<string> = new Set([
  'events.k8s.io',
  'metrics.k8s.io',
  'custom.metrics.k8s.io',
  'external.metrics.k8s.io',
])

/** Every kind of a cluster that has objects, each in the version that the server names first, its newest; what could not be read is added to `leftOut`. */
export async function discoverKinds(transport: Transport, leftOut: string[]): Promise<ListedKind[]> {
  const core = await getJson<ResourceDocument>(transport, '/api/v1')
  const found = new Map<string, ListedKind>()
  const add = (group: string, version: string, { resources = [] }: ResourceDocument) => {
    for (const { name, kind, namespaced, verbs } of resources) {
      if (name.includes('/') || !verbs.includes('list') || found.has(`${group}/${name}`)) continue
      found.set(`${group}/${name}`, { group, version, plural: name, kind, namespaced })
    }
  }
  add('', 'v1', core)
  const { groups = [] } = await getJson<GroupDocument>(transport, '/apis')
  for (const { name, versions } of groups) {
    if (FORMS_OF_OTHERS.has(name)) continue
    for (const { version } of versions) {
      try {
        add(name, version, await getJson<ResourceDocument>(transport, `/apis/${name}/${version}`))
      } catch (error) {
        if (!(error instanceof StatusError)) throw error
        leftOut.push(`${name}/${version}: ${error.message}`)
      }
    }
  }
  return [...found.values()]
}

/** An answer's document. @throws StatusError as the server says it, ConnectionError */
export async function getJson<T>(transport: Pick<Transport, 'send'>, path: string): Promise<T> {
  const { status, text } = await getText(transport, path)
  const document: unknown = parsed(text)
  if (status !== 200 || document === undefined) throw StatusError.fromResponse(status, document ?? text)
  return document as T
}

/** An answer as text, and the server's time in milliseconds, where it said it. */
export async function getText(
  transport: Pick<Transport, 'send'>,
  path: string,
): Promise<{ status: number; text: string; time: number | undefined }> {
  const response = await transport.send({ method: 'GET', path, headers: { accept: 'application/json' } })
  const time = Date.parse(response.header('date') ?? '')
  return { status: response.status, text: await response.text(), time: Number.isNaN(time) ? undefined : time }
}

function parsed(text: string): unknown {
  try {
    return readExactJson(text)
  } catch {
    return undefined // no JSON: the code and the text say what there is to say
  }
}
