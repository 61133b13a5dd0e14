import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { type CommandResult, outputOf, runCommand } from '../../deploy/command.ts'

/** Longer than any `--timeout` that tests give: kubectl has no limit of its own for an answer. A Go program says at SIGQUIT what it waits for. */
const LIMIT = { timeout: 200_000, killSignal: 'SIGQUIT' } as const
const CHECKOUT = resolve(import.meta.dirname, '../..')

/** How one call differs from the others. */
export interface KubectlOptions {
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
}

/** The real kubectl, talking to one cluster in one namespace. */
export interface Kubectl {
  readonly program: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly namespace: string
  /** Runs it whatever comes of it. */
  run(args: readonly string[], options?: KubectlOptions): Promise<CommandResult>
  /** What it prints, without the last line end; the test fails when it does not end with 0. Arguments as in a shell, without quoting. */
  ok(args: string | readonly string[], options?: KubectlOptions): Promise<string>
  /** What it says when it ends with another code than 0; the test fails when it ends with 0. */
  fails(args: string | readonly string[], options?: KubectlOptions): Promise<string>
  /** Applies a manifest: YAML or JSON text. */
  apply(manifest: string): Promise<string>
  /** Leaves it running; kill it. Its outputs are pipes. */
  start(args: string | readonly string[], options?: Pick<KubectlOptions, 'env'>): ChildProcess
  /** The same in another namespace. */
  in(namespace: string): Kubectl
}

/** Where kubectl is on this machine; fetched from Debian where there is none. @throws CommandFailed saying how to get one */
export async function findKubectl(): Promise<string> {
  return outputOf(resolve(CHECKOUT, 'deploy/kubectl.sh'), [], { env: process.env })
}

/** A kubectl for a kubeconfig. */
export function kubectlFor(program: string, kubeconfig: string, namespace = 'default'): Kubectl {
  // No colours, no pager, an own cache of discovery: nothing of the person's at this machine changes what a test sees.
  const environment = { ...process.env, KUBECONFIG: kubeconfig, KUBECACHEDIR: `${kubeconfig}.cache`, TERM: 'dumb' }
  const words = (args: string | readonly string[]) => (typeof args === 'string' ? args.split(' ').filter((word) => word !== '') : args)
  const complete = (args: string | readonly string[]) => ['--namespace', namespace, ...words(args)]
  const run = (args: string | readonly string[], { input, env }: KubectlOptions = {}) =>
    runCommand(program, complete(args), { env: { ...environment, ...env }, ...LIMIT, ...(input === undefined ? {} : { input }) })
  const shown = (args: string | readonly string[], result: CommandResult) =>
    `kubectl ${words(args).join(' ')}: exit code ${result.code}\n${result.stdout}\n${result.stderr}`
  return {
    program,
    environment,
    namespace,
    run,
    async ok(args, options) {
      const result = await run(args, options)
      assert.equal(result.code, 0, shown(args, result))
      return result.stdout.trimEnd()
    },
    async fails(args, options) {
      const result = await run(args, options)
      assert.notEqual(result.code, 0, shown(args, result))
      return result.stderr.trimEnd()
    },
    async apply(manifest) {
      return this.ok('apply -f -', { input: manifest })
    },
    start: (args, { env } = {}) => spawn(program, complete(args), { env: { ...environment, ...env }, stdio: ['pipe', 'pipe', 'pipe'] }),
    in: (other) => kubectlFor(program, kubeconfig, other),
  }
}
