/** `make down`: removes the cluster with all its data. `--keep` stops it only; `make up` goes on where it was. */

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { lastLines, runCommand } from './command.ts'
import { removeCurlFiles } from './curl-files.ts'
import { findContainers } from './hosts.ts'
import { removeVolumes, volumesLeftBehind } from './left-behind.ts'
import { runDeployCommand } from './run-deploy-command.ts'
import { asThere } from './shape.ts'
import { CannotGoOn } from './step.ts'

await runDeployCommand(async ({ settings: given, steps, print, args }) => {
  await steps.run('Docker Engine', async () => {
    const result = await runCommand(join(given.checkout, 'deploy/engine.sh'), [], { onLine: (line) => print(`    ${line}`) })
    if (result.code !== 0) throw new CannotGoOn('without an engine nothing can be removed', 'see above')
  })
  const settings = await asThere(given)
  const compose = async (...words: string[]) => {
    const result = await runCommand(join(settings.checkout, 'deploy/compose.sh'), words, {
      cwd: settings.checkout,
      env: settings.environment,
    })
    if (result.code !== 0) throw new CannotGoOn(lastLines(result.stderr, 10), `'deploy/compose.sh ${words.join(' ')}' shows all of it`)
  }
  const containers = await findContainers(settings)
  if (args.includes('--keep')) {
    if (containers.length > 0) await steps.run('stop', () => compose('stop'))
    return print(containers.length > 0 ? '\nStopped; the data is kept. make up goes on where it was.' : '\nThere is no cluster here.')
  }
  await steps.run('containers and networks', async (note) => {
    // What is thrown away needs no grace: a worker would spend it on stopping its pods.
    const running = containers.filter(({ state }) => state === 'running' || state === 'restarting')
    if (running.length > 0) await runCommand('docker', ['kill', ...running.map(({ id }) => id)])
    const leftBehind = await volumesLeftBehind(settings)
    await compose('down', '--volumes', '--remove-orphans')
    await removeVolumes([...new Set([...containers.flatMap(({ volumes }) => volumes), ...leftBehind])])
    note(`${containers.length} ${containers.length === 1 ? 'container' : 'containers'}`)
  })
  rmSync(settings.kubeconfig, { force: true })
  removeCurlFiles(settings.kubeconfig)
})
