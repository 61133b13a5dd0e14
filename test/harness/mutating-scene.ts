import assert from 'node:assert/strict'
import type { TestApi } from './api.ts'
import { configMap, serviceAccount } from './bodies.ts'

const GROUP = '/apis/admissionregistration.k8s.io/v1'
const API = 'admissionregistration.k8s.io/v1'

let namespaces = 0
/** A namespace of its own, and policies that are about that alone: tests of one server do not meet. */
export async function mutatingScene(api: TestApi) {
  const namespace = `ns-${++namespaces}`
  await api.request('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
  await api.request('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, serviceAccount('default'))
  const named = (name: string) => `${namespace}-${name}`
  const policy = (name: string, spec: object) => {
    const constraints = { matchConstraints: { resourceRules: [rule(['configmaps'])] }, reinvocationPolicy: 'Never' }
    const body = { apiVersion: API, kind: 'MutatingAdmissionPolicy', metadata: { name: named(name) }, spec: { ...constraints, ...spec } }
    return api.request('POST', `${GROUP}/mutatingadmissionpolicies`, body)
  }
  const bind = (name: string, spec: object = {}) => {
    const matchResources = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } }
    const body = {
      ...{ apiVersion: API, kind: 'MutatingAdmissionPolicyBinding', metadata: { name: named(name) } },
      spec: { policyName: named(name), matchResources, ...spec },
    }
    return api.request('POST', `${GROUP}/mutatingadmissionpolicybindings`, body)
  }
  /** A policy with its binding, in force from then on. */
  const inForce = async (name: string, spec: object, binding: object = {}) => {
    for (const answer of [await policy(name, spec), await bind(name, binding)]) assert.equal(answer.status, 201, answer.text)
  }
  const at = (plural: string, group = '/api/v1') => `${group}/namespaces/${namespace}/${plural}`
  const create = (name: string, data: Record<string, string> = {}, metadata: object = {}) => {
    const body = configMap(name, { data })
    return api.request('POST', at('configmaps'), { ...body, metadata: { name, ...metadata } })
  }
  return { namespace, named, policy, bind, inForce, at, create }
}

export const rule = (resources: string[], apiGroups: string[] = [''], operations = ['CREATE', 'UPDATE']) => ({
  ...{ apiGroups, apiVersions: ['v1'], resources, operations },
})
export const about = (resources: string[], apiGroups?: string[], operations?: string[]) => ({
  matchConstraints: { resourceRules: [rule(resources, apiGroups, operations)] },
})
/** Mutations that apply what these expressions answer. */
export const applying = (...expressions: string[]) => ({
  mutations: expressions.map((expression) => ({ patchType: 'ApplyConfiguration', applyConfiguration: { expression } })),
})
/** Mutations that carry out the operations that these expressions answer. */
export const patching = (...expressions: string[]) => ({
  mutations: expressions.map((expression) => ({ patchType: 'JSONPatch', jsonPatch: { expression } })),
})
export const labelling = (key: string, value: string) => applying(`Object{metadata: Object.metadata{labels: {'${key}': ${value}}}}`)
