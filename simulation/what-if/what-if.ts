import { spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { connectClient } from '../../shared/client/connect.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { orAborted } from '../../shared/time/or-aborted.ts'
import { jumpOf } from './clock-path.ts'
import { settings, type WhatIfConfig } from './config.ts'
import { type ClusterCopy, copyCluster } from './copy-cluster.ts'
import { createFork, type Fork, type ForkTools } from './create-fork.ts'
import { forecastText } from './forecast-text.ts'
import { readingTransport } from './reading-transport.ts'

export interface Console {
  readonly input: Readable
  /** The forecast and nothing else. */
  readonly output: Writable
  /** What is going on. */
  readonly progress: Writable
}

const COMMANDS = 'speed N · jump 10m · dies NODE · report · quit'

/** Copies the live cluster, lets something happen to the copy, prints what became of it. Answers the exit code: that of the command. */
export async function whatIf(config: WhatIfConfig, tools: Omit<ForkTools, 'fail'>, console: Console, end: AbortSignal): Promise<number> {
  const failed = Promise.withResolvers<never>()
  failed.promise.catch(() => {}) // whoever waits for something is told
  const copy = await copyLive(config, tools.outside, end)
  const fork = await createFork(copy, config, { ...tools, fail: failed.reject })
  const print = async (done: readonly string[]) => {
    const forecast = await fork.forecast(done)
    console.output.write(config.output === 'json' ? `${JSON.stringify(forecast, null, 2)}\n` : forecastText(forecast))
  }
  try {
    end.throwIfAborted()
    const done: string[] = []
    for (const name of config.nodeDies) {
      await fork.loseNode(name)
      done.push(`${name} dies`)
    }
    fork.pacer.setSpeed(config.speed)
    if (config.run === undefined && config.nodeDies.length === 0) {
      await Promise.race([serve(fork, console, print, end), failed.promise])
      return 0
    }
    const code =
      config.run === undefined ? 0 : await Promise.race([orAborted(runCommand(config.run, fork, console, end), end), failed.promise])
    if (config.run !== undefined) done.push(`${config.run}${code === 0 ? '' : ` (exit code ${code})`}`)
    fork.pacer.setSpeed(0)
    await orAborted(fork.pacer.jump(config.for), end)
    await print(done)
    return code
  } finally {
    await fork.stop()
  }
}

/** The connection to the live cluster is closed when its copy is made. */
async function copyLive({ kubeconfig, namespaces, maxBytes }: WhatIfConfig, clock: Clock, end: AbortSignal): Promise<ClusterCopy> {
  const live = connectClient({ kubeconfig, clock, userAgent: 'coxswain-what-if' })
  try {
    return await copyCluster(readingTransport(live.transport, end), { namespaces, maxBytes, now: clock.now() })
  } finally {
    live.close()
  }
}

/** Time passes meanwhile, or what the command waits for would never come. */
function runCommand(command: string, fork: Fork, { progress }: Console, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, KUBECONFIG: fork.kubeconfig, KUBECACHEDIR: join(dirname(fork.kubeconfig), 'cache') }
    const child = spawn('/bin/sh', ['-c', command], { env, stdio: ['ignore', 'pipe', 'pipe'], signal })
    child.stdout.pipe(progress, { end: false })
    child.stderr.pipe(progress, { end: false })
    child.on('error', reject)
    child.on('close', (code) => resolve(code ?? 1))
  })
}

/** The fork is there for whoever has its kubeconfig, and for the commands of a person, until the input ends. */
async function serve(
  fork: Fork,
  { input, progress }: Console,
  print: (done: readonly string[]) => Promise<void>,
  end: AbortSignal,
): Promise<void> {
  progress.write(`A fork of the cluster is at ${fork.url}\n\n  export KUBECONFIG=${fork.kubeconfig}\n\n${COMMANDS}\n`)
  const lines = createInterface({ input, signal: end })
  for await (const line of lines) {
    const [word = '', argument = ''] = line.trim().split(/\s+/)
    if (word === 'quit') break
    try {
      await orAborted(carryOut(fork, word, argument, print), end)
      if (word !== 'report' && word !== '') progress.write(`${paceText(fork)}\n`)
    } catch (error) {
      progress.write(`${error instanceof Error ? error.message : String(error)}\n`)
    }
  }
  lines.close()
}

async function carryOut(fork: Fork, word: string, argument: string, print: (done: readonly string[]) => Promise<void>): Promise<void> {
  if (word === 'jump') return fork.pacer.jump(jumpOf(argument))
  if (word === 'dies') return fork.loseNode(argument)
  if (word === 'report') return print([])
  if (word === 'speed') return fork.pacer.setSpeed(settings.speed.parse(argument))
  if (word !== '') throw new Error(`${JSON.stringify(word)} is none of: ${COMMANDS}`)
}

function paceText({ pacer }: Fork): string {
  const { time, speed } = pacer.pace
  return `${new Date(time).toISOString()}, ${speed === 0 ? 'time stands still' : `${speed} seconds a second`}`
}
