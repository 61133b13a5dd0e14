import type { Container, LimitRange, LimitRangeItem, PersistentVolumeClaim, Pod } from '../../shared/openapi/generated/core-v1.ts'
import { podQuantities, type Quantities, readAmounts } from '../../shared/pods/pod-quantities.ts'
import { compareQuantities, formatQuantity, parseQuantity, quantityValue } from '../../shared/quantity/quantity.ts'
import { asKind } from '../registry/as-kind.ts'
import type { AdmissionRequest, AdmissionRule } from './admission.ts'
import { refusal } from './refuse.ts'

const ANNOTATION = 'kubernetes.io/limit-ranger'

/** Containers get the requests and limits of their namespace where they say none, and nothing leaves its bounds. Pods when they are made, claims whenever they change. */
export const limitRanger: AdmissionRule = {
  name: 'LimitRanger',
  mutate(request) {
    const pod = createdPod(request)
    if (!pod) return
    for (const range of rangesOf(request)) setDefaults(pod, range)
  },
  validate(request) {
    const pod = createdPod(request)
    const claim = changedClaim(request)
    if (!pod && !claim) return
    for (const { spec } of rangesOf(request)) {
      const problems = spec.limits.flatMap((item) => [...(pod ? podProblems(pod, item) : []), ...(claim ? claimProblems(claim, item) : [])])
      const [first] = problems
      if (first !== undefined) throw refusal(request, problems.length === 1 ? first : `[${[...new Set(problems)].join(', ')}]`)
    }
  },
}

function createdPod({ operation, subresource, object }: AdmissionRequest): Pod | undefined {
  const isResize = operation === 'UPDATE' && subresource === 'resize'
  return (operation === 'CREATE' && subresource === '') || isResize ? asKind(object, 'v1', 'Pod') : undefined
}

function changedClaim({ operation, subresource, object, previous }: AdmissionRequest): PersistentVolumeClaim | undefined {
  if ((operation !== 'CREATE' && operation !== 'UPDATE') || subresource !== '') return undefined
  // What is on its way out must be able to go.
  return previous?.metadata.deletionTimestamp ? undefined : asKind(object, 'v1', 'PersistentVolumeClaim')
}

function rangesOf({ context, namespace }: AdmissionRequest): LimitRange[] {
  return context.reader.list('v1', 'LimitRange', namespace)
}

function setDefaults(pod: Pod, { spec }: LimitRange): void {
  const notes: string[] = []
  for (const item of spec.limits) {
    if (item.type !== 'Container') continue
    for (const container of pod.spec.containers) notes.push(...setContainerDefaults(container, item, 'container'))
    for (const container of pod.spec.initContainers ?? []) notes.push(...setContainerDefaults(container, item, 'init container'))
  }
  if (notes.length === 0) return
  pod.metadata.annotations = { ...pod.metadata.annotations, [ANNOTATION]: `LimitRanger plugin set: ${notes.join('; ')}` }
}

/** @returns what was set, for people */
function setContainerDefaults(container: Container, item: LimitRangeItem, what: string): string[] {
  const notes: string[] = []
  for (const [field, defaults, word] of [
    ['requests', item.defaultRequest, 'request'],
    ['limits', item.default, 'limit'],
  ] as const) {
    const given = container.resources?.[field] ?? {}
    const missing = Object.entries(defaults ?? {}).filter(([name]) => !Object.hasOwn(given, name))
    if (missing.length === 0) continue
    container.resources = { ...container.resources, [field]: { ...given, ...Object.fromEntries(missing) } }
    const names = missing.map(([name]) => name).sort()
    notes.push(`${names.join(', ')} ${word} for ${what} ${container.name}`)
  }
  return notes
}

function podProblems({ spec }: Pod, item: LimitRangeItem): string[] {
  if (item.type === 'Pod') return bounded(item, podQuantities(spec, 'requests'), podQuantities(spec, 'limits'))
  if (item.type !== 'Container') return []
  return [...spec.containers, ...(spec.initContainers ?? [])].flatMap(({ resources }) =>
    bounded(item, readAmounts(resources?.requests), readAmounts(resources?.limits)),
  )
}

function bounded(item: LimitRangeItem, requests: Quantities, limits: Quantities): string[] {
  const problems = [
    ...each(item.min, (name, bound) => below(item.type, name, bound, requests, limits)),
    ...each(item.max, (name, bound) => above(item.type, name, bound, requests, limits)),
    ...each(item.maxLimitRequestRatio, (name, bound) => tooWide(item.type, name, bound, requests, limits)),
  ]
  return problems
}

function claimProblems({ spec }: PersistentVolumeClaim, item: LimitRangeItem): string[] {
  if (item.type !== 'PersistentVolumeClaim') return []
  const requests = readAmounts(spec.resources.requests)
  return [
    ...each(item.min, (name, bound) => below(item.type, name, bound, requests, new Map())),
    ...each(item.max, (name, bound) => {
      const request = requests.get(name)
      const rule = `maximum ${name} usage per ${item.type} is ${bound}`
      if (!request) return `${rule}.  No request is specified`
      return passes(request, bound) > 0 ? `${rule}, but request is ${formatQuantity(request)}` : undefined
    }),
  ]
}

function each(bounds: Readonly<Record<string, string>> | undefined, check: (name: string, bound: string) => string | undefined): string[] {
  return Object.entries(bounds ?? {}).flatMap(([name, bound]) => check(name, bound) ?? [])
}

type Check = (type: string, name: string, bound: string, requests: Quantities, limits: Quantities) => string | undefined

const below: Check = (type, name, bound, requests, limits) => {
  const [request, limit] = [requests.get(name), limits.get(name)]
  const rule = `minimum ${name} usage per ${type} is ${bound}`
  if (!request) return `${rule}.  No request is specified`
  if (passes(request, bound) < 0) return `${rule}, but request is ${formatQuantity(request)}`
  return limit && passes(limit, bound) < 0 ? `${rule}, but limit is ${formatQuantity(limit)}` : undefined
}

const above: Check = (type, name, bound, requests, limits) => {
  const [request, limit] = [requests.get(name), limits.get(name)]
  const rule = `maximum ${name} usage per ${type} is ${bound}`
  if (!limit) return `${rule}.  No limit is specified`
  if (passes(limit, bound) > 0) return `${rule}, but limit is ${formatQuantity(limit)}`
  return request && passes(request, bound) > 0 ? `${rule}, but request is ${formatQuantity(request)}` : undefined
}

const tooWide: Check = (type, name, bound, requests, limits) => {
  const [request, limit] = [requests.get(name), limits.get(name)]
  const rule = `${name} max limit to request ratio per ${type} is ${bound}`
  if (!request || request.nano === 0n) return `${rule}, but no request is specified or request is 0`
  if (!limit || limit.nano === 0n) return `${rule}, but no limit is specified or limit is 0`
  // Both sides in billionths: exact where a quotient would not be.
  if (limit.nano * 1_000_000_000n <= parseQuantity(bound).nano * request.nano) return undefined
  return `${rule}, but provided ratio is ${(quantityRatio(limit.nano, request.nano)).toFixed(6)}`
}

function quantityRatio(limit: bigint, request: bigint): number {
  return quantityValue({ nano: (limit * 10n ** 18n) / request, format: 'DecimalSI' }) / 1e9
}

function passes(amount: ReturnType<typeof parseQuantity>, bound: string): number {
  return compareQuantities(amount, parseQuantity(bound))
}
