/** Every file of examples/ does what its README says. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { before, test } from 'node:test'
import { outputOf } from '../../deploy/command.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { eventually } from '../harness/eventually.ts'
import { isReady, useCluster } from './cluster.ts'
import { askerPod } from './traffic.ts'

const folder = new URL('../../examples/', import.meta.url)

const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'))
/** Files that bring a namespace of their own. */
const elsewhere: Readonly<Record<string, string>> = {
  'network-policy.yaml': 'vault',
  'quota.yaml': 'team',
  'webhook.yaml': 'gate',
  'admission-policy.yaml': 'guarded',
  'pod-security.yaml': 'careful',
}

const cluster = await useCluster('examples')
const { kubectl } = cluster
before(async () => {
  // All at once, as a reader would: they do not get in each other's way.
  await kubectl.ok(['apply', ...files.flatMap((name) => (name in elsewhere ? [] : ['-f', `examples/${name}`]))])
  for (const [name, namespace] of Object.entries(elsewhere)) await kubectl.in(namespace).ok(`apply -f examples/${name}`)
  await kubectl.apply(askerPod('asker'))
})

/** Looks again with every change of the pod until a line's output is as expected; what runs in a pod announces nothing. */
async function eventuallyPrints(pod: string, line: string, expected: RegExp, withinMilliseconds = 20_000): Promise<void> {
  const deadline = cluster.clock.monotonic() + withinMilliseconds
  let printed = ''
  while (cluster.clock.monotonic() < deadline) {
    printed = await cluster.inPod(pod, line)
    if (expected.test(printed)) return
  }
  assert.match(printed, expected)
}

test('the list names each file, and each file is listed', () => {
  const listed = [...readFileSync(new URL('README.md', folder), 'utf8').matchAll(/\]\((\S+\.yaml)\)/g)].map(([, name]) => name)
  assert.deepEqual(listed.sort(), [...files].sort())
})

test('web: two pods on two hosts', async () => {
  // The first test waits for all that was applied: some thirty pods, whose images their hosts pull for the first time.
  const pods = await cluster.pods('app=web', 2, isReady, 120_000)
  assert.equal(new Set(pods.map(({ spec }) => spec.nodeName)).size, 2)
})

test('ingress: the edge serves two pods under a name', async () => {
  await cluster.pods('app=shop', 2)
  const { httpsPort } = cluster.settings
  const name = `web.example.com:${httpsPort}`
  // No Secret yet: by the certificate that the edge made for itself.
  const page = await outputOf('curl', ['-sSk', '--retry', '5', '--retry-all-errors', '--resolve', `${name}:127.0.0.1`, `https://${name}/`])
  assert.match(page, /nginx/i)
  assert.match(await kubectl.ok('get ingress shop'), /shop +coxswain +web.example.com +127.0.0.1 +80, 443/)
})

test('load-balancer: an address of its own, reached from this machine', async () => {
  const [service] = await eventually(
    cluster.client,
    ['v1', 'Service'],
    (all) => all.some(({ metadata, status }) => metadata.name === 'kiosk' && (status.loadBalancer.ingress ?? []).length > 0),
    { namespace: cluster.namespace, fieldSelector: 'metadata.name=kiosk' },
  )
  const address = service?.status.loadBalancer.ingress?.[0]?.ip
  assert.ok(address, 'it has one')
  await kubectl.ok('rollout status deployment/kiosk --timeout=120s')
  assert.match(await outputOf('curl', ['-sS', '--max-time', '10', '--retry', '5', '--retry-connrefused', `http://${address}/`]), /nginx/i)
  await kubectl.ok('wait pod asker --for=condition=Ready --timeout=60s')
  assert.match(await cluster.inPod('asker', `wget -qO- -T 5 http://${address}/`), /nginx/i, 'and from pods')
  assert.match(await kubectl.ok('get service kiosk'), new RegExp(`LoadBalancer.*${address.replaceAll('.', '\\.')}`))
})

test('this machine is reached from a pod by its name, also through a Service that stands for it', async (t) => {
  const server = createServer((_request, response) => response.end('from outside the cluster')).listen(0, '0.0.0.0')
  t.after(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await kubectl.ok('create service externalname machine --external-name=host.coxswain.internal')
  await kubectl.ok('wait pod asker --for=condition=Ready --timeout=30s')
  for (const name of ['host.coxswain.internal', 'machine'])
    assert.equal(await cluster.inPod('asker', `wget -qO- -T 5 http://${name}:${port}/`), 'from outside the cluster')
  await kubectl.ok('delete service machine')
})

/** When the ConfigMap was changed: its file follows while the other tests run. */
let changedAt = 0

test('configuration: as environment and as files', async () => {
  await kubectl.ok('wait pod configured --for=condition=Ready --timeout=60s')
  assert.equal(await kubectl.ok('logs configured'), 'hello, color = blue, correct-horse')
  assert.equal(await cluster.inPod('configured', 'stat -L -c %a /etc/credentials/password'), '400')
  await kubectl.ok(['patch', 'configmap', 'settings', '-p', '{"data":{"settings.ini":"color = green\\n"}}'])
  changedAt = cluster.clock.monotonic()
})

test('init-containers: in order, the companion beside the main container', async () => {
  await kubectl.ok('wait pod prepared --for=condition=Ready --timeout=60s')
  assert.equal(await kubectl.ok('logs prepared -c main'), 'first\nsecond')
  assert.match(await kubectl.ok('get pod prepared'), /2\/2 +Running/)
  await cluster.inPod('prepared', 'test -s /handover/alive')
})

test('probes-and-hooks: ready by probe, restarted when it is no longer healthy', async () => {
  await kubectl.ok('wait pod watched --for=condition=Ready --timeout=60s')
  await cluster.inPod('watched', 'rm /tmp/healthy')
  const restarted = await cluster.pods('app=watched', 1, (pod) => isReady(pod) && pod.status.containerStatuses?.[0]?.restartCount === 1)
  assert.equal(restarted.length, 1)
  await cluster.untilTold('watched', /Liveness probe failed/)
  await cluster.untilTold('watched', /Container main failed liveness probe, will be restarted/)
})

test('resources: three classes of service, limits in force', async () => {
  await kubectl.ok('wait pod guaranteed burstable best-effort --for=condition=Ready --timeout=60s')
  const classes = await kubectl.ok('get pod guaranteed burstable best-effort -o jsonpath={.items[*].status.qosClass}')
  assert.equal(classes, 'Guaranteed Burstable BestEffort')
  const limit = 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max'
  assert.equal(await cluster.inPod('guaranteed', limit), `${32 * 1024 * 1024}`)
  assert.equal(await cluster.inPod('burstable', limit), `${64 * 1024 * 1024}`)
})

test('placement: never two on one node', async () => {
  const pods = await cluster.pods('app=apart', 2)
  assert.equal(new Set(pods.map(({ spec }) => spec.nodeName)).size, 2)
  assert.deepEqual(
    pods.map(({ spec }) => spec.priority),
    [1000, 1000],
  )
  await kubectl.ok('scale deployment apart --replicas=3')
  const isRefused = (pod: Pod) => pod.status.conditions?.some(({ type, reason }) => type === 'PodScheduled' && reason === 'Unschedulable')
  const third = (await cluster.pods('app=apart', 3, (pod) => isReady(pod) || isRefused(pod) === true)).find(isRefused)
  const why = third?.status.conditions?.find(({ type }) => type === 'PodScheduled')?.message ?? ''
  assert.match(why, /^0\/2 nodes are available: 2 node\(s\) didn't match pod anti-affinity rules/)
})

test('jobs: an array of numbered pods, and a CronJob that is run by hand', async () => {
  await kubectl.ok('wait job squares --for=condition=complete --timeout=120s')
  assert.match(await kubectl.ok('get job squares'), /squares +Complete +5\/5/)
  const lines = (await kubectl.ok('logs -l app=squares --tail=-1')).split('\n').sort()
  assert.deepEqual(
    lines,
    [0, 1, 2, 3, 4].map((index) => `${index} squared is ${index * index}`),
  )
  assert.match(await kubectl.ok('get cronjob nightly'), /nightly +0 2 \* \* \* +Europe\/Berlin +False +0 +<none>/)
  await kubectl.ok('create job now --from=cronjob/nightly')
  await kubectl.ok('wait job now --for=condition=complete --timeout=120s')
  assert.match(await kubectl.ok('logs job/now'), /^tidied up at /)
})

test('headless: a name for each pod', async () => {
  await kubectl.ok('wait pod asker peer-a peer-b --for=condition=Ready --timeout=60s')
  for (const name of ['a', 'b']) {
    const address = await kubectl.ok(`get pod peer-${name} -o jsonpath={.status.podIP}`)
    assert.match(await cluster.inPod('asker', `nslookup ${name}.peers.examples.svc.cluster.local`), new RegExp(`Address.*${address}`))
    assert.match(await cluster.inPod('asker', 'nslookup peers.examples.svc.cluster.local'), new RegExp(`Address.*${address}`))
    assert.match(await cluster.inPod(`peer-${name}`, 'hostname -f 2>/dev/null || hostname'), new RegExp(`^${name}(\\.peers\\.examples|$)`))
  }
})

test("persistent-volumes: what is written outlives the pod; a pod's own volume does not", async () => {
  const [first] = await cluster.pods('app=notebook', 1)
  const name = first?.metadata.name ?? ''
  await cluster.inPod(name, 'echo kept > /notes/kept && echo gone > /scratch/gone')
  assert.match(await kubectl.ok('get pvc notes'), /Bound +pvc-\S+ +100Mi +RWO +standard/)
  assert.match(await kubectl.ok('get pv handmade'), /10Mi +RWO +Retain +Bound +examples\/handmade +by-hand/)
  assert.match(await cluster.inPod(name, 'touch /handmade/x 2>&1 || true'), /Read-only file system/)
  await kubectl.ok(`delete pod ${name}`)
  const [second] = await cluster.pods('app=notebook', 1, (pod) => isReady(pod) && pod.metadata.name !== name)
  const next = second?.metadata.name ?? ''
  assert.equal(second?.spec.nodeName, first?.spec.nodeName, 'where the data is')
  assert.equal(await cluster.inPod(next, 'cat /notes/log /notes/kept'), 'opened\nopened\nkept')
  assert.equal(await cluster.inPod(next, 'ls /scratch'), '')
})

test('nfs: the claim is bound; what the mount of a server that is not there says is told, and the pods can go', async () => {
  assert.match(await kubectl.ok('get pvc files'), /Bound +files +1Gi +RWX +nfs/)
  const mountFailed =
    /MountVolume.SetUp failed for volume "files" : mount failed: .*\nMounting command: mount\nMounting arguments: -t nfs -o nfsvers=4.2,hard -- files.example.com:/
  await eventually(cluster.client, ['v1', 'Event'], (events) => events.some(({ message = '' }) => mountFailed.test(message)), {
    namespace: cluster.namespace,
  })
})

test('daemonset: an agent on each host, which tells of it', async () => {
  const pods = await cluster.pods('app=agent', 2)
  assert.equal(new Set(pods.map(({ spec }) => spec.nodeName)).size, 2)
  for (const { metadata, spec } of pods) assert.match(await kubectl.ok(`logs ${metadata.name}`), new RegExp(`^${spec.nodeName}: \\d`))
})

test('statefulset: names that stay, and data that a new pod of the name finds again', async () => {
  await cluster.pods('app=db', 2, isReady, 60_000)
  const address = await kubectl.ok('get pod db-1 -o jsonpath={.status.podIP}')
  assert.match(await cluster.inPod('db-0', 'nslookup db-1.db.examples.svc.cluster.local'), new RegExp(`Address.*${address}`))
  await kubectl.ok('delete pod db-1')
  await cluster.pods('app=db', 2)
  assert.equal(await cluster.inPod('db-1', 'cat /data/starts'), 'db-1\ndb-1')
})

test('volumes: scratch, memory, the host, facts about the pod, its own token', async () => {
  await kubectl.ok('wait pod stored --for=condition=Ready --timeout=60s')
  await cluster.inPod('stored', 'echo x > /scratch/x && echo y > /memory/y && echo z > /host/z')
  assert.match(await cluster.inPod('stored', 'grep " /memory " /proc/mounts'), /tmpfs/)
  const node = await kubectl.ok('get pod stored -o jsonpath={.spec.nodeName}')
  assert.equal(await cluster.onHost(node, 'cat', '/var/tmp/coxswain-example/z'), 'z')
  assert.equal(await cluster.inPod('stored', 'cat /about-me/labels /about-me/note'), 'app="stored"seen-from-inside')
  const token = await cluster.inPod('stored', 'cat /identity/token')
  const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token, audiences: ['example'] } }
  // Without its own check: kubectl makes it by OpenAPI v2 for kinds that cannot be patched.
  const answer = JSON.parse(await kubectl.ok('create --validate=false -o json -f -', { input: JSON.stringify(review) }))
  assert.equal(answer.status.user.username, 'system:serviceaccount:examples:default')
  assert.match(await cluster.inPod('stored', 'head -n 1 /identity/ca.crt'), /BEGIN CERTIFICATE/)
})

test('rbac: the reader reads pods and nothing else', async () => {
  const as = '--as=system:serviceaccount:examples:reader'
  assert.match(await kubectl.ok(`get pods ${as}`), /asker/)
  assert.match(await kubectl.fails(`get secrets ${as}`), /Forbidden/)
  assert.match(await kubectl.fails(`delete pod asker ${as}`), /Forbidden/)
})

test('autoscale: work brings pods, and kubectl top says what they use', async () => {
  await kubectl.ok('rollout status deployment/autoscaled --timeout=120s')
  await kubectl.ok('scale deployment askers --replicas=1')
  await kubectl.ok('wait hpa autoscaled --for=jsonpath={.status.desiredReplicas}=3 --timeout=180s')
  await cluster.pods('app=autoscaled', 3)
  assert.match(await kubectl.ok('top pods -l app=autoscaled'), /autoscaled-\S+ +\d+m +\d+Mi/)
  const nodes = await kubectl.ok('top nodes')
  for (const name of (await cluster.workers()).keys()) assert.match(nodes, new RegExp(`${name} +\\d+m`))
  // They go while the next tests run.
  await kubectl.ok('scale deployment askers --replicas=0')
})

test('quota: what is not said is given, and a third pod is refused', async () => {
  const team = kubectl.in('team')
  await team.ok('rollout status deployment/eager --timeout=120s')
  const resources = 'jsonpath={.items[0].spec.containers[0].resources.requests.cpu},{.items[0].spec.containers[0].resources.limits.memory}'
  assert.equal(await team.ok(['get', 'pods', '-o', resources]), '50m,64Mi')
  assert.match(
    await team.ok('get quota share'),
    /count\/deployments.apps: 1\/5, pods: 2\/2, requests.cpu: 100m\/1 +limits.memory: 128Mi\/256Mi/,
  )
  await team.ok('scale deployment eager --replicas=3')
  await team.ok('wait deployment/eager --for=condition=ReplicaFailure --timeout=60s')
  assert.match(await team.ok('describe deployment eager'), /ReplicaFailure +True +FailedCreate/)
  assert.match(await team.ok('describe replicaset'), /exceeded quota: share, requested: pods=1, used: pods=2, limited: pods=2/)
})

test('webhook: a Pod behind a Service says no, and the words reach whoever asked', async () => {
  const gate = kubectl.in('gate')
  await gate.ok('rollout status deployment/gate --timeout=120s')
  const why = 'admission webhook "gate.example.com" denied the request: the gate is closed'
  // The endpoint is known a moment after the Pod is ready.
  let said = ''
  for (let tries = 0; tries < 50 && !said.includes('the gate is closed'); tries += 1) {
    said = (await gate.run(['run', 'late', '--image=nginx:1.28', '--labels=gate=closed'])).stderr
  }
  assert.equal(said.trim(), `Error from server (Forbidden): ${why}`)
  await gate.ok('create configmap free')
  // A controller that is refused tells it where people look.
  await gate.apply(`
apiVersion: apps/v1
kind: ReplicaSet
metadata: { name: refused }
spec:
  replicas: 1
  selector: { matchLabels: { gate: closed } }
  template:
    metadata: { labels: { gate: closed } }
    spec: { containers: [{ name: main, image: 'nginx:1.28' }] }`)
  const isTold = (all: readonly { reason?: string | undefined; message?: string | undefined }[]) =>
    all.some(({ reason, message }) => reason === 'FailedCreate' && message?.includes(why))
  await eventually(cluster.client, ['v1', 'Event'], isTold, { namespace: 'gate' })
  await gate.ok('delete replicaset refused')
})

test('network-policy: who has the label is let in, for as long as it has it', async () => {
  const vault = kubectl.in('vault')
  await vault.ok('rollout status deployment/safe --timeout=120s')
  await vault.ok('wait pod friend stranger --for=condition=Ready --timeout=60s')
  // Rules follow what the API says within moments, not at once.
  const ask = (pod: string) => vault.run(['exec', pod, '--', 'wget', '-qO-', '-T', '2', 'http://safe'])
  const eventuallyAnswers = async (pod: string, isAnswered: boolean) => {
    const deadline = cluster.clock.monotonic() + 15_000
    let last = await ask(pod)
    while ((last.code === 0) !== isAnswered && cluster.clock.monotonic() < deadline) last = await ask(pod)
    assert.equal(last.code === 0, isAnswered, `${pod}: ${last.stdout}${last.stderr}`)
    return last
  }
  assert.match((await eventuallyAnswers('friend', true)).stdout, /nginx/i)
  assert.match((await eventuallyAnswers('stranger', false)).stderr, /timed out/)
  await vault.ok('label pod stranger access=safe')
  await eventuallyAnswers('stranger', true)
  await vault.ok('label pod stranger access-')
  await eventuallyAnswers('stranger', false)
})

test('disruption-budget: one of two may be evicted', async () => {
  await kubectl.ok('rollout status deployment/steady --timeout=120s')
  await kubectl.ok(['wait', 'pdb/steady', '--for=jsonpath={.status.disruptionsAllowed}=1', '--timeout=60s'])
  const pods = (await cluster.pods('app=steady', 2)).map(({ metadata }) => metadata.name)
  const evict = (name: string | undefined) => {
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace: 'examples' } }
    return kubectl.run(['create', '--raw', `/api/v1/namespaces/examples/pods/${name}/eviction`, '-f', '-'], {
      input: JSON.stringify(eviction),
    })
  }
  // At once: a replacement would make room for the second.
  const answers = await Promise.all(pods.map(evict))
  assert.equal(answers.filter(({ code }) => code === 0).length, 1)
  assert.match(answers.map(({ stderr }) => stderr).join(''), /Cannot evict pod as it would violate the pod's disruption budget/)
})

test('runtime-class: the pod runs by its class, and asks for what that adds', async () => {
  await kubectl.ok('wait pod classed --for=condition=Ready --timeout=60s')
  assert.equal(
    await kubectl.ok(['get', 'pod', 'classed', '-o', 'jsonpath={.spec.overhead.cpu},{.spec.nodeSelector}']),
    '10m,{"kubernetes.io/os":"linux"}',
  )
})

test('configuration: files have followed the change, the environment has not', async () => {
  await eventuallyPrints('configured', 'cat /etc/settings/settings.ini', /green/, 120_000)
  const seconds = (cluster.clock.monotonic() - changedAt) / 1000
  cluster.note(`a changed ConfigMap was seen in the pod's file within ${seconds.toFixed(0)} s`)
  assert.equal(await cluster.inPod('configured', 'echo $GREETING'), 'hello')
})

test('volumes: files about the pod follow its labels and annotations at once', async () => {
  await kubectl.ok('annotate pod stored note=changed --overwrite')
  await eventuallyPrints('stored', 'cat /about-me/note', /^changed$/)
})

test('autoscale: without work one pod is left', async () => {
  await kubectl.ok('wait hpa autoscaled --for=jsonpath={.status.desiredReplicas}=1 --timeout=180s')
  await cluster.pods('app=autoscaled', 1)
})

test('admission-policy: more replicas than the ConfigMap says are refused', async () => {
  const told = await kubectl.in('guarded').fails('create deployment web --image=nginx --replicas=9')
  assert.match(told, /ValidatingAdmissionPolicy 'limited-replicas' with binding 'limited-replicas' denied request: at most 5 replicas/)
})

test('pod-security: a pod that does not give up its rights is refused', async () => {
  const told = await kubectl.in('careful').fails('run shell --image=busybox:1.36')
  assert.match(told, /pods "shell" is forbidden: violates PodSecurity "restricted:v1.36": allowPrivilegeEscalation != false/)
})

test('all of it goes again', async () => {
  for (const [name, namespace] of Object.entries(elsewhere)) await kubectl.in(namespace).ok(`delete -f examples/${name} --timeout=120s`)
  await kubectl.ok(['delete', '--timeout=120s', ...files.flatMap((name) => (name in elsewhere ? [] : ['-f', `examples/${name}`]))])
  await kubectl.ok('delete pod asker --now')
  await cluster.pods('', 0)
})
