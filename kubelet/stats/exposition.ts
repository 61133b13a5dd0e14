import { type Labels, labelText } from '../../shared/metrics/metrics.ts'

/** One value of a metric. `at` (milliseconds since the epoch) is when it was measured, where that is not when it is read. */
export interface Sample {
  readonly labels?: Labels
  readonly value: number
  readonly at?: number | undefined
}

/** One metric in Prometheus' text format; none without samples but for its name. */
export function family(name: string, type: 'counter' | 'gauge', help: string, samples: readonly Sample[]): string {
  const head = `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`
  return head + samples.map(({ labels, value, at }) => `${name}${labelText(labels)} ${value}${at === undefined ? '' : ` ${at}`}\n`).join('')
}

/** Nanoseconds of CPU as the seconds that metrics count in. */
export function cpuSeconds(nanoseconds: bigint): number {
  return Number(nanoseconds / 1000n) / 1e6
}
