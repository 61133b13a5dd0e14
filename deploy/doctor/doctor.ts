/** `make doctor`: looks at this machine and says what would keep a cluster from running here, and the cure. Changes nothing. */
import { runDeployCommand } from '../run-deploy-command.ts'
import { allChecks } from './all-checks.ts'

const MARKS = { good: '✓', warning: '!', failed: '✗', unknown: '?' } as const

await runDeployCommand(async ({ settings, print }) => {
  let failed = 0
  for (const check of allChecks) {
    for (const { state, text, cure } of await check(settings)) {
      print(`${MARKS[state]} ${text.replaceAll('\n', '\n    ')}`)
      if (cure !== undefined && state !== 'good') print(`    cure: ${cure}`)
      if (state === 'failed') failed++
    }
  }
  print(
    failed === 0 ? '\nA cluster can run here.' : `\n${failed} ${failed === 1 ? 'thing keeps' : 'things keep'} a cluster from running here.`,
  )
  if (failed > 0) process.exitCode = 1
})
