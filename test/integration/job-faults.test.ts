import { test } from 'node:test'
import { liveThroughJobs } from '../harness/job-story.ts'

/** One story: `JOB_SEED=17`; more of them: `JOB_SEEDS=500`, longer ones: `JOB_SECONDS=300`. */
const only = process.env['JOB_SEED']
const count = Number(process.env['JOB_SEEDS'] ?? 6)
const seconds = Number(process.env['JOB_SECONDS'] ?? 30)
const seeds = only === undefined ? Array.from({ length: count }, (_, index) => index + 1) : [Number(only)]

for (const seed of seeds) {
  test(`jobs live through every fault, and each success is counted once (seed ${seed})`, (context) =>
    liveThroughJobs(context, seed, seconds))
}
