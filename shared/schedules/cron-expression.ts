import { type CronField, type CronRange, parseCronField } from './cron-field.ts'
import { ScheduleError } from './schedule-error.ts'

/** Which local times are meant: minutes of the wall clock. */
export interface CronExpression {
  readonly minutes: ReadonlySet<number>
  readonly hours: ReadonlySet<number>
  readonly months: ReadonlySet<number>
  readonly monthDays: CronField
  readonly weekDays: CronField
}

const ranges = {
  minute: { first: 0, last: 59 },
  hour: { first: 0, last: 23 },
  monthDay: { first: 1, last: 31 },
  month: { first: 1, last: 12, names: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'] },
  weekDay: { first: 0, last: 6, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
} as const satisfies Record<string, CronRange>

const shortForms: ReadonlyMap<string, string> = new Map([
  ['@yearly', '0 0 1 1 *'],
  ['@annually', '0 0 1 1 *'],
  ['@monthly', '0 0 1 * *'],
  ['@weekly', '0 0 * * 0'],
  ['@daily', '0 0 * * *'],
  ['@midnight', '0 0 * * *'],
  ['@hourly', '0 * * * *'],
])

/** Five fields, or `@hourly` and its like. The language is that of robfig/cron's standard parser, which upstream uses. @throws ScheduleError */
export function parseCronExpression(text: string): CronExpression {
  if (text === '') throw new ScheduleError('empty spec string')
  if (text.startsWith('@')) {
    const meant = shortForms.get(text)
    if (meant === undefined) throw new ScheduleError(`unrecognized descriptor: ${text}`)
    return parseCronExpression(meant)
  }
  const fields = text.split(/\s+/).filter((field) => field !== '')
  const [minute, hour, monthDay, month, weekDay, ...more] = fields
  if (!minute || !hour || !monthDay || !month || !weekDay || more.length > 0) {
    throw new ScheduleError(`expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`)
  }
  return {
    minutes: parseCronField(minute, ranges.minute).values,
    hours: parseCronField(hour, ranges.hour).values,
    monthDays: parseCronField(monthDay, ranges.monthDay),
    months: parseCronField(month, ranges.month).values,
    weekDays: parseCronField(weekDay, ranges.weekDay),
  }
}

/** Whether a day is meant: where both day fields choose, either will do; where one says `*`, the other decides. */
export function matchesDay({ monthDays, weekDays }: CronExpression, monthDay: number, weekDay: number): boolean {
  const inMonth = monthDays.values.has(monthDay)
  const inWeek = weekDays.values.has(weekDay)
  return monthDays.isAny || weekDays.isAny ? inMonth && inWeek : inMonth || inWeek
}
