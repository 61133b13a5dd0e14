import { checkLabMachine } from '../../doctor/check-lab-machine.ts'
import { printFindings } from '../../doctor/print-findings.ts'
import { CannotGoOn } from '../../step.ts'
import { defineLabCommand } from '../lab-command.ts'
import { requireMachine } from '../machine/machine-record.ts'

/** Looks, and changes nothing. */
export const doctor = defineLabCommand({
  name: 'doctor',
  summary: 'says what is wrong on this machine, and the cure',
  settings: {},
  async act(_config, { print, clock }) {
    requireMachine()
    const failed = printFindings(await checkLabMachine(undefined, clock), print)
    if (failed > 0) throw new CannotGoOn(`${failed} ${failed === 1 ? 'thing is' : 'things are'} wrong here`, 'see above')
  },
})
