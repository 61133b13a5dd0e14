import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { isTrue } from '../../shared/objects/conditions.ts'
import { type Answer, startApi, type TestApi } from '../harness/api.ts'
import { configMap, deployment, pod } from '../harness/bodies.ts'
import { backupDefinition } from '../harness/custom-definitions.ts'
import { eventually } from '../harness/eventually.ts'
import { about, applying, labelling, mutatingScene, patching } from '../harness/mutating-scene.ts'

const MERGE = { 'content-type': 'application/merge-patch+json' }
const GROUP = '/apis/admissionregistration.k8s.io/v1'
const CRD = ['apiextensions.k8s.io/v1', 'CustomResourceDefinition'] as const

let api: TestApi
before(async () => {
  api = await startApi()
})
after(() => api.stop())

type Shown = {
  metadata: {
    name: string
    uid?: string
    labels?: Record<string, string>
    managedFields: { manager: string; operation: string; fieldsV1: object }[]
  }
  data?: Record<string, string>
  spec: {
    replicas?: number
    template: { spec: Shown['spec'] }
    containers: { name: string; image: string; env?: object[]; imagePullPolicy?: string }[]
    targets?: object[]
    timetable: string
    tags?: string[]
  }
}
const shown = ({ json, status, text }: Answer): Shown => {
  assert.ok(status < 300, text)
  return json as Shown
}
const said = ({ json }: Answer) => String(json['message'])

describe('mutating admission policies', () => {
  it('label what is created and changed, from the request after their binding, to the one after either has gone', async () => {
    const { policy, bind, create, named, at } = await mutatingScene(api)
    assert.equal((await policy('team', labelling('team', "object.metadata.?labels['team'].orValue('unknown')"))).status, 201)
    assert.equal(shown(await create('before')).metadata.labels, undefined)
    assert.equal((await bind('team')).status, 201)
    assert.deepEqual(shown(await create('a')).metadata.labels, { team: 'unknown' })
    const own = shown(await create('b', {}, { labels: { team: 'red', other: 'x' }, uid: 'chosen' }))
    assert.deepEqual(own.metadata.labels, { team: 'red', other: 'x' })
    const changed = await api.request('PUT', `${at('configmaps')}/before`, configMap('before', { data: { a: 'b' } }))
    assert.deepEqual(shown(changed).metadata.labels, { team: 'unknown' })
    assert.equal((await api.request('DELETE', `${GROUP}/mutatingadmissionpolicies/${named('team')}`)).status, 200)
    assert.equal(shown(await create('without')).metadata.labels, undefined, 'a binding alone does nothing')
    await policy('team', labelling('team', "'again'"))
    assert.deepEqual(shown(await create('with')).metadata.labels, { team: 'again' })
    assert.equal((await api.request('DELETE', `${GROUP}/mutatingadmissionpolicybindings/${named('team')}`)).status, 200)
    assert.equal(shown(await create('after')).metadata.labels, undefined)
  })

  it('put a container beside those of a pod, and of one that is there change what they speak of', async () => {
    const { inForce, at } = await mutatingScene(api)
    const container = "Object.spec.containers{name: 'proxy', image: 'proxy:1', env: [Object.spec.containers.env{name: 'A', value: 'b'}]}"
    await inForce('sidecar', { ...about(['pods']), ...applying(`Object{spec: Object.spec{containers: [${container}]}}`) })
    const { containers } = shown(await api.request('POST', at('pods'), pod('a'))).spec
    assert.deepEqual(
      containers.map(({ name }) => name),
      [pod('a').spec.containers[0]?.name, 'proxy'],
    )
    assert.deepEqual(containers[1]?.env, [{ name: 'A', value: 'b' }])
    assert.equal(containers[1]?.imagePullPolicy, 'IfNotPresent', 'what was made has defaults')
    const there = { ...pod('b'), spec: { containers: [{ name: 'proxy', image: 'old', env: [{ name: 'B', value: 'c' }] }] } }
    const [mended] = shown(await api.request('POST', at('pods'), there)).spec.containers
    assert.equal(mended?.image, 'proxy:1')
    assert.deepEqual(mended.env, [
      { name: 'B', value: 'c' },
      { name: 'A', value: 'b' },
    ])
  })

  it('patch: operations are carried out in order, keys are escaped, a test that fails changes nothing', async () => {
    const { inForce, create } = await mutatingScene(api)
    await inForce('patch', {
      ...patching(
        `[JSONPatch{op: 'add', path: '/metadata/labels', value: {'a/b': 'c'}}, JSONPatch{op: 'replace', path: '/metadata/labels/' + jsonpatch.escapeKey('a/b'), value: 'd'}]`,
        `[JSONPatch{op: 'test', path: '/data/a', value: 'other'}, JSONPatch{op: 'remove', path: '/data/a'}]`,
        `'b' in object.data ? [JSONPatch{op: 'copy', from: '/data/b', path: '/data/c'}, JSONPatch{op: 'move', from: '/data/b', path: '/data/d'}] : [JSONPatch{op: 'test', path: '/kind', value: 'no'}]`,
      ),
    })
    const { metadata, data } = shown(await create('a', { a: '1', b: '2' }))
    assert.deepEqual([metadata.labels, data], [{ 'a/b': 'd' }, { a: '1', c: '2', d: '2' }])
  })

  it('take values from parameters, variables, the namespace, the request, the user’s rights and the object before', async () => {
    const { inForce, bind, create, at, namespace } = await mutatingScene(api)
    const paramRef = { name: 'settings', parameterNotFoundAction: 'Deny' }
    const variables = [
      { name: 'colour', expression: 'params.data.colour' },
      { name: 'shade', expression: "'dark-' + variables.colour" },
    ]
    const data = [
      'colour: variables.shade',
      'namespace: namespaceObject.metadata.name',
      'operation: request.operation',
      "may: string(authorizer.group('').resource('nodes').check('delete').allowed())",
      "before: oldObject == null ? '' : oldObject.data.own",
    ]
    const matchConditions = [
      { name: 'coloured', expression: "params.data.colour != 'none' && !object.metadata.name.startsWith('settings')" },
    ]
    const spec = { paramKind: { apiVersion: 'v1', kind: 'ConfigMap' }, variables, matchConditions }
    await inForce('values', { ...spec, ...applying(`Object{data: Object.data{${data.join()}}}`) }, { paramRef })
    const missing = await create('a')
    assert.equal(missing.status, 403)
    const why = 'failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction'
    assert.equal(said(missing), `policy '${namespace}-values' with binding '${namespace}-values' denied request: ${why}`)
    // It is a ConfigMap itself: the policy would not let it be made while it is not there.
    await api.request('DELETE', `${GROUP}/mutatingadmissionpolicybindings/${namespace}-values`)
    await create('settings', { colour: 'red' })
    assert.equal((await bind('values', { paramRef })).status, 201)
    const made = shown(await create('a', { own: 'x' })).data
    assert.deepEqual(made, { own: 'x', colour: 'dark-red', namespace, operation: 'CREATE', may: 'true', before: '' })
    const changed = await api.request('PUT', `${at('configmaps')}/a`, configMap('a', { data: { own: 'y' } }))
    assert.deepEqual(shown(changed).data, { own: 'y', colour: 'dark-red', namespace, operation: 'UPDATE', may: 'true', before: 'x' })
    await api.request('PUT', `${at('configmaps')}/settings`, configMap('settings', { data: { colour: 'none' } }))
    assert.deepEqual(shown(await create('b', { own: 'x' })).data, { own: 'x' })
  })

  it('are followed in the order of their names, each seeing what those before it made', async () => {
    const { inForce, create } = await mutatingScene(api)
    const appending = (letter: string) =>
      applying(`Object{data: Object.data{seen: object.?data['seen'].orValue('') + '${letter}', last: '${letter}'}}`)
    await inForce('c', appending('c'))
    await inForce('a', appending('a'))
    await inForce('b', { mutations: [...appending('b').mutations, ...appending('B').mutations] })
    assert.deepEqual(shown(await create('x')).data, { seen: 'abBc', last: 'c' })
  })

  it('see once more what others changed after them, if they wish', async () => {
    const { inForce, create } = await mutatingScene(api)
    const counting = (key: string) =>
      applying(`Object{data: Object.data{${key}: object.?data['${key}'].orValue('') + (has(object.data.late) ? 'L' : '-')}}`)
    await inForce('a-if-needed', { ...counting('a'), reinvocationPolicy: 'IfNeeded' })
    await inForce('b-never', counting('b'))
    await inForce('c-late', { ...applying("Object{data: Object.data{late: 'yes'}}"), reinvocationPolicy: 'IfNeeded' })
    assert.deepEqual(shown(await create('x', { own: '1' })).data, { own: '1', a: '-L', b: '-', late: 'yes' })
    const { inForce: alone, create: createAlone } = await mutatingScene(api)
    await alone('only', { ...counting('a'), reinvocationPolicy: 'IfNeeded' })
    assert.deepEqual(shown(await createAlone('x', { own: '1' })).data, { own: '1', a: '-' }, 'nobody changed it after')
  })

  it('fail as their failure policy says, and the others have their turn', async () => {
    const { inForce, create, named } = await mutatingScene(api)
    await inForce('a-lenient', { ...applying('Object{data: object.nope}'), failurePolicy: 'Ignore' })
    await inForce('b-labels', labelling('b', "'yes'"))
    assert.deepEqual(shown(await create('x')).metadata.labels, { b: 'yes' })
    await inForce('c-strict', applying('Object{data: object.nope}', 'Object{metadata: Object.metadata{labels: object.nope}}'))
    const failed = await create('y')
    assert.equal(failed.status, 403)
    const told = `policy '${named('c-strict')}' with binding '${named('c-strict')}' denied request: expression 'Object{data: object.nope}' resulted in error: no such key: nope`
    assert.equal(said(failed), told)
    assert.equal(failed.json['reason'], 'Invalid')
    const causes = (failed.json['details'] as { causes: { message: string }[] }).causes
    assert.equal(causes.length, 2)
    assert.equal(causes[0]?.message, told)
  })

  it('change custom kinds by their schema, at every part of the API that shows the object', async () => {
    const { inForce, at } = await mutatingScene(api)
    const group = 'mutated.example.com'
    await api.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', backupDefinition(group))
    await eventually(api.client(), CRD, (all) => all.some(({ status }) => isTrue(status.conditions ?? [], 'Established')))
    const targets = "[Object.spec.targets{name: 'b', weight: 1.5}]"
    await inForce('backups', { ...about(['backups'], [group]), ...applying(`Object{spec: Object.spec{targets: ${targets}, tags: ['x']}}`) })
    const path = at('backups', `/apis/${group}/v1`)
    const backup = (spec: object) => ({
      apiVersion: `${group}/v1`,
      kind: 'Backup',
      metadata: { name: 'a' },
      spec: { timetable: '0 0 * * *', ...spec },
    })
    const made = shown(await api.request('POST', path, backup({ targets: [{ name: 'a' }], tags: ['y'] }))).spec
    assert.deepEqual(made.targets, [
      { name: 'a', path: '/' },
      { name: 'b', path: '/', weight: 1.5 },
    ])
    assert.deepEqual(made.tags, ['y', 'x'])
    const invalid = await mutatingScene(api)
    await invalid.inForce('invalid', { ...about(['backups'], [group]), ...applying('Object{spec: Object.spec{replicas: 11}}') })
    const refused = await api.request('POST', invalid.at('backups', `/apis/${group}/v1`), backup({}))
    assert.equal(refused.status, 422)
    assert.match(said(refused), /spec.replicas: Invalid value: 11: .*less than or equal to 10/, 'what a policy makes is validated')
  })

  it('are about every write: scales, patches, applied configurations and dry runs; the writer keeps what is his', async () => {
    const { inForce, at, namespace } = await mutatingScene(api)
    const capped = 'Object{spec: Object.spec{replicas: object.spec.replicas > 3 ? 3 : object.spec.replicas}}'
    await inForce('capped', { ...about(['deployments', 'deployments/scale'], ['apps']), ...applying(capped) })
    const path = at('deployments', '/apis/apps/v1')
    const body = { ...deployment('web'), apiVersion: 'apps/v1', kind: 'Deployment' }
    const apply = (replicas: number, query = '') =>
      api.request(
        'PATCH',
        `${path}/web?fieldManager=me${query}`,
        { ...body, spec: { ...body.spec, replicas } },
        { 'content-type': 'application/apply-patch+yaml' },
      )
    assert.equal(shown(await apply(9, '&dryRun=All')).spec.replicas, 3)
    assert.equal((await api.request('GET', `${path}/web`)).status, 404)
    const applied = shown(await apply(9))
    assert.equal(applied.spec.replicas, 3)
    assert.deepEqual(
      applied.metadata.managedFields.map(({ manager, operation }) => [manager, operation]),
      [['me', 'Apply']],
    )
    assert.match(JSON.stringify(applied.metadata.managedFields), /"f:replicas"/)
    assert.deepEqual(shown(await apply(9)), applied, 'the same again is no write')
    const scale = { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'web', namespace }, spec: { replicas: 7 } }
    assert.equal(shown(await api.request('PUT', `${path}/web/scale`, scale)).spec.replicas, 3)
    const patched = await api.request('PATCH', `${path}/web`, { spec: { replicas: 8 } }, MERGE)
    assert.equal(shown(patched).spec.replicas, 3)
  })

  it('see the version that they name, whichever was spoken, and parts and bodies for what they are', async () => {
    const { inForce, at, namespace } = await mutatingScene(api)
    const autoscalers = about(['horizontalpodautoscalers'], ['autoscaling'])
    autoscalers.matchConstraints.resourceRules[0]!.apiVersions = ['v2']
    const metric = 'Object.spec.behavior.scaleDown{stabilizationWindowSeconds: 7}'
    await inForce('autoscalers', {
      ...autoscalers,
      ...applying(`Object{spec: Object.spec{behavior: Object.spec.behavior{scaleDown: ${metric}}}}`),
    })
    const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'x' }
    const old = {
      apiVersion: 'autoscaling/v1',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'a' },
      spec: { scaleTargetRef, maxReplicas: 3 },
    }
    assert.equal((await api.request('POST', at('horizontalpodautoscalers', '/apis/autoscaling/v1'), old)).status, 201)
    const stored = (await api.request('GET', `${at('horizontalpodautoscalers', '/apis/autoscaling/v2')}/a`)).json as {
      spec: { behavior?: { scaleDown?: { stabilizationWindowSeconds?: number } } }
    }
    assert.equal(stored.spec.behavior?.scaleDown?.stabilizationWindowSeconds, 7)

    await inForce('tokens', { ...about(['serviceaccounts/token']), ...applying('Object{spec: Object.spec{expirationSeconds: 700}}') })
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 3600 } }
    const token = await api.request('POST', `${at('serviceaccounts')}/default/token`, request)
    assert.equal((token.json as { spec: { expirationSeconds: number } }).spec.expirationSeconds, 700)

    await inForce('pod-statuses', {
      ...about(['pods/status'], [''], ['UPDATE']),
      ...applying("Object{status: Object.status{message: 'seen'}, spec: Object.spec{nodeName: 'elsewhere'}}"),
    })
    assert.equal((await api.request('POST', at('pods'), pod('a'))).status, 201)
    const patched = await api.request('PATCH', `${at('pods')}/a/status`, { status: { reason: 'Tested' } }, MERGE)
    const { status, spec } = patched.json as { status: { message?: string; reason?: string }; spec: { nodeName?: string } }
    assert.deepEqual(
      [status.message, status.reason, spec.nodeName],
      ['seen', 'Tested', undefined],
      `a status in ${namespace} is a status only`,
    )
  })

  it('are told in tables', async () => {
    const { inForce, named } = await mutatingScene(api)
    const paramRef = { name: 'x', parameterNotFoundAction: 'Allow' }
    await inForce('listed', { ...applying('Object{}', 'Object{}'), paramKind: { apiVersion: 'v1', kind: 'ConfigMap' } }, { paramRef })
    const cells = async (plural: string) => {
      const { json } = await api.request('GET', `${GROUP}/${plural}/${named('listed')}`, undefined, {
        accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
      })
      const { columnDefinitions, rows } = json as { columnDefinitions: { name: string }[]; rows: { cells: unknown[] }[] }
      return [columnDefinitions.map(({ name }) => name), rows[0]?.cells.slice(0, -1)]
    }
    assert.deepEqual(await cells('mutatingadmissionpolicies'), [
      ['Name', 'Mutations', 'ParamKind', 'Age'],
      [named('listed'), 2, 'v1/ConfigMap'],
    ])
    assert.deepEqual(await cells('mutatingadmissionpolicybindings'), [
      ['Name', 'PolicyName', 'ParamRef', 'Age'],
      [named('listed'), named('listed'), '*/x'],
    ])
  })

  it('leave alone who and what an object is, and policies', async () => {
    const { inForce, create, named } = await mutatingScene(api)
    const everything = {
      matchConstraints: { resourceRules: [{ apiGroups: ['*'], apiVersions: ['*'], resources: ['*'], operations: ['*'] }] },
    }
    await inForce('identity', {
      ...everything,
      ...patching(
        "[JSONPatch{op: 'replace', path: '/metadata/name', value: 'other'}, JSONPatch{op: 'remove', path: '/metadata/uid'}, JSONPatch{op: 'add', path: '/metadata/labels', value: {'seen': 'yes'}}]",
      ),
    })
    const made = shown(await create('a'))
    assert.equal(made.metadata.name, 'a')
    assert.ok(made.metadata.uid)
    assert.deepEqual(made.metadata.labels, { seen: 'yes' })
    const path = `${GROUP}/mutatingadmissionpolicies/${named('identity')}`
    const touched = await api.request('PATCH', path, { metadata: { annotations: { a: 'b' } } }, MERGE)
    assert.equal(shown(touched).metadata.labels, undefined)
    assert.equal((await api.request('DELETE', path)).status, 200)
  })
})
