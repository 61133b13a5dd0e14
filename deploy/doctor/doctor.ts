/** `make doctor`: looks at this machine and says what would keep a cluster from running here, and the cure. Changes nothing. */
import { realClock } from '../../shared/time/clock.ts'
import { runDeployCommand } from '../run-deploy-command.ts'
import { asThere } from '../shape.ts'
import { allChecks } from './all-checks.ts'
import { printFindings } from './print-findings.ts'

await runDeployCommand(async ({ settings: given, print }) => {
  const clock = realClock()
  // Without an engine, of which a check speaks, there is no cluster either.
  const settings = await asThere(given).catch(() => given)
  let failed = 0
  for (const check of allChecks) failed += printFindings(await check(settings, clock), print)
  print(
    failed === 0 ? '\nA cluster can run here.' : `\n${failed} ${failed === 1 ? 'thing keeps' : 'things keep'} a cluster from running here.`,
  )
  if (failed > 0) process.exitCode = 1
})
