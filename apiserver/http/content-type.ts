import { StatusError } from '../../shared/errors/status-error.ts'
import { BoundedCache } from '../../shared/limits/bounded-cache.ts'
import { inputLimits } from '../../shared/limits/input-limits.ts'
import { PROTOBUF_TYPE } from '../protobuf/encode-protobuf.ts'
import { headerTooLong } from './input-size.ts'

/** What of an object is answered. */
export type Shape = 'object' | 'table' | 'metadata'

/** The version of meta that tables and metadata are written in; old clients ask for the older one, and mean the same. */
export type MetaVersion = 'meta.k8s.io/v1' | 'meta.k8s.io/v1beta1'

export type Format = 'json' | 'yaml' | 'protobuf'

/** How an answer is written: negotiated from Accept, `pretty` and `includeObject`. */
export interface Representation {
  readonly shape: Shape
  readonly meta: MetaVersion
  readonly format: Format
  readonly pretty: boolean
  /** For tables: what of the object each row carries. */
  readonly includeObject: 'Metadata' | 'Object' | 'None'
  /** For discovery: the aggregated document was asked for. */
  readonly discovery: boolean
  readonly contentType: string
  /** Equal keys mean equal bytes for the same object. */
  readonly key: string
}

interface MediaRange {
  readonly type: string
  readonly parameters: ReadonlyMap<string, string>
  readonly quality: number
}

const JSON_TYPE = 'application/json'
const contentTypes: Readonly<Record<Format, string>> = { json: JSON_TYPE, yaml: 'application/yaml', protobuf: PROTOBUF_TYPE }
const discoveryType = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

export const plainJson: Representation = make('object', 'json', false, 'Metadata', false, JSON_TYPE)
/** Clients of one program send the same words with each request; what is longer than any of theirs is read anew each time. */
const cache = new BoundedCache<Representation>({ bytes: 256 * 1024, keyCharacters: 512 })

export interface NegotiationInput {
  accept: string | undefined
  userAgent: string | undefined
  pretty: string | null
  includeObject: string | null
  /** False for what has no rows: questions and actions, which upstream refuses to print as a table. Default true. */
  tables?: boolean
  /** False for what has no protobuf form, which are custom resources; their metadata has one. Default true. */
  protobuf?: boolean
}

/** @throws StatusError NotAcceptable when nothing that is asked for can be written */
export function negotiate(input: NegotiationInput, forDiscovery = false): Representation {
  const isPerson = input.pretty === null && /^(curl|Wget|Mozilla)\//.test(input.userAgent ?? '')
  const key = `${forDiscovery ? 'd' : ''}${input.tables === false ? 'n' : ''}${input.protobuf === false ? 'c' : ''}|${input.accept ?? ''}|${input.pretty ?? ''}|${isPerson ? 'p' : ''}|${input.includeObject ?? ''}`
  const known = cache.get(key)
  if (known) return known
  if ((input.accept?.length ?? 0) > inputLimits.headerCharacters) throw headerTooLong('Accept')
  const pretty = isPerson || (input.pretty !== null && input.pretty !== 'false' && input.pretty !== '0')
  const found = choose(input, pretty, forDiscovery)
  cache.set(key, found)
  return found
}

/**
 * What an error is written in: the first of what is asked for that a Status has a form in, else JSON. It never fails, because something must
 * be said.
 */
export function negotiateStatus(input: NegotiationInput): Representation {
  const isReadable = (input.accept?.length ?? 0) <= inputLimits.headerCharacters
  const ranges = isReadable ? parseAccept(input.accept) : []
  const first = ranges.map(({ type, parameters }) => (parameters.has('as') ? undefined : formatOf(type))).find((format) => format)
  return negotiate({ ...input, accept: first === 'protobuf' ? PROTOBUF_TYPE : undefined, includeObject: null })
}

function choose(input: NegotiationInput, pretty: boolean, forDiscovery: boolean): Representation {
  const ranges = parseAccept(input.accept)
  for (const range of ranges) {
    const format = formatOf(range.type)
    if (!format) continue
    const as = range.parameters.get('as')
    const isProtobuf = format === 'protobuf'
    if (as === undefined) {
      if (isProtobuf && input.protobuf === false) continue
      return make('object', format, pretty, 'Metadata', false, contentTypes[format])
    }
    const group = range.parameters.get('g')
    const version = range.parameters.get('v')
    if (forDiscovery) {
      if (as === 'APIGroupDiscoveryList' && group === 'apidiscovery.k8s.io' && version === 'v2' && format === 'json') {
        return make('object', 'json', pretty, 'Metadata', true, discoveryType)
      }
      continue
    }
    if (group !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) continue
    const meta = `${group}/${version}` as const
    if (as === 'Table' && input.tables !== false && !isProtobuf) {
      return make('table', format, pretty, includeObjectOf(input.includeObject), false, contentTypes[format], meta)
    }
    if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') {
      return make('metadata', format, pretty, 'Metadata', false, contentTypes[format], meta)
    }
  }
  const accepted = Object.entries(contentTypes).filter(([format]) => format !== 'protobuf' || input.protobuf !== false)
  const types = accepted.map(([, type]) => type).join(', ')
  throw new StatusError('NotAcceptable', `only the following media types are accepted: ${types}`, { details: {} })
}

function make(
  shape: Shape,
  format: Format,
  pretty: boolean,
  includeObject: Representation['includeObject'],
  discovery: boolean,
  contentType: string,
  meta: MetaVersion = 'meta.k8s.io/v1',
): Representation {
  const words = shape === 'object' ? shape : `${shape}-${includeObject}-${meta}`
  const key = format === 'protobuf' ? `${format} ${words}` : words
  return { shape, meta, format, pretty: pretty && format !== 'protobuf', includeObject, discovery, contentType, key }
}

function includeObjectOf(value: string | null): Representation['includeObject'] {
  if (value === null || value === '' || value === 'Metadata') return 'Metadata'
  if (value === 'Object' || value === 'None') return value
  throw new StatusError('BadRequest', `unsupported includeObject value ${JSON.stringify(value)}: use None, Metadata or Object`)
}

/** A range that leaves the choice to us means JSON. */
function formatOf(type: string): Format | undefined {
  switch (type) {
    case JSON_TYPE:
    case 'application/*':
    case '*/*':
      return 'json'
    case 'application/yaml':
      return 'yaml'
    case PROTOBUF_TYPE:
      return 'protobuf'
    default:
      return undefined
  }
}

/** Media ranges, most wanted first, and of equally wanted ones those that leave most open last. No Accept header means anything. */
function parseAccept(header: string | undefined): MediaRange[] {
  if (!header?.trim()) return [{ type: JSON_TYPE, parameters: new Map(), quality: 1 }]
  const ranges = header.split(',').map((text): MediaRange => {
    const [type, ...settings] = text.split(';').map((part) => part.trim())
    const parameters = new Map(
      settings.map((setting) => {
        const at = setting.indexOf('=')
        return at < 0 ? ([setting, ''] as const) : ([setting.slice(0, at), setting.slice(at + 1)] as const)
      }),
    )
    const quality = Number(parameters.get('q') ?? '1')
    return { type: type!.toLowerCase(), parameters, quality: Number.isNaN(quality) ? 0 : quality }
  })
  return ranges.filter((range) => range.quality > 0).sort((a, b) => b.quality - a.quality || openness(a) - openness(b))
}

function openness({ type }: MediaRange): number {
  return type === '*/*' ? 2 : type.endsWith('/*') ? 1 : 0
}
