import { parseSchedule } from '../../../shared/schedules/schedule.ts'
import { ScheduleError } from '../../../shared/schedules/schedule-error.ts'
import type { FuzzTarget } from '../fuzz-target.ts'

const AFTER = Date.UTC(2026, 9, 24, 22, 17, 31)

/** Cron schedules, the first word being the time zone: what is due is later, again and again. */
const target: FuzzTarget = {
  seeds: [
    'UTC */5 0-3,22 1,*/2 jan-mar mon',
    'Europe/Berlin @hourly',
    'UTC @every 1h30m',
    'America/New_York 30 1 * * *',
    'Asia/Kathmandu , ? * * *',
  ],
  words: [
    '*',
    '?',
    '/',
    '-',
    ',',
    ' ',
    '@every ',
    '@daily',
    '59',
    '31',
    '0',
    '7',
    'feb',
    'SUN',
    'µs',
    '.5',
    '1e9',
    '+',
    '99999999999999999999',
  ],
  run(input) {
    const [zone = '', ...rest] = input.toString().split(' ')
    try {
      const schedule = parseSchedule(rest.join(' '), zone)
      let at: number | undefined = AFTER
      for (let turn = 0; turn < 3 && at !== undefined; turn++) {
        const next = schedule.next(at)
        if (next !== undefined && !(next > at)) throw new Error(`${next} is not later than ${at}`)
        at = next
      }
    } catch (error) {
      if (!(error instanceof ScheduleError)) throw error
    }
  },
  isExpected: () => false,
}
export default target
