import { addressRun } from '../../../shared/addresses/address-run.ts'
import { ConfigError } from '../../../shared/process/config.ts'
import { list, port } from '../../../shared/process/setting.ts'
import { DEFAULT_DOORS, type Doors } from './machine-record.ts'

/** Settings of the commands that say how the cluster is reached from outside; what is not said stays as it was. */
export const doorSettings = {
  loadBalancerPool: list(
    'addresses of the machines’ link that nobody else is given, for Services of type LoadBalancer, e.g. 192.168.1.240/28',
  ),
  httpPort: port(`port of this machine on which Ingresses are served; 0: as before, at first ${DEFAULT_DOORS.httpPort}`, 0),
  httpsPort: port(`the same for HTTPS; 0: as before, at first ${DEFAULT_DOORS.httpsPort}`, 0),
}

interface DoorWish {
  readonly loadBalancerPool: readonly string[]
  readonly httpPort: number
  readonly httpsPort: number
}

/** Pure: what is wished for over what was before. @throws ConfigError naming the part of the pool that is no range */
export function doorsOf({ loadBalancerPool: pool, httpPort, httpsPort }: DoorWish, before: Doors = DEFAULT_DOORS): Doors {
  for (const part of pool) {
    if (addressRun(part) === undefined)
      throw new ConfigError(
        `--load-balancer-pool: ${JSON.stringify(part)} is no range such as 192.168.1.240/28 or 192.168.1.240-192.168.1.250`,
      )
  }
  return {
    httpPort: httpPort === 0 ? before.httpPort : httpPort,
    httpsPort: httpsPort === 0 ? before.httpsPort : httpsPort,
    pool: pool.length === 0 ? before.pool : pool,
  }
}

/** Pure: the ports of Ingresses that the machine does not serve yet, by the setting that gives each. */
export function newPorts(doors: Doors, before: Doors | undefined): Record<string, number> {
  const { httpPort, httpsPort } = doors
  return {
    ...(httpPort === before?.httpPort ? {} : { '--http-port': httpPort }),
    ...(httpsPort === before?.httpsPort ? {} : { '--https-port': httpsPort }),
  }
}
