import assert from 'node:assert/strict'
import { test } from 'node:test'
import { admissionTrial, made } from '../../test/harness/admission-trial.ts'

const API = 'networking.k8s.io/v1'

function trial(...defaults: string[]) {
  const { reader, admit, refused } = admissionTrial()
  reader.put(API, 'IngressClass', { metadata: { name: 'other' }, spec: { controller: 'example.com/a' } })
  for (const name of defaults) {
    const annotations = { 'ingressclass.kubernetes.io/is-default-class': 'true' }
    reader.put(API, 'IngressClass', { metadata: { name, annotations }, spec: { controller: 'example.com/a' } })
  }
  const ingress = (spec: object = {}, annotations: Record<string, string> = {}) =>
    made(API, 'Ingress', { metadata: { name: 'web', namespace: 'default', annotations }, spec })
  return { admit, refused, ingress }
}

test('an Ingress without a class gets the default one; one that says its class in any way keeps it', async () => {
  const { admit, ingress } = trial('coxswain')
  const classAfter = async (object: ReturnType<typeof ingress>) => {
    await admit({ object, resource: 'ingresses' })
    return object.spec.ingressClassName
  }
  assert.equal(await classAfter(ingress()), 'coxswain')
  assert.equal(await classAfter(ingress({ ingressClassName: 'other' })), 'other')
  assert.equal(await classAfter(ingress({}, { 'kubernetes.io/ingress.class': 'nginx' })), undefined)
  const changed = ingress()
  await admit({ operation: 'UPDATE', object: changed, previous: ingress(), resource: 'ingresses' })
  assert.equal(changed.spec.ingressClassName, undefined)
})

test('without a default there is none; of two nobody chooses', async () => {
  const none = trial()
  const object = none.ingress()
  await none.admit({ object, resource: 'ingresses' })
  assert.equal(object.spec.ingressClassName, undefined)
  const two = trial('one', 'two')
  const sentence = 'ingresses.networking.k8s.io "web" is forbidden: 2 default IngressClasses were found, only 1 allowed'
  await two.refused({ object: two.ingress(), resource: 'ingresses' }, sentence)
})
