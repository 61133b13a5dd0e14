/** Images: pull policies, names that do not exist, programs that are not there, and images of this machine's Docker. */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { outputOf, runCommand } from '../../deploy/command.ts'
import { loadImages } from '../../deploy/load-images.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { useCluster } from './cluster.ts'

const cluster = await useCluster('images')
const { kubectl } = cluster
const own = `${cluster.settings.project}-own:v1`
after(async () => {
  await runCommand('docker', ['rmi', own])
})

const run = (name: string, image: string, policy: string, command = '["sleep", "3600"]') =>
  kubectl.apply(`
apiVersion: v1
kind: Pod
metadata: { name: ${name}, labels: { run: ${name} } }
spec:
  terminationGracePeriodSeconds: 0
  containers: [{ name: main, image: '${image}', imagePullPolicy: ${policy}, command: ${command} }]
`)
const waitingReason = (pod: Pod) => pod.status.containerStatuses?.[0]?.state?.waiting?.reason ?? ''

describe('pull policy', () => {
  test('Always asks the registry each time', async () => {
    await run('always', 'busybox:1.36', 'Always')
    await cluster.pods('run=always', 1)
    await cluster.untilTold('always', /Successfully pulled image "busybox:1.36"/)
  })

  test('IfNotPresent takes what is there', async () => {
    const [there] = await cluster.pods('run=always', 1)
    await kubectl.ok([
      'run',
      'present',
      '--image=busybox:1.36',
      `--overrides={"spec":{"nodeName":"${there?.spec.nodeName}"}}`,
      '--',
      'sleep',
      '3600',
    ])
    await cluster.pods('run=present', 1)
    await cluster.untilTold('present', /Container image "busybox:1.36" already present on machine/)
    await kubectl.ok('delete pod present --now')
  })

  test('Never does not ask at all', async () => {
    await run('never', 'redis:latest-but-not-here', 'Never')
    await cluster.pods('run=never', 1, (pod) => waitingReason(pod) === 'ErrImageNeverPull')
    await cluster.untilTold('never', /is not present with pull policy of Never/)
  })
})

test('an image that does not exist is tried again, less and less often', async () => {
  await run('absent', 'nginx:no-such-version', 'IfNotPresent')
  await cluster.pods('run=absent', 1, (pod) => waitingReason(pod) === 'ErrImagePull')
  await cluster.pods('run=absent', 1, (pod) => waitingReason(pod) === 'ImagePullBackOff')
  await cluster.untilTold('absent', /Failed to pull image "nginx:no-such-version"/)
  await cluster.untilTold('absent', /Back-off pulling image "nginx:no-such-version"/)
  // The pod is put right by a change of its image alone.
  await kubectl.ok('set image pod/absent main=nginx:1.27')
  await cluster.pods('run=absent', 1)
})

test('a name that no image can have', async () => {
  await run('invalid', 'Not A Name', 'IfNotPresent')
  await cluster.pods('run=invalid', 1, (pod) => waitingReason(pod) === 'InvalidImageName')
})

test('a program that is not in the image', async () => {
  await run('program', 'busybox:1.36', 'IfNotPresent', '["/no/such/program"]')
  const ended = (pod: Pod) => {
    const { state, lastState } = pod.status.containerStatuses?.[0] ?? {}
    return (state?.terminated ?? lastState?.terminated)?.reason === 'StartError' || state?.waiting?.reason === 'RunContainerError'
  }
  await cluster.pods('run=program', 1, ended)
  await cluster.untilTold('program', /no such file or directory/)
})

test('an image of this machine, put in by make load, under every pull policy', async () => {
  await outputOf('docker', ['build', '-q', '-t', own, '-'], { input: 'FROM busybox:1.36\nRUN echo made-here > /mark\n', env: process.env })
  assert.deepEqual(await loadImages(cluster.settings, [own], cluster.clock), [own])
  assert.deepEqual(await loadImages(cluster.settings, [own], cluster.clock), [], 'sent once')
  for (const policy of ['Always', 'IfNotPresent']) {
    const name = `own-${policy.toLowerCase()}`
    await run(name, own, policy)
    await cluster.pods(`run=${name}`, 1)
    assert.equal(await cluster.inPod(name, 'cat /mark'), 'made-here')
  }
})
