import { checkLabMachine } from '../../doctor/check-lab-machine.ts'
import { CannotGoOn } from '../../step.ts'
import { defineLabCommand } from '../lab-command.ts'
import { requireMachine } from '../machine/machine-record.ts'

const MARKS = { good: '✓', warning: '!', failed: '✗', unknown: '?' } as const

/** Looks, and changes nothing. */
export const doctor = defineLabCommand({
  name: 'doctor',
  summary: 'says what is wrong on this machine, and the cure',
  settings: {},
  async act(_config, { print, clock }) {
    requireMachine()
    const findings = await checkLabMachine(undefined, () => clock.now())
    for (const { state, text, cure } of findings) {
      print(`${MARKS[state]} ${text}`)
      if (cure !== undefined && state !== 'good') print(`    cure: ${cure}`)
    }
    const failed = findings.filter(({ state }) => state === 'failed').length
    if (failed > 0) throw new CannotGoOn(`${failed} ${failed === 1 ? 'thing is' : 'things are'} wrong here`, 'see above')
  },
})
