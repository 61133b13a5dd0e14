import { test } from 'node:test'
import { liveThrough } from '../harness/simulation.ts'

/** One story: `SIMULATION_SEED=17`; more of them: `SIMULATION_SEEDS=500`, longer ones: `SIMULATION_SECONDS=600`. */
const only = process.env['SIMULATION_SEED']
const count = Number(process.env['SIMULATION_SEEDS'] ?? 8)
const seconds = Number(process.env['SIMULATION_SECONDS'] ?? 40)
const seeds = only === undefined ? Array.from({ length: count }, (_, index) => index + 1) : [Number(only)]

for (const seed of seeds) {
  test(`a cluster lives through its faults, and ends as it was asked to be (seed ${seed})`, (context) =>
    liveThrough(context, seed, seconds))
}
