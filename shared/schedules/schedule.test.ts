import assert from 'node:assert/strict'
import test from 'node:test'
import { seededRandom } from '../random/random.ts'
import { parseSchedule } from './schedule.ts'
import { ScheduleError } from './schedule-error.ts'
import { timeZone } from './time-zone.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

/** The next times of a schedule after an instant, in UTC and without seconds. */
function times(schedule: string, zone: string, after: string, count: number): string[] {
  const parsed = parseSchedule(schedule, zone)
  const found: string[] = []
  let at: number | undefined = Date.parse(after)
  while (found.length < count) {
    at = parsed.next(at)
    if (at === undefined) break
    found.push(new Date(at).toISOString().replace(':00.000Z', 'Z'))
  }
  return found
}

test('five fields: values, ranges, steps, lists, names', () => {
  const cases: [schedule: string, after: string, expected: string[]][] = [
    ['* * * * *', '2026-03-01T00:00:30Z', ['2026-03-01T00:01Z', '2026-03-01T00:02Z']],
    ['0/15 0-3 * * ?', '2026-03-01T03:30:00Z', ['2026-03-01T03:45Z', '2026-03-02T00:00Z', '2026-03-02T00:15Z']],
    ['*/20 * * * *', '2026-03-01T23:41:00Z', ['2026-03-02T00:00Z', '2026-03-02T00:20Z']],
    ['5,10-12 8 * * *', '2026-03-01T08:10:00Z', ['2026-03-01T08:11Z', '2026-03-01T08:12Z', '2026-03-02T08:05Z']],
    ['0 0 1 JAN *', '2026-03-01T00:00:00Z', ['2027-01-01T00:00Z', '2028-01-01T00:00Z']],
    ['30 6-16/4 * * 1-5', '2026-03-06T15:00:00Z', ['2026-03-09T06:30Z', '2026-03-09T10:30Z', '2026-03-09T14:30Z', '2026-03-10T06:30Z']],
    ['0 12 * * Mon,wed', '2026-03-01T00:00:00Z', ['2026-03-02T12:00Z', '2026-03-04T12:00Z', '2026-03-09T12:00Z']],
    // Either of two days that are both chosen; one with a step is chosen, too.
    ['0 0 13 * 5', '2026-02-12T00:00:00Z', ['2026-02-13T00:00Z', '2026-02-20T00:00Z', '2026-02-27T00:00Z', '2026-03-06T00:00Z']],
    ['0 0 */10 * 0', '2026-03-02T00:00:00Z', ['2026-03-08T00:00Z', '2026-03-11T00:00Z', '2026-03-15T00:00Z']],
    ['0 0 13 * *', '2026-02-14T00:00:00Z', ['2026-03-13T00:00Z', '2026-04-13T00:00Z']],
    ['0 0 29 2 *', '2026-03-01T00:00:00Z', ['2028-02-29T00:00Z', '2032-02-29T00:00Z']],
    ['0 0 31 * *', '2026-03-31T00:00:00Z', ['2026-05-31T00:00Z', '2026-07-31T00:00Z']],
    ['59 23 30 2 *', '2026-03-01T00:00:00Z', []],
    [', * * * *', '2026-03-01T00:00:00Z', []],
    ['  1\t1  * * *  ', '2026-03-01T00:00:00Z', ['2026-03-01T01:01Z']],
  ]
  for (const [schedule, after, expected] of cases) {
    assert.deepEqual(times(schedule, 'UTC', after, expected.length || 1), expected, schedule)
  }
})

test('short forms', () => {
  const after = '2026-03-04T05:06:07Z'
  assert.deepEqual(times('@yearly', 'UTC', after, 1), ['2027-01-01T00:00Z'])
  assert.deepEqual(times('@annually', 'UTC', after, 1), ['2027-01-01T00:00Z'])
  assert.deepEqual(times('@monthly', 'UTC', after, 1), ['2026-04-01T00:00Z'])
  assert.deepEqual(times('@weekly', 'UTC', after, 1), ['2026-03-08T00:00Z'])
  assert.deepEqual(times('@daily', 'UTC', after, 1), ['2026-03-05T00:00Z'])
  assert.deepEqual(times('@midnight', 'UTC', after, 1), ['2026-03-05T00:00Z'])
  assert.deepEqual(times('@hourly', 'UTC', after, 2), ['2026-03-04T06:00Z', '2026-03-04T07:00Z'])
  assert.deepEqual(times('@every 1h30m', 'UTC', after, 2), ['2026-03-04T06:36:07.000Z', '2026-03-04T08:06:07.000Z'])
  assert.deepEqual(times('@every 10ms', 'UTC', after, 1), ['2026-03-04T05:06:08.000Z'])
  assert.deepEqual(times('@every 2.9s', 'UTC', after, 1), ['2026-03-04T05:06:09.000Z'])
})

test('when clocks are set forward, what is skipped is not due; when they are set back, what comes twice is due twice', () => {
  // New York: 8 March 2026, 2:00 becomes 3:00 at 7:00 UTC; 1 November, 2:00 becomes 1:00 at 6:00 UTC.
  const cases: [schedule: string, zone: string, after: string, expected: string[]][] = [
    ['30 2 * * *', 'America/New_York', '2026-03-07T06:00:00Z', ['2026-03-07T07:30Z', '2026-03-09T06:30Z']],
    ['30 1 * * *', 'America/New_York', '2026-10-31T12:00:00Z', ['2026-11-01T05:30Z', '2026-11-01T06:30Z', '2026-11-02T06:30Z']],
    ['0 2 * * *', 'America/New_York', '2026-10-31T12:00:00Z', ['2026-11-01T07:00Z', '2026-11-02T07:00Z']],
    ['0 3 * * *', 'America/New_York', '2026-03-07T12:00:00Z', ['2026-03-08T07:00Z', '2026-03-09T07:00Z']],
    ['0 * * * *', 'America/New_York', '2026-03-08T05:30:00Z', ['2026-03-08T06:00Z', '2026-03-08T07:00Z', '2026-03-08T08:00Z']],
    ['30 * * * *', 'America/New_York', '2026-11-01T04:45:00Z', ['2026-11-01T05:30Z', '2026-11-01T06:30Z', '2026-11-01T07:30Z']],
    ['0 9 * * 1-5', 'Europe/Berlin', '2026-03-27T08:00:00Z', ['2026-03-30T07:00Z', '2026-03-31T07:00Z']],
    // Clocks that are set at midnight: Santiago on 5 April 2026 back from 24:00 to 23:00, on 6 September forward from 0:00 to 1:00.
    ['0 0 * * *', 'America/Santiago', '2026-09-05T05:00:00Z', ['2026-09-07T03:00Z']],
    ['30 23 * * *', 'America/Santiago', '2026-04-04T12:00:00Z', ['2026-04-05T02:30Z', '2026-04-05T03:30Z', '2026-04-06T03:30Z']],
    // Lord Howe sets its clocks by half an hour: on 5 April 2026 from 2:00 to 1:30, on 4 October from 2:00 to 2:30.
    ['45 1 * * *', 'Australia/Lord_Howe', '2026-04-04T00:00:00Z', ['2026-04-04T14:45Z', '2026-04-04T15:15Z', '2026-04-05T15:15Z']],
    ['15 2 * * *', 'Australia/Lord_Howe', '2026-10-02T16:00:00Z', ['2026-10-04T15:15Z']],
    // Offsets that are no whole hours, and a day that never was (Samoa had no 30 December 2011).
    ['0 0 * * *', 'Asia/Kathmandu', '2026-03-01T00:00:00Z', ['2026-03-01T18:15Z', '2026-03-02T18:15Z']],
    ['0 12 30 12 *', 'Pacific/Apia', '2011-12-01T00:00:00Z', ['2012-12-29T22:00Z']],
    ['0 12 * * *', 'Pacific/Apia', '2011-12-29T20:00:00Z', ['2011-12-29T22:00Z', '2011-12-30T22:00Z']],
  ]
  for (const [schedule, zone, after, expected] of cases) {
    assert.deepEqual(times(schedule, zone, after, expected.length), expected, `${schedule} in ${zone}`)
  }
})

test('any schedule is due exactly at the minutes whose local clock matches, whatever the zone does to its clocks', () => {
  const random = seededRandom(11)
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random.fraction() * items.length)] as T
  const zones = [
    'Europe/Berlin',
    'America/New_York',
    'America/Santiago',
    'Australia/Lord_Howe',
    'Asia/Kathmandu',
    'Africa/Casablanca',
    'UTC',
  ]
  const changes = ['2026-03-29T00:00Z', '2026-11-01T00:00Z', '2026-09-06T00:00Z', '2026-04-05T00:00Z', '2026-02-15T00:00Z']
  for (let round = 0; round < 60; round++) {
    const zone = pick(zones)
    const text = `${pick(['*', '0', '30', '*/25', '15,45'])} ${pick(['*', '0', '1', '2', '23', '1-3', '*/5'])} ${pick(['*', '*', '1,5,29', '*/2'])} * ${pick(['*', '0', '1-5'])}`
    const start = Date.parse(pick(changes)) + Math.floor((random.fraction() - 0.5) * 2 * DAY)
    const schedule = parseSchedule(text, zone)
    const due: number[] = []
    for (let at = schedule.next(start); at !== undefined && at <= start + 1.5 * DAY; at = schedule.next(at)) due.push(at)
    const [minute, hour, monthDay, , weekDay] = text.split(' ')
    const local = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      minute: 'numeric',
      hour: 'numeric',
      day: 'numeric',
      weekday: 'short',
    })
    const holds = (field: string | undefined, value: number) =>
      (field ?? '').split(',').some((part) => {
        const [span = '', step] = part.split('/')
        const [low, high = low] = span === '*' ? [0, 99] : span.split('-').map(Number)
        return (
          value >= (low ?? 0) &&
          value <= (high ?? 0) &&
          (step === undefined || (value - (field === monthDay && span === '*' ? 1 : (low ?? 0))) % Number(step) === 0)
        )
      })
    const expected: number[] = []
    for (let at = Math.floor(start / MINUTE) * MINUTE + MINUTE; at <= start + 1.5 * DAY; at += MINUTE) {
      const part = Object.fromEntries(local.formatToParts(at).map(({ type, value }) => [type, value]))
      const inWeek = holds(weekDay, ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'].indexOf(part['weekday'] ?? ''))
      const inMonth = holds(monthDay, Number(part['day']))
      const isDay = monthDay === '*' || weekDay === '*' ? inMonth && inWeek : inMonth || inWeek
      if (isDay && holds(hour, Number(part['hour'])) && holds(minute, Number(part['minute']))) expected.push(at)
    }
    assert.deepEqual(due, expected, `${text} in ${zone} from ${new Date(start).toISOString()}`)
  }
})

test("what is no schedule is refused in upstream's words", () => {
  const cases: [schedule: string, message: string][] = [
    ['', 'empty spec string'],
    ['* * * *', 'expected exactly 5 fields, found 4: [* * * *]'],
    ['0 0 * * * *', 'expected exactly 5 fields, found 6: [0 0 * * * *]'],
    ['60 * * * *', 'end of range (60) above maximum (59): 60'],
    ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
    ['* * * * 7', 'end of range (7) above maximum (6): 7'],
    ['5-1 * * * *', 'beginning of range (5) beyond end of range (1): 5-1'],
    ['1-2-3 * * * *', 'too many hyphens: 1-2-3'],
    ['*/2/3 * * * *', 'too many slashes: */2/3'],
    ['*/0 * * * *', 'step of range should be a positive number: */0'],
    ['x * * * *', 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'],
    ['-1 * * * *', 'failed to parse int from : strconv.Atoi: parsing "": invalid syntax'],
    ['*/-2 * * * *', 'negative number (-2) not allowed: -2'],
    [
      '99999999999999999999 * * * *',
      'failed to parse int from 99999999999999999999: strconv.Atoi: parsing "99999999999999999999": value out of range',
    ],
    ['* * * jam *', 'failed to parse int from jam: strconv.Atoi: parsing "jam": invalid syntax'],
    ['@fortnightly', 'unrecognized descriptor: @fortnightly'],
    ['@every', 'unrecognized descriptor: @every'],
    ['@every soon', 'failed to parse duration @every soon: time: invalid duration "soon"'],
    ['@every 5', 'failed to parse duration @every 5: time: missing unit in duration "5"'],
    ['@every 5 m', 'failed to parse duration @every 5 m: time: unknown unit " m" in duration "5 m"'],
    ['@every 99999999999h', 'failed to parse duration @every 99999999999h: time: invalid duration "99999999999h"'],
  ]
  for (const [schedule, message] of cases) {
    assert.throws(() => parseSchedule(schedule), { name: 'ScheduleError', message }, schedule)
  }
})

test('a zone is one of the database, not an offset', () => {
  for (const name of ['UTC', 'Europe/Berlin', 'US/Eastern', 'Etc/GMT+5', 'America/Argentina/Buenos_Aires']) timeZone(name)
  for (const name of ['', 'Mars/Crater', '+01:00', 'Local', '../etc/passwd']) {
    assert.throws(() => timeZone(name), new ScheduleError(`unknown time zone ${name}`), name)
  }
})
