/** Asks a DNS server for a name's address until it gives one: `ask-dns.ts SERVER NAME MILLISECONDS`. Exit code 1 when the time is over. */
import { Resolver } from 'node:dns/promises'
import { setTimeout as sleep } from 'node:timers/promises'

const [server = '', name = '', patience = '60000'] = process.argv.slice(2)
const deadline = performance.now() + Number(patience)
let problem = ''
while (performance.now() < deadline) {
  const resolver = new Resolver({ timeout: 500, tries: 1 })
  resolver.setServers([server])
  try {
    console.log((await resolver.resolve4(name)).join(' '))
    process.exit(0)
  } catch (error) {
    problem = error instanceof Error ? error.message : String(error)
    await sleep(50)
  }
}
console.error(problem)
process.exit(1)
