import { CannotGoOn } from '../../step.ts'

/** Why a machine cannot join right now: one sentence, its cure, and whether waiting may cure it by itself. */
export class JoinProblem extends CannotGoOn {
  /** True: the join goes on trying; false: somebody has to do something here first. */
  readonly heals: boolean
  constructor(message: string, cure: string, { heals, cause }: { heals: boolean; cause?: unknown }) {
    super(message, cure, { cause })
    this.heals = heals
  }
}

interface Circumstances {
  readonly host: string
  readonly port: string
}

/** What went wrong between here and the server, in words. Errors are known by their codes, never by their text. */
export function connectionProblem(error: unknown, { host, port }: Circumstances): JoinProblem {
  const at = `${host}:${port}`
  const code = codeOf(error)
  const problem = (message: string, cure: string, heals = true) => new JoinProblem(message, cure, { heals, cause: error })
  switch (code) {
    case 'ECONNREFUSED':
      return problem(
        `nothing listens on port ${port} of ${host}`,
        `is it the right port (6443 unless the server was told another)? On the server: systemctl status coxswain-apiserver`,
      )
    case 'ENETUNREACH':
    case 'EHOSTUNREACH':
    case 'EHOSTDOWN':
      return problem(`this machine has no route to ${host}`, `ip route get ${host} must name an interface; is the machine ${host} on?`)
    case 'ETIMEDOUT':
    case 'ECONNABORTED':
      return problem(
        `${at} does not answer`,
        `a firewall, or a machine that is off: TCP port ${port} of ${host} must be open to this machine`,
      )
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return problem(`the name ${host} leads to no address here`, 'give the address of the server in --server, or an entry in /etc/hosts')
    case 'ECONNRESET':
    case 'EPROTO':
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'HPE_INVALID_CONSTANT':
      return problem(
        `what listens on ${at} speaks no TLS`,
        'is it the right port? The API server listens on 6443 unless it was told another',
      )
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return problem(
        `the server's certificate is not made out to ${host}`,
        `join by the address that the server printed, or run on the server: coxswain-lab upgrade --tls-san=${host}`,
        false,
      )
    case 'CERT_NOT_YET_VALID':
      return problem(`the server's certificate is not valid yet, by this machine's clock`, CLOCK)
    case 'CERT_HAS_EXPIRED':
      return problem(`the server's certificate has expired, by this machine's clock`, CLOCK)
    default:
      return problem(`the server at ${at} cannot be asked: ${error instanceof Error ? error.message : String(error)}`, 'look at the server')
  }
}

const CLOCK = 'set the clock: timedatectl set-ntp true, or date -s; the join goes on by itself'
/** Certificates are made five minutes back, so that much is forgiven. Milliseconds. */
const SKEW = 5 * 60_000

/**
 * A clock that is wrong by more than certificates forgive.
 * @param serverDate the `Date` header of an answer
 */
export function clockProblem(serverDate: string | undefined, now: number): JoinProblem | undefined {
  const theirs = Date.parse(serverDate ?? '')
  if (Number.isNaN(theirs) || Math.abs(now - theirs) <= SKEW) return undefined
  const off = Math.round(Math.abs(now - theirs) / 60_000)
  const length = off < 120 ? `${off} minutes` : off < 48 * 60 ? `${Math.round(off / 60)} hours` : `${Math.round(off / 1440)} days`
  return new JoinProblem(`this machine's clock is ${length} ${now < theirs ? 'behind' : 'ahead of'} the server's`, CLOCK, { heals: true })
}

function codeOf(error: unknown): string {
  for (let one = error; one instanceof Error; one = one.cause) {
    if ('code' in one && typeof one.code === 'string') return one.code
    if (one instanceof AggregateError && one.errors.length > 0) return codeOf(one.errors[0])
  }
  return ''
}
