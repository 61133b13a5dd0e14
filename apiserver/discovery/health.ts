import type { Reply } from '../http/exchange.ts'
import type { RequestInfo } from '../http/request-info.ts'

/** One thing that must be well. */
export interface HealthCheck {
  readonly name: string
  /** Whether a failure makes the server unfit to live on, or only not ready. */
  readonly live: boolean
  /** Undefined: well; else what is wrong. */
  check(): string | undefined
}

/** `ok`, or what is not; `?verbose` lists every check, `?exclude=` leaves some out. 200 or 500, as upstream. */
export function sendHealth(path: string, checks: readonly HealthCheck[], info: RequestInfo, reply: Reply): void {
  const excluded = info.query.getAll('exclude')
  const asked = checks.filter((each) => !excluded.includes(each.name) && (path !== '/livez' || each.live))
  const results = asked.map((each) => ({ name: each.name, problem: each.check() }))
  const failed = results.filter((result) => result.problem !== undefined)
  const what = path.slice(1)
  if (failed.length === 0 && !info.query.has('verbose')) return reply.send(200, 'text/plain; charset=utf-8', 'ok')
  const lines = results.map(({ name, problem }) => (problem === undefined ? `[+]${name} ok` : `[-]${name} failed: ${problem}`))
  const end = failed.length === 0 ? `${what} check passed` : `${what} check failed`
  reply.send(failed.length === 0 ? 200 : 500, 'text/plain; charset=utf-8', `${lines.join('\n')}\n${end}\n`)
}
