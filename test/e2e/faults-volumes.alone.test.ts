/** Data on claims through everything that happens to hosts, and its end with its namespace. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isReady, useCluster } from './cluster.ts'
import { deployCommand } from './faults.ts'

const cluster = await useCluster('faults-volumes')
const { kubectl } = cluster

const writer = `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: data }
spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 10Mi } } }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: writer }
spec:
  replicas: 1
  strategy: { type: Recreate }
  selector: { matchLabels: { app: writer } }
  template:
    metadata: { labels: { app: writer } }
    spec:
      terminationGracePeriodSeconds: 1
      volumes: [{ name: data, persistentVolumeClaim: { claimName: data } }]
      containers:
        - name: main
          image: busybox:1.36
          command: [sleep, '3600']
          volumeMounts: [{ name: data, mountPath: /data }]`

test('host containers are restarted, pods deleted, the namespace deleted: data goes with the last alone', async () => {
  await kubectl.apply(writer)
  const [first] = await cluster.pods('app=writer', 1)
  const node = first?.spec.nodeName ?? ''
  await cluster.inPod(first?.metadata.name ?? '', 'echo kept >/data/mark')
  const path = await kubectl.ok('get pv -o jsonpath={.items[?(@.spec.claimRef.namespace=="faults-volumes")].spec.local.path}')
  assert.match(path, /^\/var\/lib\/kubelet\/persistent-volumes\/pvc-/)
  assert.equal(await cluster.onHost(node, 'cat', `${path}/mark`), 'kept')

  await deployCommand(cluster, 'compose.sh', 'restart')
  await deployCommand(cluster, 'up.ts')
  const [same] = await cluster.pods('app=writer', 1)
  assert.equal(await cluster.inPod(same?.metadata.name ?? '', 'cat /data/mark'), 'kept')

  await kubectl.ok(`delete pod ${same?.metadata.name}`)
  const [second] = await cluster.pods('app=writer', 1, (pod) => isReady(pod) && pod.metadata.uid !== same?.metadata.uid)
  assert.equal(second?.spec.nodeName, node)
  assert.equal(await cluster.inPod(second?.metadata.name ?? '', 'cat /data/mark'), 'kept')

  const name = path.split('/').at(-1) ?? ''
  await kubectl.ok('delete namespace faults-volumes --timeout=90s')
  await kubectl.ok(`wait pv/${name} --for=delete --timeout=60s`)
  assert.equal(await cluster.onHost(node, 'ls', '/var/lib/kubelet/persistent-volumes'), '')
  // The end of the test deletes it, as for every other one.
  await kubectl.ok('create namespace faults-volumes')
})
