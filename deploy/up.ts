/** `make up`: brings the cluster up, step by step, until its nodes are ready and its DNS answers. Safe to call again. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { realClock } from '../shared/time/clock.ts'
import { awaitApiServers, awaitDns, awaitNodes } from './await-cluster.ts'
import { connect } from './cluster-connection.ts'
import { lastLines, runCommand } from './command.ts'
import { writeCurlFiles } from './curl-files.ts'
import { dashboardLink } from './dashboard-link.ts'
import { checksBeforeUp } from './doctor/all-checks.ts'
import { checkPorts } from './doctor/check-ports.ts'
import { findContainers } from './hosts.ts'
import { loadImages } from './load-images.ts'
import { runDeployCommand } from './run-deploy-command.ts'
import { refuseOtherShape } from './shape.ts'
import { CannotGoOn } from './step.ts'
import { whatNext } from './what-next.ts'

/** What deploy/Dockerfile starts from. */
const BASE_IMAGES = ['debian:bookworm-slim', 'registry.k8s.io/pause:3.10']

/** Settled, not raced: when one fails the others' lines are still worth reading. */
async function all(works: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(works)) {
    if (result.status === 'rejected') throw result.reason
  }
}

await runDeployCommand(async ({ settings, steps, print }) => {
  const clock = realClock()
  const started = clock.monotonic()
  const script = async (name: string, args: string[] = []) => {
    const result = await runCommand(join(settings.checkout, 'deploy', name), args, {
      cwd: settings.checkout,
      env: settings.environment,
      onLine: (line) => {
        if (/^(packages|engine|images|build): /.test(line)) print(`    ${line}`)
      },
    })
    if (result.code !== 0) throw new CannotGoOn(lastLines(result.stderr, 20), 'see above')
    return result.stdout.trim()
  }

  await steps.run('Docker Engine', () => script('engine.sh'))
  await refuseOtherShape(settings)
  const before = await findContainers(settings)
  await steps.run('this machine', async (note) => {
    const isRunning = before.some((container) => container.state === 'running')
    if (isRunning) note('the cluster is running: not checked again but for ports')
    // Of a part that is new to a running cluster the port may be taken; those that run have theirs.
    for (const check of isRunning ? [checkPorts] : checksBeforeUp) {
      for (const finding of await check(settings, clock)) {
        if (finding.state === 'failed') throw new CannotGoOn(finding.text, finding.cure ?? '')
      }
    }
  })
  await steps.run('base images', () => script('images.sh', BASE_IMAGES))
  // Where none is there yet, stand-ins compile and packages unpack beside each other.
  await all([
    steps.run('compose', () => script('compose.sh', ['--ensure'])),
    steps.run('public images', () => script('images.sh')),
    steps.run('images of the cluster', () => script('build.sh')),
  ])
  await steps.run('containers', async (note) => {
    const workers = settings.workers ?? (before.filter(({ service }) => service === 'worker').length || 2)
    await script('compose.sh', ['up', '-d', '--scale', `worker=${workers}`])
    note(`${workers} worker ${workers === 1 ? 'host' : 'hosts'}`)
  })

  const images = async (note: (text: string) => void) => {
    const names = (await script('images.sh', ['--list'])).split('\n').filter((name) => !/^(debian|registry)[:.]/.test(name))
    const sent = await loadImages(settings, names, clock)
    if (sent.length > 0) note(sent.join(' '))
  }
  const cluster = async () => {
    const kubeconfig = await steps.run(settings.isHighlyAvailable ? 'API servers ready' : 'API server ready', () =>
      awaitApiServers(settings, clock),
    )
    mkdirSync(dirname(settings.kubeconfig), { recursive: true })
    writeFileSync(settings.kubeconfig, kubeconfig, { mode: 0o600 })
    writeCurlFiles(settings.kubeconfig, kubeconfig)
    const connection = connect(kubeconfig)
    try {
      await steps.run('nodes ready', async (note) => note((await awaitNodes(settings, connection, clock)).join(' ')))
    } finally {
      connection.close()
    }
    await steps.run('DNS answers', () => awaitDns(settings))
  }
  await all([steps.run('images for pods', images), cluster()])
  const link = await dashboardLink(settings, clock)
  print(`\nThe cluster is up, ${((clock.monotonic() - started) / 1000).toFixed(1)} s.\n`)
  print(await whatNext(settings))
  print(`  ${link}   # the dashboard: this link signs you in, once; 'make dashboard' prints another`)
})
