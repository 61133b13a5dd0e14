import type { Clock } from '../../shared/time/clock.ts'
import type { Kubectl } from '../harness/kubectl.ts'

interface Worst {
  /** Milliseconds from the first command that failed to the first one after it that did not. */
  readonly failing: number
  /** What the command that began that said. */
  readonly said: string
  /** The longest command that worked, in milliseconds. */
  readonly took: number
}

/** Commands one after the other for as long as it runs, as of a person who does not wait. */
export interface SteadyKubectl {
  /** Since it was asked last. */
  worst(): Worst
  stop(): Promise<{ count: number; worst: Worst }>
}

const NONE: Worst = { failing: 0, said: '', took: 0 }
const worse = (a: Worst, b: Worst): Worst => ({ ...(b.failing > a.failing ? b : a), took: Math.max(a.took, b.took) })

/** Reads and writes the ConfigMap `steady`, again and again. */
export function steadyKubectl(kubectl: Kubectl, clock: Clock): SteadyKubectl {
  let isOver = false
  let count = 0
  let [recent, ever] = [NONE, NONE]
  const note = (seen: Worst) => {
    recent = worse(recent, seen)
    ever = worse(ever, seen)
  }
  const running = (async () => {
    let failing: { readonly since: number; readonly said: string } | undefined
    while (!isOver) {
      const began = clock.monotonic()
      const round = ++count
      const write = ['annotate', 'configmap', 'steady', `round=${round}`, '--overwrite']
      const { code, stderr } = await kubectl.run(round % 2 === 0 ? write : ['get', 'configmap', 'steady'])
      const now = clock.monotonic()
      // As it stands: one that goes on failing is seen before it ends.
      if (code !== 0) failing ??= { since: now, said: stderr }
      if (failing) note({ failing: (code === 0 ? began : now) - failing.since, said: failing.said, took: 0 })
      if (code === 0) {
        failing = undefined
        note({ ...NONE, took: now - began })
      }
    }
  })()
  return {
    worst() {
      const answer = recent
      recent = NONE
      return answer
    },
    async stop() {
      isOver = true
      await running
      return { count, worst: ever }
    },
  }
}
