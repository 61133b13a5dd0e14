import type { connectClient } from '../client/connect.ts'
import type { Logger } from '../logging/logger.ts'
import { realLogger } from '../logging/pino-logger.ts'
import { type Random, systemRandom } from '../random/random.ts'
import { type Clock, realClock } from '../time/clock.ts'
import {
  ConfigError,
  type ConfigOf,
  type ConfigSources,
  HelpRequested,
  type ProgramText,
  readConfig,
  type SettingsTable,
} from './config.ts'
import { type ConfigFileKind, readConfigFile } from './config-file.ts'
import { choice, duration } from './setting.ts'

/** Something that runs until it is stopped. `stop` may be called while `start` is still waiting, and then ends it. */
export interface Service {
  start(): Promise<void>
  stop(): Promise<void>
  /** Settles when the service cannot or will not go on by itself (a lost leadership, a broken store); a rejection is a failure. */
  readonly ended?: Promise<void>
}

/** The real world, made once per process and handed down. */
export interface ProcessTools {
  clock: Clock
  random: Random
  log: Logger
  /** How the API server is reached; absent: over TLS, as the kubeconfig says. Simulated clusters call it in process. */
  connect?: typeof connectClient
}

/** A program: its text, its settings, and how a service is made of them. */
export interface Program<T extends SettingsTable> extends ProgramText {
  settings: T
  /** What its `--config` may hold; absent when it has none. The table of settings then has a path called `config`. */
  configFile?: ConfigFileKind
  create(config: ConfigOf<T>, tools: ProcessTools): Service | Promise<Service>
}

/** Settings every program has. */
const processSettings = {
  logLevel: choice('how much is logged', ['debug', 'info', 'warn', 'error'], 'info'),
  logFormat: choice('lines for people or for machines', ['text', 'json'], 'text'),
  stopTimeout: duration('how long an orderly stop may take before the process ends anyway', 30_000),
} satisfies SettingsTable

/** 0 is an orderly end, 1 a failure, 2 a wrong setting. A second signal ends at once with 128 + its number. */
export type ExitCode = number

/**
 * Runs a program until a signal or its own end. For `main.ts`: `process.exit(await run(program))`.
 * Says why it stops and what it waits for.
 */
export async function run<T extends SettingsTable>(program: Program<T>): Promise<ExitCode> {
  let settings: ConfigOf<typeof processSettings>
  let config: ConfigOf<T>
  let warnings: readonly string[]
  try {
    const sources = { args: process.argv.slice(2), env: process.env }
    const read = await readAllConfig({ ...program, settings: { ...program.settings, ...processSettings } }, sources)
    settings = read.config as ConfigOf<typeof processSettings>
    config = read.config as ConfigOf<T>
    warnings = read.warnings
  } catch (error) {
    if (error instanceof HelpRequested) {
      process.stdout.write(error.message)
      return 0
    }
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`${program.name}: ${error.message}\n`)
    return 2
  }
  const log = realLogger({ level: settings.logLevel, format: settings.logFormat }).child({ service: program.name })
  for (const warning of warnings) log.warn(warning)
  const tools = { clock: realClock(), random: systemRandom(), log }
  return runService(() => program.create(config, tools), tools, settings.stopTimeout)
}

/**
 * Flags and environment, and for the rest the file that they name.
 * @throws ConfigError, HelpRequested
 */
export async function readAllConfig<T extends SettingsTable>(
  program: Omit<Program<T>, 'create'>,
  sources: ConfigSources,
): Promise<{ config: ConfigOf<T>; warnings: readonly string[] }> {
  const config = readConfig(program, program.settings, sources)
  const path = new Map<string, unknown>(Object.entries(config)).get('config')
  if (!program.configFile || typeof path !== 'string') return { config, warnings: [] }
  const file = await readConfigFile(path, program.configFile)
  return { config: readConfig(program, program.settings, { ...sources, file: file.settings }), warnings: file.warnings }
}

async function runService(create: () => Service | Promise<Service>, { clock, log }: ProcessTools, stopTimeout: number): Promise<ExitCode> {
  const end = watchForEnd(log)
  try {
    const service = await create()
    service.ended?.then(
      () => end.because('the service ended by itself', 0),
      (error: unknown) => end.because('the service cannot go on', 1, error),
    )
    const started = service.start().then(
      () => log.info('started'),
      (error: unknown) => end.because('the start failed', 1, error),
    )
    const code = await end.reached
    const late = clock.after(stopTimeout, () => end.force('the orderly stop took too long', 1))
    const slow = clock.every(5_000, () => log.info('still stopping'))
    const stopped = service.stop().then(
      () => started.then(() => code),
      (error: unknown) => {
        log.error('the stop failed', { error })
        return code || 1
      },
    )
    const outcome = await Promise.race([stopped, end.forced])
    late.cancel()
    slow.cancel()
    log.info('stopped', { exitCode: outcome })
    return outcome
  } catch (error) {
    if (error instanceof ConfigError) {
      log.error('a setting is wrong', { why: error.message })
      return 2
    }
    log.error('could not be set up', { error })
    return 1
  } finally {
    end.dispose()
  }
}

const signalNumbers = { SIGINT: 2, SIGTERM: 15 } as const

/** Collects every reason to end: signals, faults nobody caught, the service's own. The first decides, a second signal hurries. */
function watchForEnd(log: Logger) {
  const reached = Promise.withResolvers<ExitCode>()
  const forced = Promise.withResolvers<ExitCode>()
  let ending = false
  const because = (reason: string, code: ExitCode, error?: unknown) => {
    if (ending) {
      if (error !== undefined) log.warn('while stopping', { reason, error })
      return
    }
    ending = true
    if (code === 0) log.info('stopping', { reason })
    else log.error('stopping', { reason, error })
    reached.resolve(code)
  }
  const force = (reason: string, code: ExitCode) => {
    log.error('ending at once', { reason })
    forced.resolve(code)
  }
  const onSignal = (signal: keyof typeof signalNumbers) => {
    if (ending) force(`a second signal (${signal})`, 128 + signalNumbers[signal])
    else because(signal, 0)
  }
  const onFault = (error: unknown) => because('a fault nobody caught', 1, error)
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  process.on('uncaughtException', onFault).on('unhandledRejection', onFault)
  return {
    reached: reached.promise,
    forced: forced.promise,
    because,
    force,
    dispose() {
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
      process.off('uncaughtException', onFault).off('unhandledRejection', onFault)
    },
  }
}
