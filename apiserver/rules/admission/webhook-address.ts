import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import { subdomainProblems } from '../../../shared/selectors/label-syntax.ts'
import { portNumberProblems } from '../metadata/names.ts'

/** Where a webhook is, as its configuration says it. */
interface WebhookAddress {
  readonly url?: string | undefined
  readonly service?:
    | { readonly namespace: string; readonly name: string; readonly path?: string | undefined; readonly port?: number | undefined }
    | undefined
}

const FORM = '; desired format: https://host[/path]'

/** Either a URL or a Service, and one that can be asked. */
export function* webhookAddressProblems({ url, service }: WebhookAddress, path: string): Generator<FieldProblem> {
  if ((url === undefined) === (service === undefined)) yield fieldProblem.required(path, 'exactly one of url or service is required')
  else if (url !== undefined) yield* urlProblems(url, `${path}.url`)
  else yield* serviceProblems(service!, `${path}.service`)
}

function* urlProblems(text: string, path: string): Generator<FieldProblem> {
  if (!URL.canParse(text)) {
    yield fieldProblem.required(path, `url must be a valid URL: ${JSON.stringify(text.slice(0, 200))} is none${FORM}`)
    return
  }
  const url = new URL(text)
  if (url.protocol !== 'https:') {
    yield fieldProblem.invalid(path, url.protocol.slice(0, -1), `'https' is the only allowed URL scheme${FORM}`)
  }
  if (url.host === '') yield fieldProblem.invalid(path, url.host, `host must be specified${FORM}`)
  if (url.username !== '' || url.password !== '') {
    yield fieldProblem.invalid(path, url.username, 'user information is not permitted in the URL')
  }
  if (url.hash !== '') yield fieldProblem.invalid(path, url.hash.slice(1), 'fragments are not permitted in the URL')
  if (url.search !== '') yield fieldProblem.invalid(path, url.search.slice(1), 'query parameters are not permitted in the URL')
}

function* serviceProblems(
  { name, namespace, path = '', port }: NonNullable<WebhookAddress['service']>,
  at: string,
): Generator<FieldProblem> {
  if (!name) yield fieldProblem.required(`${at}.name`, 'service name is required')
  if (!namespace) yield fieldProblem.required(`${at}.namespace`, 'service namespace is required')
  const [wrong] = port === undefined ? [] : portNumberProblems(port)
  if (wrong !== undefined) yield fieldProblem.invalid(`${at}.port`, port, `port is not valid: ${wrong}`)
  if (path === '' || path === '/') return
  if (!path.startsWith('/')) {
    yield fieldProblem.invalid(`${at}.path`, path, "must start with a '/'")
    return
  }
  const inside = path.slice(1, path.length > 2 && path.endsWith('/') ? -1 : undefined)
  for (const [index, segment] of inside.split('/').entries()) {
    if (segment === '') yield fieldProblem.invalid(`${at}.path`, path, `segment[${index}] may not be empty`)
    else for (const problem of subdomainProblems(segment)) yield fieldProblem.invalid(`${at}.path`, path, `segment[${index}]: ${problem}`)
  }
}
