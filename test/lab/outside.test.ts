/** What is reached from outside the machines: an Ingress on the server, a load balancer's address on the link. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { outputOf } from '../../deploy/command.ts'
import { labPool } from '../../deploy/lab/namespaces/lab.ts'
import { eventually } from '../harness/eventually.ts'
import { useLab } from './use-lab.ts'
import { webDeployment } from './workload.ts'

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
