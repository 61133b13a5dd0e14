import assert from 'node:assert/strict'
import { it } from 'node:test'
import { silentLogger } from '../../shared/logging/logger.ts'
import type { Namespace, Node } from '../../shared/openapi/generated/core-v1.ts'
import type { NetworkPolicy } from '../../shared/openapi/generated/networking-v1.ts'
import { manualClock } from '../../simulation/time/manual-clock.ts'
import { HandSet } from '../../test/harness/hand-set.ts'
import { networkPolicy, policyPodBody } from '../../test/harness/policy-bodies.ts'
import { PolicyPlane } from './policy-plane.ts'
import { type PolicyPod, policyPod } from './policy-pod.ts'
import { PolicySync } from './policy-sync.ts'

it('makes a table with the first policy, changes it, makes it anew after a failure, and removes it after the last', async () => {
  const clock = manualClock()
  const texts: string[] = []
  const refusing = { times: 0 }
  const asked = { times: 0 }
  const sets = { policies: new HandSet<NetworkPolicy>(), pods: new HandSet<PolicyPod>(), namespaces: new HandSet<Namespace>() }
  const sync = new PolicySync({
    ...{ policies: sets.policies, nodes: new HandSet<Node>(), nodeName: 'node-1', clock, log: silentLogger() },
    async peers() {
      asked.times += 1
      return sets
    },
    plane: new PolicyPlane({ table: 'policy-test', family: 'IPv4' }, async (text) => {
      texts.push(text)
      refusing.times -= 1
      if (refusing.times >= 0) throw new Error('the rules were refused')
    }),
  })
  const ending = new AbortController()
  const running = sync.run(ending.signal)
  const next = async () => {
    await clock.settle()
    return texts.splice(0)
  }
  const isWhole = (text = '') => text.startsWith('table ip policy-test\ndelete table ip policy-test\ntable ip policy-test {')

  assert.deepEqual([await next(), asked.times, sync.healthy], [['table ip policy-test\ndelete table ip policy-test\n'], 0, true])

  sets.policies.set('x/deny', networkPolicy('x', 'deny', {}))
  const [made, ...more] = await next()
  assert.ok(isWhole(made) && more.length === 0)
  assert.equal(asked.times, 1)

  sets.pods.set('x/a', policyPod(policyPodBody('x', 'a', { address: '10.244.1.2' })))
  const [change, ...none] = await next()
  assert.match(change ?? '', /^add chain ip policy-test ingress_\w+ \{\n {2}drop\n\}\n/)
  assert.match(change ?? '', /add element ip policy-test ingress \{ 10\.244\.1\.2 : jump ingress_\w+ \}/)
  assert.equal(none.length, 0)

  refusing.times = 1
  sets.pods.set('x/b', policyPod(policyPodBody('x', 'b', { address: '10.244.1.3' })))
  assert.equal((await next()).length, 1)
  assert.equal(sync.healthy, false)
  await clock.advance(1_000)
  const [again] = await next()
  assert.ok(isWhole(again) && again?.includes('10.244.1.3') && again.includes('10.244.1.2'))
  assert.equal(sync.healthy, true)

  sets.policies.set('x/deny', undefined)
  assert.deepEqual([await next(), asked.times], [['table ip policy-test\ndelete table ip policy-test\n'], 1])
  ending.abort()
  await running
  assert.deepEqual(await next(), [], 'rules stay when the process ends')
})
