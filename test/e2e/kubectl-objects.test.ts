/** kubectl's verbs on objects: what people type to read, change and remove them. Pods are a pause container's size and need not be ready. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { soon } from '../harness/soon.ts'
import { useCluster } from './cluster.ts'

const folder = mkdtempSync(join(tmpdir(), 'kubectl-objects-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const manifest = readFileSync(new URL('../../examples/web.yaml', import.meta.url), 'utf8').replace('nodePort: 30080', '')
const file = join(folder, 'web.yaml')
writeFileSync(file, manifest)

const cluster = await useCluster('kubectl-objects')
const { kubectl } = cluster

describe('apply', () => {
  test('creates, then finds nothing to do', async () => {
    assert.equal(await kubectl.ok(`diff -f ${file}`).catch((error: Error) => error.message.includes('exit code 1')), true)
    assert.equal(await kubectl.ok(`apply -f ${file}`), 'deployment.apps/web created\nservice/web created')
    assert.equal(await kubectl.ok(`apply -f ${file}`), 'deployment.apps/web unchanged\nservice/web unchanged')
    assert.equal(await kubectl.ok(`diff -f ${file}`), '')
  })

  test('changes what the manifest says and leaves the rest', async () => {
    await kubectl.ok('annotate deployment web kept=yes')
    writeFileSync(file, manifest.replace('replicas: 2', 'replicas: 1'))
    const difference = await kubectl.run(['diff', '-f', file])
    assert.equal(difference.code, 1)
    assert.match(difference.stdout, /^-\s+replicas: 2$/m)
    assert.match(difference.stdout, /^\+\s+replicas: 1$/m)
    assert.equal(await kubectl.ok(`apply -f ${file}`), 'deployment.apps/web configured\nservice/web unchanged')
    assert.equal(await kubectl.ok('get deployment web -o jsonpath={.spec.replicas},{.metadata.annotations.kept}'), '1,yes')
  })

  test('takes out what the manifest no longer says', async () => {
    const map = (data: Record<string, string>) =>
      JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'shrinking' }, data })
    await kubectl.apply(map({ a: '1', b: '2' }))
    await kubectl.apply(map({ a: '1' }))
    assert.equal(await kubectl.ok('get configmap shrinking -o jsonpath={.data}'), '{"a":"1"}')
  })

  test('says which field is wrong, and where', async () => {
    const bad = { input: manifest.replace('replicas: 2', 'replikas: 2') }
    assert.match(await kubectl.fails('apply -f -', bad), /unknown field "spec.replikas"/)
    assert.match(await kubectl.fails('apply -f -', { input: manifest.replace('replicas: 2', 'replicas: many') }), /spec\.replicas|invalid/i)
    assert.match(await kubectl.fails('apply -f -', { input: 'a: [b' }), /yaml/i)
    const noName = '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}'
    assert.match(await kubectl.fails('apply -f -', { input: noName }), /name/)
  })
})

describe('get', () => {
  test('prints tables, wide ones too, names, JSON, YAML, paths and templates', async () => {
    assert.match(await kubectl.ok('get deployments'), /^NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nweb /)
    assert.match(await kubectl.ok('get deployments -o wide'), /CONTAINERS +IMAGES +SELECTOR\n.* nginx +nginx:1.27 +app=web/)
    assert.equal(await kubectl.ok('get deployments -o name'), 'deployment.apps/web')
    assert.equal(JSON.parse(await kubectl.ok('get deployment web -o json')).kind, 'Deployment')
    assert.match(await kubectl.ok('get deployment web -o yaml'), /^apiVersion: apps\/v1\nkind: Deployment\n/)
    assert.equal(await kubectl.ok('get deployment web -o jsonpath={.metadata.name}'), 'web')
    assert.equal(await kubectl.ok('get deployment web -o go-template={{.metadata.name}}'), 'web')
    assert.match(await kubectl.ok('get deployments -o custom-columns=WHO:.metadata.name'), /^WHO\nweb$/)
    assert.match(await kubectl.ok('get deployment,service --show-labels'), /deployment.apps\/web .*app=web[\s\S]*service\/web /)
    assert.match(await kubectl.ok('get all'), /pod\/web-[\s\S]*service\/web [\s\S]*deployment.apps\/web [\s\S]*replicaset.apps\/web-/)
  })

  test('selects, sorts, and looks into all namespaces', async () => {
    assert.match(await kubectl.ok('get pods -l app=web -o name'), /^pod\/web-/)
    assert.equal((await kubectl.run(['get', 'pods', '-l', 'app=other'])).stderr, `No resources found in ${cluster.namespace} namespace.\n`)
    assert.equal(await kubectl.ok('get pods --field-selector=metadata.name=absent -o name'), '')
    assert.match(await kubectl.ok('get services -A --sort-by=.metadata.name'), /NAMESPACE +NAME[\s\S]*kube-dns/)
    assert.match(await kubectl.ok('get deployments -L app'), /APP\nweb .*web$/)
  })

  test('watches until told otherwise', async () => {
    const watch = kubectl.start('get configmaps -w -o name')
    const seen = new Promise<void>((resolve) => {
      let text = ''
      watch.stdout?.on('data', (chunk: Buffer) => {
        text += chunk
        if (text.includes('configmap/watched-for')) resolve()
      })
    })
    await kubectl.ok('create configmap watched-for')
    await seen
    watch.kill()
  })

  test('asks any path', async () => {
    assert.equal(await kubectl.ok('get --raw /healthz'), 'ok')
    assert.equal(JSON.parse(await kubectl.ok('get --raw /version')).minor, '36')
    assert.match(await kubectl.fails('get --raw /apis/none/v1'), /not find/)
  })
})

describe('change', () => {
  test('labels and annotations', async () => {
    await kubectl.ok('label deployment web tier=front')
    assert.match(await kubectl.fails('label deployment web tier=back'), /--overwrite is false/)
    await kubectl.ok('label deployment web tier=back --overwrite')
    assert.equal(await kubectl.ok('get deployments -l tier=back -o name'), 'deployment.apps/web')
    await kubectl.ok('label deployment web tier-')
    await kubectl.ok('annotate deployment web why=because')
    assert.equal(await kubectl.ok('get deployment web -o jsonpath={.metadata.labels.tier},{.metadata.annotations.why}'), ',because')
  })

  test('patches of three kinds', async () => {
    const container = { name: 'nginx', env: [{ name: 'A', value: 'b' }] }
    const strategic = JSON.stringify({ spec: { template: { spec: { containers: [container] } } } })
    await kubectl.ok(['patch', 'deployment', 'web', '-p', strategic])
    await kubectl.ok(['patch', 'deployment', 'web', '--type=merge', '-p', '{"spec":{"minReadySeconds":1}}'])
    await kubectl.ok(['patch', 'deployment', 'web', '--type=json', '-p', '[{"op":"replace","path":"/spec/minReadySeconds","value":0}]'])
    const path =
      'jsonpath={.spec.template.spec.containers[0].image},{.spec.template.spec.containers[0].env[0].value},{.spec.minReadySeconds}'
    assert.equal(await kubectl.ok(`get deployment web -o ${path}`), 'nginx:1.27,b,')
    const wrong = ['patch', 'deployment', 'web', '--type=json', '-p', '[{"op":"test","path":"/spec/replicas","value":99}]']
    assert.match(await kubectl.fails(wrong), /test|invalid/i)
  })

  test('edit opens an editor and sends what changed', async () => {
    const editor = { env: { KUBE_EDITOR: 'sed -i s/progressDeadlineSeconds:.*/progressDeadlineSeconds:\\ 500/' } }
    assert.match(await kubectl.ok('edit deployment web', editor), /deployment.apps\/web edited/)
    assert.equal(await kubectl.ok('get deployment web -o jsonpath={.spec.progressDeadlineSeconds}'), '500')
    assert.match((await kubectl.run(['edit', 'deployment', 'web'], { env: { KUBE_EDITOR: 'true' } })).stderr, /no changes/)
  })

  test('set image, env, resources; replace; expose', async () => {
    await kubectl.ok('set env deployment/web B=c')
    await kubectl.ok('set resources deployment/web -c=nginx --requests=cpu=10m')
    assert.match(await kubectl.ok('set env deployment/web --list'), /A=b\nB=c/)
    // kubectl reads the object and puts it back: a status written in between would be a conflict, and rightly so.
    await kubectl.ok('rollout status deployment/web --timeout=120s')
    await kubectl.ok(`replace -f ${file}`)
    assert.equal(await kubectl.ok('get deployment web -o jsonpath={.spec.template.spec.containers[0].env}'), '')
    assert.match(await kubectl.ok('expose deployment web --name=exposed --port=8080 --target-port=80'), /exposed/)
    assert.equal(await kubectl.ok('get service exposed -o jsonpath={.spec.ports[0].targetPort}'), '80')
  })

  test('a stale version is refused, a name taken too', async () => {
    await kubectl.ok('create configmap once --from-literal=a=1')
    const stale = await kubectl.ok('get configmap once -o yaml')
    await kubectl.ok('label configmap once changed=yes')
    assert.match(await kubectl.fails('replace -f -', { input: stale }), /Conflict.*modified/s)
    assert.match(await kubectl.fails('create configmap once'), /already exists/)
  })
})

describe('create --dry-run=server', () => {
  const commands = {
    'deployment d --image=nginx --replicas=3': /replicas: 3/,
    'configmap c --from-literal=a=b': /a: b/,
    'secret generic s --from-literal=a=b': /a: Yg==/,
    'namespace n': /phase: Active/,
    'serviceaccount s': /kind: ServiceAccount/,
    'service clusterip s --tcp=80': /type: ClusterIP/,
    'service nodeport s --tcp=80': /type: NodePort/,
    'role r --verb=get --resource=pods': /- pods/,
    'rolebinding r --role=r --user=u': /name: u/,
    'clusterrole r --verb=get --resource=pods': /- pods/,
    'clusterrolebinding r --clusterrole=r --user=u': /name: u/,
    'priorityclass p --value=5': /value: 5/,
  }
  for (const [command, expected] of Object.entries(commands)) {
    test(command, async () => {
      assert.match(await kubectl.ok(`create ${command} --dry-run=server -o yaml`), expected)
      const [kind, ...words] = command.split(' ')
      const name = words.find((word) => !word.startsWith('-') && !['generic', 'clusterip', 'nodeport'].includes(word))
      assert.match(await kubectl.fails(`get ${kind} ${name}`), /NotFound/, 'nothing was stored')
    })
  }
})

describe('about the cluster', () => {
  test('api-resources, api-versions, explain, version, cluster-info', async () => {
    assert.match(await kubectl.ok('api-resources'), /deployments +deploy +apps\/v1 +true +Deployment/)
    assert.match(await kubectl.ok('api-versions'), /^apps\/v1$/m)
    assert.match(await kubectl.ok('explain pod.spec.containers.image'), /FIELD: image <string>/)
    assert.match(await kubectl.ok('explain deployment --recursive'), /maxUnavailable/)
    assert.match(await kubectl.ok('version'), /Server Version: v1\.36/)
    assert.match(await kubectl.ok('cluster-info'), /control plane.* is running at/)
  })

  test('who am I, what may I, what may others', async () => {
    assert.match(await kubectl.ok('auth whoami'), /kubernetes-admin/)
    assert.equal(await kubectl.ok('auth can-i create pods'), 'yes')
    const other = await kubectl.run(['auth', 'can-i', 'create', 'pods', '--as=somebody'])
    assert.deepEqual([other.stdout.trim(), other.code], ['no', 1])
    assert.match(await kubectl.fails('get pods --as=somebody'), /Forbidden.*User "somebody" cannot list resource "pods"/)
  })

  test('top says what nodes and pods use', async () => {
    assert.match(await kubectl.ok('top nodes'), /^worker-\d +\d+m +\d+% +\d+Mi/m)
    // Of a pod that has just started there is no second measurement to compare with yet.
    await soon(async () => assert.match(await kubectl.ok('top pods'), /^web-\S+ +\d+m +\d+Mi/m))
  })

  test('describe shows what is asked about with its events', async () => {
    const described = await kubectl.ok('describe deployment web')
    assert.match(described, /Replicas: +1 desired/)
    assert.match(described, /ScalingReplicaSet/)
    assert.match(await kubectl.ok('describe service web'), /Selector: +app=web/)
    assert.match(await kubectl.ok('describe nodes'), /Capacity:[\s\S]*Allocated resources:/)
    assert.match(await kubectl.ok('events'), /SuccessfulCreate/)
    assert.match(await kubectl.ok('get events --field-selector=reason=ScalingReplicaSet'), /Scaled up replica set/)
  })
})

describe('delete', () => {
  test('by file, by label, all of a kind, and once more', async () => {
    await kubectl.ok(`delete -f ${file} --timeout=120s`)
    assert.match(await kubectl.fails('get deployment web'), /NotFound/)
    assert.equal(await kubectl.ok('get replicasets -o name'), '')
    assert.match(await kubectl.fails('delete deployment web'), /NotFound/)
    await kubectl.ok('delete deployment web --ignore-not-found')
    await kubectl.ok('delete configmap once shrinking watched-for')
    await kubectl.ok('delete services --all')
    assert.equal(await kubectl.ok('get services -o name'), '')
  })
})
