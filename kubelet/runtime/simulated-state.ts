import type { Timer } from '../../shared/time/clock.ts'
import type { ContainerConfig, ContainerStatus, SandboxStatus } from './container-runtime.ts'
import type { Behaviour } from './simulated-behaviour.ts'

export interface LogEntry {
  at: number
  text: string
}

export interface SimulatedContainer {
  status: ContainerStatus
  config: ContainerConfig
  podUid: string
  behaviour: Behaviour
  log: LogEntry[]
  /** Woken at every line and at the end. */
  watchers: Set<() => void>
  /** Ends it by itself. */
  end?: Timer | undefined
}

/** Everything a simulated node remembers: it outlives a simulated kubelet, as an engine does. */
export interface SimulatedState {
  sandboxes: Map<string, SandboxStatus>
  containers: Map<string, SimulatedContainer>
  images: Map<string, { id: string; sizeBytes: number }>
  /** Counts addresses and ids. */
  next: number
}

export function emptySimulatedState(): SimulatedState {
  return { sandboxes: new Map(), containers: new Map(), images: new Map(), next: 1 }
}
