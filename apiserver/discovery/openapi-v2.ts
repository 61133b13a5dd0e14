import { createHash } from 'node:crypto'
import type { ApiRequest, Reply } from '../http/exchange.ts'
import { methodNotAllowed, type RequestInfo } from '../http/request-info.ts'
import type { Resource } from '../registry/resource-table.ts'
import { type OpenApiV2, openApiV2Document, withCustom } from './openapi-v2-document.ts'
import { openApiV2Protobuf } from './openapi-v2-protobuf.ts'

const PROTOBUF = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'
/** As client-go asked before a media type could not have an @ any more. */
const OLD_PROTOBUF = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf'

interface Form {
  readonly type: string
  readonly bytes: Buffer
  readonly tag: string
}

/**
 * `/openapi/v2`, made when it is first asked for, in the form that is asked for. Asked again when other resources are served; what the release
 * has is made once.
 */
export function openApiV2() {
  let base: OpenApiV2 | undefined
  return (resources: readonly Resource[]) => {
    const custom = resources.filter((resource) => resource.custom)
    return handlerOf(() => {
      base ??= openApiV2Document(resources.filter((resource) => !resource.custom))
      return custom.length === 0 ? base : withCustom(base, custom)
    })
  }
}

function handlerOf(make: () => OpenApiV2) {
  const forms = new Map<string, Form>()
  const formOf = (type: string): Form => {
    const known = forms.get(type)
    if (known) return known
    const document = make()
    const bytes = type === PROTOBUF ? openApiV2Protobuf(document) : Buffer.from(JSON.stringify(document))
    const made = { type, bytes, tag: `"${createHash('sha256').update(bytes).digest('hex').toUpperCase()}"` }
    forms.set(type, made)
    return made
  }
  return (request: ApiRequest, _info: RequestInfo, reply: Reply): void => {
    if (request.method !== 'GET' && request.method !== 'HEAD') throw methodNotAllowed()
    const accept = String(request.headers.accept ?? '').toLowerCase()
    const { type, bytes, tag } = formOf(accept.includes(PROTOBUF) || accept.includes(OLD_PROTOBUF) ? PROTOBUF : 'application/json')
    const headers = { etag: tag, vary: 'Accept', 'cache-control': 'no-cache, private' }
    if (request.headers['if-none-match'] === tag) reply.send(304, type, '', headers)
    else reply.send(200, type, bytes, headers)
  }
}
