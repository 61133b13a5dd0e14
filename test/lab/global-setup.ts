/** One lab for all test files of this folder: `--setup` of test/run.ts, see deploy/test.sh. */
import { bringUpLab, takeDownLab } from './lab-of-tests.ts'

export async function globalSetup(): Promise<void> {
  await bringUpLab()
}

export async function globalTeardown(): Promise<void> {
  await takeDownLab()
}
