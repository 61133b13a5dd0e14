import type { ContainerConfig } from './container-runtime.ts'

/** What a simulated container does; absent parts are the dullest possible: it starts, runs, and ends when told to. */
export interface Behaviour {
  /** Milliseconds between start and running. */
  startMilliseconds?: number | undefined
  /** Milliseconds until it ends by itself; absent: never. */
  runsFor?: number | undefined
  exitCode?: number | undefined
  oomKilled?: boolean | undefined
  /** Printed when it starts. */
  output?: string | undefined
  /** Does not end on TERM: only the end of the grace period does it. */
  ignoresTerm?: boolean | undefined
  /** Cannot be started at all, with this message. */
  startError?: string | undefined
  /** Copies its input to its output and ends with it. */
  echoesInput?: boolean | undefined
  /** Answers commands run in it; absent: each succeeds and prints nothing. */
  exec?: ((command: readonly string[], input: string) => ExecAnswer) | undefined
}

export interface ExecAnswer {
  exitCode: number
  stdout?: string | undefined
  stderr?: string | undefined
  /** Runs until aborted. */
  never?: boolean | undefined
}

/** Chooses the behaviour of each container when it starts; `config.attempt` tells restarts apart. */
export type Script = (config: ContainerConfig, pod: { namespace: string; name: string; uid: string }) => Behaviour
