import type { KubeObject } from '../../shared/objects/object.ts'
import { own } from '../../shared/objects/own.ts'
import type { ResourceQuota } from '../../shared/openapi/generated/core-v1.ts'
import type { Quantities } from '../../shared/pods/pod-quantities.ts'
import { formatQuantity } from '../../shared/quantity/quantity.ts'
import { charged, exceeded, givenBack, growth, namesFor, quotaKindOf } from '../../shared/quota/quota.ts'
import type { QuotaKind } from '../../shared/quota/quota-kind.ts'
import type { AdmissionRequest, AdmissionRule } from './admission.ts'
import type { QuotaBook } from './quota-book.ts'
import { refusal } from './refuse.ts'

/**
 * Nothing is created, and nothing grows, beyond the quotas of its namespace. A charge is written into the quota's status before the object is
 * stored, each on top of the last, so that any number of writers at once cannot pass a limit; a write that fails gives it back. What is lost
 * between the two (a crash) the quota controller finds when it counts again; what is deleted, too.
 */
export function resourceQuota(book: QuotaBook): AdmissionRule {
  return {
    name: 'ResourceQuota',
    validate(request) {
      const { operation, namespace, group, resource, subresource, object, context } = request
      if (namespace === '' || !object || (operation !== 'CREATE' && operation !== 'UPDATE')) return
      const kind = quotaKindOf(group, resource)
      if (!kind?.charges(operation, subresource)) return
      // Most namespaces have none, and every write comes by here.
      const quotas = context.reader.list('v1', 'ResourceQuota', namespace)
      if (quotas.length > 0) return chargeAll({ request, object, kind, quotas, book })
    },
  }
}

interface Asked {
  readonly request: AdmissionRequest
  readonly object: KubeObject
  readonly kind: QuotaKind
  readonly quotas: readonly ResourceQuota[]
  readonly book: QuotaBook
}

async function chargeAll({ request, object, kind, quotas, book }: Asked): Promise<void> {
  const matching: { quota: ResourceQuota; names: readonly string[] }[] = []
  for (const quota of quotas) {
    const names = namesFor(kind, quota.spec, quota.status.hard, object)
    if (names.length === 0) continue
    const problem = kind.problem?.(names, object)
    if (problem) throw refusal(request, `failed quota: ${quota.metadata.name}: ${problem}`)
    if (names.some((name) => own(quota.status.used, name) === undefined)) {
      throw refusal(request, `status unknown for quota: ${quota.metadata.name}, resources: ${[...names].sort().join(',')}`)
    }
    matching.push({ quota, names })
  }
  if (matching.length === 0) return
  const added = addedUsage(request, object, kind)
  for (const { quota, names } of matching) {
    const asked: Quantities = new Map([...added].filter(([name]) => names.includes(name)))
    if (asked.size > 0) await charge({ request, quota, asked, book })
  }
}

function addedUsage(request: AdmissionRequest, object: KubeObject, kind: QuotaKind): Quantities {
  const now = request.context.clock.now()
  const usage = kind.usage(object, now)
  const negative = [...usage].filter(([, { nano }]) => nano < 0n).map(([name]) => name)
  if (negative.length > 0) throw refusal(request, `quota usage is negative for resource(s): ${negative.sort().join(',')}`)
  return growth(usage, request.previous && kind.usage(request.previous, now))
}

interface Charge {
  readonly request: AdmissionRequest
  readonly quota: ResourceQuota
  readonly asked: Quantities
  readonly book: QuotaBook
}

async function charge({ request, quota, asked, book }: Charge): Promise<void> {
  if (request.dryRun) return refuseExcess(request, quota, asked)
  const { namespace = '', name = '', uid = '' } = quota.metadata
  const place = { namespace, name, uid }
  let isCharged = false
  await book.write(place, (newest) => {
    refuseExcess(request, newest, asked)
    isCharged = true
    return { ...newest.status, used: charged(asked, newest.status.used) }
  })
  if (!isCharged) return
  request.onFailure(async () => {
    try {
      await book.write(place, ({ status }) => ({ ...status, used: givenBack(asked, status.used) }))
    } catch (error) {
      book.log.warn('a charge could not be given back to its quota; the next count will', { quota: `${namespace}/${name}`, error })
    }
  })
}

/** @throws StatusError Forbidden */
function refuseExcess(request: AdmissionRequest, { metadata, status }: ResourceQuota, asked: Quantities): void {
  const names = exceeded(asked, status.used, status.hard).sort()
  if (names.length === 0) return
  const shown = (amounts: (name: string) => string | undefined) => names.map((name) => `${name}=${amounts(name) ?? '0'}`).join(',')
  const requested = shown((name) => formatted(asked, name))
  const [used, limited] = [status.used, status.hard].map((amounts) => shown((name) => own(amounts, name)))
  throw refusal(request, `exceeded quota: ${metadata.name}, requested: ${requested}, used: ${used}, limited: ${limited}`)
}

function formatted(asked: Quantities, name: string): string | undefined {
  const amount = asked.get(name)
  return amount && formatQuantity(amount)
}
