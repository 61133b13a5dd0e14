import { test } from 'node:test'
import { rollThrough } from '../harness/set-simulation.ts'

/** One story: `SIMULATION_SEED=17`; more of them: `SIMULATION_SEEDS=500`, longer ones: `SIMULATION_SECONDS=600`. */
const only = process.env['SIMULATION_SEED']
const count = Number(process.env['SIMULATION_SEEDS'] ?? 4)
const seconds = Number(process.env['SIMULATION_SECONDS'] ?? 20)
const seeds = only === undefined ? Array.from({ length: count }, (_, index) => index + 1) : [Number(only)]

for (const seed of seeds) {
  test(`sets are never further from what they should be than they allow, whatever fails meanwhile (seed ${seed})`, (context) =>
    rollThrough(context, seed, seconds))
}
