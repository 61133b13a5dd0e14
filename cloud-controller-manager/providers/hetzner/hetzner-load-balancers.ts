import type { LoadBalancerStatus, Node, Service } from '../../../shared/openapi/generated/core-v1.ts'
import { CannotBalance, type LoadBalancers, TryLater } from '../../provider.ts'
import { type HetznerBalancer, parseBalancer } from './balancer.ts'
import { balancerSteps, creation, nameFor, UID_LABEL, usesProxyProtocol, wantedBalancer } from './balancer-steps.ts'
import { type HetznerApi, HetznerError } from './hetzner-api.ts'
import type { HetznerInstances } from './hetzner-instances.ts'

export interface BalancerDefaults {
  readonly location: string
  readonly network: number | undefined
}

/** Refusals that waiting does not change, or that only a person can change. */
const REFUSALS = ['invalid_input', 'resource_limit_exceeded', 'protected', 'forbidden', 'token_readonly']

/**
 * One load balancer of the Hetzner Cloud for each Service, found by a label with the Service's uid, or by its name, which is made of the uid:
 * names are unique in a project. So a process that ended while it made one finds it, and a list that is behind makes no second one.
 */
export class HetznerLoadBalancers implements LoadBalancers {
  readonly #api: HetznerApi
  readonly #instances: HetznerInstances
  readonly #defaults: BalancerDefaults

  constructor(api: HetznerApi, instances: HetznerInstances, defaults: BalancerDefaults) {
    this.#api = api
    this.#instances = instances
    this.#defaults = defaults
  }

  async find(service: Service, signal: AbortSignal): Promise<LoadBalancerStatus | undefined> {
    const [balancer] = await this.#of(service, signal)
    return balancer && statusOf(balancer, service)
  }

  async ensure(service: Service, nodes: readonly Node[], signal: AbortSignal): Promise<LoadBalancerStatus> {
    const servers = await Promise.all(nodes.map((node) => this.#instances.find(node, signal)))
    const wanted = wantedBalancer(
      service,
      servers.flatMap((server) => server?.id ?? []),
      this.#defaults,
    )
    try {
      let [balancer] = await this.#of(service, signal)
      if (!balancer) {
        await this.#api.write('POST', '/load_balancers', creation(wanted), signal)
        balancer = (await this.#of(service, signal))[0]
        if (!balancer) throw new TryLater('the load balancer was made and is not to be seen yet', 2_000)
      }
      const path = `/load_balancers/${balancer.id}`
      if (balancer.labels[UID_LABEL] !== wanted.uid) {
        await this.#api.write('PUT', path, { labels: { ...balancer.labels, [UID_LABEL]: wanted.uid } }, signal)
      }
      const steps = balancerSteps(wanted, balancer)
      for (const { action, body } of steps) await this.#step(`${path}/actions/${action}`, body, signal)
      const done = steps.length === 0 ? balancer : await this.#api.get(path, 'load_balancer', parseBalancer, signal)
      return statusOf(done, service)
    } catch (error) {
      // Somebody (we, a moment ago) has made it: lists show it soon.
      if (error instanceof HetznerError && error.code === 'uniqueness_error') throw new TryLater(error.message, 2_000, { cause: error })
      if (error instanceof HetznerError && REFUSALS.includes(error.code)) throw new CannotBalance(error.message, { cause: error })
      throw error
    }
  }

  async delete(service: Service, signal: AbortSignal): Promise<void> {
    for (const { id } of await this.#of(service, signal)) {
      try {
        await this.#api.write('DELETE', `/load_balancers/${id}`, undefined, signal)
      } catch (error) {
        if (!(error instanceof HetznerError && error.status === 404)) throw error
      }
    }
  }

  /** What was done already when an answer got lost is done. */
  async #step(path: string, body: unknown, signal: AbortSignal): Promise<void> {
    try {
      await this.#api.write('POST', path, body, signal)
    } catch (error) {
      const isDone =
        error instanceof HetznerError &&
        ['target_already_defined', 'source_port_already_used', 'load_balancer_already_attached'].includes(error.code)
      // What it is by now is looked at anew.
      if (isDone) throw new TryLater(error.message, 1_000, { cause: error })
      throw error
    }
  }

  /** The load balancers of a Service, the first of them the one that is used. Lists may be behind, a name is asked for by itself. */
  async #of({ metadata: { uid = '' } }: Service, signal: AbortSignal): Promise<HetznerBalancer[]> {
    const list = (query: Readonly<Record<string, string>>) =>
      this.#api.list('/load_balancers', 'load_balancers', query, parseBalancer, signal)
    const labelled = await list({ label_selector: `${UID_LABEL}=${uid}` })
    const found = labelled.length > 0 ? labelled : await list({ name: nameFor(uid) })
    return found.sort((one, other) => one.id - other.id)
  }
}

/** With the PROXY protocol pods must not take the short way: their connections would lack it (KEP-1860). */
function statusOf({ ipv4, ipv6 }: HetznerBalancer, service: Service): LoadBalancerStatus {
  const ipMode = usesProxyProtocol(service) ? 'Proxy' : 'VIP'
  return { ingress: [ipv4, ipv6].flatMap((ip) => (ip === undefined ? [] : [{ ip, ipMode }])) }
}
