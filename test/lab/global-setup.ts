/** One lab for all test files of this folder: `--test-global-setup` of node:test, see deploy/test.sh. */
import { bringUpLab, takeDownLab } from './lab-of-tests.ts'

export async function globalSetup(): Promise<void> {
  await bringUpLab()
}

export async function globalTeardown(): Promise<void> {
  await takeDownLab()
}
