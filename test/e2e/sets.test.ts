/** StatefulSets and DaemonSets as kubectl drives them. */
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { useCluster } from './cluster.ts'

const cluster = await useCluster('sets')
const { kubectl } = cluster
before(async () => {
  await kubectl.ok('apply -f examples/daemonset.yaml -f examples/statefulset.yaml')
})

const names = async (selector: string) =>
  (await kubectl.ok(`get pods -l ${selector} -o jsonpath={.items[*].metadata.name}`)).split(' ').sort()

describe('a DaemonSet', () => {
  test('is on each host, and says how far it is', async () => {
    assert.match(await kubectl.ok('rollout status ds/agent --timeout=120s'), /daemon set "agent" successfully rolled out/)
    assert.match(
      await kubectl.ok('get ds'),
      /NAME +DESIRED +CURRENT +READY +UP-TO-DATE +AVAILABLE +NODE SELECTOR +AGE\nagent +2 +2 +2 +2 +2 +<none>/,
    )
    const described = await kubectl.ok('describe ds agent')
    assert.match(described, /Desired Number of Nodes Scheduled: 2/)
    assert.match(described, /SuccessfulCreate .* Created pod: agent-/)
    for (const pod of await cluster.pods('app=agent', 2)) {
      assert.match(await kubectl.ok(`logs ${pod.metadata.name}`), new RegExp(`^${pod.spec.nodeName}: \\d`))
    }
  })

  test('is rolled out, and back without restarting what was not touched', async () => {
    await kubectl.ok('set env ds/agent COLOUR=blue')
    await kubectl.ok('rollout status ds/agent --timeout=120s')
    assert.match(await kubectl.ok('rollout history ds/agent'), /REVISION +CHANGE-CAUSE\n1 .*\n2 /)
    await kubectl.ok('set image ds/agent main=nowhere.invalid/none:1')
    await cluster.pods('app=agent', 2, ({ spec, metadata }) => spec.containers[0]?.image !== 'busybox:1.36' || !metadata.deletionTimestamp)
    const before = await names('app=agent')
    await kubectl.ok('rollout undo ds/agent')
    await kubectl.ok('rollout status ds/agent --timeout=120s')
    const after = await names('app=agent')
    assert.ok(
      before.some((name) => after.includes(name)),
      `${before} became ${after}`,
    )
    assert.match(await kubectl.ok('rollout history ds/agent'), /\n1 .*\n3 .*\n4 /)
    await kubectl.ok('rollout restart ds/agent')
    await kubectl.ok('rollout status ds/agent --timeout=120s')
  })
})

describe('a StatefulSet', () => {
  test('has names in the network and data of its own', async () => {
    const said = await kubectl.ok('rollout status sts/db --timeout=120s')
    assert.match(said, /statefulset rolling update complete 2 pods at revision db-|partitioned roll out complete/)
    assert.match(await kubectl.ok('get sts'), /NAME +READY +AGE\ndb +2\/2/)
    assert.match(
      await kubectl.ok('describe sts db'),
      /Volume Claims:\n +Name: +data[\s\S]*SuccessfulCreate .* create Pod db-0 in StatefulSet db successful/,
    )
    assert.deepEqual(await names('app=db'), ['db-0', 'db-1'])
    for (const name of ['db-0', 'db-1']) {
      const address = await kubectl.ok(`get pod ${name} -o jsonpath={.status.podIP}`)
      assert.match(await cluster.inPod('db-0', `nslookup ${name}.db.sets.svc.cluster.local`), new RegExp(`Address.*${address}`))
    }
    assert.match(await kubectl.ok('get pvc'), /data-db-0 +Bound[\s\S]*data-db-1 +Bound/)
  })

  test('finds its data again when a pod is deleted, the template changes, and it is scaled', async () => {
    await kubectl.ok('delete pod db-1')
    await cluster.pods('app=db', 2)
    assert.equal(await cluster.inPod('db-1', 'cat /data/starts'), 'db-1\ndb-1')
    await kubectl.ok('rollout restart sts/db')
    await kubectl.ok('rollout status sts/db --timeout=120s')
    assert.match(await kubectl.ok('rollout history sts/db'), /REVISION +CHANGE-CAUSE\n1 .*\n2 /)
    await kubectl.ok('rollout undo sts/db')
    await kubectl.ok('rollout status sts/db --timeout=120s')
    await kubectl.ok('scale sts db --replicas=1')
    await cluster.pods('app=db', 1)
    await kubectl.ok('scale sts db --replicas=2')
    await cluster.pods('app=db', 2)
    assert.equal(await cluster.inPod('db-1', 'cat /data/starts'), Array(5).fill('db-1').join('\n'))
    assert.equal(await cluster.inPod('db-0', 'cat /data/starts'), Array(3).fill('db-0').join('\n'))
  })

  test('goes with its claims, as it says', async () => {
    await kubectl.ok('delete sts db --timeout=120s')
    await cluster.pods('app=db', 0)
    await kubectl.ok('wait pvc --all --for=delete --timeout=120s')
  })
})
