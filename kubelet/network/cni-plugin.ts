import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { join } from 'node:path'

/** What a plugin is asked to do, in the variables of the CNI specification. */
export interface CniCall {
  command: 'ADD' | 'DEL'
  containerId: string
  /** Empty where the namespace has gone: plugins then free what they hold elsewhere. */
  netns: string
  ifName: string
  args: Record<string, string>
}

/** The part of a plugin's result that somebody reads; the rest goes on to the next plugin untouched. */
export interface CniResult {
  ips?: { address: string }[] | undefined
  [field: string]: unknown
}

/** A plugin said no. `code` is the specification's. */
export class CniError extends Error {
  override readonly name: string = 'CniError'
  readonly code: number | undefined
  constructor(message: string, code: number | undefined, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** The plugin's program is nowhere, so it cannot have done anything that needs undoing. */
export class MissingPluginError extends CniError {}

/** Where iptables and friends live on every distribution; services often start without the sbin folders. */
const PATH = '/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin'

/** The plugin's program in the first folder that has it. @throws MissingPluginError */
export async function findPlugin(type: string, folders: readonly string[]): Promise<string> {
  for (const folder of folders) {
    const path = join(folder, type)
    const runs = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (runs) return path
  }
  throw new MissingPluginError(`failed to find plugin ${JSON.stringify(type)} in path [${folders.join(' ')}]`, undefined)
}

/** Runs one plugin with its configuration on stdin; resolves with its result, `{}` where it prints none. @throws CniError */
export async function runPlugin(
  folders: readonly string[],
  config: { type: string } & Record<string, unknown>,
  call: CniCall,
  signal: AbortSignal,
): Promise<CniResult> {
  const program = await findPlugin(config.type, folders)
  const env = {
    PATH,
    CNI_COMMAND: call.command,
    CNI_CONTAINERID: call.containerId,
    CNI_NETNS: call.netns,
    CNI_IFNAME: call.ifName,
    CNI_PATH: folders.join(':'),
    CNI_ARGS: Object.entries(call.args)
      .map(([key, value]) => `${key}=${value}`)
      .join(';'),
  }
  const { code, stdout, stderr } = await run(program, env, JSON.stringify(config), signal)
  const answer = parsed(stdout)
  if (code !== 0) {
    const said = typeof answer?.['msg'] === 'string' ? answer['msg'] : stdout.trim() || stderr.trim() || `exit code ${code}`
    const details = typeof answer?.['details'] === 'string' && answer['details'] ? `; ${answer['details']}` : ''
    throw new CniError(
      `plugin type=${JSON.stringify(config.type)} failed (${call.command.toLowerCase()}): ${said}${details}`,
      numberOf(answer?.['code']),
    )
  }
  if (stdout.trim() === '') return {}
  if (!answer) throw new CniError(`plugin ${config.type} printed no JSON`, undefined)
  return answer
}

function run(
  program: string,
  env: Record<string, string>,
  input: string,
  signal: AbortSignal,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [], { env, signal, stdio: ['pipe', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-2000)
    })
    child.on('error', (error) => reject(signal.aborted ? signal.reason : error))
    child.on('close', (code) => resolve({ code, stdout, stderr }))
    // A plugin that ends before it has read its input is judged by its exit code.
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}

function parsed(text: string): CniResult | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as CniResult) : undefined
  } catch {
    return undefined
  }
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}
