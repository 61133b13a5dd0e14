import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type SimulatedCluster, startSimulatedCluster } from '../../simulation/simulated-cluster.ts'
import { deployment } from '../harness/workloads.ts'

// What a large cluster costs is how many requests each node and each pod of it makes: that is counted here, for time on this machine is nobody's promise.
const NODES = 40
const PODS = 80
/** Requests that one node makes until it is Ready; that are made for one pod until it runs, and until it is gone. Reached: 6.2, 5.1 and 2.1. */
const FOR_A_NODE = 8
const FOR_A_POD = 6.5
const FOR_A_POD_TO_GO = 3

/** Requests that the API server has answered, watches left out. */
async function answered(cluster: SimulatedCluster): Promise<number> {
  const path = '/metrics'
  const response = await cluster.transportOf('test').send({ method: 'GET', path, headers: {} })
  const lines = (await response.text()).matchAll(/^apiserver_request_total\{verb="(\w+)".*\} (\d+)$/gm)
  return [...lines].reduce((sum, [, verb, count]) => sum + (verb === 'watch' ? 0 : Number(count)), 0)
}

test('nodes join and pods come and go with few requests each', async (context) => {
  const cluster = await startSimulatedCluster(context, { nodes: 0 })
  const { client } = cluster
  await cluster.clock.advance(2_000)
  let before = await answered(cluster)
  const perOne = async (count: number) => {
    const now = await answered(cluster)
    const each = (now - before) / count
    before = now
    return each
  }
  await Promise.all(Array.from({ length: NODES }, (_, index) => cluster.addMachine({ name: `node-${index}` })))
  const areReady = async () =>
    (await cluster.list('v1', 'Node')).filter(({ spec }) => spec.podCIDR !== undefined && !spec.taints?.length).length === NODES
  await cluster.until('all nodes are Ready', areReady)
  const forNode = await perOne(NODES)
  await client.create('apps/v1', 'Deployment', deployment('web', PODS))
  const isUp = async () => (await cluster.get('apps/v1', 'Deployment', 'web')).status.availableReplicas === PODS
  await cluster.until('all pods run', isUp)
  const forPod = await perOne(PODS)
  await client.delete('apps/v1', 'Deployment', { namespace: 'default', name: 'web' }, { propagationPolicy: 'Background' })
  await cluster.until('all pods are gone', async () => (await cluster.pods()).length === 0)
  const forGoing = await perOne(PODS)
  const told = `${forNode.toFixed(2)} requests for a node, ${forPod.toFixed(2)} for a pod, ${forGoing.toFixed(2)} for one to go`
  assert.ok(forNode > 4 && forPod > 3 && forGoing > 1, `too few to be true: ${told}`)
  assert.ok(forNode <= FOR_A_NODE && forPod <= FOR_A_POD && forGoing <= FOR_A_POD_TO_GO, told)
  context.diagnostic(told)
})
