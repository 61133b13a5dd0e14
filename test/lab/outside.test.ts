/** What is reached from outside the machines: an Ingress on the server, a load balancer's address on the link. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { outputOf } from '../../deploy/command.ts'
import { labPool } from '../../deploy/lab/namespaces/lab.ts'
import { eventually } from '../harness/eventually.ts'
import { useLab } from './use-lab.ts'
import { asker, webDeployment } from './workload.ts'

const lab = await useLab('outside')
const { kubectl } = lab
const curl = (...args: string[]) => outputOf('curl', ['-sS', '--max-time', '10', '--retry', '10', '--retry-all-errors', ...args])

test('an Ingress answers on the server, a Service of type LoadBalancer at an address of the pool', async () => {
  await kubectl.apply(webDeployment('web', 2))
  await kubectl.ok('expose deployment web --name=balanced --type=LoadBalancer --port=80')
  await kubectl.ok('create ingress web --rule=web.example.com/*=balanced:80')
  const pods = (await lab.pods('app=web', 2)).map(({ metadata }) => metadata.name ?? '')
  const { address: server } = lab.machine('server')
  const named = ['--resolve', `web.example.com:80:${server}`, '--resolve', `web.example.com:443:${server}`]
  assert.ok(pods.includes((await curl(...named, 'http://web.example.com/')).trim()))
  assert.ok(pods.includes((await curl(...named, '-k', 'https://web.example.com/')).trim()))
  assert.match(await kubectl.ok('get ingress web'), new RegExp(`web +coxswain +web.example.com +${server} +80`))

  const [service] = await eventually(
    lab.client,
    ['v1', 'Service'],
    (all) => all.some(({ status }) => (status.loadBalancer.ingress ?? []).length > 0),
    { namespace: lab.namespace, fieldSelector: 'metadata.name=balanced' },
  )
  const address = service?.status.loadBalancer.ingress?.[0]?.ip ?? ''
  assert.equal(address, labPool(lab.state().network).replace('.240/28', '.241'))
  assert.ok(pods.includes((await curl(`http://${address}/`)).trim()))
})

test('a pod reaches its own machine by a name', async () => {
  await kubectl.apply(asker('n1'))
  await lab.pods('app=asker', 1)
  const { address } = lab.machine('n1')
  const listed = await kubectl.ok(['exec', 'asker-n1', '--', 'nslookup', 'host.coxswain.internal'])
  assert.match(listed, new RegExp(`Address.*${address.replaceAll('.', '\\.')}`))
  // On the machine's own network: what answers there is the machine.
  await kubectl.apply(`
apiVersion: v1
kind: Pod
metadata: { name: machine }
spec:
  nodeName: n1
  hostNetwork: true
  terminationGracePeriodSeconds: 1
  containers: [{ name: web, image: 'busybox:1.36', command: [sh, -c, 'mkdir /www; echo here > /www/index.html; exec httpd -f -p 8099 -h /www'] }]
`)
  await kubectl.ok('wait pod machine --for=condition=Ready --timeout=30s')
  const ask = 'until wget -qO- -T 5 http://host.coxswain.internal:8099/; do sleep 0.2; done 2>/dev/null'
  assert.equal((await kubectl.ok(['exec', 'asker-n1', '--', 'timeout', '20', 'sh', '-c', ask])).trim(), 'here')
})
