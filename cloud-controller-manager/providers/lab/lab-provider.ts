import type { ProviderFactory } from '../../provider.ts'
import { AddressPool } from './address-pool.ts'
import { announcement } from './announcement.ts'
import { LabInstances } from './lab-instances.ts'
import { LabLoadBalancers } from './lab-load-balancers.ts'

/** The provider where there is no cloud: machines on one link, and addresses of it that nobody else uses. */
export const createLabProvider: ProviderFactory = ({ loadBalancerPool }, { informers, clock }) => {
  const pool = AddressPool.parse(loadBalancerPool)
  return {
    name: 'lab',
    instances: new LabInstances(),
    loadBalancers: new LabLoadBalancers(informers.of('v1', 'Service'), pool, clock),
    controllers: [announcement(pool)],
  }
}
