import { isIP } from 'node:net'
import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import { INGRESS_CLASS_ANNOTATION } from '../../../shared/ingress/ingress-class.ts'
import { own } from '../../../shared/objects/own.ts'
import type { HTTPIngressPath, Ingress, IngressSpec, IngressStatus, IngressTLS } from '../../../shared/openapi/generated/networking-v1.ts'
import { patternProblem, subdomainProblems } from '../../../shared/selectors/label-syntax.ts'
import { addressProblems } from '../service/addresses.ts'
import { backendProblems } from './ingress-backend.ts'

const PATH_TYPES = ['Exact', 'ImplementationSpecific', 'Prefix']
/** Two readers could take a path with these for different ones. */
const AMBIGUOUS_PARTS = ['//', '/./', '/../', '%2f', '%2F']
const AMBIGUOUS_ENDS = ['/..', '/.']

const WILDCARD = '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*'
const WILDCARD_TEST = new RegExp(`^${WILDCARD}$`)
const WILDCARD_SENTENCE =
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character"

/** Hosts and paths of an Ingress, and what is behind them; as upstream's ValidateIngressSpec. */
export function* ingressProblems(spec: IngressSpec): Generator<FieldProblem> {
  const rules = spec.rules ?? []
  if (rules.length === 0 && !spec.defaultBackend) {
    yield fieldProblem.invalid('spec', rules, 'either `defaultBackend` or `rules` must be specified')
  }
  if (spec.defaultBackend) yield* backendProblems(spec.defaultBackend, 'spec.defaultBackend')
  for (const [index, { host, http }] of rules.entries()) {
    const path = `spec.rules[${index}]`
    if (host) {
      if (isIP(host) !== 0) yield fieldProblem.invalid(`${path}.host`, host, 'must be a DNS name, not an IP address')
      yield* hostProblems(host, `${path}.host`)
    }
    if (!http) continue
    if (http.paths.length === 0) yield fieldProblem.required(`${path}.http.paths`)
    for (const [number, each] of http.paths.entries()) yield* pathProblems(each, `${path}.http.paths[${number}]`)
  }
  for (const [index, tls] of (spec.tls ?? []).entries()) yield* tlsProblems(tls, `spec.tls[${index}]`)
  const { ingressClassName } = spec
  if (ingressClassName === undefined) return
  for (const problem of subdomainProblems(ingressClassName)) {
    yield fieldProblem.invalid('spec.ingressClassName', ingressClassName, problem)
  }
}

/** A new Ingress says its class in one way, or twice the same; those that are there may go on as they are. */
export function* classProblems({ metadata, spec }: Ingress): Generator<FieldProblem> {
  const annotated = own(metadata.annotations, INGRESS_CLASS_ANNOTATION)
  if (annotated === undefined || spec.ingressClassName === undefined || annotated === spec.ingressClassName) return
  const detail = 'must match `ingressClassName` when both are specified'
  yield fieldProblem.invalid(`annotations.${INGRESS_CLASS_ANNOTATION}`, annotated, detail)
}

/** Where it is served: addresses and names. */
export function* ingressStatusProblems({ loadBalancer }: IngressStatus): Generator<FieldProblem> {
  for (const [index, { ip, hostname }] of (loadBalancer.ingress ?? []).entries()) {
    const path = `status.loadBalancer.ingress[${index}]`
    if (ip) yield* addressProblems(ip, `${path}.ip`)
    if (!hostname) continue
    for (const problem of subdomainProblems(hostname)) yield fieldProblem.invalid(`${path}.hostname`, hostname, problem)
    if (isIP(hostname) !== 0) yield fieldProblem.invalid(`${path}.hostname`, hostname, 'must be a DNS name, not an IP address')
  }
}

function* hostProblems(host: string, path: string): Generator<FieldProblem> {
  for (const problem of host.includes('*') ? wildcardProblems(host) : subdomainProblems(host))
    yield fieldProblem.invalid(path, host, problem)
}

function wildcardProblems(host: string): string[] {
  return WILDCARD_TEST.test(host) ? [] : [patternProblem(WILDCARD_SENTENCE, WILDCARD, '*.example.com')]
}

function* pathProblems({ path = '', pathType, backend }: HTTPIngressPath, at: string): Generator<FieldProblem> {
  if (!pathType) {
    yield fieldProblem.required(`${at}.pathType`, 'pathType must be specified')
    return
  }
  const isAbsolute = path.startsWith('/')
  const mustBeAbsolute = fieldProblem.invalid(`${at}.path`, path, 'must be an absolute path')
  if (!PATH_TYPES.includes(pathType)) yield fieldProblem.notSupported(`${at}.pathType`, pathType, PATH_TYPES)
  else if (pathType === 'ImplementationSpecific') {
    if (path !== '' && !isAbsolute) yield mustBeAbsolute
  } else {
    if (!isAbsolute) yield mustBeAbsolute
    for (const part of AMBIGUOUS_PARTS) {
      if (path.includes(part)) yield fieldProblem.invalid(`${at}.path`, path, `must not contain '${part}'`)
    }
    for (const end of AMBIGUOUS_ENDS) if (path.endsWith(end)) yield fieldProblem.invalid(`${at}.path`, path, `cannot end with '${end}'`)
  }
  yield* backendProblems(backend, `${at}.backend`)
}

function* tlsProblems({ hosts, secretName }: IngressTLS, path: string): Generator<FieldProblem> {
  for (const [index, host] of (hosts ?? []).entries()) yield* hostProblems(host, `${path}.hosts[${index}]`)
  if (!secretName) return
  for (const problem of subdomainProblems(secretName)) yield fieldProblem.invalid(`${path}.secretName`, secretName, problem)
}
