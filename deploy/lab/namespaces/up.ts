/** `make lab`: a cluster of machines on this machine, in namespaces. `--down` removes it. */

import { ConfigError, HelpRequested, readConfig } from '../../../shared/process/config.ts'
import { boolean, integer, text } from '../../../shared/process/setting.ts'
import { realClock } from '../../../shared/time/clock.ts'
import { lastLines, outputOf, runCommand } from '../../command.ts'
import { CannotGoOn, printedSteps } from '../../step.ts'
import { ownHome } from '../machine/release.ts'
import { labDown, labKubeconfig, labPool, labUp, SERVER } from './lab.ts'

const settings = {
  nodes: integer('machines besides the server', 3, 1, 100),
  name: text('of the lab; several may run at once', 'lab'),
  down: boolean('removes the lab', false),
}

async function main(): Promise<void> {
  const print = (line: string) => console.log(line)
  const clock = realClock()
  const steps = printedSteps(clock, print)
  const config = readConfig({ name: 'make lab', summary: 'a cluster of machines on this one' }, settings, {
    args: process.argv.slice(2),
    env: {},
  })
  if (process.getuid?.() !== 0) throw new CannotGoOn('machines in namespaces need root', 'sudo make lab')
  if (config.down) return steps.run('remove', () => labDown(config.name))
  const started = clock.monotonic()
  const script = async (name: string, args: string[]) => {
    const result = await runCommand(`${ownHome}/deploy/${name}`, args, { env: process.env })
    if (result.code !== 0) throw new CannotGoOn(lastLines(result.stderr || result.stdout, 10), 'see above')
  }
  await steps.run('programs', () => script('packages.sh', []))
  await steps.run('Docker Engine, images', () => script('images.sh', []))
  const names = (await outputOf(`${ownHome}/deploy/images.sh`, ['--list']))
    .split('\n')
    .filter((name) => !/^(debian|registry)[:.]/.test(name))
  const images = ['registry.k8s.io/pause:3.10', ...names]
  const state = await labUp({ name: config.name, nodes: config.nodes, images }, { steps, clock, print })
  print(`\nThe lab is up, ${((clock.monotonic() - started) / 1000).toFixed(1)} s.\n`)
  print(`  export KUBECONFIG=${labKubeconfig(config.name)}\n  kubectl get nodes -o wide\n`)
  print(`A shell on a machine: deploy/lab/namespaces/shell.sh ${config.name} n1 (or ${SERVER})`)
  print(
    `Pods' services by node port: http://${state.network}.11:30080, Ingresses: http://${state.network}.10, load balancers: addresses of ${labPool(state.network)}\nRemove it: make lab DOWN=1${config.name === 'lab' ? '' : ` NAME=${config.name}`}`,
  )
}

try {
  await main()
} catch (error) {
  process.exitCode = 1
  if (error instanceof HelpRequested) {
    process.exitCode = 0
    console.log(error.message)
  } else if (error instanceof CannotGoOn) console.error(`\n${error.message}\n\nCure: ${error.cure}`)
  else if (error instanceof ConfigError) console.error(error.message)
  else throw error
}
