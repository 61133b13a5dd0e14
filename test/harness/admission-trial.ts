import assert from 'node:assert/strict'
import type { AdmissionRequest } from '../../apiserver/admission/admission.ts'
import { admissionRules } from '../../apiserver/admission/admit.ts'
import type { PodSecurityOptions } from '../../apiserver/admission/pod-security/pod-security.ts'
import { podSecurityOptions } from '../../apiserver/admission/pod-security/pod-security-configuration.ts'
import type { QuotaBook } from '../../apiserver/admission/quota-book.ts'
import type { User } from '../../apiserver/authn/user.ts'
import type { AccessAttributes } from '../../apiserver/authz/authorizer.ts'
import { defineResource, type ResourceDefinition } from '../../apiserver/registry/define-resource.ts'
import type { Undo } from '../../apiserver/registry/undo.ts'
import type { ApiVersion, DeepPartial, KindOf, ObjectOf } from '../../shared/client/client.ts'
import { StatusError } from '../../shared/errors/status-error.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { seededRandom } from '../../shared/random/random.ts'
import { type Clock, realClock } from '../../shared/time/clock.ts'
import { TestReader } from './object-reader.ts'

export const jane: User = { name: 'jane', groups: ['system:authenticated'] }
export const kubelet: User = { name: 'system:node:a', groups: ['system:nodes', 'system:authenticated'] }

/** What a test says about the world around the rules. */
interface World {
  /** Milliseconds that rules have slept. */
  slept: number
  onSleep: () => void
  allowed: (attributes: AccessAttributes) => boolean
  /** How to take back what rules took. */
  readonly taken: Undo[]
  readonly warned: string[]
}

const podDefinition = defineResource('v1', 'Pod') as unknown as ResourceDefinition

/** All admission rules over a namespace, its default account and the node `a`; requests are creations of Pods by jane unless they say otherwise. */
export function admissionTrial(options: { podSecurity?: PodSecurityOptions } = {}) {
  const world: World = { slept: 0, onSleep() {}, allowed: () => false, taken: [], warned: [] }
  const reader = new TestReader()
  reader.put('v1', 'Namespace', { metadata: { name: 'default' }, status: { phase: 'Active' } })
  reader.put('v1', 'ServiceAccount', { metadata: { namespace: 'default', name: 'default' } })
  reader.put('v1', 'Node', { metadata: { name: 'a', uid: 'node-a' }, spec: {}, status: {} })
  const clock: Clock = {
    ...realClock(),
    async sleep(milliseconds) {
      world.slept += milliseconds
      world.onSleep()
    },
  }
  const quotas: QuotaBook = {
    log: silentLogger(),
    async write({ namespace, name }, change) {
      const quota = reader.get('v1', 'ResourceQuota', { namespace, name })
      if (quota) reader.put('v1', 'ResourceQuota', { ...quota, status: change(quota) })
    },
  }
  const rules = admissionRules({
    quotas,
    podSecurity: options.podSecurity ?? podSecurityOptions({}),
    authorize: (attributes) => ({ decision: world.allowed(attributes) ? 'allow' : 'noOpinion', reason: '' }),
    cluster: {
      ...{ serverNames: ['api.example.com', '192.0.2.1', 'localhost', '127.0.0.1'], domain: 'lab.example' },
      ...{ serviceRanges: ['10.96.0.0/16'], podRanges: ['10.244.0.0/16'] },
    },
  })

  /** Leaves what the rules add in the request's object. */
  async function admit(changes: Partial<AdmissionRequest>): Promise<void> {
    const object = changes.object
    const [group = '', version = ''] = object?.apiVersion.includes('/') ? object.apiVersion.split('/') : ['', object?.apiVersion]
    const request: AdmissionRequest = {
      ...{ operation: 'CREATE', definition: podDefinition, group, version, resource: 'pods', subresource: '', namespace: 'default' },
      ...{ name: object?.metadata.name ?? '', user: jane, object, previous: undefined, dryRun: false },
      onFailure(undo) {
        world.taken.push(undo)
      },
      context: { user: jane, reader, clock, random: seededRandom(1), dryRun: false, warn: (sentence) => world.warned.push(sentence) },
      ...changes,
    }
    for (const rule of rules) await rule.mutate?.(request)
    for (const rule of rules) await rule.validate?.(request)
  }

  async function refused(changes: Partial<AdmissionRequest>, message: RegExp | string, code = 403): Promise<StatusError> {
    try {
      await admit(changes)
    } catch (error) {
      if (!(error instanceof StatusError)) throw error
      if (typeof message === 'string') assert.equal(error.message, message)
      else assert.match(error.message, message)
      assert.equal(error.code, code)
      return error
    }
    throw new Error('it was admitted')
  }

  return { world, reader, admit, refused }
}

/** An object as decoding leaves it, as far as rules look. */
export function made<V extends ApiVersion, K extends KindOf<V>>(
  apiVersion: V,
  kind: K,
  content: { metadata: KubeObject['metadata'] } & DeepPartial<Omit<ObjectOf<V, K>, 'metadata' | 'apiVersion' | 'kind'>>,
): ObjectOf<V, K> {
  return { spec: {}, status: {}, ...structuredClone(content), apiVersion, kind } as unknown as ObjectOf<V, K>
}

export function madePod(spec: DeepPartial<Pod['spec']> = {}, metadata: Pod['metadata'] = {}) {
  return made('v1', 'Pod', {
    metadata: { name: 'web', namespace: 'default', ...metadata },
    spec: { containers: [{ name: 'main' }], ...spec },
  })
}
