// A small operator as people write them with the official JavaScript client: for each Greeting a ConfigMap, and a status that says so.
// It ends by itself when its namespace holds no Greeting any more after it has seen one. Each line it prints is an observation.
import { setTimeout as pause } from 'node:timers/promises'
import {
  ApiextensionsV1Api,
  CoordinationV1Api,
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  KubernetesObjectApi,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
} from '@kubernetes/client-node'

const [group, version, plural] = ['javascript.clients.example.com', 'v1', 'greetings']
const namespace = process.argv[2]
const config = new KubeConfig()
config.loadFromDefault()
const core = config.makeApiClient(CoreV1Api)
const custom = config.makeApiClient(CustomObjectsApi)
const objects = KubernetesObjectApi.makeApiClient(config)
const say = (line) => process.stdout.write(`${line}\n`)

await defineGreetings()
await lead()
const done = Promise.withResolvers()
const informer = makeInformer(config, `/apis/${group}/${version}/namespaces/${namespace}/${plural}`, () =>
  custom.listNamespacedCustomObject({ group, version, namespace, plural }),
)
const reconciled = new Map()
let work = Promise.resolve()
const enqueue = (greeting) => {
  work = work.then(() => reconcile(greeting)).catch(done.reject)
}
informer.on('add', enqueue)
informer.on('update', enqueue)
informer.on('delete', ({ metadata }) => {
  say(`deleted ${metadata.name}`)
  if (informer.list().length === 0) done.resolve()
})
informer.on('error', done.reject)
await informer.start()
say('watching')
await done.promise
await informer.stop()
say('end')

async function defineGreetings() {
  const text = { type: 'string' }
  const schema = {
    type: 'object',
    properties: {
      spec: { type: 'object', properties: { words: { ...text, maxLength: 20 } }, required: ['words'] },
      status: { type: 'object', properties: { said: text } },
    },
  }
  const served = { name: version, served: true, storage: true, schema: { openAPIV3Schema: schema }, subresources: { status: {} } }
  const body = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: { group, scope: 'Namespaced', names: { plural, kind: 'Greeting', singular: 'greeting' }, versions: [served] },
  }
  const definitions = config.makeApiClient(ApiextensionsV1Api)
  await definitions.createCustomResourceDefinition({ body })
  for (;;) {
    const { status } = await definitions.readCustomResourceDefinition({ name: body.metadata.name })
    if (status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True')) break
    await pause(100)
  }
  say('established')
}

/** Takes the lead by a Lease, and sees that it cannot be taken with an old revision. */
async function lead() {
  const leases = config.makeApiClient(CoordinationV1Api)
  const lease = { metadata: { name: 'operator' }, spec: { holderIdentity: 'one', leaseDurationSeconds: 15 } }
  const made = await leases.createNamespacedLease({ namespace, body: lease })
  await leases.replaceNamespacedLease({ name: 'operator', namespace, body: { ...made, spec: { ...made.spec, leaseTransitions: 1 } } })
  const taken = { ...made, spec: { ...made.spec, holderIdentity: 'two' } }
  await leases.replaceNamespacedLease({ name: 'operator', namespace, body: taken }).then(
    () => say('the lead was taken twice'),
    ({ code }) => say(`leading; another is told ${code}`),
  )
}

async function reconcile({ metadata, spec, status }) {
  if (reconciled.get(metadata.name) === metadata.resourceVersion) return
  const owner = { apiVersion: `${group}/${version}`, kind: 'Greeting', name: metadata.name, uid: metadata.uid }
  const wanted = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: metadata.name, namespace, ownerReferences: [owner] },
    data: { words: spec.words },
  }
  await objects.patch(wanted, undefined, undefined, 'operator', true, PatchStrategy.ServerSideApply)
  const { data } = await core.readNamespacedConfigMap({ name: metadata.name, namespace })
  if (status?.said !== spec.words) {
    const change = { group, version, namespace, plural, name: metadata.name, body: { status: { said: spec.words } } }
    const after = await custom.patchNamespacedCustomObjectStatus(change, setHeaderOptions('Content-Type', PatchStrategy.MergePatch))
    reconciled.set(metadata.name, after.metadata.resourceVersion)
  }
  say(`${metadata.name} says ${data.words}`)
}
