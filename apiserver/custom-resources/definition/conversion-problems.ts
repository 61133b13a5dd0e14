import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type {
  CustomResourceConversion,
  CustomResourceDefinitionVersion,
  WebhookClientConfig,
} from '../../../shared/openapi/generated/apiextensions-v1.ts'
import { dnsLabelProblems } from '../../rules/metadata/names.ts'

const KNOWN_REVIEWS = ['v1', 'v1beta1']
const AT = 'spec.conversion'

/** What is wrong with how versions are converted. */
export function* conversionProblems(
  conversion: CustomResourceConversion | undefined,
  versions: readonly CustomResourceDefinitionVersion[],
): Generator<FieldProblem> {
  if (!conversion) return
  const { strategy, webhook } = conversion
  if (strategy === '') yield fieldProblem.required(`${AT}.strategy`)
  else if (strategy !== 'None' && strategy !== 'Webhook') yield fieldProblem.notSupported(`${AT}.strategy`, strategy, ['None', 'Webhook'])
  if (strategy !== 'Webhook') {
    if (webhook) yield fieldProblem.forbidden(`${AT}.webhook`, 'should not be set when strategy is not set to Webhook')
    return
  }
  if (versions.length === 0) return
  const at = `${AT}.webhook`
  if (!webhook?.clientConfig) yield fieldProblem.required(`${at}.clientConfig`, 'required when strategy is set to Webhook')
  else yield* clientProblems(webhook.clientConfig, `${at}.clientConfig`)
  const reviews = webhook?.conversionReviewVersions ?? []
  if (reviews.length === 0) yield fieldProblem.required(`${at}.conversionReviewVersions`)
  else if (!reviews.some((version) => KNOWN_REVIEWS.includes(version))) {
    yield fieldProblem.invalid(`${at}.conversionReviewVersions`, reviews, 'must include at least one of v1, v1beta1')
  }
}

function* clientProblems({ url, service }: WebhookClientConfig, path: string): Generator<FieldProblem> {
  if ((url === undefined) === (service === undefined)) {
    yield fieldProblem.required(path, 'exactly one of url or service is required')
  }
  if (url !== undefined) yield* urlProblems(url, `${path}.url`)
  if (!service) return
  if (service.name === '') yield fieldProblem.required(`${path}.service.name`, 'service name is required')
  if (service.namespace === '') yield fieldProblem.required(`${path}.service.namespace`, 'service namespace is required')
  if (service.port !== undefined && (service.port < 1 || service.port > 65535)) {
    yield fieldProblem.invalid(`${path}.service.port`, service.port, 'port is not valid: must be between 1 and 65535, inclusive')
  }
  if (service.path !== undefined) yield* pathProblems(service.path, `${path}.service.path`)
}

function* urlProblems(text: string, path: string): Generator<FieldProblem> {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const wrong = (why: string) => fieldProblem.invalid(path, text, `${why}; desired format: https://host[/path]`)
  if (!url) return yield wrong('url must be a valid URL')
  if (url.protocol !== 'https:') yield wrong(`'https' is the only allowed URL scheme`)
  if (url.hostname === '') yield wrong('host must be specified')
  if (url.username || url.password) yield wrong('user information is not permitted in the URL')
  if (url.hash) yield wrong('fragments are not permitted in the URL')
  if (url.search) yield wrong('query parameters are not permitted in the URL')
}

function* pathProblems(text: string, path: string): Generator<FieldProblem> {
  if (!text.startsWith('/')) return yield fieldProblem.invalid(path, text, `must start with a '/'`)
  if (text === '/') return
  const steps = text.slice(1).replace(/\/$/, '').split('/')
  for (const [index, step] of steps.entries()) {
    const [problem] = step === '' ? ['must not be empty'] : dnsLabelProblems(step)
    if (problem) yield fieldProblem.invalid(path, text, `segment[${index}] ('${step}'): ${problem}`)
  }
}
