/** The text is no schedule; the message is the one upstream's parser gives. The caller decides on the API error. */
export class ScheduleError extends Error {
  override readonly name = 'ScheduleError'
}
