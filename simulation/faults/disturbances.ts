import type { Random } from '../../shared/random/random.ts'
import type { SimulatedCluster } from '../simulated-cluster.ts'

/** What happens to every kind of story alike. */
interface Disturbed {
  readonly cluster: SimulatedCluster
  readonly random: Random
}

/** About half of the open connections break; what they carried is lost. */
export async function breakConnections({ cluster, random }: Disturbed): Promise<void> {
  for (const connection of cluster.connections) {
    if (random.fraction() < 0.5) continue
    connection.cut(true)
    connection.cut(false)
  }
}

/** For a while nobody reaches the server. @param most milliseconds */
export async function outOfReach({ cluster, random }: Disturbed, most: number): Promise<void> {
  cluster.cut(true)
  await cluster.clock.advance(Math.floor(random.fraction() * (most + 1)))
  cluster.cut(false)
}
