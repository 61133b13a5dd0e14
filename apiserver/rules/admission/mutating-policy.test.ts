import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { MutatingAdmissionPolicySpec } from '../../../shared/openapi/generated/admissionregistration-v1.ts'
import { mutatingBindingProblems, mutatingPolicyProblems } from './mutating-policy.ts'

const rule = { apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['CREATE'], scope: '*' }
const matchConstraints = { matchPolicy: 'Equivalent', namespaceSelector: {}, objectSelector: {}, resourceRules: [rule] }
const mutation = { patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'Object{}' } }
const good = { failurePolicy: 'Fail', reinvocationPolicy: 'Never', matchConstraints, mutations: [mutation] }

const told = (changes: Partial<MutatingAdmissionPolicySpec>) =>
  [...mutatingPolicyProblems({ ...good, ...changes })].map(({ path, message }) => `${path}: ${message}`)

describe('a MutatingAdmissionPolicy', () => {
  it('says whom it is about, how it fails, whether it is asked again, and what it does', () => {
    assert.deepEqual(told({}), [])
    assert.deepEqual(told({ mutations: [] }), ['spec.mutations: Required value: mutations must contain at least one item'])
    assert.deepEqual(told({ reinvocationPolicy: undefined }), ['spec.reinvocationPolicy: Required value'])
    assert.deepEqual(told({ reinvocationPolicy: 'Always' }), [
      'spec.reinvocationPolicy: Unsupported value: "Always": supported values: "Never", "IfNeeded"',
    ])
    assert.deepEqual(told({ failurePolicy: 'Maybe' }), [
      'spec.failurePolicy: Unsupported value: "Maybe": supported values: "Fail", "Ignore"',
    ])
    assert.deepEqual(told({ matchConstraints: undefined }), ['spec.matchConstraints: Required value'])
    assert.deepEqual(told({ matchConstraints: { ...matchConstraints, resourceRules: [] } }), [
      'spec.matchConstraints.resourceRules: Required value',
    ])
    const resourceRules = [{ ...rule, operations: ['CREATE', 'DELETE'] }]
    assert.deepEqual(told({ matchConstraints: { ...matchConstraints, resourceRules } }), [
      'spec.matchConstraints.resourceRules.operations: Unsupported value: "DELETE": supported values: "*", "CONNECT", "CREATE", "UPDATE"',
    ])
  })

  it('has just the patch that its type names', () => {
    const at = 'spec.mutations[0]'
    const { applyConfiguration } = mutation
    const jsonPatch = { expression: "[JSONPatch{op: 'remove', path: '/a'}]" }
    assert.deepEqual(told({ mutations: [{ patchType: 'JSONPatch', jsonPatch }] }), [])
    assert.deepEqual(told({ mutations: [{ patchType: '' }] }), [`${at}.patchType: Required value`])
    assert.deepEqual(told({ mutations: [{ patchType: 'Merge' }] }), [
      `${at}.patchType: Unsupported value: "Merge": supported values: "ApplyConfiguration", "JSONPatch"`,
    ])
    assert.deepEqual(told({ mutations: [{ patchType: 'JSONPatch', applyConfiguration }] }), [
      `${at}.applyConfiguration: Invalid value: "{applyConfiguration}": must not be specified when patchType is JSONPatch`,
      `${at}.jsonPatch: Required value: must be specified when patchType is JSONPatch`,
    ])
    assert.deepEqual(told({ mutations: [{ ...mutation, jsonPatch }] }), [
      `${at}.jsonPatch: Invalid value: "{jsonPatch}": must not be specified when patchType is ApplyConfiguration`,
    ])
    assert.deepEqual(told({ mutations: [{ ...mutation, applyConfiguration: { expression: ' ' } }] }), [
      `${at}.applyConfiguration.expression: Required value`,
    ])
  })

  it('compiles', () => {
    const [wrong] = told({ mutations: [{ ...mutation, applyConfiguration: { expression: 'Object{spec: x}' } }] })
    assert.match(
      String(wrong),
      /^spec\.mutations\[0\]\.applyConfiguration\.expression: Invalid value: "Object\{spec: x\}": compilation failed: ERROR: <input>:1:14: undeclared reference to 'x'/,
    )
    const [other] = told({ variables: [{ name: 'a', expression: 'variables.b' }] })
    assert.match(
      String(other),
      /^spec\.variables\[0\]\.expression: Invalid value: "variables\.b": compilation failed: .* undefined field 'b'/,
    )
  })
})

describe('a MutatingAdmissionPolicyBinding', () => {
  it('names a policy, parameters and requests that can be', () => {
    const toldOf = (spec: Parameters<typeof mutatingBindingProblems>[0]) =>
      [...mutatingBindingProblems(spec)].map(({ path, message }) => `${path}: ${message}`)
    assert.deepEqual(toldOf({ policyName: 'a' }), [])
    assert.deepEqual(toldOf({}), ['spec.policyName: Required value'])
    assert.match(String(toldOf({ policyName: 'A_B' })), /^spec\.policyName: Invalid value: "A_B": a lowercase RFC 1123 subdomain/)
    assert.deepEqual(toldOf({ policyName: 'a', paramRef: {} }), [
      'spec.paramRef: Required value: one of name or selector must be specified',
      'spec.paramRef.parameterNotFoundAction: Required value',
    ])
    const matchResources = { ...matchConstraints, resourceRules: [{ ...rule, operations: ['DELETE'] }] }
    assert.match(
      String(toldOf({ policyName: 'a', matchResources })),
      /^spec\.matchResources\.resourceRules\.operations: Unsupported value: "DELETE"/,
    )
  })
})
