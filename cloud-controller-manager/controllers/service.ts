import { hasReason } from '../../shared/errors/status-error.ts'
import { TerminalError } from '../../shared/errors/terminal-error.ts'
import { objectKey } from '../../shared/objects/object.ts'
import { sameJson } from '../../shared/objects/same-json.ts'
import type { LoadBalancerStatus, Service } from '../../shared/openapi/generated/core-v1.ts'
import { defineCloudController, partOf } from '../cloud-controller.ts'
import { balancedHosts, balancerPlan, balancerRequest, CLEANUP_FINALIZER, hasFinalizer } from '../plans/balancer-plan.ts'
import { CannotBalance, TryLater } from '../provider.ts'

/** After a refusal nothing changes soon; what becomes free is noticed at once. */
const REFUSED_PAUSE = 60_000

/**
 * Leads to Services of type LoadBalancer from outside. The finalizer is on a Service before anything is asked of the provider, and leaves it
 * when nothing is left there: whenever this process ends, the next one finds what to go on with. Events are worded as upstream's.
 */
export default defineCloudController({
  name: 'service',
  needs: 'loadBalancers',
  reconciles: ['v1', 'Service'],
  create({ informers, client, events, signal }, { provider }) {
    const balancers = partOf(provider, 'loadBalancers')
    const services = informers.of('v1', 'Service')
    const nodes = informers.of('v1', 'Node')
    /** What the provider was last asked for with success, by Service. Lost with the process: then everything is asked for once more. */
    const done = new Map<string, ReturnType<typeof balancerRequest>>()
    /** What was begun, by Service, so that a provider that takes its time is spoken of once. */
    const begun = new Map<string, string>()
    /** Services that did not get what they want. */
    const refused = new Set<string>()

    return {
      watch(enqueue) {
        let hosts = ''
        nodes.onChange(() => {
          const now = JSON.stringify(balancedHosts(nodes.cache.list()).map(({ metadata, status }) => [metadata.uid, status.addresses]))
          if (now === hosts) return
          hosts = now
          for (const service of services.cache.list()) if (balancerPlan(service) === 'ensure') enqueue(objectKey(service))
        })
        services.onChange((key, current, previous) => {
          const hadSome = (previous?.status.loadBalancer.ingress ?? []).length > 0
          if (!hadSome || sameJson(current?.status.loadBalancer, previous?.status.loadBalancer)) return
          for (const other of refused) if (other !== key) enqueue(other)
        })
      },

      async reconcile(key) {
        const service = services.cache.get(key)
        const plan = service ? balancerPlan(service) : 'leave'
        if (plan !== 'ensure') forget(key)
        if (!service || plan === 'leave') return
        try {
          await (plan === 'ensure' ? ensure(key, service) : remove(service))
          refused.delete(key)
        } catch (error) {
          if (error instanceof TryLater) return { requeueAfterMilliseconds: error.afterMilliseconds }
          if (signal.aborted || hasReason(error, 'Conflict')) throw error
          const what = plan === 'ensure' ? 'ensure' : 'delete'
          const why = error instanceof Error ? error.message : String(error)
          events.record(
            service,
            'Warning',
            'SyncLoadBalancerFailed',
            `Error syncing load balancer: failed to ${what} load balancer: ${why}`,
          )
          if (plan === 'ensure') refused.add(key)
          if (error instanceof CannotBalance) return { requeueAfterMilliseconds: REFUSED_PAUSE }
          if (error instanceof TerminalError) return
          throw error
        }
      },
    }

    function forget(key: string): void {
      done.delete(key)
      begun.delete(key)
      refused.delete(key)
    }

    async function ensure(key: string, service: Service): Promise<void> {
      const hosts = balancedHosts(nodes.cache.list())
      const request = balancerRequest(service, hosts)
      const before = done.get(key)
      const isServed = (service.status.loadBalancer.ingress ?? []).length > 0
      if (isServed && hasFinalizer(service) && sameJson(before, request)) return
      const onlyHosts = isServed && before?.service === request.service && before.hosts !== request.hosts
      if (!onlyHosts && begun.get(key) !== request.service)
        events.record(service, 'Normal', 'EnsuringLoadBalancer', 'Ensuring load balancer')
      begun.set(key, request.service)
      if (hosts.length === 0) {
        events.record(service, 'Warning', 'UnAvailableLoadBalancer', 'There are no available nodes for LoadBalancer')
      }
      const kept = await setFinalizer(service, true)
      const status = await balancers.ensure(kept, hosts, signal)
      await writeStatus(kept, status).catch((error: unknown) => {
        if (hasReason(error, 'Invalid')) balancers.refused?.(kept, status)
        throw error
      })
      done.set(key, request)
      begun.delete(key)
      const [reason, message] = onlyHosts
        ? ['UpdatedLoadBalancer', 'Updated load balancer with new hosts']
        : ['EnsuredLoadBalancer', 'Ensured load balancer']
      events.record(service, 'Normal', reason, message)
    }

    async function remove(service: Service): Promise<void> {
      events.record(service, 'Normal', 'DeletingLoadBalancer', 'Deleting load balancer')
      await balancers.delete(service, signal)
      const cleared = await writeStatus(service, {})
      events.record(service, 'Normal', 'DeletedLoadBalancer', 'Deleted load balancer')
      await setFinalizer(cleared, false)
    }

    /** Under the version that was looked at: a list of finalizers is replaced as a whole. */
    async function setFinalizer(service: Service, isWanted: boolean): Promise<Service> {
      if (hasFinalizer(service) === isWanted) return service
      const { resourceVersion, finalizers = [] } = service.metadata
      const others = finalizers.filter((each) => each !== CLEANUP_FINALIZER)
      const metadata = { resourceVersion, finalizers: isWanted ? [...others, CLEANUP_FINALIZER] : others }
      return patch(service, { metadata })
    }

    async function writeStatus(service: Service, loadBalancer: LoadBalancerStatus): Promise<Service> {
      if (sameJson(service.status.loadBalancer, loadBalancer)) return service
      const { uid } = service.metadata
      return patch(service, { metadata: { uid }, status: { loadBalancer: { ingress: loadBalancer.ingress ?? null } } })
    }

    function patch({ metadata: { namespace, name = '' } }: Service, body: unknown): Promise<Service> {
      return client.patch('v1', 'Service', { namespace, name }, { type: 'merge', subresource: 'status', body }, { signal })
    }
  },
})
