/** One cluster for all test files of this folder: `--setup` of test/run.ts, see deploy/test.sh. */
import { bringUp, takeDown } from './own-cluster.ts'

export async function globalSetup(): Promise<void> {
  await bringUp()
}

export async function globalTeardown(): Promise<void> {
  await takeDown()
}
