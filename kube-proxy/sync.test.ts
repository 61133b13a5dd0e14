import assert from 'node:assert/strict'
import { it } from 'node:test'
import { silentLogger } from '../shared/logging/logger.ts'
import type { Node, Service } from '../shared/openapi/generated/core-v1.ts'
import type { EndpointSlice } from '../shared/openapi/generated/discovery-v1.ts'
import { realClock } from '../shared/time/clock.ts'
import { HandSet } from '../test/harness/hand-set.ts'
import type { Dataplane, ServiceChanges } from './dataplane/dataplane.ts'
import { Sync } from './sync.ts'

/** Remembers what it was asked for; fails when told to. Each call answers the one who waits for it. */
class SimulatedDataplane implements Dataplane {
  failures = 0
  readonly calls: { what: 'replace' | 'update'; names: string[] }[] = []
  #waiting: (() => void) | undefined

  replace(services: ServiceChanges): Promise<void> {
    return this.#call('replace', services)
  }

  update(changes: ServiceChanges): Promise<void> {
    return this.#call('update', changes)
  }

  async remove(): Promise<void> {}

  async until(count: number): Promise<void> {
    while (this.calls.length < count) await new Promise<void>((resolve) => (this.#waiting = resolve))
  }

  async #call(what: 'replace' | 'update', services: ServiceChanges): Promise<void> {
    this.calls.push({ what, names: [...services].map(([name, servers]) => `${name} ${servers.length}`).sort() })
    this.#waiting?.()
    if (this.failures > 0) {
      this.failures -= 1
      throw new Error('the rules were refused')
    }
  }
}

const service = (name: string, clusterIP: string): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default' },
  spec: { clusterIP, ports: [{ port: 80, targetPort: 80 }] },
  status: { loadBalancer: {} },
})

function trial() {
  const services = new HandSet<Service>()
  const slices = new HandSet<EndpointSlice>()
  const dataplane = new SimulatedDataplane()
  const ending = new AbortController()
  const sync = new Sync({
    services,
    slices,
    nodes: new HandSet<Node>(),
    dataplane,
    routes: { apply: async () => {} },
    forget: async () => {},
    nodeLocalAddresses: new Set(['10.96.0.10']),
    nodeName: 'node-1',
    isOutside: () => true,
    clusterCidr: '10.244.0.0/16',
    clock: realClock(),
    log: silentLogger(),
  })
  return { services, slices, dataplane, sync, ending }
}

it('applies everything once, then only what changes, and leaves node-local addresses alone', async () => {
  const { services, dataplane, sync, ending } = trial()
  services.set('default/web', service('web', '10.96.0.7'))
  services.set('default/dns', service('dns', '10.96.0.10'))
  const running = sync.run(ending.signal)
  await dataplane.until(1)
  services.set('default/db', service('db', '10.96.0.8'))
  await dataplane.until(2)
  services.set('default/web', undefined)
  await dataplane.until(3)
  ending.abort()
  await running
  assert.deepEqual(dataplane.calls, [
    { what: 'replace', names: ['default/dns 0', 'default/web 1'] },
    { what: 'update', names: ['default/db 1'] },
    { what: 'update', names: ['default/web 0'] },
  ])
})

it('applies everything anew after a failure, what changed meanwhile included', async () => {
  const { services, dataplane, sync, ending } = trial()
  services.set('default/web', service('web', '10.96.0.7'))
  const running = sync.run(ending.signal)
  await dataplane.until(1)
  dataplane.failures = 1
  services.set('default/db', service('db', '10.96.0.8'))
  await dataplane.until(2)
  await dataplane.until(3)
  ending.abort()
  await running
  assert.deepEqual(dataplane.calls.at(-1), { what: 'replace', names: ['default/db 1', 'default/web 1'] })
  assert.equal(sync.healthy, true)
})
