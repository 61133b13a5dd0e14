import type { TestContext } from 'node:test'
import type { LabUnderTest } from './use-lab.ts'

/** Looks at the engines of all machines again and again, as nobody in the cluster can. */
export interface TwinWatch {
  /** Ends the watch. What was seen running twice at one time, a line each; the last look is at the state of now. */
  end(): Promise<string[]>
}

/** Watches for two containers of one pod's name on different machines: what a StatefulSet promises never to have. */
export function watchForTwins(lab: Pick<LabUnderTest, 'running' | 'clock'>, prefix: string, t: TestContext): TwinWatch {
  const twins = new Set<string>()
  let isOver = false
  t.after(() => {
    isOver = true
  })
  const look = async () => {
    const where = new Map<string, Set<string>>()
    for (const { machine, pod } of await lab.running()) {
      if (!pod.startsWith(prefix)) continue
      const machines = where.get(pod) ?? new Set()
      where.set(pod, machines.add(machine))
    }
    for (const [pod, machines] of where) if (machines.size > 1) twins.add(`${pod} on ${[...machines].sort().join(' and ')}`)
  }
  const watching = (async () => {
    while (!isOver) {
      // A machine may be switched off between the question and its answer.
      await look().catch(() => undefined)
      await lab.clock.sleep(1_000)
    }
  })()
  return {
    async end() {
      isOver = true
      await watching
      await look()
      return [...twins]
    },
  }
}
