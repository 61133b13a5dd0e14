import type { Query } from './message/query.ts'

/** One question and what became of it. */
export interface Answered {
  query: Query
  overTcp: boolean
  /** Address of who asked, where it is known. */
  client: string | undefined
  answer: Buffer
  seconds: number
}

/** Who counts or writes down what is answered. */
export interface Observer {
  answered(one: Answered): void
  /** A message that is no query to us. */
  unreadable(): void
}
