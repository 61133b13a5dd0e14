/** A line of a container's log. */
export interface LogLine {
  /** In order of arrival. */
  readonly id: number
  /** Which of the sources it is from. */
  readonly source: number
  readonly text: string
}

/** Lines that are kept; the oldest go. */
export const MOST_LINES = 5_000
const MOST_CHARACTERS = 4_000

// Colours and cursor movements of terminals (ECMA-48), which are no words.
const ESCAPES = /\u001b\[[0-?]*[ -/]*[@-~]|\u001b[@-_]/g
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f]/g

/** What is shown of a line: no terminal's signs, and not more than fits the patience. */
export function readableLine(text: string): string {
  const plain = text.slice(0, MOST_CHARACTERS).replaceAll(ESCAPES, '').replaceAll(UNSEEN, '')
  return text.length > MOST_CHARACTERS ? `${plain}…` : plain
}
