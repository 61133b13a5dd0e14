/**
 * Prints this worker's node name and the name of its network, a line each. The node name is `<service>-<number>`, as compose numbers its replicas (`worker-1`), read from the name the
 * container has on its network. Falls back to the host name, which for a container is its id.
 *
 * Compose 1 calls the container `project_worker_1`, compose 2 `project-worker-1`. The question goes straight to Docker's resolver:
 * a lookup by the C library would be answered by /etc/hosts, with the container's id.
 */
import { Resolver } from 'node:dns/promises'
import { hostname, networkInterfaces } from 'node:os'

const DOCKER_RESOLVER = '127.0.0.11'

async function containerName(address: string): Promise<string | undefined> {
  const resolver = new Resolver({ timeout: 1000, tries: 3 })
  resolver.setServers([DOCKER_RESOLVER])
  const question = `${address.split('.').reverse().join('.')}.in-addr.arpa`
  const answers = (await resolver.resolve(question, 'PTR')) as string[]
  return answers[0]
}

function nodeName(fullName: string): string | undefined {
  const label = fullName.split('.')[0] ?? ''
  const match = /(?:^|[-_])([a-z0-9]+)[-_](\d+)$/i.exec(label)
  return match ? `${match[1]}-${match[2]}`.toLowerCase() : undefined
}

const addresses = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .filter((entry) => entry.family === 'IPv4' && !entry.internal)
  .map((entry) => entry.address)

for (const address of addresses) {
  try {
    const full = await containerName(address)
    const name = full === undefined ? undefined : nodeName(full)
    if (name !== undefined) {
      console.log(`${name}\n${full?.split('.').slice(1).join('.')}`)
      process.exit(0)
    }
  } catch (error) {
    console.error(`node-name: the name of ${address} is not known: ${error instanceof Error ? error.message : String(error)}`)
  }
}
console.log(hostname().toLowerCase())
